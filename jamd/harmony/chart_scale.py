"""What a chart says about pitches: its key, scales, what clashes, and where a tune may rest.

Needs numpy; the front process never imports this.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from jamd.harmony.chart import Changes
from jamd.harmony.harmony import CHORDS, tones_of, triad_of
from jamd.harmony.key import probabilities, semitones_home
from jamd.harmony.tonality import Tonality
from jamd.notes import TICKS_PER_BEAT, Tick

AROUND = 16 * TICKS_PER_BEAT
"""How far, in ticks, the chords before and after a moment count towards its key."""


def ticks_of(changes: Changes, begin: Tick, end: Tick) -> NDArray[np.float64]:
    """Shape (12,): each pitch class's part of the time, in ticks, which a chord's tones share."""
    ticks = np.zeros(12)
    moments = [*changes.between(begin, end), (end, 0)]
    for (tick, chord), (until, _) in pairwise(moments):
        tones = list(tones_of(CHORDS[chord]))
        ticks[tones] += (until - tick) / len(tones)
    return ticks


@lru_cache(maxsize=4)
def home_of_chart(changes: Changes) -> int:
    """The semitones, -5..6, that transpose what goes with a chart to no key signature."""
    return semitones_home(ticks_of(changes, changes.start, Tick(changes.start + changes.length)))


def scale_at(changes: Changes, tick: Tick) -> NDArray[np.float64]:
    """Shape (12,): the probability that a pitch class belongs to the scale of the chord at `tick`.

    The scale is the key's, with the tones of the chord, and without what is a semitone from a tone
    of the chord that is foreign to the key: over A7 in C major C# is in, and C and D are out.
    """
    first_round = replace(changes, start=Tick(0))
    return _scale(first_round, Tick((tick - changes.start) % changes.length))


@lru_cache(maxsize=1024)
def _scale(changes: Changes, tick: Tick) -> NDArray[np.float64]:
    around = ticks_of(changes, Tick(tick - AROUND), Tick(tick + AROUND))
    scale = Tonality(probabilities(around)).in_scale
    tones = tones_of(CHORDS[changes.at(tick)])
    foreign = [tone for tone in tones if scale[tone] < 0.5]
    beside = [(tone + by) % 12 for tone in foreign for by in (-1, 1)]
    scale[[tone for tone in beside if tone not in tones]] = 0.0
    scale[list(tones)] = 1.0
    scale.flags.writeable = False
    return scale


def clash(changes: Changes, begin: Tick, end: Tick, pitch_class: int) -> Tick | None:
    """Where a note from `begin` to `end` first meets a new chord that it is no tone of, if any."""
    for tick, chord in changes.between(begin, end):
        if tick > begin and pitch_class not in tones_of(CHORDS[chord]):
            return tick
    return None


def rests_on(changes: Changes, tick: Tick) -> frozenset[int]:
    """The pitch classes on which a tune may end at `tick`: root, third and fifth of the chord."""
    return triad_of(CHORDS[changes.at(tick)])
