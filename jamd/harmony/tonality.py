"""What is known about the key of what was heard, and how surely.

A short phrase leaves several keys likely (`jamd.harmony.key`), and what follows from the key allows
for that. On phrases of 2, 4 and 8 bars of training pieces, the likeliest key was the piece's in 43,
52 and 62 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.columns import Columns
from jamd.harmony.key import (
    KEYS,
    Key,
    counted_ticks,
    heard_ticks,
    latest_probabilities,
    probabilities,
)
from jamd.language import Context
from jamd.notes import Note

LEAST_PROBABILITY = 0.2
"""Below this, no key is named: the music is chromatic, or there is too little of it."""

_NEARLY = 0.95

RECENT_BARS = 8
"""How far back notes count towards the key of a jam, which may change."""


def _members(keys: Iterable[frozenset[int]]) -> NDArray[np.float64]:
    return np.array([[pitch in one for pitch in range(12)] for one in keys], np.float64)


_SCALES = _members(key.pitch_classes for key in KEYS)
_TRIADS = _members(key.triad for key in KEYS)


@dataclass(frozen=True, slots=True)
class Tonality:
    """What is known about the key of some music.

    Attributes:
        probabilities: Shape (60,), of each of `KEYS`.
    """

    probabilities: NDArray[np.float64]

    @property
    def key(self) -> Key | None:
        """The likeliest key; None if its probability is below `LEAST_PROBABILITY`."""
        best = int(self.probabilities.argmax())
        return KEYS[best] if self.probabilities[best] >= LEAST_PROBABILITY else None

    @property
    def in_scale(self) -> NDArray[np.float64]:
        """Shape (12,): the probability that a pitch class belongs to the key."""
        return self.probabilities @ _SCALES

    @property
    def tonic_tones(self) -> frozenset[int]:
        """The pitch classes that are (nearly) the likeliest to belong to the tonic triad."""
        sure = self.probabilities @ _TRIADS
        return frozenset(np.flatnonzero(sure >= _NEARLY * sure.max()).tolist())


def tonality_of(notes: Sequence[Note]) -> Tonality | None:
    """The tonality of `notes`; None if there are none."""
    ticks = heard_ticks(Columns.of(notes))
    return Tonality(probabilities(ticks)) if ticks.any() else None


def recent_tonality(context: Context) -> Tonality | None:
    """The tonality at the end of a context's last `RECENT_BARS` bars; None if they are silent.

    If the player has played anything there, only that counts: jamd follows the player, not itself.
    The key may have changed on the way: what is played in a new one need not outweigh the old one.
    Bars without notes do not count. And a bar counts for no more than its length, however many
    notes sound at once in it, because those of a chord are not independent draws: so the key of a
    whole standard is the likeliest at 77 % of its bar lines (76 % with blues and modes among the
    keys), and else at 65 %, with many a borrowed chord taken for a new key. What the accompaniment
    begins on counts once more, as the bass.
    """
    bar = context.meter.ticks_per_bar
    since = context.until - RECENT_BARS * bar
    heard = [note for note in context.heard if note.onset >= since]
    recent = heard or [note for note in context.played if note.onset >= since]
    if not recent:
        return None
    notes = Columns.of(recent)
    bars = (notes.onsets - context.start) // bar
    bars -= bars[0]
    places, pitch_classes = 12 * (int(bars[-1]) + 1), notes.pitches % 12
    ticks = np.bincount(12 * bars + pitch_classes, counted_ticks(notes), places).reshape(-1, 12)
    sounding = ticks[ticks.any(axis=1)]  # (bars, 12)
    capped = sounding * np.minimum(1, bar / sounding.sum(axis=1, keepdims=True))
    below = pitch_classes[~notes.lead]
    bass = int(below[0]) if len(below) else None
    return Tonality(latest_probabilities(capped, bass))
