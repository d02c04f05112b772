"""Where a person's onsets were meant to be.

Nobody plays on the grid. A bar is read as straight (sixteenths) or as triplets, whichever its
onsets lie closer to, and each onset goes to the nearest place of that reading. Bars whose onsets
all stand on exact steps already (what jamd itself played, or a file) are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Tick

STRAIGHT = TICKS_PER_BEAT // 4
TRIPLET = TICKS_PER_BEAT // 3


def snap(notes: Sequence[Note], meter: Meter) -> list[Note]:
    """The notes with their onsets where they were meant; a note's end moves with its onset.

    Args:
        notes: Sorted by onset, ticks counted from a bar line.
        meter: The meter of all of them.

    Returns:
        As many notes, in the same order. An onset just before a bar line may move onto it.
    """
    bar_ticks = meter.ticks_per_bar
    bars: dict[int, list[Note]] = {}
    for note in notes:
        # An onset up to half a sixteenth early is an early player's next bar.
        bars.setdefault((note.onset + STRAIGHT // 2) // bar_ticks, []).append(note)
    return [note for bar in bars.values() for note in _snap_bar(bar)]


def _snap_bar(notes: Sequence[Note]) -> Iterable[Note]:
    if all(note.onset % TICKS_PER_STEP == 0 for note in notes):
        return notes
    onsets = {note.onset for note in notes}
    # The triplet places lie closer than chance only if triplets were meant: the straight reading
    # has more of them, so compare the errors as shares of each reading's own spacing.
    straight = sum(_error(onset, STRAIGHT) ** 2 for onset in onsets) / STRAIGHT**2
    triplet = sum(_error(onset, TRIPLET) ** 2 for onset in onsets) / TRIPLET**2
    spacing = TRIPLET if triplet < straight else STRAIGHT
    return [
        Note(_nearest(n.onset, spacing), n.pitch, n.velocity, n.duration, n.part) for n in notes
    ]


def _nearest(onset: int, spacing: int) -> Tick:
    return Tick((2 * onset + spacing) // (2 * spacing) * spacing)


def _error(onset: int, spacing: int) -> int:
    return abs(onset - _nearest(onset, spacing))
