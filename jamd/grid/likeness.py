"""Keeps an answer like its phrase: about as high, and not much denser.

Both are limits, not preferences: within them the model is free.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jamd.grid.cadence import Cadence
from jamd.grid.tokens import (
    CHORD,
    COMP,
    DURATION,
    HIGHEST,
    LEAD,
    LOWEST,
    PITCHES,
    POSITION,
    VELOCITY,
)
from jamd.grid.writer import GridWriter, Mask
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Part, Tick

FIFTH = 7
"""Semitones by which the centre of an answer may differ from the centre of the phrase."""

_PITCHES = np.arange(LOWEST, HIGHEST + 1)

_MARGIN = 0.5  # so that a centre computed in another way is still within the fifth

FEWEST_COMP = 3
"""From this many notes under the tune on, a player has a register for them."""

BACKING = 1 / 3
"""The share of an answer's notes that may go to an accompaniment the player did not play."""


class Register:
    """Keeps each part's mean pitch, and its lowest and highest, within a fifth of the player's.

    A part that the player does not play is left alone; but if the player has no tune at all, the
    tune of the answer keeps to the register of what is played. If the tune may write no pitch
    within its bounds, it may write the nearest: without a tune, an answer would end on whatever
    else may be struck. That goes for one note at a time: a second one lies higher still.

    Args:
        phrase: What the player played, at least one note.
    """

    def __init__(self, phrase: Sequence[Note]) -> None:
        lead = [note.pitch for note in phrase if note.part is Part.LEAD]
        comp = [note.pitch for note in phrase if note.part is Part.COMP]
        self._parts = {Part.LEAD: _Centre(lead or comp)}
        if lead and len(comp) >= FEWEST_COMP:
            self._parts[Part.COMP] = _Centre(comp)

    def wrote(self, note: Note) -> None:
        """Take in a note of the answer."""
        if note.part in self._parts:
            self._parts[note.part].add(note.pitch)

    def narrow(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), the pitches that lie too far off."""
        for part, centre in self._parts.items():
            first = LEAD if part is Part.LEAD else COMP
            low, high = centre.bounds()
            pitches = mask[first : first + PITCHES]
            off = np.maximum(low - _PITCHES, _PITCHES - high)
            begins = part is Part.LEAD and writer.pitch_token < LEAD  # no tune yet at this position
            nearest = off[pitches].min(initial=PITCHES) if begins else 0
            pitches[off > max(0, nearest)] = False


class _Centre:
    """The mean of one part's pitches, held to that of `pitches`."""

    def __init__(self, pitches: Sequence[int]) -> None:
        self._mean = sum(pitches) / len(pitches)
        self._span = min(pitches) - FIFTH, max(pitches) + FIFTH
        self._count = 0
        self._off = 0.0  # sum of the answer's distances from the mean

    def add(self, pitch: int) -> None:
        self._count += 1
        self._off += pitch - self._mean

    def bounds(self) -> tuple[int, int]:
        """The lowest and the highest pitch that may come next.

        Where only the last notes of what was written are remembered, their mean may be too far off:
        then it is drawn back, from within the span, and some pitch remains.
        """
        most = (FIFTH - _MARGIN) * (self._count + 1)
        low = min(self._mean - self._off - most, self._mean)
        high = max(self._mean - self._off + most, self._mean)
        return max(self._span[0], -int(-low // 1)), min(self._span[1], int(high // 1))


class _Bucket:
    """A leaky bucket: notes may come at any time, but at most a bar's worth ahead of the pace.

    Args:
        rate: Notes, or strokes, a tick, above 0.
        begin: Tick at which the pace begins.
        meter: The meter.
    """

    def __init__(self, rate: float, begin: Tick, meter: Meter) -> None:
        self._rate = rate
        self._most = max(1.0, rate * meter.ticks_per_bar)
        self._level = self._most
        self._at: int = begin

    def take(self, tick: int) -> None:
        """A note begins at `tick`."""
        self._level = self._level_at(tick) - 1
        self._at = max(self._at, tick)

    def has_one(self, tick: int) -> bool:
        """Whether there is room for a note at `tick`."""
        return self._level_at(tick) >= 1

    def next_at(self) -> float:
        """The tick from which on there is room for a note."""
        return self._at + (1 - self._level) / self._rate

    def _level_at(self, tick: int) -> float:
        return min(self._most, self._level + self._rate * max(0, tick - self._at))


class Density:
    """Keeps to a number of notes a beat, over all parts.

    An answer that ends keeps the pace over its whole length, with a note reserved for its cadence.

    Args:
        rate: Notes a tick, above 0.
        begin: Tick at which the answer begins.
        meter: The meter.
        end: Tick at which it ends, and its cadence; None if it goes on.
    """

    def __init__(
        self, rate: float, begin: Tick, meter: Meter, end: tuple[Tick, Cadence] | None
    ) -> None:
        self._bucket = _Bucket(rate, begin, meter)
        self._cadence: Cadence | None = None
        self._left = 0
        if end is not None:
            self._cadence = end[1]
            self._left = max(1, int(rate * (end[0] - begin)))

    def wrote(self, note: Note) -> None:
        """Take in a note of the answer."""
        self._bucket.take(note.onset)
        self._left -= 1

    def narrow(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), notes that come too soon, and positions without any."""
        if self._cadence is not None and self._left <= 1:
            self._cadence.keep_only_last(mask, writer)
            return
        if not self._bucket.has_one(writer.now):
            mask[CHORD:VELOCITY] = mask[LEAD:DURATION] = False
        first = -int(-(self._bucket.next_at() - writer.bar_line) // TICKS_PER_STEP)
        mask[POSITION : min(CHORD, POSITION + max(0, first))] = False


class Backing:
    """Keeps an accompaniment that the player did not play to a share of the notes.

    Otherwise chords of four notes use up what `Density` allows, and the tune stops. A chord may be
    as full as the model likes; the next one comes once it is paid for.

    Args:
        rate: Notes of the accompaniment a tick, above 0.
        begin: Tick at which the answer begins.
        meter: The meter.
    """

    def __init__(self, rate: float, begin: Tick, meter: Meter) -> None:
        self._bucket = _Bucket(rate, begin, meter)

    def wrote(self, note: Note) -> None:
        """Take in a note of the answer."""
        if note.part is Part.COMP:
            self._bucket.take(note.onset)

    def narrow(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), a chord that is not paid for."""
        if not writer.pitch_token and not self._bucket.has_one(writer.now):
            mask[CHORD:VELOCITY] = False


class Chords(Backing):
    """Keeps the accompaniment to a number of strokes a beat, so that it leaves the tune its share.

    Notes struck together are one stroke, however many they are; `rate` is in strokes a tick.
    """

    def __init__(self, rate: float, begin: Tick, meter: Meter) -> None:
        super().__init__(rate, begin, meter)
        self._struck: int | None = None

    def wrote(self, note: Note) -> None:
        """Take in a note of the answer."""
        if note.onset != self._struck:
            super().wrote(note)
        if note.part is Part.COMP:
            self._struck = note.onset


def rate_of(phrase: Sequence[Note], answer: Tick) -> float:
    """Notes a tick in what the player played, from its first onset to its end, in whole beats.

    Args:
        phrase: At least one note, sorted by onset.
        answer: Where the answer begins: a note still held counts as lasting until then.
    """
    end = max(note.end if note.duration else max(answer, note.onset + 1) for note in phrase)
    beats = -(-(end - phrase[0].onset) // TICKS_PER_BEAT)
    return len(phrase) / (max(1, beats) * TICKS_PER_BEAT)
