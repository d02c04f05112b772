"""Controls without a meaning: what the one used last is called, so that it can be given one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jamd.config.control import Control, ControlKind
from jamd.daemon.control.controls import place_of
from jamd.daemon.midi.terms import ALL_SOUND_OFF, SUSTAIN, ends_note

if TYPE_CHECKING:
    from mido import Message

PAUSE_S = 3.0
"""A control that sends nothing for longer than this has been at rest meanwhile."""

PLAYED_S = 10.0
"""What has moved for this long in all is no control, but played: with the breath, with each key of
an MPE keyboard, by a drum machine."""

FORGOTTEN_S = 60.0
"""After resting for this long, it may be a control after all."""

FINE_S = 0.03
"""What has once moved this soon after its coarse half is a fine half, of 14 bits."""

_FINE = range(32, 64)  # the fine halves of controllers 0 to 31
_PARAMETERS = range(98, 102)  # controllers that select a parameter: no control sends them


class Unmapped:
    """Watches the player's messages for controls. Moments are in seconds.

    Attributes:
        last: The control used last; None: there was none.
        used: When that was.
    """

    def __init__(self) -> None:
        self.last: Control | None = None
        self.used = -math.inf
        # How long each has moved, in seconds, and when it last did.
        self._moves: dict[tuple[ControlKind, int], tuple[float, float]] = {}
        self._coarse: dict[int, float] = {}  # when controllers that may have a fine half last moved
        self._fine: set[int] = set()

    @property
    def name(self) -> str | None:
        """What config.toml calls the last one."""
        return None if self.last is None else str(self.last)

    def pass_over(self, message: Message, now: float) -> None:
        """A control that has a meaning was used; it may still have a fine half that has none."""
        if message.type == "control_change":
            self._coarse[message.control] = now

    def hear(self, message: Message, now: float) -> None:
        """A channel message that is neither a control's nor a note that is heard came in."""
        place = place_of(message)
        if place is None or ends_note(message):
            return
        kind, number = place
        if kind is ControlKind.CC:
            self._coarse[number] = now
            if (
                number in _FINE
                and now - self._coarse.get(number - _FINE.start, -math.inf) <= FINE_S
            ):
                self._fine.add(number)
            no_control = number in (SUSTAIN, *_PARAMETERS) or number >= ALL_SOUND_OFF
            if no_control or number in self._fine:
                return
        moved, last = self._moves.get(place, (0.0, now))
        rested = now - last
        if rested > FORGOTTEN_S:
            moved = 0.0
        elif rested <= PAUSE_S:
            moved += rested
        self._moves[place] = moved, now
        if moved <= PLAYED_S:
            self.last, self.used = Control(kind, number, message.channel + 1), now
