"""What goes out when, and what sounds.

Committed notes become messages due at ticks. The ledger knows what sounds on the output port, and
every note-on passes through it: none is left without its note-off, and no pitch is struck twice
without a note-off in between.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mido import Message

from jamd.daemon.events import Output
from jamd.daemon.midi.moved_controllers import Moved
from jamd.daemon.midi.terms import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    SUSTAIN,
    NoteKey,
    begins_note,
    ends_note,
)
from jamd.notes import Note, Part, Tick

NOTE_OFF, NOTE_ON = 0, 1  # at the same tick, note-offs come first


@dataclass(frozen=True, slots=True, eq=False)
class Strike:
    """A note that sounds or will sound. No two are equal, even with the same key.

    Its messages are created with it, because there is no time for that when they are due.

    Attributes:
        part: Whose it is; None: the player's own, sent on.
        on: Its note-on.
        off: Its note-off.
        output: Where both go.
    """

    part: Part | None
    on: Message
    off: Message
    output: Output = Output.MAIN

    @classmethod
    def of(cls, part: Part | None, on: Message, output: Output = Output.MAIN) -> Strike:
        """The strike whose note-on is `on`."""
        return cls(part, on, Message("note_off", channel=on.channel, note=on.note), output)

    @property
    def key(self) -> NoteKey:
        return NoteKey(self.on.channel, self.on.note)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for a port: due at `tick`, from `part` (None: no part, or the player)."""

    tick: Tick
    part: Part | None
    message: Message
    output: Output = Output.MAIN


class Ledger:
    """What sounds on one output port.

    A pitch struck while it sounds is ended first, and the note-off of the earlier strike is then
    void, because it would cut the later one short.

    Args:
        output: Which port.
        thru: Where what the player plays is sent on to: that port, too, but perhaps apart there.

    Attributes:
        output: Which port.
        moved: The controllers that the player has moved from rest, if they were sent on.
    """

    def __init__(self, output: Output = Output.MAIN, thru: Output = Output.MAIN) -> None:
        self.output = output
        self._thru = thru
        self._sounding: dict[NoteKey, tuple[Strike, Tick]] = {}  # with its onset
        self.moved = Moved()
        self._channels: set[int] = set()

    @property
    def jamds(self) -> int:
        """Number of jamd's own notes that sound."""
        return sum(strike.part is not None for strike, _ in self._sounding.values())

    def plays(self, pitch: int) -> bool:
        """Whether a note of jamd's own sounds at `pitch`, on any channel."""
        return any(
            strike.part is not None and key.pitch == pitch
            for key, (strike, _) in self._sounding.items()
        )

    def is_thru(self, key: NoteKey) -> bool:
        """Whether what sounds at `key` is the player's own note, sent on."""
        return key in self._sounding and self._sounding[key][0].part is None

    def strike(self, tick: Tick, strike: Strike) -> Iterator[Outgoing]:
        """Strike a note at `tick`."""
        key = strike.key
        yield from self.end(tick, key)
        self._sounding[key] = strike, tick
        self._channels.add(key.channel)
        yield Outgoing(tick, strike.part, strike.on, strike.output)

    def end(self, tick: Tick, key: NoteKey, strike: Strike | None = None) -> Iterator[Outgoing]:
        """End what sounds at `key`, if it is the given strike (None: any strike).

        A note sent earlier than its tick, because of an offset, still does not end before that tick
        in the take.
        """
        sounding, begun = self._sounding.get(key, (None, tick))
        if sounding is not None and strike in (None, sounding):
            del self._sounding[key]
            if sounding.part is not None:  # the player's own is sent on at once
                tick = max(tick, begun)
            yield Outgoing(tick, sounding.part, sounding.off, sounding.output)

    def thru(self, tick: Tick, message: Message) -> Iterator[Outgoing]:
        """Send one of the player's own channel messages on."""
        if begins_note(message):
            yield from self.strike(tick, Strike.of(None, message, self._thru))
        elif ends_note(message):
            key = NoteKey(message.channel, message.note)
            if self.is_thru(key):
                yield from self.end(tick, key)
        else:
            self._channels.add(message.channel)
            self.moved.hear(message, tick)
            yield Outgoing(tick, None, message, self._thru)

    def ends(self, message: Message) -> bool:
        """Whether a message of the player's ends something that `thru` has sent on."""
        if ends_note(message):
            return self.is_thru(NoteKey(message.channel, message.note))
        return self.moved.lifts(message)

    def hush(self, tick: Tick) -> Iterator[Outgoing]:
        """End everything that sounds of jamd's own."""
        for key in self._sorted():
            if not self.is_thru(key):
                yield from self.end(tick, key)

    def silence(
        self, tick: Tick, only_thru: bool = False, begun_by: float = math.inf
    ) -> Iterator[Outgoing]:
        """End everything that sounds, or only the player's own notes; and lift every pedal.

        Args:
            tick: The present.
            only_thru: jamd's own notes go on.
            begun_by: What the player has struck or moved after this tick goes on.
        """
        for key in self._sorted():
            spared = self._sounding[key][1] > begun_by if self.is_thru(key) else only_thru
            if not spared:
                yield from self.end(tick, key)
        for message in self.moved.lift(begun_by):
            yield Outgoing(tick, None, message, self._thru)

    @property
    def sent_on(self) -> list[Message]:
        """What `thru` has sent on and holds still: notes, pedals, wheels."""
        notes = [self._sounding[key][0].on for key in self._sorted() if self.is_thru(key)]
        return notes + self.moved.messages

    @property
    def channels(self) -> tuple[int, ...]:
        """The MIDI channels used so far, 0..15."""
        return tuple(sorted(self._channels))

    def take_over(self, tick: Tick, sent_on: Iterable[Message], channels: Iterable[int]) -> None:
        """Count as sent on what another ledger's `sent_on` was, and as used its `channels`."""
        self._channels.update(channels)
        for message in sent_on:
            for _ in self.thru(tick, message):
                pass  # it was sent then

    def rest(self, tick: Tick) -> Iterator[Outgoing]:
        """Bring what `thru` has moved except the pedals back to rest: wheels, pressure."""
        for message in self.moved.rest():
            yield Outgoing(tick, None, message, self._thru)

    def panic(self, tick: Tick, channels: Iterable[int] = ()) -> Iterator[Outgoing]:
        """`silence`; silence every channel used so far, in case a message was lost; and `rest`.

        Args:
            tick: The present.
            channels: More channels to silence: an earlier jamd may have left notes sounding there.
        """
        yield from self.silence(tick)
        for channel in sorted({*self._channels, *channels}):
            for control in (SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF):
                yield self._control(tick, channel, control)
        yield from self.rest(tick)

    def _sorted(self) -> list[NoteKey]:
        """What sounds, in the order in which it is ended."""
        return sorted(self._sounding, key=lambda key: (key.channel, key.pitch))

    def _control(self, tick: Tick, channel: int, control: int) -> Outgoing:
        message = Message("control_change", channel=channel, control=control, value=0)
        return Outgoing(tick, None, message, self.output)


