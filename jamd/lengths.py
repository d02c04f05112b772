"""How long notes were meant to last.

Players release each key of a line a little before or a little after they strike the next; a written
note lasts until the next one. A model that has read written music takes eleven twelfths of a
quarter for something else: played by hand, chord progressions cost the default model 13 bits a note
instead of 1.7, and lead sheets 10 instead of 2.7. So a note that ends near the next one is read as
lasting until there. A note that ends sooner was meant to be short, and is read as it was played.
"""

from __future__ import annotations

import numpy as np

from jamd.columns import Columns, Ints
from jamd.notes import HELD, TICKS_PER_BEAT

LONGEST_GAP = 0.4
"""A note is short if it is silent for more than this share of the time to the next one."""

_EARLY = TICKS_PER_BEAT // 2  # a release this early is not aimed at the next note
_EARLY_ELSEWHERE = TICKS_PER_BEAT * 3 // 8  # for the next note of another part, or the next eighth
_LATE = TICKS_PER_BEAT // 8
_EIGHTH = TICKS_PER_BEAT // 2
_NEVER = 1 << 40  # a tick after all music


def meant_lengths(notes: Columns) -> Ints:
    """How long each of `notes`, played by a person, was meant to last, in ticks.

    A note lasts until the next of its own part, else of any, else until the next eighth, if it ends
    near there; else it keeps its length. While it is held, that is `HELD`.

    Args:
        notes: By onset, each where it was meant to begin.

    Returns:
        Shape (notes,).
    """
    onsets, durations = notes.onsets, notes.durations
    ends = onsets + durations
    soonest = np.maximum(onsets + 1, ends - np.minimum(_LATE, durations // 4))
    own = np.empty_like(onsets)
    for part in (notes.lead, ~notes.lead):
        own[part] = _next(onsets[part], soonest[part])
    eighth = -(-soonest // _EIGHTH) * _EIGHTH
    meant = durations
    for following, early in (
        (eighth, _EARLY_ELSEWHERE),
        (_next(onsets, soonest), _EARLY_ELSEWHERE),
        (own, _EARLY),
    ):
        gap, between = following - ends, following - onsets
        meant = np.where((gap < early) & (gap <= LONGEST_GAP * between), between, meant)
    return np.where(durations == HELD, HELD, meant)


def _next(onsets: Ints, soonest: Ints) -> Ints:
    """For each tick of `soonest`, the first of `onsets` that is not before it, or `_NEVER`."""
    return np.append(onsets, _NEVER)[onsets.searchsorted(soonest)]
