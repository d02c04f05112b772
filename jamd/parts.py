"""Which notes of a single line of playing are the tune, and which are under it.

A model learns two parts, Lead and Comp. Where nobody said which is which (one track of a file, one
keyboard live) this rule does, the same one in both places.
"""

from __future__ import annotations

from collections.abc import Sequence

from jamd.notes import Part

CHORD_SIZE = 3
"""So many notes struck together are a chord with its tune on top."""

LOWEST_LEAD = 55
"""G3: one or two notes struck together below it are a bass, above it a tune."""


def parts_of(pitches: Sequence[int]) -> list[Part]:
    """The part of each of the notes struck at one moment.

    Args:
        pitches: MIDI pitches, in any order.

    Returns:
        A part for each pitch, in the same order: of three or more, the highest is Lead and the
        rest Comp; of one or two, those from G3 upwards are Lead.
    """
    if len(pitches) < CHORD_SIZE:
        return [Part.LEAD if pitch >= LOWEST_LEAD else Part.COMP for pitch in pitches]
    top = max(range(len(pitches)), key=pitches.__getitem__)
    return [Part.LEAD if i == top else Part.COMP for i in range(len(pitches))]


def parts_by_hand(pitches: Sequence[int], split: int) -> list[Part]:
    """The part of each of the notes struck at one moment on a keyboard that is split.

    Args:
        pitches: MIDI pitches, in any order.
        split: Below it is the hand that accompanies.

    Returns:
        A part for each pitch, in the same order: below the split Comp; above it, of three or more,
        the highest is Lead and the rest Comp; of one or two, all are Lead.
    """
    upper = [pitch for pitch in pitches if pitch >= split]
    lowest_lead = max(upper, default=split) if len(upper) >= CHORD_SIZE else split
    return [Part.LEAD if pitch >= lowest_lead else Part.COMP for pitch in pitches]
