"""Endless music breathes: no stretch of eight bars is without a rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from jamd.daemon.transport import pulse
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Tick

PHRASE_BARS = 4
LONGEST_BARS = 2 * PHRASE_BARS


class Breath:
    """Takes out of endless music what would leave it without a rest for `LONGEST_BARS`.

    A rest of a beat in which nothing sounds is a breath, whoever meant it. Where none has come, the
    last beat before a line of `PHRASE_BARS` bars is made one: it is where a phrase ends.

    Args:
        meter: The meter.
        start: Where the music begins.
    """

    def __init__(self, meter: Meter, start: Tick) -> None:
        self._bar = meter.ticks_per_bar
        self._pulse = pulse(meter)
        self._line = Tick(start // self._bar * self._bar)
        self._rested = start  # the end of the last rest
        self._sounds = start  # until when that sounds which has begun

    def of(self, notes: Iterable[Note]) -> Iterator[Note]:
        """What of `notes`, by onset and later than all before, is to be played."""
        for note in notes:
            if note.onset >= self._sounds + TICKS_PER_BEAT:
                self._rested = note.onset
            rest = self._rest()
            if note.onset >= rest:
                continue
            kept = replace(note, duration=Tick(min(note.duration, rest - note.onset)))
            self._sounds = Tick(max(self._sounds, kept.end))
            yield kept

    def _rest(self) -> Tick:
        """Where the next rest begins at the latest."""
        phrase = PHRASE_BARS * self._bar
        latest = self._rested + LONGEST_BARS * self._bar - self._line
        return Tick(self._line + latest // phrase * phrase - self._pulse)
