"""Ctrl-C, Ctrl-backslash, SIGTERM and SIGHUP end a jam cleanly, whenever they come.

This module is imported before anything slow, so that a signal during those imports is kept; it
therefore imports next to nothing.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from typing import Self


class StopSignals:
    """Context manager that keeps a signal to stop until something can be stopped.

    A second signal before `call` raises KeyboardInterrupt, because whatever is being opened may
    hang. Ctrl-Z is ignored in this context: a suspended jamd would leave its notes sounding, and
    react to nothing until it is resumed.

    Attributes:
        asked: Whether a signal has come.
    """

    def __init__(self) -> None:
        self.asked = False
        self._stop: Callable[[], None] | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in _numbers():
            self._before[number] = signal.signal(number, self._hear)
        if sys.platform != "win32":
            self._before[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def call(self, stop: Callable[[], None]) -> None:
        """Call `stop` on each signal from now on, and at once if one has come already."""
        self._stop = stop
        if self.asked:
            stop()

    def _hear(self, number: int, frame: object) -> None:  # noqa: ARG002 - as signal calls it
        if sys.platform != "win32" and number == signal.SIGQUIT:
            signal.signal(number, signal.SIG_DFL)  # a second one kills a jamd that cannot stop
        if self._stop is not None:
            self._stop()
        elif self.asked:
            raise KeyboardInterrupt
        self.asked = True


def _numbers() -> Iterator[int]:
    """Those of Ctrl-C, a service manager, Ctrl-backslash and a closed window (not under nohup)."""
    yield from (signal.SIGINT, signal.SIGTERM)
    if sys.platform != "win32":
        yield signal.SIGQUIT
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            yield signal.SIGHUP
