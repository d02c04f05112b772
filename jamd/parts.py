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
"""G3: one or two notes struck together from it upwards are a tune, however low the rest is."""

RECENT_NOTES = 8
"""So many notes before tell whether one below G3 goes on in their line."""

ONE_LINE = 12
"""Semitones: what lies no further than an octave under the highest of them is of the same line.

Of what is struck singly or in pairs in piano music that was written on two staves, read as one
(60 pieces of the training set), 78 % gets its part by this rule and 79 % by G3 alone; of the tunes
of 60 lead sheets, songs and piano pieces each, an octave lower than written, 95 to 98 % and 71 to
79 %; two octaves lower, 92 to 98 % and 3 to 24 %.
"""


def parts_of(pitches: Sequence[int], before: Sequence[int] = ()) -> list[Part]:
    """The part of each of the notes struck at one moment.

    Args:
        pitches: MIDI pitches, in any order.
        before: The last `RECENT_NOTES` pitches that were struck before.

    Returns:
        A part for each pitch, in the same order: of three or more, the highest is Lead and the
        rest Comp; of one or two, those are Lead that lie at G3 or above or that go on in the line
        of the notes before.
    """
    if len(pitches) < CHORD_SIZE:
        lowest = min(LOWEST_LEAD, max(*pitches, *before, 0) - ONE_LINE)
        return [Part.LEAD if pitch >= lowest else Part.COMP for pitch in pitches]
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
