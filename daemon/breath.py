"""Endless music breathes: no stretch of eight bars is without a rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from jamd.notes import TICKS_PER_BEAT, Meter, Note, Tick

PHRASE_BARS = 4
LONGEST_BARS = 2 * PHRASE_BARS


class Breath:
    """Takes out of endless music what would leave it without a rest for `LONGEST_BARS`.

    A rest of a beat in which nothing sounds is a breath, whoever meant it. Where none has come, the
    last beat before a line of `PHRASE_BARS` bars is made one: it is where a phrase ends. Where that
    would be too late, it is the last beat before a bar line, or the music's beginning.

    Args:
        meter: The meter.
        start: Where the music begins.
        strays: In ticks: by less than half of it is each note played early or late.
    """

    def __init__(self, meter: Meter, start: Tick, strays: int = 0) -> None:
        self._bar = meter.ticks_per_bar
        self._rest = meter.ticks_per_pulse + strays
        self._enough = TICKS_PER_BEAT + strays
        self._rested = start  # the end of the last rest
        self._sounds = start  # until when that sounds which has begun
        self.begin(start)

    def begin(self, start: Tick) -> None:
        """Other music begins at `start`: phrases are counted from there."""
        self._line = Tick(start // self._bar * self._bar)

    def of(self, notes: Iterable[Note]) -> Iterator[Note]:
        """What of `notes`, by onset and later than all before, is to be played."""
        for note in notes:
            if note.onset >= self._sounds + self._enough:
                self._rested = note.onset
            rest = self._next()
            if note.onset >= rest:
                continue
            kept = replace(note, duration=Tick(min(note.duration, rest - note.onset)))
            self._sounds = Tick(max(self._sounds, kept.end))
            yield kept

    def cut(self, limit: Tick) -> None:
        """Nothing that has begun sounds beyond `limit`."""
        self._sounds = min(self._sounds, limit)

    def _next(self) -> Tick:
        """Where the next rest begins at the latest."""
        phrase = PHRASE_BARS * self._bar
        latest = self._rested + LONGEST_BARS * self._bar - self._line
        lines = phrase if latest >= phrase else self._bar
        return Tick(self._line + latest // lines * lines - self._rest)
