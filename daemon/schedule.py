"""What goes out when, and what sounds.

Committed notes become messages due at ticks. The ledger knows what sounds on the output port, and
every note-on passes through it: none is left without its end, and no pitch is struck twice without
an end between.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mido import Message

from jamd.notes import Note, Part, Tick

NOTE_OFF, NOTE_ON = 0, 1  # at one tick, ends come before beginnings

_PLAYER = 0  # the number of every strike of the player's own; jamd's count from 1

SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 120, 123

PEDAL_DOWN = 64
"""A pedal at this value or above is down, half way or not."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a note-off names."""

    channel: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Sounding:
    """A note that sounds: who struck it, and the strike's number, unlike any other."""

    strike: int
    part: Part | None  # None: the player's own, sent on


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for the port: due at `tick`, from `part` (None: the player's own, sent on)."""

    tick: Tick
    part: Part | None
    message: Message


class Ledger:
    """What sounds on one output port.

    A pitch struck while it sounds is ended first, and the end that belonged to the earlier strike
    is then void: it would cut the later one short.
    """

    def __init__(self) -> None:
        self._sounding: dict[Key, Sounding] = {}
        self._pedals: set[int] = set()
        self._channels: set[int] = set()

    def __len__(self) -> int:
        return len(self._sounding)

    @property
    def jamds(self) -> int:
        """How many of jamd's own notes sound."""
        return sum(sounding.part is not None for sounding in self._sounding.values())

    def strike(self, tick: Tick, key: Key, velocity: int, sounding: Sounding) -> Iterator[Outgoing]:
        """Begin a note at `tick`."""
        yield from self.end(tick, key)
        self._sounding[key] = sounding
        self._channels.add(key.channel)
        yield Outgoing(
            tick,
            sounding.part,
            Message("note_on", channel=key.channel, note=key.pitch, velocity=velocity),
        )

    def end(self, tick: Tick, key: Key, strike: int | None = None) -> Iterator[Outgoing]:
        """End what sounds at `key`, if it is the given strike (None: whichever it is)."""
        sounding = self._sounding.get(key)
        if sounding is None or strike not in (None, sounding.strike):
            return
        del self._sounding[key]
        message = Message("note_off", channel=key.channel, note=key.pitch)
        yield Outgoing(tick, sounding.part, message)

    def thru(self, tick: Tick, message: Message) -> Iterator[Outgoing]:
        """Send one of the player's own channel messages on."""
        if message.type == "note_on" and message.velocity > 0:
            key = Key(message.channel, message.note)
            yield from self.strike(tick, key, message.velocity, Sounding(_PLAYER, None))
        elif message.type in ("note_on", "note_off"):
            yield from self.end(tick, Key(message.channel, message.note), _PLAYER)
        else:
            self._channels.add(message.channel)
            if message.is_cc(SUSTAIN):
                remember = self._pedals.add if message.value >= PEDAL_DOWN else self._pedals.discard
                remember(message.channel)
            yield Outgoing(tick, None, message)

    def silence(self, tick: Tick) -> Iterator[Outgoing]:
        """End everything that sounds and lift every pedal."""
        for key in sorted(self._sounding, key=lambda key: (key.channel, key.pitch)):
            yield from self.end(tick, key)
        for channel in sorted(self._pedals):
            yield _control(tick, channel, SUSTAIN)
        self._pedals.clear()

    def panic(self, tick: Tick, channels: Iterable[int] = ()) -> Iterator[Outgoing]:
        """`silence`, then tell every channel used so far, in case a message was lost.

        Args:
            tick: The present.
            channels: Those to tell as well: an earlier jamd may have left notes sounding there.
        """
        yield from self.silence(tick)
        for channel in sorted({*self._channels, *channels}):
            for control in (SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF):
                yield _control(tick, channel, control)


def _control(tick: Tick, channel: int, control: int) -> Outgoing:
    message = Message("control_change", channel=channel, control=control, value=0)
    return Outgoing(tick, None, message)


@dataclass(order=True, slots=True)
class _Due:
    """A note's beginning or end, in the order in which messages leave."""

    tick: Tick
    priority: int
    sequence: int
    note: Note = field(compare=False)
    key: Key = field(compare=False)
    strike: int = field(compare=False)


class Schedule:
    """Committed notes on their way out through a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._due: list[_Due] = []
        self._count = itertools.count(1)

    @property
    def next_tick(self) -> Tick | None:
        """When the next message is due."""
        return self._due[0].tick if self._due else None

    def __len__(self) -> int:
        return len(self._due)

    def add(self, note: Note, channel: int) -> None:
        """Play `note` on `channel`."""
        strike = next(self._count)
        self._push(note.onset, NOTE_ON, note, Key(channel, note.pitch), strike)

    def release(self, tick: Tick, earliest: Tick) -> Iterator[Outgoing]:
        """What is due at or before `tick`, in order.

        A note whose onset lies before `earliest` is late and is left out, its end with it: a burst
        of old notes is worse than a silence. An end is never left out.
        """
        while self._due and self._due[0].tick <= tick:
            due = heapq.heappop(self._due)
            if due.priority == NOTE_OFF:
                yield from self._ledger.end(due.tick, due.key, due.strike)
            elif due.tick >= earliest:
                yield from self._begin(due)

    def shorten(self, limit: Tick) -> None:
        """Let nothing last beyond `limit`; notes that would begin there or later are dropped."""
        kept = [due for due in self._due if due.priority == NOTE_OFF or due.tick < limit]
        for due in kept:
            due.tick = min(due.tick, limit)
            due.note = _cut(due.note, limit)
        self._due = kept
        heapq.heapify(self._due)

    def clear(self) -> None:
        """Forget everything due. What sounds is for the ledger to end."""
        self._due = []

    def _begin(self, due: _Due) -> Iterator[Outgoing]:
        note = due.note
        # Two parts in unison: one strike, as long as the longer, not a note of no length.
        twins = [
            other
            for other in self._due
            if other.priority == NOTE_ON and other.tick == due.tick and other.key == due.key
        ]
        if any(twin.note.duration >= note.duration for twin in twins):
            return
        for twin in twins:
            self._due.remove(twin)
        heapq.heapify(self._due)
        sounding = Sounding(due.strike, note.part)
        yield from self._ledger.strike(due.tick, due.key, note.velocity, sounding)
        self._push(note.end, NOTE_OFF, note, due.key, due.strike)

    def _push(self, tick: Tick, priority: int, note: Note, key: Key, strike: int) -> None:
        due = _Due(tick, priority, next(self._count), note, key, strike)
        heapq.heappush(self._due, due)


def _cut(note: Note, limit: Tick) -> Note:
    if note.onset < limit < note.end:
        return Note(note.onset, note.pitch, note.velocity, Tick(limit - note.onset), note.part)
    return note
