"""How long notes were meant to last.

Players release each key of a line a little before or a little after they strike the next; a written
note lasts until the next one. A model that has read written music takes eleven twelfths of a
quarter for something else: played by hand, chord progressions cost the default model 13 bits a note
instead of 1.7, and lead sheets 10 instead of 2.7. So a note that ends near the next one is read as
lasting until there. A note that ends sooner was meant to be short, and is read as it was played.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from jamd.notes import HELD, TICKS_PER_BEAT, Note, Part, Tick

LONGEST_GAP = 0.4
"""A note is short if it is silent for more than this share of the time to the next one."""

_EARLY = TICKS_PER_BEAT // 2  # a release this early is not aimed at the next note
_EARLY_ELSEWHERE = TICKS_PER_BEAT * 3 // 8  # for the next note of another part, or the next eighth
_LATE = TICKS_PER_BEAT // 8
_EIGHTH = TICKS_PER_BEAT // 2


def meant_lengths(notes: Sequence[Note]) -> list[Tick]:
    """How long each of `notes`, played by a person, was meant to last; `HELD` while it is held.

    A note lasts until the next of its own part, else of any, else until the next eighth, if it ends
    near there; else it keeps its length.

    Args:
        notes: By onset, each where it was meant to begin.
    """
    every = sorted({note.onset for note in notes})
    own = {part: sorted({n.onset for n in notes if n.part is part}) for part in Part}
    return [_meant(note, own[note.part], every) for note in notes]


def _meant(note: Note, own: Sequence[Tick], every: Sequence[Tick]) -> Tick:
    onset, length = note.onset, note.duration
    if length == HELD:
        return HELD
    end = onset + length
    soonest = max(onset + 1, end - min(_LATE, length // 4))
    for onsets, early in ((own, _EARLY), (every, _EARLY_ELSEWHERE)):
        at = bisect_left(onsets, soonest)
        if at < len(onsets) and _is_near(end, onset, onsets[at], early):
            return Tick(onsets[at] - onset)
    eighth = -(-soonest // _EIGHTH) * _EIGHTH
    return Tick(eighth - onset) if _is_near(end, onset, eighth, _EARLY_ELSEWHERE) else length


def _is_near(end: int, onset: int, following: int, early: int) -> bool:
    gap = following - end
    return gap < early and gap <= LONGEST_GAP * (following - onset)
