"""Keys, how likely each is given what was heard, and the key in which a model reads.

Each key has a likelihood: that of drawing the music's pitch classes, each weighted by how long it
sounds, from the distribution usual in that key. By Bayes' rule that gives every key a probability
(D. Temperley, "Music and Probability", 2007, chapters 4 and 6). Beside the 24 keys there is a blues
on each tonic, whose third and seventh lie outside its major key, and a Dorian and a Mixolydian key,
which rest on another note of a major key.

A model reads everything in C major or A minor, so that it need not learn each key separately.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.columns import Columns, Ints
from jamd.notes import HELD, TICKS_PER_BEAT, Tick

A_BLUES = 0.05
"""How likely music is to be a blues.

Without a blues among the keys, two choruses of C7, F7 and G7, a blues scale over them, and that
scale alone were heard on another tonic at each of 264 bar lines; with it at 5, 0 and 9 % of them
(2, 1 and 9 % with modal keys, too). At 5,342 bar lines of 290 standards the likeliest triad is the
whole piece's at 75.9 %, not 77.3, and keeping to the key as `in_key` does costs the notes that
follow 0.222 bits each, not 0.235.
"""

A_MODE = 0.005
"""How likely music is to be Dorian or Mixolydian.

Of 98 modal phrases (chords, tunes, both, tunes over a bass, basses), in six transpositions, once
and twice over, 57 % of the notes that an answer may end on were of the tonic triad without these
keys and the first bass; with them 88 %. The likeliest triad is that of a whole standard at 76.2 %
of the bar lines, not 75.9, but 89.7 % of what an answer there may end on belong to it, not 90.6.
"""

_A_BEAT_COUNTS = 1.5
"""How many independent draws a beat counts as."""

A_CHANGE = 0.01
"""How likely music is to change its key from one bar to the next.

