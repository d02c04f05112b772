"""Swing: where the off-beats lie. It is measured in what a player plays, removed, and added.

The amount is the off-beat's place in the beat: 0.5 is straight, 2/3 is triplets, and jazz lies in
between or a little beyond (A. Friberg and A. Sundström, "Swing ratios and ensemble timing in jazz
performance", Music Perception 19, 2002). Between the beat and the off-beat, and from there to the
next beat, time is stretched evenly.

The model knows straight eighths only. What it hears is made straight beat by beat, because a bar of
triplets is not swung: only beats whose first onset after the beat is a swung off-beat are changed.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Tick

STRAIGHT = 0.5
MOST = 0.75
"""Anything beyond is a dotted rhythm, not swing."""

FEWEST = 4
"""Fewest off-beats from which swing is measured."""

ON_BEAT = 0.16
"""An onset within this share of a beat from the beat is meant to be on it."""

_SIXTEENTH = 3 * TICKS_PER_STEP
_NO_SWING = 0.05  # an amount closer to straight than this is straight,
_SURE = 2.5  # and so is one closer than this many standard errors
_PUNCTUAL = 1  # a prior: this many extra onsets exactly on the beat
_OFF_BEAT = 0.40  # an off-beat comes later than this
_SPREAD = 0.10  # how far a swung off-beat may lie from where they all lie
_AGREE = 0.75  # the share of off-beats that must lie within `_SPREAD`


def swings(meter: Meter) -> bool:
    """Whether the off-beats of `meter` are eighths that may be swung."""
    return meter.denominator == 4


def measure(onsets: Sequence[float]) -> tuple[float, int] | None:
    """How much a phrase swings.

    Only beats with an off-beat and nothing else in between, neither sixteenths nor triplets, are
    counted. A player who is early or late is so on and off the beat alike, so this is subtracted.

    Args:
        onsets: In ticks, with a beat on every multiple of `TICKS_PER_BEAT`.

    Returns:
        The amount, from `STRAIGHT` to just below `MOST`, and the number of off-beats of which it is
        the mean; None if there are too few, if they do not agree, or if they lie too late.
    """
    on, off = [], []
    for inside in _beats(onsets).values():
        between = [place for place in inside if place > ON_BEAT]
        on += [place for place in inside if place <= ON_BEAT]
        if len(between) == 1 and between[0] > _OFF_BEAT:
            off += between
    if len(off) < FEWEST:
        return None
    middle = statistics.median_low(off)
    near = [place for place in off if abs(place - middle) <= _SPREAD]
    if len(near) < _AGREE * len(off):
        return None
    amount = statistics.fmean(near) - sum(on) / (len(on) + _PUNCTUAL)
    if amount > MOST - 0.02:
        return None
    unsure = _SURE * statistics.pstdev(near) / math.sqrt(len(near))
    return (STRAIGHT if amount - STRAIGHT < max(_NO_SWING, unsure) else amount), len(near)


def is_swung(first: float, amount: float) -> bool:
    """Whether a beat is swung; `first` is where the first onset after it lies, as a share of it."""
    return amount != STRAIGHT and abs(first - amount) <= _SPREAD


def straight_tick(tick: float, amount: float) -> float:
    """Where `tick`, in a beat swung by `amount`, lies in a straight one."""
    if amount == STRAIGHT:
        return tick
    beat, place = place_in_beat(tick)
    return (beat + _stretch(place, amount, STRAIGHT)) * TICKS_PER_BEAT


def swung(notes: Sequence[Note], amount: float) -> list[Note]:
    """Straight notes with swing added, as they are to be played. Notes on a triplet stay there.

    One that ends on a sixteenth still does; another keeps its length, but is over by the next.
    """
    if amount == STRAIGHT:
        return list(notes)
    played = []
    for note in notes:
        onset = _swung_tick(note.onset, amount)
        sixteenth = Tick(-(-note.end // _SIXTEENTH) * _SIXTEENTH)
        length: int = _swung_tick(sixteenth, amount) - onset
        if note.end < sixteenth:
            length = min(length - 1, note.duration)
        played.append(note._replace(onset=onset, duration=Tick(length)))
    return played


def _swung_tick(tick: Tick, amount: float) -> Tick:
    if tick % _SIXTEENTH:
        return tick
    beat, place = divmod(tick / TICKS_PER_BEAT, 1)
    return Tick(round((beat + _stretch(place, STRAIGHT, amount)) * TICKS_PER_BEAT))


def _stretch(place: float, old: float, new: float) -> float:
    """Where a place in the beat goes when the off-beat moves from `old` to `new`."""
    if place <= 0:  # a little before the beat
        return place
    return place / old * new if place <= old else 1 - (1 - place) / (1 - old) * (1 - new)


def _beats(onsets: Sequence[float]) -> dict[int, list[float]]:
    """The places of the onsets in each beat; an onset shortly before a beat belongs to it."""
    beats: dict[int, list[float]] = {}
    for onset in onsets:
        beat, place = place_in_beat(onset)
        beats.setdefault(beat, []).append(place)
    return beats


def place_in_beat(onset: float) -> tuple[int, float]:
    """The beat that an onset belongs to, and its place there as a share of a beat: -0.16..0.84."""
    beat = math.floor(onset / TICKS_PER_BEAT + ON_BEAT)
    return beat, onset / TICKS_PER_BEAT - beat
