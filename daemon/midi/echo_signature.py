"""How a sent message is recognised on its return, and how one is marked to make that possible."""

from __future__ import annotations

from dataclasses import dataclass

from mido import Message

from jamd.daemon.midi.terms import NoteKey, ends_note

LONGEST_S = 0.25
"""The longest a route through a DAW takes: twice its largest audio buffer, and the way there."""

SPREAD_S = 0.015
"""One route's delays are the same to within this; a player's are not."""

ENOUGH = 6
"""This many moments in a row are a loop. A player who follows jamd note by note, on an organ
without velocity and with 20 ms of scatter, would be taken for one once in some 50,000 notes."""

MARK = 2
"""A mark changes a value by this much of 127: half a decibel. Slowly swelling rolls change by 1."""

NOTE_ON, NOTE_OFF = "note_on", "note_off"

Sign = tuple[str | int, ...]
"""What stays the same about a message on its way round: all but its channel."""

_NOT_SIGNS = {"type", "channel", "time"}

_MARKED = {
    NOTE_ON: ("velocity", 1, 127),
    "aftertouch": ("value", 0, 127),
    "polytouch": ("value", 0, 127),
    "pitchwheel": ("pitch", -8192, 8191),
}
"""Which field of a message is marked, and its range. A small change of a controller may mean
something else, or stay for good, so no controller but modulation is marked."""

_MODULATION = 1


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that went out at `seconds`.

    Attributes:
        thru: Its key if it was the player's own, sent on.
        mark: If it is marked, the delay in seconds after which it would come back; None if not.
    """

    seconds: float
    sign: Sign
    thru: NoteKey | None = None
    mark: float | None = None

    def answers_its_mark(self, now: float) -> bool:
        """Whether it is marked, and a return at `now` has the delay expected of it."""
        return self.mark is not None and alike(now - self.seconds, self.mark)


@dataclass(frozen=True, slots=True)
class Route:
    """What may come back by a route, and how it has come back until now.

    Attributes:
        sent: What went out and has not come back, oldest first.
        moments: When each of the last moments that came back went out, and its delay, in seconds.
        loop: Whether all of jamd's is believed to come back.
        pulses: When the last pulses of jamd's own clock went out, in seconds.
        said: What else that clock has said and is not back yet, and when.
    """

    sent: tuple[Sent, ...] = ()
    moments: tuple[tuple[float, float], ...] = ()
    loop: bool = False
    pulses: tuple[float, ...] = ()
    said: tuple[tuple[float, Message], ...] = ()


def alike(delay: float, other: float) -> bool:
    """Whether two delays may be one route's; a slow route is slow by its buffers, and uneven."""
    return abs(delay - other) <= max(SPREAD_S, other / 2)


def sign_of(message: Message) -> Sign:
    """The sign of a channel message; a note-off's is (`NOTE_OFF`, pitch) in either spelling."""
    if ends_note(message):
        return (NOTE_OFF, message.note)  # some hosts write one as the other
    if message.type == NOTE_ON:
        return (NOTE_ON, message.note, message.velocity)
    values = vars(message)
    return (message.type, *(values[name] for name in sorted(values.keys() - _NOT_SIGNS)))


def marked(message: Message, again: bool = False) -> Message:
    """A message with its value changed by `MARK`, or itself if that would change its meaning.

    A value at rest stays at rest, and no other comes to rest.

    Args:
        message: A channel message.
        again: It may be a marked one: change it the other way if possible, as a swell would not.
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
    if not least <= value + by <= most or not value + by:
        by = -by
    return message.copy(**{name: value + by})