Two bars after a song has given way to one in another key, a note of the next bar costs 3.37 bits
given the keys found so, 3.69 given a key that never changes, and 3.25 with a tenth; but with a
tenth 51 % of the bars of songs are heard in the song's key, and 57 % with either of the others.
"""

LONGEST_COUNTED = Tick(2 * TICKS_PER_BEAT)
"""No note counts for more than this."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What the keys of a kind have in common, whatever their tonic.

    Attributes:
        degrees: The semitones from the tonic up to each of its pitches.
        profile: How usual each pitch class is, from the tonic up; any unit.
        before: How likely music is, before it is heard, to be in a key of this kind.
    """

    degrees: tuple[int, ...]
    profile: tuple[float, ...]
    before: float


# The first two profiles: in what share of its segments each pitch class occurs in the excerpts of
# S. Kostka and D. Payne's "Tonal Harmony" (Temperley 2007, table 6.1).
MAJOR = Scale(
    (0, 2, 4, 5, 7, 9, 11),
    (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    (1 - A_BLUES - A_MODE) / 2,
)
MINOR = Scale(
    (0, 2, 3, 5, 7, 8, 10, 11),  # natural, and the leading tone of its dominant
    (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
    (1 - A_BLUES - A_MODE) / 2,
)
# Of no corpus: the seventh chords of twelve bars of blues (seven of I, three of IV, two of V), with
# the minor third and the diminished fifth that the tune adds.
BLUES = Scale(
    (0, 2, 3, 4, 5, 6, 7, 9, 10, 11),  # major, and the blue third, fifth and seventh
    (0.830, 0.040, 0.250, 0.500, 0.450, 0.500, 0.250, 0.750, 0.040, 0.280, 0.600, 0.120),
    A_BLUES,
)
# Of no corpus: the profiles of minor and major with the mode's own sixth and seventh, which its
# chords have, and with everything foreign rare.
DORIAN = Scale(
    (0, 2, 3, 5, 7, 9, 10),
    (0.712, 0.040, 0.474, 0.618, 0.040, 0.460, 0.040, 0.747, 0.040, 0.400, 0.450, 0.040),
    A_MODE / 2,
)
MIXOLYDIAN = Scale(
    (0, 2, 4, 5, 7, 9, 10),
    (0.748, 0.040, 0.488, 0.040, 0.670, 0.460, 0.040, 0.715, 0.040, 0.400, 0.450, 0.040),
    A_MODE / 2,
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key.

    Attributes:
        tonic: Pitch class, 0 for C.
        scale: One of `SCALES`.
    """

    tonic: int
    scale: Scale = MAJOR

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes of its scale; in minor the raised seventh too."""
        return frozenset((self.tonic + degree) % 12 for degree in self.scale.degrees)

    @property
    def minor(self) -> bool:
        """Whether its tonic triad is minor rather than major."""
        return 4 not in self.scale.degrees

    @property
    def triad(self) -> frozenset[int]:
        """The pitch classes of its tonic triad."""
        return frozenset((self.tonic + degree) % 12 for degree in (0, 3 if self.minor else 4, 7))


SCALES = (MAJOR, MINOR, BLUES, DORIAN, MIXOLYDIAN)
KEYS = tuple(Key(tonic, scale) for scale in SCALES for tonic in range(12))
"""The keys of each of `SCALES`, from C up."""

_SIGNED = 24
"""How many of `KEYS`, the major and minor ones, have a key signature of their own."""

_BEFORE = np.array([key.scale.before / 12 for key in KEYS])  # (60,)
_PROFILES = np.array([np.roll(key.scale.profile, key.tonic) for key in KEYS])
_LOG_PROFILES = np.log(_PROFILES / _PROFILES.sum(axis=1, keepdims=True))  # (60, 12)

# How often each degree is the first bass of eight bars of 290 standards and 400 songs. It is what
# tells a mode from the major key with the same notes: what the music rests on.
_FIRST_BASS = (0.36, 0.01, 0.10, 0.02, 0.06, 0.09, 0.01, 0.21, 0.02, 0.07, 0.02, 0.03)
_LOG_FIRST_BASS = np.log([np.roll(_FIRST_BASS, key.tonic) for key in KEYS])  # (60, 12)


def probabilities(
    ticks: NDArray[np.float64], before: NDArray[np.float64] = _BEFORE
) -> NDArray[np.float64]:
    """Shape (60,): the probability of each of `KEYS` given what was heard.

    Args:
        ticks: Shape (12,): how long each pitch class sounded, as `heard_ticks` counts it.
        before: Shape (60,): the probability of each key beforehand; by default all major and minor
            keys are equally likely, and so are all blues and all modal keys.
    """
    return _by_bayes(_log_likelihoods(ticks), before)


def _log_likelihoods(ticks: NDArray[np.float64]) -> NDArray[np.float64]:
    likelihoods: NDArray[np.float64] = _LOG_PROFILES @ (_A_BEAT_COUNTS / TICKS_PER_BEAT * ticks)
    return likelihoods  # (60,)


def _by_bayes(
    log_likelihoods: NDArray[np.float64], before: NDArray[np.float64]
) -> NDArray[np.float64]:
    weights = np.exp(log_likelihoods - log_likelihoods.max()) * before
    likely: NDArray[np.float64] = weights / weights.sum()
    return likely


def latest_probabilities(
    bars: Iterable[NDArray[np.float64]], bass: int | None = None
) -> NDArray[np.float64]:
    """Shape (60,): as `probabilities`, of the key in the last of `bars`, which may have changed.

    From each bar to the next, with the probability `A_CHANGE`, the key is any of them, as likely as
    beforehand; else it stays (after Temperley 2007, chapter 6).

    Args:
        bars: For each bar, by time, how long each pitch class sounded, shape (12,).
        bass: The pitch class of the first bass note in them; None if there is none.
    """
    likely = _BEFORE if bass is None else _by_bayes(_LOG_FIRST_BASS[:, bass], _BEFORE)
    for ticks in bars:
        likely = probabilities(ticks, (1 - A_CHANGE) * likely + A_CHANGE * _BEFORE)
    return likely


def semitones_home(ticks: NDArray[np.float64]) -> int:
    """The semitones, -5..6, that transpose music to no key signature; 0 if nothing was heard.

    A major key and its relative minor share a signature, and the likeliest signature counts; a
    blues or a mode is read by whichever fits it best, as the music that the models learn from is.

    Args:
        ticks: Shape (12,): as for `probabilities`.
    """
    if not ticks.any():
        return 0
    signed = _log_likelihoods(ticks)[:_SIGNED]
    major, minor = _by_bayes(signed, np.ones(_SIGNED)).reshape(2, 12)
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
