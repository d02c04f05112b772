"""By what a message is known again that has been sent, and how one is marked so as to be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jamd.daemon.schedule import NoteKey

if TYPE_CHECKING:
    from mido import Message

MARK = 2
"""By so much of 127 what is marked differs: half a decibel. By 1 a roll that swells slowly does."""

NOTE_ON, NOTE_OFF = "note_on", "note_off"

Sign = tuple[object, ...]
"""What of a message stays the same on its way round: all but its channel."""

_NOT_SIGNS = {"type", "channel", "time"}

_MARKED = {
    NOTE_ON: ("velocity", 1, 127),
    "aftertouch": ("value", 0, 127),
    "polytouch": ("value", 0, 127),
    "pitchwheel": ("pitch", -8192, 8191),
}
"""Where a message's mark is, and from where to where it may lie. Of a controller a little more may
be something else, or stay for good: but for modulation, they are not marked."""

_MODULATION = 1


def sign_of(message: Message) -> Sign:
    """The sign of a message of a channel; an end's is (`NOTE_OFF`, pitch) in either spelling."""
    if message.type == NOTE_OFF or (message.type == NOTE_ON and message.velocity == 0):
        return (NOTE_OFF, message.note)  # some hosts write one as the other
    if message.type == NOTE_ON:
        return (NOTE_ON, message.note, message.velocity)
    values = vars(message)
    return (message.type, *(values[name] for name in sorted(values.keys() - _NOT_SIGNS)))


def key_of(message: Message) -> NoteKey | None:
    """The key whose note a message begins or ends; None: it does neither."""
    return NoteKey(message.channel, message.note) if message.type in (NOTE_ON, NOTE_OFF) else None


def marked(message: Message, again: bool = False) -> Message:
    """A message with its value changed by `MARK`, or itself where that would be something else.

    What is at rest stays at rest.

    Args:
        message: Of a channel.
        again: It may be a marked one: then it is changed the other way, if it can be. A swell does
            not turn.
    """
    place = _MARKED.get(message.type)
    if message.is_cc(_MODULATION):
        place = "value", 0, 127
    if place is None:
        return message
    name, least, most = place
    value = getattr(message, name)
    if value == 0:
        return message
    by = MARK if (value % 64 < 32) is not again else -MARK
    if not least <= value + by <= most:
        by = -by
    return message.copy(**{name: value + by})
