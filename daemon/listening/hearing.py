"""The player's notes: where they were meant, how long they sound, and which part they belong to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from jamd.daemon.midi.terms import NoteKey
from jamd.notes import HELD, TICKS_PER_STEP, Meter, Note, Tick, to_step, to_tick
from jamd.parts import RECENT_NOTES, parts_by_hand, parts_of
from jamd.placing import KEPT, Onset, Placer, as_played

PEDAL_BARS = 2
"""The pedal makes no note longer than this: a note struck that long ago has died away, and a foot
that rests on the pedal means nothing."""

MOST_NOTES = 4096

ORDER = attrgetter("onset", "pitch", "velocity", "duration", "part")
"""As notes are sorted, but faster."""

OPENING_NOTES = KEPT
"""Nothing is settled until more notes than this have been heard."""


@dataclass(slots=True)
class _Struck:
    """A note of the player's.

    Attributes:
        onset: Where it was meant to fall.
        tick: Where it was played.
        let_go: When its key went up.
        end: When it stopped sounding.
    """

    onset: Onset
    pitch: int
    velocity: int
    tick: Tick
    let_go: Tick | None = None
    end: Tick | None = None


_Meant = tuple[Tick, int, int, Tick]
"""Onset, pitch, velocity and duration of a note, as in `Note`."""


class Hearing:
    """Turns keys and pedals into notes as they come.

    Args:
        meter: The meter of all notes.
        straight: Gives where a tick, as played, would lie without swing.
        split: Notes below this MIDI pitch lie under the tune; 0 to find the tune instead.
    """

    def __init__(
        self, meter: Meter, straight: Callable[[Tick], Tick] = as_played, split: int = 0
    ) -> None:
        self._straight = straight
        self._split = split
        self._placer = Placer(meter, straight)
        self._longest = PEDAL_BARS * meter.ticks_per_bar
        self._settled: list[Note] = []  # they do not change any more
        self._recent: list[_Struck] = []  # what came after them
        self._down: dict[NoteKey, _Struck] = {}
        self._pedals: dict[int, dict[int, _Struck]] = {}  # channel -> pitch -> what it holds

    def press(self, key: NoteKey, velocity: int, tick: Tick, seconds: float, rate: float) -> None:
        """A key goes down, at `rate` ticks a second. If it was down, its note-off was missed."""
        self.release(key, tick)
        self._silence(self._pedals.get(key.channel, {}).pop(key.pitch, None), tick)
        onset = self._placer.hear(tick, seconds, key.pitch, rate)
        struck = _Struck(onset, key.pitch, velocity, tick)
        self._down[key] = struck
        self._recent.append(struck)
        if len(self._recent) > MOST_NOTES:
            del self._recent[: MOST_NOTES // 2]

    def release(self, key: NoteKey, tick: Tick) -> None:
        """A key goes up; one that was not down is ignored."""
        struck = self._down.pop(key, None)
        if struck is None:
            return
        struck.let_go = tick
        self._placer.release(struck.onset, tick)
        if key.channel in self._pedals:
            self._pedals[key.channel][key.pitch] = struck
        else:
            self._silence(struck, tick)

    def pedal(self, channel: int, down: bool, tick: Tick) -> None:
        """The sustain pedal of a channel goes down or up."""
        if down:
            self._pedals.setdefault(channel, {})
        else:
            for struck in self._pedals.pop(channel, {}).values():
                self._silence(struck, tick)

    @property
    def keys(self) -> tuple[NoteKey, ...]:
        """The keys that are down, in the order in which they were struck."""
        return tuple(self._down)

    @property
    def pedals(self) -> tuple[int, ...]:
        """The channels whose sustain pedal is down, likewise."""
        return tuple(self._pedals)

    @property
    def held(self) -> frozenset[int]:
        """The MIDI pitches of the keys that are down, on any channel."""
        return frozenset(key.pitch for key in self._down)

    def notes(self, until: Tick) -> list[Note]:
        """All notes as meant, sorted; those that the pedal holds sound until `until`."""
        recent: list[Note] = []
        open_ended: list[_Struck] = []
        before = deque((note.pitch for note in self._settled[-RECENT_NOTES:]), RECENT_NOTES)
        pairs = zip(self._as_meant(until), self._recent, strict=True)
        for _, group in groupby(pairs, key=lambda pair: pair[0][0]):
            meant, struck = zip(*group, strict=True)
            notes = self._in_parts(sorted(meant), before)
            # A chord is settled whole; a drone waits, but the notes after it need not.
            if all(each.onset.final and each.end is not None for each in struck):
                self._settled += notes
            else:
                recent += notes
                open_ended += struck
            before.extend(note.pitch for note in notes)
        self._recent = open_ended
        if len(self._settled) > MOST_NOTES:
            del self._settled[: MOST_NOTES // 2]
        return sorted([*self._settled, *recent], key=ORDER)

    def forget_before(self, start: Tick) -> None:
        """Keep nothing with an onset before `start`."""
        self._settled = [note for note in self._settled if note.onset >= start]
        self._recent = [struck for struck in self._recent if struck.onset.place >= start]

    def move(self, since: Tick, remap: Callable[[Tick], Tick]) -> None:
        """Move what was heard from `since` on: what was played at `tick` is now at `remap(tick)`.

        `remap` must keep the order of the notes. Their swing is taken out afresh.
        """
        self.notes(since)  # moves what is settled out of the recent ones
        self._settled = [
            note._replace(onset=to_tick(to_step(remap(note.onset))))
            if note.onset >= since
            else note
            for note in self._settled
        ]
        self._placer.move(since, remap)
        for struck in self._recent:
            if struck.tick >= since:
                struck.tick = remap(struck.tick)
                struck.let_go = struck.let_go if struck.let_go is None else remap(struck.let_go)
                struck.end = struck.end if struck.end is None else remap(struck.end)

    def _silence(self, struck: _Struck | None, tick: Tick) -> None:
        if struck is not None and struck.let_go is not None:
            struck.end = max(struck.let_go, min(tick, Tick(struck.tick + self._longest)))

    def _in_parts(self, chord: Sequence[_Meant], before: Sequence[int]) -> list[Note]:
        """Notes struck together, with their parts: the tune, or what lies under it."""
        pitches = [pitch for _, pitch, _, _ in chord]
        parts = parts_by_hand(pitches, self._split) if self._split else parts_of(pitches, before)
        return [Note(*meant, part) for meant, part in zip(chord, parts, strict=True)]

    def _as_meant(self, until: Tick) -> list[_Meant]:
        """The recent notes in the order in which they were struck."""
        again: dict[int, Tick] = {}  # pitch -> where it is struck next
        notes = []
        for struck in reversed(self._recent):
            place, end = struck.onset.place, struck.end
            if end is None and struck.let_go is not None:
                end = max(struck.let_go, min(until, Tick(struck.tick + self._longest)))
            # The notes of a chord that come up together end together.
            duration = (
                HELD
                if end is None
                else max(self._straight(end) - struck.onset.tick, TICKS_PER_STEP)
            )
            following = again.get(struck.pitch, place)
            if following > place and duration != HELD:
                duration = min(duration, following - place)
            again[struck.pitch] = place
            notes.append((place, struck.pitch, struck.velocity, Tick(duration)))
        notes.reverse()
        return notes
