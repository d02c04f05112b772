"""Phrases as people play them, made up by rule: rhythms with a known beat behind them.

The beats of a phrase come from a handful of cells, as in music, where a rhythm repeats itself. How
often an off-beat is tied over the beat, where phrases begin and where they end, is about as in lead
sheets. Onsets deviate from their places as people's do; on the beat they are half a standard
deviation louder, as drummers play (the Groove MIDI data set).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

SLOWEST_BPM, FASTEST_BPM = 70.0, 160.0
FEWEST, MOST = 8, 24
"""Onsets of a phrase."""

TIMING_S = 0.020
"""How far an onset lies from its place: the standard deviation."""

_CHORD_S = 0.004  # the same of a chord's notes from their onset
_LEGATO = 0.85  # share of the time until the next note for which a key is down
_BREATH = 24  # no rest within a phrase is longer: two beats

_Cell = tuple[tuple[int, ...], int]  # its onsets and its length, in twelfths of a beat

_STRAIGHT: Mapping[_Cell, float] = {
    ((0,), 12): 22,
    ((0, 6), 12): 30,
    ((0, 3, 6, 9), 12): 6,
    ((0, 6, 9), 12): 6,
    ((0, 3, 6), 12): 3,
    ((0, 9), 12): 6,
    ((6,), 12): 2,
    ((), 12): 3,
    ((0, 18), 24): 10,
    ((0, 6, 18), 24): 3,
    ((0,), 24): 5,
    ((6, 18), 24): 1,
    ((0, 18, 36), 48): 1,
}
_SWUNG = {cell: share for cell, share in _STRAIGHT.items() if not {3, 9} & set(cell[0])}
_TRIPLETS: Mapping[_Cell, float] = {((0, 4, 8), 12): 45, ((0, 8), 12): 20} | {
    cell: _STRAIGHT[cell] for cell in (((0,), 12), ((0, 6), 12), ((0,), 24))
}
_PICKUPS = ((-6,), (-6,), (-12,), (-12, -6), (-3,), (-6, -3), (-18, -12, -6))


class PlayedNote(NamedTuple):
    """A note as it was played, and where it was meant to be."""

    seconds: float
    pitch: int  # MIDI
    velocity: int
    length_s: float
    beat: float  # where it was meant: beats from the phrase's beat 0


@dataclass(frozen=True, slots=True)
class PlayedPhrase:
    """A phrase as it was played, and what the player had in mind.

    Attributes:
        notes: By seconds.
        bpm: The tempo, in quarter notes a minute.
        beat_s: When beat 0 falls.
        swing: Where the off-beat lies in the beat: 0.5 is straight.
    """

    notes: tuple[PlayedNote, ...]
    bpm: float
    beat_s: float
    swing: float


def phrases(count: int, seed: int) -> Iterator[PlayedPhrase]:
    """`count` phrases; the same seed makes the same ones."""
    rng = random.Random(seed)
    for _ in range(count):
        feel = rng.choices(("straight", "swung", "triplets"), (70, 20, 10))[0]
        cells = {"straight": _STRAIGHT, "swung": _SWUNG, "triplets": _TRIPLETS}[feel]
        swing = rng.uniform(0.58, 0.68) if feel == "swung" else 0.5
        yield played(_places(cells, rng), rng.uniform(SLOWEST_BPM, FASTEST_BPM), swing, rng)


def played(
    places: Sequence[int], bpm: float, swing: float, rng: random.Random, timing_s: float = TIMING_S
) -> PlayedPhrase:
    """A person's playing of onsets at `places`, in twelfths of a beat, from a random moment on."""
    start = rng.uniform(1.0, 2.0)
    chords = rng.random() < 0.25
    pitch = rng.randint(55, 75)
    notes = []
    for place, following in zip(places, [*places[1:], places[-1] + 12], strict=True):
        whole, part = divmod(place, 12)
        beat = whole + (swing if part == 6 else part / 12)
        seconds = start + beat * 60 / bpm + rng.gauss(0, timing_s)
        length = _LEGATO * (following - place) / 12 * 60 / bpm
        accent = {0: 5, 6: 0}.get(part, -4)
        velocity = min(max(round(80 + accent + rng.gauss(0, 10)), 1), 127)
        pitch = min(max(pitch + rng.randint(-4, 4), 48), 84)
        for third in range(rng.randint(2, 4) if chords else 1):
            apart = rng.gauss(0, _CHORD_S) if chords else 0.0
            notes.append(PlayedNote(seconds + apart, pitch - 4 * third, velocity, length, beat))
    return PlayedPhrase(tuple(sorted(notes)), bpm, start, swing)


def _places(cells: Mapping[_Cell, float], rng: random.Random) -> list[int]:
    kinds = list(cells)
    few = [rng.choices(kinds, list(cells.values()))[0] for _ in range(rng.randint(3, 5))]
    count = rng.randint(FEWEST, MOST)
    while True:
        places = list(rng.choice(_PICKUPS)) if rng.random() < 0.3 else []
        at = 0
        while len(places) < count:
            onsets, length = rng.choice(few)
            places += [at + onset for onset in onsets]
            at += length
            if at > 12 * 4 * MOST:
                break
        if rng.random() < 0.8:  # the last note is on a beat
            places = [place for place in places if place < at]
            places.append(at)
        rests = [after - before for before, after in pairwise(places)]
        if len(places) >= count and max(rests) <= _BREATH:
            return places
        few = [rng.choices(kinds, list(cells.values()))[0] for _ in range(rng.randint(3, 5))]
