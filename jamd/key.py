"""Keys, and the one in which a model reads: C major or A minor.

To find how far music is from there, its pitch classes, weighed by how long they sound, are
correlated with what listeners expect of each of the 24 keys; the best correlation names the key
(Krumhansl and Schmuckler; Krumhansl, "Cognitive Foundations of Musical Pitch", 1990, chapter 4).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.notes import TICKS_PER_BEAT, Note, Tick

# Probe-tone ratings of Krumhansl and Kessler (1982), from the tonic up.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_RATINGS = np.array([np.roll(p, tonic) for p in (_MAJOR, _MINOR) for tonic in range(12)])
_CENTRED = _RATINGS - _RATINGS.mean(axis=1, keepdims=True)
_PROFILES = _CENTRED / np.linalg.norm(_CENTRED, axis=1, keepdims=True)  # (24, 12)

_MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
_MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10, 11)  # natural, and the leading tone of its dominant

LONGEST_COUNTED = Tick(2 * TICKS_PER_BEAT)
"""No note counts by more than this."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key.

    Attributes:
        tonic: Pitch class, 0 for C.
        minor: Minor, else major.
    """

    tonic: int
    minor: bool = False

    @property
    def pitch_classes(self) -> frozenset[int]:
        """What belongs to it; in minor the raised seventh too."""
        scale = _MINOR_SCALE if self.minor else _MAJOR_SCALE
        return frozenset((self.tonic + degree) % 12 for degree in scale)

    @property
    def triad(self) -> frozenset[int]:
        """The pitch classes of its tonic triad."""
        return frozenset((self.tonic + degree) % 12 for degree in (0, 3 if self.minor else 4, 7))


def likeliest_key(weights: NDArray[np.float64]) -> tuple[Key, float]:
    """The key that fits best, and how well.

    Args:
        weights: Shape (12,): how much each pitch class is heard, in any unit.

    Returns:
        The key, C major where all classes are heard alike; and the correlation, -1..1.
    """
    if np.ptp(weights) == 0:
        return Key(0), 0.0
    centred = weights - weights.mean()
    correlations = _PROFILES @ centred / np.linalg.norm(centred)  # (24,)
    best = int(correlations.argmax())
    return Key(best % 12, minor=best >= 12), float(correlations[best])


def semitones_home(weights: NDArray[np.float64]) -> int:
    """How far to transpose music that is heard so, -5..6, to be without signature.

    That is C major or A minor: a model that reads everything there need not learn each key apart.
    """
    key, _ = likeliest_key(weights)
    semitones = -(key.tonic + 3 * key.minor) % 12
    return semitones - 12 if semitones > 6 else semitones


def home_of(notes: Iterable[Note]) -> int:
    """How far to transpose `notes`, -5..6, to be in C major or A minor; 0 where there are none."""
    return semitones_home(heard_weights(notes))


def heard_weights(notes: Iterable[Note]) -> NDArray[np.float64]:
    """Shape (12,): how much each pitch class is heard, in ticks.

    A note counts by its duration up to two beats: a pad should not outweigh the tune above it. One
    still held counts as a beat.
    """
    weights = np.zeros(12)
    for note in notes:
        weights[note.pitch % 12] += min(note.duration or TICKS_PER_BEAT, LONGEST_COUNTED)
    return weights
