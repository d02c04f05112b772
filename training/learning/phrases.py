"""Where phrases end, and countdowns of bars to these ends.

A tune's phrase ends where its line comes to rest at the end of a bar: there is no onset for a good
part of a bar, and the next one is at most a pickup to the following bar. (Long notes and rests
separate groups by F. Lerdahl and R. Jackendoff, "A Generative Theory of Tonal Music", 1983,
grouping preference rule 2.) Music without a tune has no audible phrase ends; its bars are counted
in fours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jamd.grid.tokens import BAR, PHRASE, PHRASE_BARS, POSITION
from jamd.grid.writer import of_kind
from jamd.notes import METERS, STEPS_PER_BEAT

Ids = NDArray[np.int32]

REST_STEPS = 2 * STEPS_PER_BEAT
"""A line at rest for this long has ended; in a short bar two thirds of the bar are enough."""

_IS_BAR, _IS_LEAD, _IS_POSITION, _IS_END = (
    of_kind(kind) for kind in ("Bar", "Lead", "Position", "End")
)
_BAR_STEPS = np.array([meter.steps_per_bar for meter in METERS])

# Relative weight of phrases of 1 to 8 bars, where several lengths would end at a rest: jams are
# traded in twos, fours and eights.
_WANTED = np.array([1, 3, 1, 4, 1, 1, 1, 3])


def phrase_ends(tokens: Ids) -> NDArray[np.intp]:
    """The bars, from 0, in which a phrase ends; rising.

    Args:
        tokens: Tokens of the grid language, shape (n,).
    """
    bars = tokens[_IS_BAR[tokens]] - BAR
    steps = _BAR_STEPS[bars]  # (bars,)
    if not _IS_LEAD[tokens].any():
        return np.arange(3, len(bars), 4)
    lines = np.concatenate(([0], np.cumsum(steps)))  # (bars + 1,)
    index = np.arange(len(tokens))
    bar_of = np.cumsum(_IS_BAR[tokens]) - 1
    position_of = np.maximum.accumulate(np.where(_IS_POSITION[tokens], index, 0))
    lead = np.flatnonzero(_IS_LEAD[tokens])
    onsets, first = np.unique(
        lines[bar_of[lead]] + tokens[position_of[lead]] - POSITION, return_index=True
    )
    bar = bar_of[lead[first]]
    over = lines[-1] + REST_STEPS if _IS_END[tokens[-1]] else onsets[-1]
    following = np.append(onsets[1:], over)
    rest = np.minimum(REST_STEPS, steps[bar] * 2 // 3)
    at_rest = following - onsets >= rest
    closes_bar = following >= lines[bar + 1] - STEPS_PER_BEAT
    return np.unique(bar[at_rest & closes_bar])


def counted_down(tokens: Ids, rng: np.random.Generator) -> tuple[Ids, int]:
    """`tokens` with the bars of their phrases counted down from some bar on.

    Returns:
        The tokens, and the index of the first countdown among them, or their number if no phrase
        was found.
    """
    at = np.flatnonzero(_IS_BAR[tokens])
    ends = phrase_ends(tokens)
    if not len(ends):
        return tokens, len(tokens)
    starts = np.concatenate(([0], ends + 1))
    bar = int(rng.choice(starts))
    left = np.zeros(len(at), np.int32)  # bars left of the phrase; 0: not stated
    while bar < len(at):
        lengths = ends[(ends >= bar) & (ends < bar + PHRASE_BARS)] - bar + 1
        if len(lengths):
            weights = _WANTED[lengths - 1]
            length = int(rng.choice(lengths, p=weights / weights.sum()))
            left[bar : bar + length] = np.arange(length, 0, -1)
            bar += length
        else:
            bar = int(starts[starts > bar][0]) if (starts > bar).any() else len(at)
    said = np.flatnonzero(left)
    if not len(said):
        return tokens, len(tokens)
    counted = np.insert(tokens, at[said] + 1, PHRASE - 1 + left[said])
    return counted, int(at[said[0]]) + 1
