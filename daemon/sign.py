"""By what a message is known again that has been sent, and how one is marked so as to be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jamd.daemon.schedule import Key

if TYPE_CHECKING:
    from mido import Message

MARK = 2
"""By so much of 127 what is marked differs: half a decibel. By 1 a roll that swells slowly does."""

NOTE_ON, NOTE_OFF = "note_on", "note_off"

Sign = tuple[object, ...]
"""What of a message stays the same on its way round: all but its channel."""

_NOT_SIGNS = {"type", "channel", "time"}

_MARKED = {
    NOTE_ON: "velocity",
    "control_change": "value",
    "aftertouch": "value",
    "polytouch": "value",
    "pitchwheel": "pitch",
}
"""Where a message's mark is."""

_EXACT = {0, 6, *range(32, 64), *range(96, 128)}
"""Controllers that choose or set something: a little more is something else."""


def sign_of(message: Message) -> Sign:
    """The sign of a message of a channel; an end's is (`NOTE_OFF`, pitch) in either spelling."""
    if message.type == NOTE_OFF or (message.type == NOTE_ON and message.velocity == 0):
        return (NOTE_OFF, message.note)  # some hosts write one as the other
    if message.type == NOTE_ON:
        return (NOTE_ON, message.note, message.velocity)
    values = vars(message)
    return (message.type, *(values[name] for name in sorted(values.keys() - _NOT_SIGNS)))


def key_of(message: Message) -> Key | None:
    """The key whose note a message begins or ends; None: it does neither."""
    return Key(message.channel, message.note) if message.type in (NOTE_ON, NOTE_OFF) else None


def marked(message: Message, again: bool = False) -> Message:
    """A message with its value changed by `MARK`, or itself where that would be something else.

    What is at rest stays at rest, and a pedal stays up or down.

    Args:
        message: Of a channel.
        again: It may be a marked one: then it is changed the other way. A swell does not turn.
    """
    name = _MARKED.get(message.type)
    if name is None or (message.type == "control_change" and message.control in _EXACT):
        return message
    value = getattr(message, name)
    if value == 0:
        return message
    by = MARK if (value % 64 < 32) is not again else -MARK
    return message.copy(**{name: value + by})
