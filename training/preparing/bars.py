"""Bars for a file that only gives ticks: find the bar lines and cut long silences.

All times are ticks, 480 per quarter note.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jamd.notes import METERS, TICKS_PER_BEAT, Meter, Tick
from jamd.training.preparing.reading import DURATION, ONSET

MOST_EMPTY_BARS = 8
"""A silence of more bars than this is cut to this many, and no note sounds longer."""

PICKUP_SHARE, PICKUP_RATIO = 0.3, 1.5
"""How much of the music must start at a place in the bar for it to be taken for the bar line: at
least this share of everything that starts on a half beat, and this many times what starts where the
file puts the bar line."""

PICKUP_BARS = 8
"""In a piece of fewer bars, onsets do not show where bar lines are: a loop may be syncopated."""

ROUNDING = 4
"""How far past its bar line rounding alone may put a change of meter, in ticks."""

Changes = list[tuple[int, Meter]]
"""(tick, meter), sorted by tick, the first at tick 0."""


def cut_silences(
    notes: NDArray[np.int64], changes: Changes
) -> tuple[NDArray[np.int64], Changes, bool]:
    """Cut silences and notes that are too long; remove empty bars at the very beginning.

    Silences are cut by whole bars, so that everything keeps its place in the bar.

    Args:
        notes: Shape (notes, 5), as `Reading.notes`, at least one, sorted by onset.
        changes: The meters.

    Returns:
        The notes, the changes, and whether a silence was cut.
    """
    onsets = notes[:, ONSET]
    ticks = np.array([tick for tick, _ in changes], np.int64)
    bars = np.array([meter.ticks_per_bar for _, meter in changes], np.int64)
    in_force = bars[np.searchsorted(ticks, onsets, side="right") - 1]
    longest = MOST_EMPTY_BARS * in_force
    durations = np.minimum(notes[:, DURATION], longest)
    sounding = np.maximum.accumulate(onsets + durations)
    silence_ticks = (onsets[1:] - sounding[:-1]).max(initial=ticks[-1] - sounding[-1])
    if onsets[0] < bars.min() and silence_ticks <= MOST_EMPTY_BARS * bars.min():
        moved = notes.copy()  # nothing to cut, as in most files
        moved[:, DURATION] = durations
        return moved, changes, False
    # A change of meter is an event too: bars before it are cut by the old meter's length. It comes
    # before a note that begins there.
    later = ticks[1:]
    times = np.concatenate((later, onsets))
    order = np.argsort(times, kind="stable")
    times = times[order]
    ends = np.concatenate((later, onsets + durations))[order]
    bar = np.concatenate((bars[:-1], in_force))[order]
    sounding_until = np.concatenate(([0], np.maximum.accumulate(ends)[:-1]))
    silence = times - sounding_until
    allowed = np.full(len(times), MOST_EMPTY_BARS)
    allowed[0] = 0
    cuts = np.maximum(silence - allowed * bar, 0) // bar * bar
    if order[0] < len(later):  # bars begin anew there, and nothing is before
        cuts[0] = times[0]
    shifts = np.empty(len(times), np.int64)
    shifts[order] = np.cumsum(cuts)
    moved = notes.copy()
    moved[:, ONSET] -= shifts[len(later) :]
    moved[:, DURATION] = durations
    nearer = (later - shifts[: len(later)]).tolist()
    # By tick: a meter in which nothing is left gives way to the next.
    kept = {0: changes[0][1]} | dict(zip(nearer, (meter for _, meter in changes[1:]), strict=True))
    return moved, list(kept.items()), bool(cuts[1:].any())


def lay_out(
    notes: NDArray[np.int64], changes: Changes, beside: int
) -> tuple[NDArray[np.int64], tuple[tuple[Tick, Meter], ...]]:
    """Move each change of meter, and what follows it, to the next bar line if it is not on one.

    A pickup becomes the end of a full bar. Notation programs write it as a first bar in a short
    meter of its own, or do not mark it at all; `hidden_pickup` looks for the latter.

    Args:
        notes: Shape (notes, 5), as `Reading.notes`, sorted by onset.
        changes: The meters; only a pickup's may be missing from `METERS`.
        beside: How far from where it was meant an onset may lie, in ticks.

    Returns:
        The notes, and the meters, each now on a bar line of the previous one.
    """
    shift = 0
    if is_pickup(changes):
        bar = changes[1][1].ticks_per_bar
        shift = bar - changes[1][0]
        changes = [(-shift, changes[1][1]), *changes[2:]]
    elif pickup := hidden_pickup(notes, changes, beside):
        shift = changes[0][1].ticks_per_bar - pickup
        changes = [(-shift, changes[0][1]), *changes[1:]]
    moved = notes.copy()
    moved[:, ONSET] += shift
    laid = [(Tick(0), changes[0][1])]
    for tick, meter in changes[1:]:
        line, before = laid[-1]
        over = (tick + shift - line) % before.ticks_per_bar
        padding = -over if over <= ROUNDING else before.ticks_per_bar - over
        moved[notes[:, ONSET] + beside >= tick, ONSET] += padding
        shift += padding
        if tick + shift == line:
            laid.pop()
        if not laid or laid[-1][1] != meter:
            laid.append((Tick(tick + shift), meter))
    np.maximum(moved[:, ONSET], 0, out=moved[:, ONSET])
    return moved, tuple(laid)


def is_pickup(changes: Sequence[tuple[int, Meter]]) -> bool:
    """Whether the first meter only serves to write a pickup."""
    if len(changes) < 2:
        return False
    (_, first), (tick, following) = changes[:2]
    short = tick < following.ticks_per_bar and tick <= first.ticks_per_bar
    return short and following in METERS


def hidden_pickup(notes: NDArray[np.int64], changes: Changes, beside: int) -> int:
    """Length of the pickup in a file that does not mark it, because it counts bars from tick 0.

    Long notes and chords tend to start on bar lines. If far more of them start at another half beat
    of the bar than at its beginning, that place is taken for the bar line, unless the next change
    of meter, which is on a bar line too, contradicts it.

    Args:
        notes: Shape (notes, 5), as `Reading.notes`, sorted by onset.
        changes: The meters.
        beside: How far from a half beat an onset still counts as on it, in ticks.

    Returns:
        Ticks, less than a bar; 0 for no pickup.
    """
    bar = changes[0][1].ticks_per_bar
    until = changes[1][0] if len(changes) > 1 else None
    if until is not None:
        notes = notes[notes[:, ONSET] < until]
    if not len(notes) or notes[-1, ONSET] < PICKUP_BARS * bar:
        return 0
    half_beats, off = np.divmod((notes[:, ONSET] + beside) % bar, TICKS_PER_BEAT // 2)
    counted = off <= 2 * beside
    begins = np.bincount(
        half_beats[counted],
        weights=np.minimum(notes[counted, DURATION], bar),
        minlength=bar // (TICKS_PER_BEAT // 2),
    )
    best = int(begins.argmax())
    pickup = best * (TICKS_PER_BEAT // 2)
    clear = begins[best] >= max(PICKUP_SHARE * begins.sum(), PICKUP_RATIO * begins[0])
    agrees = until is None or (until - pickup) % bar <= ROUNDING
    return pickup if clear and agrees else 0
