"""Makes an answer end like a phrase, before the player's downbeat.

No onset falls in the last beat and a sixteenth, and all that sounds has ended a sixteenth before
the end, which gives the player room to breathe in. The last note of the tune is a tone of the
tonic triad (over chord changes, of the chord's) that lasts a beat or more, or has as much rest
after it. What accompanies it is of the triad too. Where it falls within the last bar is the model's
choice, as is everything before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from jamd.grid.tokens import (
    BAR,
    CHORD,
    COMP,
    DURATION,
    DURATIONS,
    HIGHEST,
    LEAD,
    LOWEST,
    PITCHES,
    POSITION,
    VELOCITY,
)
from jamd.grid.writer import DURATION_TICKS, GridWriter, Mask
from jamd.harmony.harmony import CHORDS, tones_of
from jamd.notes import METERS, TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Part, Tick

BREATH = TICKS_PER_BEAT // 4
"""Ticks of silence before the end."""

_PITCH_CLASSES = np.arange(LOWEST, HIGHEST + 1) % 12
_CHORD_TONES = tuple(tones_of(chord) for chord in CHORDS)


@cache
def _foreign_to(tones: frozenset[int]) -> tuple[Mask, Mask]:
    """The chords of `CHORDS` that lack one of `tones`, and the pitches that are none of them."""
    chords = np.array([not tones <= chord for chord in _CHORD_TONES])
    return chords, ~np.isin(_PITCH_CLASSES, list(tones))


class Cadence:
    """Brings a continuation to a close in time.

    Ticks count from the beginning of the context.

    Args:
        end: Where it ends: the player's downbeat.
        meter: The meter there.
        tones: The pitch classes that it may end on, by the onset of the last note.
        part: The part that ends it: Lead, or Comp if Lead may not be written.
        polyphony: Most notes that may sound at once; room for one is kept for the last note.
    """

    def __init__(
        self,
        end: Tick,
        meter: Meter,
        tones: Callable[[Tick], frozenset[int]],
        part: Part,
        polyphony: int,
    ) -> None:
        self._end = end
        self._last_bar = end - meter.ticks_per_bar
        self._release = end - BREATH  # everything has ended by then
        self._last = self._release - TICKS_PER_BEAT  # the last possible onset
        # A note of the part from here on is the last one.
        self._final = max(end - 2 * TICKS_PER_BEAT, self._last_bar + TICKS_PER_BEAT // 2)
        self._tones = tones
        self._part = part
        self._first_pitch = LEAD if part is Part.LEAD else COMP
        self._others = polyphony - 1
        self._ends: list[int] = []
        self._closed = self._resolved = False

    def is_final(self, onset: int) -> bool:
        """Whether a note of the part at `onset` is the last one, whatever follows."""
        return onset >= self._final

    def wrote(self, note: Note) -> None:
        """Take in a note of the answer."""
        self._ends.append(note.end)
        if note.part is self._part:
            breathes = max(note.duration, self._end - note.end) >= TICKS_PER_BEAT
            at_rest = breathes and note.pitch % 12 in self._tones(note.onset)
            self._resolved = at_rest and note.onset >= self._last_bar
            self._closed = self._resolved and self.is_final(note.onset)

    def narrow(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), what would not end like a phrase."""
        if writer.next_bar_line > self._last and not self._resolved:
            mask[BAR : BAR + len(METERS)] = False
        last = -1 if self._closed else (self._last - writer.bar_line) // TICKS_PER_STEP
        mask[min(CHORD, POSITION + max(0, last + 1)) : CHORD] = False
        if self._closed or writer.now > self._last:
            mask[CHORD:VELOCITY] = mask[LEAD:DURATION] = False
        elif self.is_final(writer.now):
            foreign_chords, foreign = _foreign_to(self._tones(writer.now))
            mask[CHORD:COMP][foreign_chords] = False
            mask[COMP:VELOCITY][foreign] = False
            mask[LEAD:DURATION][foreign] = False
            own = mask[self._first_pitch : self._first_pitch + PITCHES]
            if self._sounding(writer.now) >= self._others:
                pitches = own.copy()
                mask[CHORD:VELOCITY] = mask[LEAD:DURATION] = False
                own[:] = pitches

    def keep_only_last(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask` every note but the last one, and that too once it is written."""
        none = self._resolved
        first = (self._final - writer.bar_line + TICKS_PER_STEP - 1) // TICKS_PER_STEP
        mask[POSITION : CHORD if none else min(CHORD, POSITION + max(0, first))] = False
        own = slice(self._first_pitch, self._first_pitch + PITCHES)
        pitches = mask[own].copy()
        mask[CHORD:VELOCITY] = mask[LEAD:DURATION] = False
        if self.is_final(writer.now) and not none:
            mask[own] = pitches

    def narrow_durations(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask` durations that are too long and, for the last note, too short."""
        durations = mask[DURATION : DURATION + len(DURATIONS)]
        durations[self._release - writer.now < DURATION_TICKS] = False
        own = self._first_pitch <= writer.pitch_token < self._first_pitch + PITCHES
        if own and self.is_final(writer.now):
            durations[DURATION_TICKS < TICKS_PER_BEAT] = False
        elif self._sounding(self._last) >= self._others:
            durations[self._last - writer.now < DURATION_TICKS] = False

    def _sounding(self, at: int) -> int:
        return sum(end > at for end in self._ends)
