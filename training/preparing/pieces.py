"""Which files are one piece: those that differ only in key, tempo and rhythm pattern.

All of one group fall on the same side of the split (`jamd.training.preparing.split`), and so do
versions of a piece, which have many phrases in common.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from jamd.columns import starts_of
from jamd.notes import Meter, Tick
from jamd.training.preparing.parts import CHORDS_ONLY, Table, moments, share_of_chords, sizes_of
from jamd.training.preparing.reading import DURATION, ONSET, PITCH, Reading

SHINGLE = 12
"""How many intervals of the tune are hashed together."""

PHRASE = 6
"""How many intervals of the tune are a phrase, by which versions of a piece are known."""

MOST_PHRASES = 16
"""Of a longer piece only these are compared: those with the smallest hashes."""

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_LAST_SHIFT = np.uint64(31)


def group_of(notes: NDArray[np.int32]) -> tuple[str, bytes]:
    """The group of a piece, as 16 hexadecimal digits; and its phrases.

    A progression (nearly every moment is a chord) is named by a hash of its chords' pitch classes
    above the first chord's lowest note, a repeated chord counting once; it has no phrases. Anything
    else is named by the intervals of its highest line, a repeated note counting once: every
    `SHINGLE` intervals in a row are hashed, and the smallest hash is the name. This is min-hashing
    (Broder, "On the resemblance and containment of documents", 1997): two versions of a tune, with
    repeats played out or not, or with a bar changed, get the same name with a probability equal to
    the share of shingles that they have in common. A loop has so few shingles that one changed note
    often gives it another name; so `jamd.training.preparing.split.with_versions` compares phrases,
    too.

    Args:
        notes: int32, shape (notes, 5), as `Reading.notes`, at least one.

    Returns:
        The group; and the `MOST_PHRASES` smallest hashes of every `PHRASE` intervals in a row,
        8 bytes each, the lowest byte first, in rising order.
    """
    # Moment and pitch as one number: sorts in a tenth of the time of np.lexsort.
    keys = np.sort(moments(notes).astype(np.int64) << 7 | notes[:, PITCH])
    pitches = keys & 127
    starts = starts_of(keys >> 7)
    sizes = sizes_of(starts, len(keys))
    if share_of_chords(sizes) >= CHORDS_ONLY:
        classes = np.bitwise_or.reduceat(1 << (pitches - pitches[0]) % 12, starts)
        sequence = classes[starts_of(classes)]
        return hashlib.sha256(sequence.astype("<i4").tobytes()).hexdigest()[:16], b""
    top = pitches[starts + sizes - 1]
    intervals = top[1:] - top[:-1]
    intervals = intervals[intervals != 0].astype(np.uint64)
    phrases = np.unique(_hash(intervals, PHRASE))[:MOST_PHRASES].astype("<u8").tobytes()
    if len(intervals) <= SHINGLE:
        return hashlib.sha256(intervals.astype("<u8").tobytes()).hexdigest()[:16], phrases
    return f"{_hash(intervals, SHINGLE).min():016x}", phrases


def _hash(intervals: NDArray[np.uint64], row: int) -> NDArray[np.uint64]:
    """64 bits for every `row` intervals in a row: (intervals,) -> (intervals - row + 1,) or (0,).

    Uses splitmix64 (Steele et al., 2014).
    """
    state = np.zeros(max(0, len(intervals) - row + 1), np.uint64)
    shifted = np.empty_like(state)
    for first in range(row):  # in place: most pieces are so short that a new array would cost more
        state ^= intervals[first : first + len(state)]
        state += _GAMMA
        for shift, factor in _MIX:
            state ^= np.right_shift(state, shift, out=shifted)
            state *= factor
        state ^= np.right_shift(state, _LAST_SHIFT, out=shifted)
    return state


def bars_of(reading: Reading) -> int:
    """How many bars a piece has, including an incomplete last one."""
    start, meter = reading.meters[-1]
    end = int((reading.notes[:, ONSET] + reading.notes[:, DURATION]).max())
    bars = max(1, -(-(end - start) // meter.ticks_per_bar))
    for (tick, meter), (following, _) in pairwise(reading.meters):
        bars += (following - tick) // meter.ticks_per_bar
    return bars


def join(pieces: Sequence[Table]) -> Table:
    """Several pieces one after another, each beginning on a bar line.

    Args:
        pieces: At least one.
    """
    if len(pieces) == 1:
        return pieces[0]
    tables: list[NDArray[np.int32]] = []
    meters: list[tuple[Tick, Meter]] = []
    start = 0
    for piece in pieces:
        moved = piece.notes.copy()
        moved[:, ONSET] += start
        tables.append(moved)
        for tick, meter in piece.meters:
            if not meters or meters[-1][1] != meter:
                meters.append((Tick(tick + start), meter))
        last, meter = piece.meters[-1]
        end = int((piece.notes[:, ONSET] + piece.notes[:, DURATION]).max())
        bar = meter.ticks_per_bar
        start += last + max(1, -(-(end - last) // bar)) * bar
    return Table(
        np.concatenate(tables),
        np.concatenate([piece.lead for piece in pieces]),
        tuple(meters),
        all(piece.has_velocity for piece in pieces),
    )
