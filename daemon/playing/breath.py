"""Endless music breathes: no stretch of eight bars is without a rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jamd.notes import TICKS_PER_BEAT, Meter, Note, Tick

PHRASE_BARS = 4
LONGEST_BARS = 2 * PHRASE_BARS


class Breath:
    """Thins out endless music, so that no `LONGEST_BARS` of it are without a rest.

    A beat in which nothing sounds is a breath, whether meant as one or not. If none has come, the
    last pulse before a multiple of `PHRASE_BARS` bars, where a phrase ends, is made one. If that
    would be too late, it is the last pulse before a bar line, or before the music's start.

    Args:
        meter: The meter.
        start: Where the music begins.
        strays: As the attribute.

    Attributes:
        strays: Ticks; each note is played early or late by less than half of this.
    """

    def __init__(self, meter: Meter, start: Tick, strays: int = 0) -> None:
        self._bar = meter.ticks_per_bar
        self._pulse = meter.ticks_per_pulse
        self.strays = strays
        self._rested = start  # the end of the last rest
        self._sounds = start  # when the last of the notes begun so far ends
        self.begin(start)

    def begin(self, start: Tick) -> None:
        """Other music begins at `start`: count phrases from there."""
        self._line = Tick(start // self._bar * self._bar)

    def of(self, notes: Iterable[Note]) -> Iterator[Note]:
        """Yield what is to be played of `notes`, by onset and later than all before."""
        for note in notes:
            if note.onset >= self._sounds + TICKS_PER_BEAT + self.strays:
                self._rested = note.onset
            rest = self._next()
            if note.onset >= rest:
                continue
            kept = note._replace(duration=Tick(min(note.duration, rest - note.onset)))
            self._sounds = Tick(max(self._sounds, kept.end))
            yield kept

    def cut(self, limit: Tick) -> None:
        """The notes begun so far are cut off at `limit`."""
        self._sounds = min(self._sounds, limit)

    def _next(self) -> Tick:
        """Where the next rest must begin at the latest."""
        phrase = PHRASE_BARS * self._bar
        latest = self._rested + LONGEST_BARS * self._bar - self._line
        lines = phrase if latest >= phrase else self._bar
        return Tick(self._line + latest // lines * lines - self._pulse - self.strays)
