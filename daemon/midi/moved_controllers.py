"""Which controllers have been moved from rest, so that they can be brought back."""

from __future__ import annotations

import math

from mido import Message

from jamd.daemon.midi.terms import PEDAL_DOWN, PEDALS
from jamd.notes import Tick

_RESTS = {1: 0, 11: 127} | dict.fromkeys(PEDALS, 0)
"""The rest values of modulation, expression and the pedals, as "Reset All Controllers" sets them
(MIDI Manufacturers Association, RP-015), which leaves volume, pan and sounds alone."""


class Moved:
    """Keeps the positions of those controllers that have a rest: wheels, pressure and pedals."""

    def __init__(self) -> None:
        # By the message that brings it to rest: what moved it, and when.
        self._moved: dict[tuple[int, ...], tuple[Message, Tick]] = {}

    def __bool__(self) -> bool:
        """Whether any is away from its rest; a pedal that is not down is not."""
        return any(
            not _is_pedal(moved) or moved.value >= PEDAL_DOWN for moved, _ in self._moved.values()
        )

    @property
    def messages(self) -> list[Message]:
        """The messages that moved what is away from its rest."""
        return [message for message, _ in self._moved.values()]

    def hear(self, message: Message, tick: Tick) -> None:
        """Take in a message that moves a controller at `tick`; any other is ignored."""
        rest = _rest_of(message)
        if rest is None:
            return
        place = tuple(rest.bytes())
        if tuple(message.bytes()) == place:
            self._moved.pop(place, None)
        else:
            self._moved[place] = message, tick

    def lifts(self, message: Message) -> bool:
        """Whether a message lifts a pedal that is not up."""
        if not _is_pedal(message) or message.value >= PEDAL_DOWN:
            return False
        rest = _rest_of(message)
        return rest is not None and tuple(rest.bytes()) in self._moved

    def lift(self, moved_by: float = math.inf) -> list[Message]:
        """The messages that lift all pedals last moved by a tick, the sustain pedals first."""
        return sorted(self._forget(True, moved_by), key=lambda rest: (rest.control, rest.channel))

    def rest(self) -> list[Message]:
        """The messages that bring everything except pedals to rest."""
        return self._forget(pedals=False)

    def _forget(self, pedals: bool, moved_by: float = math.inf) -> list[Message]:
        places = [
            place
            for place, (moved, tick) in self._moved.items()
            if _is_pedal(moved) is pedals and tick <= moved_by
        ]
        moved = [self._moved.pop(place)[0] for place in places]
        return [rest for each in moved if (rest := _rest_of(each)) is not None]


def _is_pedal(message: Message) -> bool:
    return message.type == "control_change" and message.control in PEDALS


def _rest_of(message: Message) -> Message | None:
    """The message that brings the same controller to rest; None if it has no rest."""
    if message.type == "pitchwheel":
        return Message("pitchwheel", channel=message.channel, pitch=0)
    if message.type in ("aftertouch", "polytouch"):
        return message.copy(value=0, time=0)
    if message.type == "control_change" and message.control in _RESTS:
        return message.copy(value=_RESTS[message.control], time=0)
    return None
