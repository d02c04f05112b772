"""Keys, how likely each is given what was heard, and the key in which a model reads.

Each key has a likelihood: that of drawing the music's pitch classes, each weighted by how long it
sounds, from the distribution usual in that key. By Bayes' rule that gives every key a probability
(D. Temperley, "Music and Probability", 2007, chapters 4 and 6). Beside the 24 keys there is a blues
on each tonic, whose seventh and third by the signature of a major or minor key are foreign to it.

A model reads everything in C major or A minor, so that it need not learn each key separately.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.columns import Columns, Ints
from jamd.notes import HELD, TICKS_PER_BEAT, Tick

# In what share of its segments each pitch class occurs, from the tonic up, in the excerpts of S.
# Kostka and D. Payne's "Tonal Harmony" (Temperley 2007, table 6.1).
_MAJOR = (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400)
_MINOR = (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330)

# Of no corpus: the seventh chords of twelve bars of blues (seven of I, three of IV, two of V), with
# the minor third and the diminished fifth that the tune adds.
_BLUES = (0.830, 0.040, 0.250, 0.500, 0.450, 0.500, 0.250, 0.750, 0.040, 0.280, 0.600, 0.120)

A_BLUES = 0.05
"""How likely music is to be a blues.

Without a blues among the keys, two choruses of C7, F7 and G7, a blues scale over them, and that
scale alone were heard on another tonic at each of 264 bar lines; with it at 5, 0 and 9 % of them.
At 5,342 bar lines of 290 standards the likeliest triad is the whole piece's at 75.9 %, not 77.3,
and keeping to the key as `in_key` does costs the notes that follow 0.222 bits each, not 0.235.
"""

_A_BEAT_COUNTS = 1.5
"""How many independent draws a beat counts as."""

A_CHANGE = 0.01
"""How likely music is to change its key from one bar to the next.

Two bars after a song has given way to one in another key, a note of the next bar costs 3.37 bits
given the keys found so, 3.69 given a key that never changes, and 3.25 with a tenth; but with a
tenth 51 % of the bars of songs are heard in the song's key, and 57 % with either of the others.
"""

_MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
_MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10, 11)  # natural, and the leading tone of its dominant
_BLUES_SCALE = (0, 2, 3, 4, 5, 6, 7, 9, 10, 11)  # major, and the blue third, fifth and seventh

LONGEST_COUNTED = Tick(2 * TICKS_PER_BEAT)
"""No note counts for more than this."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key.

    Attributes:
        tonic: Pitch class, 0 for C.
        minor: Whether it is minor rather than major.
        blues: Whether it is a blues, which is neither; its triad is major.
    """

    tonic: int
    minor: bool = False
    blues: bool = False

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes of its scale; in minor the raised seventh too."""
        scale = _MINOR_SCALE if self.minor else _BLUES_SCALE if self.blues else _MAJOR_SCALE
        return frozenset((self.tonic + degree) % 12 for degree in scale)

    @property
    def triad(self) -> frozenset[int]:
        """The pitch classes of its tonic triad."""
        return frozenset((self.tonic + degree) % 12 for degree in (0, 3 if self.minor else 4, 7))


_SIGNED = tuple(Key(tonic, minor) for minor in (False, True) for tonic in range(12))
KEYS = (*_SIGNED, *(Key(tonic, blues=True) for tonic in range(12)))
"""The major keys from C up, then the minor, then the blues."""

_BEFORE = np.repeat([(1 - A_BLUES) / 24, (1 - A_BLUES) / 24, A_BLUES / 12], 12)  # (36,)
_PROFILES = np.array([np.roll(p, t) for p in (_MAJOR, _MINOR, _BLUES) for t in range(12)])
_LOG_PROFILES = np.log(_PROFILES / _PROFILES.sum(axis=1, keepdims=True))


def probabilities(
    ticks: NDArray[np.float64], before: NDArray[np.float64] = _BEFORE
) -> NDArray[np.float64]:
    """Shape (36,): the probability of each of `KEYS` given what was heard.

    Args:
        ticks: Shape (12,): how long each pitch class sounded, as `heard_ticks` counts it.
        before: Shape (36,): the probability of each key beforehand; by default all major and minor
            keys are equally likely, and so are the blues.
    """
    return _by_bayes(_log_likelihoods(ticks), before)


def _log_likelihoods(ticks: NDArray[np.float64]) -> NDArray[np.float64]:
    likelihoods: NDArray[np.float64] = _LOG_PROFILES @ (_A_BEAT_COUNTS / TICKS_PER_BEAT * ticks)
    return likelihoods  # (36,)


def _by_bayes(
    log_likelihoods: NDArray[np.float64], before: NDArray[np.float64]
) -> NDArray[np.float64]:
    weights = np.exp(log_likelihoods - log_likelihoods.max()) * before
    likely: NDArray[np.float64] = weights / weights.sum()
    return likely


def latest_probabilities(bars: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Shape (36,): as `probabilities`, of the key in the last of `bars`, which may have changed.

    From each bar to the next, with the probability `A_CHANGE`, the key is any of them, as likely as
    beforehand; else it stays (after Temperley 2007, chapter 6).

    Args:
        bars: For each bar, by time, how long each pitch class sounded, shape (12,).
    """
    likely = _BEFORE
    for ticks in bars:
        likely = probabilities(ticks, (1 - A_CHANGE) * likely + A_CHANGE * _BEFORE)
    return likely


def semitones_home(ticks: NDArray[np.float64]) -> int:
    """The semitones, -5..6, that transpose music to no key signature; 0 if nothing was heard.

    A major key and its relative minor share a signature, and the likeliest signature counts; a
    blues is read by whichever of them fits it best, as the music that the models learn from is.

    Args:
        ticks: Shape (12,): as for `probabilities`.
    """
    if not ticks.any():
        return 0
    signed = slice(0, len(_SIGNED))
    major, minor = _by_bayes(_log_likelihoods(ticks)[signed], np.ones(24)).reshape(2, 12)
    signature = int((major + np.roll(minor, 3)).argmax())  # as a major key
    return 6 - (signature + 6) % 12


def home_of(notes: Columns) -> int:
    """The semitones, -5..6, that transpose `notes` to C major or A minor; 0 if there are none."""
    return semitones_home(heard_ticks(notes))


def heard_ticks(notes: Columns) -> NDArray[np.float64]:
    """Shape (12,): how long each pitch class is heard, in ticks."""
    return np.bincount(notes.pitches % 12, counted_ticks(notes), 12).astype(np.float64)


def counted_ticks(notes: Columns) -> Ints:
    """Shape (notes,): how much each note counts.

    A note counts for its duration, at most two beats: a pad should not outweigh the tune above it.
    A note still held counts as a beat.
    """
    sounding = np.where(notes.durations == HELD, TICKS_PER_BEAT, notes.durations)
    return np.minimum(sounding, LONGEST_COUNTED)
