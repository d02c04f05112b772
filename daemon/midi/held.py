"""What is down on one input, so that it can be released when the player there is gone."""

from __future__ import annotations

from mido import Message

from jamd.daemon.midi.terms import PEDAL_DOWN, PEDALS, begins_note, ends_note


class Held:
    """Keeps track of which keys and pedals are down."""

    def __init__(self) -> None:
        self._keys: set[tuple[int, int]] = set()  # (channel, pitch)
        self._pedals: set[tuple[int, int]] = set()  # (channel, controller)

    def hear(self, message: Message) -> None:
        """A message came in, of any kind."""
        if begins_note(message):
            self._keys.add((message.channel, message.note))
        elif ends_note(message):
            self._keys.discard((message.channel, message.note))
        elif message.type == "control_change" and message.control in PEDALS:
            down = message.value >= PEDAL_DOWN
            change = self._pedals.add if down else self._pedals.discard
            change((message.channel, message.control))

    def releases(self) -> list[Message]:
        """Messages that release all that is down: the keys, then the pedals."""
        keys, pedals = sorted(self._keys), sorted(self._pedals)
        return [
            *(Message("note_off", channel=channel, note=pitch) for channel, pitch in keys),
            *(
                Message("control_change", channel=channel, control=control)
                for channel, control in pedals
            ),
        ]
