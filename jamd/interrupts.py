"""What Ctrl-C, SIGTERM and a panic mean while a command gets ready, and while it works.

`jamd` imports this first, so at its top it imports only what Python has imported already; the rest
is imported where it is used.
"""

from __future__ import annotations

import os

INTERRUPTED = 130
"""What a shell reports for SIGINT."""


class ending_at_once:  # noqa: N801 - a context manager, as contextlib has them
    """As a context: Ctrl-C ends the process silently, with status `INTERRUPTED`.

    For imports, when nothing is open yet: an interrupted import may print anything, or crash.
    """

    def __enter__(self) -> None:
        import signal

        self._before = signal.getsignal(signal.SIGINT)
        if self._before is signal.default_int_handler:  # it is ignored in background jobs
            signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))

    def __exit__(self, *_: object) -> None:
        import signal

        signal.signal(signal.SIGINT, self._before)


class deaf_to_panic:  # noqa: N801
    """As a context: SIGUSR1, a panic, is ignored while nothing sounds, and does not end jamd.

    Args:
        wanted: Whether the command is one that takes a panic. Windows has no such signal.
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted

    def __enter__(self) -> None:
        import signal

        self._number = getattr(signal, "SIGUSR1", None) if self._wanted else None
        if self._number is not None:
            self._before = signal.signal(self._number, signal.SIG_IGN)

    def __exit__(self, *_: object) -> None:
        import signal

        if self._number is not None:
            signal.signal(self._number, self._before)


class terminated_in_order:  # noqa: N801
    """As a context: SIGTERM exits as Ctrl-C does, closing all that is open, with status 143."""

    def __enter__(self) -> None:
        import signal

        def leave(number: int, frame: object) -> None:  # noqa: ARG001 - as signal calls it
            raise SystemExit(128 + number)

        self._before = signal.signal(signal.SIGTERM, leave)

    def __exit__(self, *_: object) -> None:
        import signal

        signal.signal(signal.SIGTERM, self._before)


def end_on_sigterm() -> None:
    """Make SIGTERM end this process with status 143 from now on, whatever a library does with it.

    When it trains with other machines, TensorFlow takes the signal for itself and goes on. Only a
    signal that every thread blocks can be waited for, so call this before any library has threads.
    The signal takes effect as soon as Python may run: not while TensorFlow still waits for the
    other machines. Where signals cannot be waited for (Windows), this does nothing.
    """
    import signal
    import threading

    if not hasattr(signal, "sigwait"):
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def wait() -> None:
        os._exit(128 + signal.sigwait({signal.SIGTERM}))

    threading.Thread(target=wait, name="SIGTERM", daemon=True).start()
