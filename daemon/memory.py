"""What has been played, and by whom: what the model hears."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter

from jamd.daemon.schedule import Key
from jamd.language import Context
from jamd.notes import HELD, Meter, Note, Tick
from jamd.parts import parts_of

CHORD_SECONDS = 0.050
"""Notes begun within this time of the first are one chord, however slow or fast the tempo."""

LONGEST_BARS = 32
HOP_BARS = 16
MOST_NOTES = 4096


@dataclass(frozen=True, slots=True)
class _Onset:
    """Where a chord of the player's began."""

    tick: Tick
    seconds: float


class Memory:
    """The jam so far: the player's notes as heard, jamd's as committed.

    The model is shown at most `LONGEST_BARS` bars. The window's start is a bar line that moves by
    `HOP_BARS` at a time and not with every bar, because whatever the context has in common with
    the one before it, the improviser need not compute again. What lies before the window is
    forgotten; so is the older half when there are more than `MOST_NOTES` notes, which no music has.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._heard: list[Note] = []
        self._held: dict[Key, Note] = {}
        self._played: list[Note] = []
        self._chord: _Onset | None = None
        self._start = Tick(0)

    def press(self, key: Key, velocity: int, tick: Tick, seconds: float) -> None:
        """The player strikes a key. One that was down already has been let go unheard."""
        self.release(key, tick)
        if self._chord is None or seconds - self._chord.seconds > CHORD_SECONDS:
            self._chord = _Onset(tick, seconds)
        self._held[key] = Note(self._chord.tick, key.pitch, velocity, HELD)
        self._heard = _bounded(self._heard)

    def release(self, key: Key, tick: Tick) -> None:
        """The player lets a key go; one that was not down is ignored."""
        note = self._held.pop(key, None)
        if note is not None:
            self._heard.append(replace(note, duration=Tick(max(1, tick - note.onset))))

    def commit(self, notes: Iterable[Note]) -> None:
        """Write down `notes`, which jamd is going to play, whatever happens."""
        self._played = _bounded([*self._played, *notes])

    def cut(self, limit: Tick) -> None:
        """End jamd's notes by `limit`; those that would begin there are not played."""
        self._played = [
            replace(note, duration=Tick(min(note.duration, limit - note.onset)))
            for note in self._played
            if note.onset < limit
        ]

    def context(self, until: Tick, style: str, planned: Iterable[Note] = ()) -> Context:
        """What the model is to continue from `until` on.

        Args:
            until: Where the continuation begins; it must not go back by more than
                `LONGEST_BARS - HOP_BARS` bars from one call to the next.
            style: One of `jamd.grid.STYLES`.
            planned: Notes before `until` that jamd will play if nothing comes between.
        """
        self._forget_before(self._window_start(until))
        heard = _in_parts(sorted([*self._heard, *self._held.values()]))
        notes = (*heard, *self._played, *planned)
        return Context(
            heard=tuple(sorted(note for note in notes if note.onset < until)),
            start=self._start,
            until=until,
            meter=self._meter,
            style=style,
        )

    def _window_start(self, until: Tick) -> Tick:
        bar = self._meter.ticks_per_bar
        hop = HOP_BARS * bar
        overhang = until - LONGEST_BARS * bar
        return Tick(max(self._start, -(-overhang // hop) * hop))

    def _forget_before(self, start: Tick) -> None:
        if start == self._start:
            return
        self._start = start
        self._heard = [note for note in self._heard if note.onset >= start]
        self._played = [note for note in self._played if note.onset >= start]
        self._held = {key: note for key, note in self._held.items() if note.onset >= start}


def _in_parts(notes: Iterable[Note]) -> Iterator[Note]:
    """The player's notes with their parts: a tune, or what lies under it."""
    for _, group in groupby(notes, key=attrgetter("onset")):
        chord = list(group)
        for note, part in zip(chord, parts_of([note.pitch for note in chord]), strict=True):
            yield replace(note, part=part)


def _bounded(notes: list[Note]) -> list[Note]:
    return notes if len(notes) <= MOST_NOTES else notes[MOST_NOTES // 2 :]
