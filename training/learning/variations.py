"""What varies in a passage each time it is read.

An accompaniment may come in late, as when a player begins alone, or rest for some bars; velocities
that nobody played are drawn anew; some onsets are misread, as a person's are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jamd.grid.tokens import POSITION, VELOCITY, VELOCITY_BINS, VOCABULARY
from jamd.grid.writer import of_kind
from jamd.notes import METERS

Ids = NDArray[np.int32]

MISPLACED = 0.05
"""The share of moments that are heard at a wrong step when people play: about one in twenty."""

_IS_BAR, _IS_CHORD, _IS_COMP, _IS_LEAD, _IS_POSITION, _IS_VELOCITY = (
    of_kind(kind) for kind in ("Bar", "Chord", "Comp", "Lead", "Position", "Velocity")
)
_DETAILS_A_NOTE = of_kind("Velocity", "Duration")
_NEEDS_COMPANY = of_kind("Position", "Bar", "End")
_BAR_STEPS = np.zeros(len(VOCABULARY), np.int32)
_BAR_STEPS[_IS_BAR] = [meter.steps_per_bar for meter in METERS]

# Mistaking a sixteenth for a triplet eighth, or the reverse, is one step; a whole sixteenth three.
_SLIPS, _CHANCES = (-3, -1, 1, 3), (0.15, 0.35, 0.35, 0.15)


def without_comp(tokens: Ids, since: int, until: int) -> Ids:
    """Remove the accompaniment from index `since` until `until`, unless it is the only part.

    Where it comes back in, the harmony that has been reached meanwhile is stated.
    """
    return _without(_IS_COMP, tokens, since, until) if _IS_LEAD[tokens].any() else tokens


def without_notes(tokens: Ids, since: int, until: int) -> Ids:
    """As `without_comp`, but remove the tune too, and whatever the parts are."""
    return _without(_IS_COMP | _IS_LEAD, tokens, since, until)


def _without(kinds: NDArray[np.bool_], tokens: Ids, since: int, until: int) -> Ids:
    index = np.arange(len(tokens))
    # Velocity and Duration go with their note.
    owner = np.maximum.accumulate(np.where(_DETAILS_A_NOTE[tokens], 0, index))
    left_out = (kinds | _IS_CHORD)[tokens[owner]] & (since <= owner) & (owner < until)
    kept = tokens[~left_out]
    chords = tokens[_IS_CHORD[tokens] & left_out]
    again = np.flatnonzero((_IS_COMP | _IS_CHORD)[tokens] & (index >= until))[:1]
    if len(chords) and _IS_COMP[tokens[again]].any() and _IS_POSITION[tokens[again - 1]].any():
        kept = np.insert(kept, again - left_out.sum(), chords[-1])
    # Drop positions at which nothing is left.
    empty = _IS_POSITION[kept[:-1]] & _NEEDS_COMPANY[kept[1:]]
    stated: Ids = kept[np.append(~empty, True)]
    return stated


def some_velocity(tokens: Ids, rng: np.random.Generator) -> Ids:
    """Replace all velocities by one level with a little variation, drawn anew."""
    level = rng.integers(0, VELOCITY_BINS)
    swing = rng.choice([-1, 0, 1], size=len(tokens), p=[0.1, 0.8, 0.1])
    levels = np.clip(level + swing, 0, VELOCITY_BINS - 1).astype(np.int32)
    return np.where(_IS_VELOCITY[tokens], VELOCITY + levels, tokens)


def misplaced(
    tokens: Ids, rng: np.random.Generator, share: float = MISPLACED
) -> tuple[Ids, NDArray[np.bool_]]:
    """Move some moments to a wrong step, as when a person's onsets are misread.

    The order of moments stays, and so does each one's bar.

    Args:
        tokens: Tokens of the grid language, shape (n,).
        rng: Source of randomness.
        share: The share of moments that slip, 0..1, as far as their neighbours leave room.

    Returns:
        The tokens, and which of them differ from the piece, shape (n,).
    """
    at = np.flatnonzero(_IS_POSITION[tokens])
    bar_at = np.maximum.accumulate(np.where(_IS_BAR[tokens], np.arange(len(tokens)), 0))[at]
    place = tokens[at] - POSITION
    same_bar = np.diff(bar_at) == 0
    low = np.append(-1, np.where(same_bar, place[:-1], -1)) if len(at) else place
    end = _BAR_STEPS[tokens[bar_at]]
    high = np.append(np.where(same_bar, place[1:], end[:-1]), end[-1:]) if len(at) else place
    moved = place + rng.choice(_SLIPS, size=len(at), p=_CHANCES)
    slips = (rng.random(len(at)) < share) & (low < moved) & (moved < high)
    slips[1:] &= ~slips[:-1]  # so that what limits a slip does not move itself
    wrong = np.zeros(len(tokens), np.bool_)
    wrong[at[slips]] = True
    changed = tokens.copy()
    changed[at[slips]] = POSITION + moved[slips]
    return changed, wrong
