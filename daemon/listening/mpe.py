"""Hears whether a keyboard says that it sends MPE, MIDI Polyphonic Expression."""

from __future__ import annotations

from mido import Message

_SELECTED = {101: 0, 100: 6}  # registered parameter 6, by its two halves
_OTHERS = (98, 99)  # these select another kind of parameter
_DATA = 6
_MASTERS = (0, 15)  # the channels of a lower and of an upper zone


class Mpe:
    """Watches for the MPE Configuration Message (MIDI Manufacturers Association, RP-053).

    It is registered parameter 6 on channel 1 or 16; its value is how many channels the notes have.

    Attributes:
        is_on: Whether a zone was announced.
    """

    def __init__(self) -> None:
        self.is_on = False
        self._selected: dict[tuple[int, int], int] = {}  # (channel, controller) -> its value

    def hear(self, message: Message) -> None:
        """A channel message came in."""
        if message.type != "control_change" or message.channel not in _MASTERS:
            return
        channel, control = message.channel, message.control
        if control in _SELECTED:
            self._selected[channel, control] = message.value
        elif control in _OTHERS:
            self._selected.clear()
        elif control == _DATA and message.value:
            is_zone = (self._selected.get((channel, c)) == v for c, v in _SELECTED.items())
            self.is_on |= all(is_zone)
