"""What can be told of the key of what was heard, and how surely.

Each of the 24 keys has a likelihood: the music's pitch classes, each weighed by how long it sounds,
taken as drawn from what is usual in that key; by Bayes' rule, all keys being as likely beforehand,
that gives every key a probability (D. Temperley, "Music and Probability", 2007, chapters 4 and 6).
A short phrase leaves several keys likely, and what follows from it is said as carefully.

On phrases of 2, 4 and 8 bars of training pieces the likeliest key was the piece's in 43, 52 and
62 %; that of `jamd.key`, in which models learn to read, in 27, 34 and 37 %.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.key import Key, heard_weights
from jamd.language import Context
from jamd.notes import TICKS_PER_BEAT, Note

# How often each pitch class occurs, from the tonic up, in the excerpts of S. Kostka and D. Payne's
# "Tonal Harmony" (Temperley 2007, chapter 4).
_MAJOR = (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400)
_MINOR = (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330)

_A_BEAT_COUNTS = 1.5
"""So many independent draws is a beat worth."""

LEAST_PROBABILITY = 0.2
"""Below this nothing is called a key: the music is chromatic, or there is too little of it."""

_NEARLY = 0.95

RECENT_BARS = 8
"""How far back a jam is heard for its key: it may change."""


def _members(keys: Iterable[frozenset[int]]) -> NDArray[np.float64]:
    return np.array([[pitch in one for pitch in range(12)] for one in keys], np.float64)


_KEYS = tuple(Key(tonic, minor) for minor in (False, True) for tonic in range(12))
_PROFILES = np.array([np.roll(_MINOR if key.minor else _MAJOR, key.tonic) for key in _KEYS])
_LOG_PROFILES = np.log(_PROFILES / _PROFILES.sum(axis=1, keepdims=True))
_SCALES = _members(key.pitch_classes for key in _KEYS)
_TRIADS = _members(key.triad for key in _KEYS)


@dataclass(frozen=True, slots=True)
class Tonality:
    """What is known of the key of some music.

    Attributes:
        probabilities: Shape (24,), of the major keys from C up, then of the minor.
    """

    probabilities: NDArray[np.float64]

    @property
    def key(self) -> Key | None:
        """The likeliest key, if it is likely at all."""
        best = int(self.probabilities.argmax())
        return _KEYS[best] if self.probabilities[best] >= LEAST_PROBABILITY else None

    @property
    def in_scale(self) -> NDArray[np.float64]:
        """Shape (12,): the probability that a pitch class belongs to the key."""
        return self.probabilities @ _SCALES

    @property
    def tonic_tones(self) -> frozenset[int]:
        """The pitch classes that are the surest to belong to the tonic triad."""
        sure = self.probabilities @ _TRIADS
        return frozenset(np.flatnonzero(sure >= _NEARLY * sure.max()).tolist())


def tonality_of(notes: Iterable[Note]) -> Tonality | None:
    """The tonality of `notes`, or None where there are none."""
    ticks = heard_weights(notes)
    if not ticks.any():
        return None
    likelihoods = _LOG_PROFILES @ (_A_BEAT_COUNTS / TICKS_PER_BEAT * ticks)  # (24,)
    weights = np.exp(likelihoods - likelihoods.max())
    return Tonality(weights / weights.sum())


def recent_tonality(context: Context) -> Tonality | None:
    """The tonality of the last `RECENT_BARS` bars of a context, or None.

    It is the player's, where he has played anything: jamd follows him, and not itself.
    """
    since = context.until - RECENT_BARS * context.meter.ticks_per_bar
    recent = [note for note in context.heard if note.onset >= since]
    return tonality_of([note for note in recent if note not in context.played] or recent)