class _Due(NamedTuple):
    """A note-on or note-off to come, sorted in the order in which messages are sent."""

    tick: Tick
    priority: int
    sequence: int  # unique, so the fields after it are never compared
    note: Note
    strike: Strike


class Schedule:
    """Committed notes on their way out through a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._due: list[_Due] = []
        self._count = itertools.count()

    @property
    def next_tick(self) -> Tick | None:
        """The tick at which the next message is due; None: there is none."""
        return self._due[0].tick if self._due else None

    def add(self, note: Note, channel: int) -> None:
        """Play `note` on `channel`."""
        on = Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)
        self._push(note.onset, NOTE_ON, note, Strike.of(note.part, on))

    def release(self, tick: Tick, earliest: Tick) -> Iterator[Outgoing]:
        """What is due at or before `tick`, in order.

        A note whose onset lies before `earliest` is late and is left out, together with its
        note-off: a burst of old notes is worse than a silence. The note-off of a sounding note is
        never left out.
        """
        while self._due and self._due[0].tick <= tick:
            due = heapq.heappop(self._due)
            if due.priority == NOTE_OFF:
                yield from self._ledger.end(due.tick, due.strike.key, due.strike)
            elif due.tick >= earliest:
                yield from self._begin(due)

    def shorten(self, onsets: Tick, limit: Tick) -> None:
        """Drop notes from `onsets` on, and let none last beyond `limit`, at or after `onsets`."""
        self._due = [
            due._replace(tick=min(due.tick, limit), note=_cut(due.note, limit))
            for due in self._due
            if due.priority == NOTE_OFF or due.tick < onsets
        ]
        heapq.heapify(self._due)

    def clear(self) -> None:
        """Forget everything due. Ending what sounds is left to the ledger."""
        self._due = []

    def _begin(self, due: _Due) -> Iterator[Outgoing]:
        note, key = due.note, due.strike.key
        if self._ledger.is_thru(key):
            return  # struck again, the player's note would end with jamd's
        # Two parts in unison: one strike as long as the longer note, not a note of length 0.
        twins = [
            other
            for other in self._due
            if other.tick == due.tick and other.priority == NOTE_ON and other.strike.key == key
        ]
        if any(twin.note.duration >= note.duration for twin in twins):
            return
        if twins:
            self._due = [other for other in self._due if other not in twins]
            heapq.heapify(self._due)
        yield from self._ledger.strike(due.tick, due.strike)
        self._push(note.end, NOTE_OFF, note, due.strike)

    def _push(self, tick: Tick, priority: int, note: Note, strike: Strike) -> None:
        heapq.heappush(self._due, _Due(tick, priority, next(self._count), note, strike))


def _cut(note: Note, limit: Tick) -> Note:
    if note.onset < limit < note.end:
        return Note(note.onset, note.pitch, note.velocity, Tick(limit - note.onset), note.part)
    return note
