"""Music from a model alone: no player, no clock."""

from __future__ import annotations

from collections.abc import Sequence

from mido import Message

from jamd.article import STEP
from jamd.daemon.events import Entry, MeterSet, Sounded, TempoSet
from jamd.daemon.improviser import Improviser
from jamd.daemon.requests import PlanRequest, Sampling
from jamd.language import Context
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Part, Tick

_NEVER = Tick(2**40)

TOKENS_A_NOTE = 64
"""A model that writes more tokens than this without a note, on average, has stopped making music:
under argmax one may write empty bars for ever."""

_CHANNELS = {Part.LEAD: 0, Part.COMP: 1}


def generate(
    improviser: Improviser, count: int, sampling: Sampling, style: str, seed: int
) -> list[Note]:
    """Continue silence until there is enough, or the model has no more to say.

    Args:
        improviser: The model.
        count: At least 1: notes for the grid language; onsets, half a beat each, for the article's.
        sampling: How tokens are drawn.
        style: One of `jamd.grid.STYLES`.
        seed: 0..2**63-1; the same seed gives the same notes.
    """
    article = improviser.language.name == "article"
    through = Tick(count * STEP) if article else _NEVER
    context = Context((), Tick(0), Tick(0), style=style)
    most = TOKENS_A_NOTE * count
    request = PlanRequest(1, context, through, sampling=sampling, max_tokens=most, seed=seed)
    notes: list[Note] = []
    for planned in improviser.plan(request):
        notes += planned.notes
        if not article and len(notes) >= count:
            return notes[:count]
    return notes


def to_entries(notes: Sequence[Note], bpm: float) -> list[Entry]:
    """The notes as a take in 4/4, each part on a channel of its own, ends before beginnings."""
    entries: list[Entry] = [MeterSet(0, 0.0, Meter(4, 4)), TempoSet(0, 0.0, bpm)]
    sounded: list[tuple[int, bool, Note]] = []
    for note in notes:
        sounded += [(note.end, False, note), (note.onset, True, note)]
    for tick, begins, note in sorted(sounded):
        message = Message(
            "note_on" if begins else "note_off",
            channel=_CHANNELS[note.part],
            note=note.pitch,
            velocity=note.velocity if begins else 0,
        )
        seconds = tick * 60 / bpm / TICKS_PER_BEAT
        entries.append(Sounded(tick, seconds, note.part, message))
    return entries
