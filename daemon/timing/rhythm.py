"""Statistics of rhythm: where in the beat onsets lie, and which places follow which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Statistics of one kind of meter, by places in the beat, 0..11, in twelfths of a beat.

    Attributes:
        steps: For each place, how often the next onset comes a number of twelfths later.
        begins: How often a phrase begins at a place.
        ends: How often a phrase that stops at a place is over.
        accents: How loud an onset at a place is, in standard deviations from the phrase's mean.
        pulses_per_minute: The commonest tempo. Periods are distributed log-normally around it.
        spread: The standard deviation of tempos around it, in octaves.
        slowest: The slowest tempo, in pulses a minute.
        fastest: The fastest tempo, in pulses a minute.
        swings: Whether off-beats may be swung.
    """

    steps: Mapping[int, Mapping[int, float]]
    begins: Mapping[int, float]
    ends: Mapping[int, float]
    accents: Mapping[int, float]
    pulses_per_minute: float
    spread: float
    slowest: float
    fastest: float
    swings: bool


# Counted in the tunes of OpenEWLD and in the right hands of Mutopia (one half of the files; the
# other half is for evaluation), rounded; rare values are set a little higher than counted. The
# accents are those of the Groove MIDI data set times 1.5, because rhythm alone is overconfident.
# People prefer a beat near 120 (D. Moelants, "Preferred tempo reconsidered", 2002). The beat here
# is a little slower, because an answer works at half of a fast tempo, but less well at twice a slow
# one.
SIMPLE = Rhythm(
    steps={
        0: {12: 33, 6: 29, 3: 11, 24: 8, 4: 5, 18: 3.5, 9: 3, 36: 2.5, 48: 1.5, 8: 1.2, 30: 0.4}
        | {15: 0.3, 21: 0.2, 16: 0.2, 33: 0.1, 42: 0.1, 20: 0.1},
        3: {3: 81, 6: 12.5, 9: 3, 12: 2, 21: 0.6, 15: 0.3, 18: 0.2, 33: 0.2, 24: 0.1},
        4: {4: 78, 8: 19, 20: 1, 16: 1, 32: 0.5},
        6: {6: 62, 3: 20, 12: 9, 18: 2.5, 9: 2, 24: 1.2, 30: 1.2, 15: 0.3, 36: 0.3, 42: 0.3}
        | {21: 0.1, 48: 0.1},
        8: {4: 85, 8: 11, 12: 2, 16: 1, 28: 0.2, 24: 0.2, 40: 0.1},
        9: {3: 85, 6: 10, 9: 2, 15: 0.8, 18: 0.5, 27: 0.4, 21: 0.2, 12: 0.2, 33: 0.1, 24: 0.1}
        | {30: 0.1, 39: 0.1},
    },
    begins={0: 66, 3: 3, 4: 2, 6: 20, 8: 3, 9: 5},
    ends={0: 60, 3: 3, 4: 2, 6: 20, 8: 8, 9: 5},
    accents={0: 0.6, 3: -0.7, 4: -0.5, 6: 0.0, 8: -0.2, 9: -0.5},
    pulses_per_minute=104.0,
    spread=0.4,
    slowest=52.0,
    fastest=230.0,
    swings=True,
)
COMPOUND = Rhythm(
    steps={
        0: {4: 36, 8: 21, 2: 17, 12: 14, 6: 3.5, 20: 2.2, 24: 2.1, 16: 1.4, 36: 0.6, 32: 0.6},
        2: {2: 94, 4: 5, 10: 0.5},
        4: {4: 55, 2: 32, 8: 6, 12: 3.2, 6: 2.3, 20: 0.6, 16: 0.4, 10: 0.3, 24: 0.2},
        6: {2: 94, 6: 4, 4: 1},
        8: {4: 70, 2: 23, 8: 4.5, 6: 0.8, 12: 0.5, 16: 0.3, 10: 0.1, 28: 0.1},
        10: {2: 97, 10: 0.5, 6: 0.5, 14: 0.2},
    },
    begins={0: 70, 4: 8, 8: 18, 10: 4},
    ends={0: 60, 4: 25, 8: 8, 10: 2, 2: 2, 6: 2},
    accents={0: 0.6, 2: -0.6, 4: -0.2, 6: -0.5, 8: -0.2, 10: -0.5},
    pulses_per_minute=70.0,
    spread=0.4,
    slowest=36.0,
    fastest=150.0,
    swings=False,
)
