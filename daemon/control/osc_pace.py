"""How fast what comes in through OSC reaches the session: no flood of it makes a note late."""

from __future__ import annotations

import math

from jamd.daemon.control.controls import BOUNCE_S, Action
from jamd.daemon.control.remote import PANIC, PRESS

SPACING_S = 0.01
"""From one setting to the next: a scene that recalls all 14 at once takes an eighth of a second."""

_PANICS = (PANIC, f"{PRESS} {Action.PANIC.value}")


class Pace:
    """Holds back what is asked for too fast; nothing that counts is lost.

    A press passes at once, because its moment counts, unless it bounces. Of a setting the newest
    value counts, so only that one waits. A panic passes at once, and another one `BOUNCE_S` later.

    Moments are seconds.
    """

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}  # when each press was last asked for
        self._presses: list[str] = []
        self._panic: str | None = None
        self._next_panic = -math.inf
        self._settings: dict[str, str] = {}  # in the order in which they began to wait
        self._next_setting = -math.inf

    def offer(self, asked: str, command: str, now: float) -> None:
        """Take in a command.

        Args:
            asked: The same without its value; of a setting, whatever its value is.
            command: As for `remote.ask`.
            now: When it came.
        """
        if asked in _PANICS:
            self._panic = command
        elif asked.startswith(PRESS):
            last, self._asked[asked] = self._asked.get(asked, -math.inf), now
            if now - last >= BOUNCE_S:
                self._presses.append(command)
        else:
            self._settings[asked] = command

    def take(self, now: float) -> list[str]:
        """The commands that pass now, each once."""
        taken = []
        if self._panic is not None and now >= self._next_panic:
            taken.append(self._panic)
            self._panic, self._next_panic = None, now + BOUNCE_S
        taken += self._presses
        self._presses.clear()
        if self._settings and now >= self._next_setting:
            taken.append(self._settings.pop(next(iter(self._settings))))
            self._next_setting = now + SPACING_S
        return taken

    @property
    def deadline(self) -> float:
        """When `take` next has something to return; infinity: not before an `offer`."""
        panic = math.inf if self._panic is None else self._next_panic
        setting = self._next_setting if self._settings else math.inf
        return min(panic, setting, -math.inf if self._presses else math.inf)
