"""Music from a model alone: no player, no clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mido import Message

from jamd.article import STEP
from jamd.daemon.events import ChangesLaid, Entry, MeterSet, Sounded, TempoSet
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import PlanRequest, Sampling
from jamd.harmony.chart import Changes
from jamd.language import Constraints, Context
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Part, Tick

_NEVER = Tick(2**40)

TOKENS_A_NOTE = 64
"""A model that writes more tokens than this without a note, on average, has stopped making music:
under argmax one may write empty bars for ever."""

_CHANNELS = {Part.LEAD: 0, Part.COMP: 1}


def generate(
    improviser: Improviser,
    count: int,
    sampling: Sampling,
    style: str,
    seed: int,
    before: Sequence[Note] = (),
    constraints: Constraints | None = None,
    meter: Meter = Meter(4, 4),
    changes: Changes | None = None,
    wrote: Callable[[int], None] = lambda _: None,
) -> list[Note]:
    """Continue silence or some music until there is enough, or the model is finished.

    Args:
        improviser: The model.
        count: At least 1: notes for the grid language; onsets, half a beat each, for the article's.
        sampling: How tokens are drawn.
        style: One of `jamd.grid.tokens.STYLES`.
        seed: 0..2**63-1; the same seed gives the same notes.
        before: Music to continue, by onset; empty for silence.
        constraints: What may be written; None for the defaults.
        meter: The meter; the article's language knows none.
        changes: The chord changes to write over, from tick 0 on; None: whatever the model likes.
        wrote: Is called now and then with how many of `count` there are.

    Returns:
        The new notes, without `before`, by onset; tick 0 is where `before` ends.
    """
    article = improviser.language.name == "article"
    heard = tuple(before)
    start = Tick(max((note.end for note in heard), default=0))
    context = Context((), Tick(0), start, style, meter, played=heard, changes=changes)
    request = PlanRequest(
        1,
        context,
        Tick(start + count * STEP) if article else _NEVER,
        constraints or Constraints(),
        sampling,
        TOKENS_A_NOTE * count,
        seed,
    )
    notes: list[Note] = []
    for planned in improviser.plan(request):
        notes += planned.notes
        done = (planned.through - start) // STEP if article else len(notes)
        wrote(min(done, count))
        if not article and len(notes) >= count:
            del notes[count:]
            break
    return [note._replace(onset=Tick(note.onset - start)) for note in notes]


def to_entries(
    notes: Sequence[Note], bpm: float, meter: Meter = Meter(4, 4), changes: Changes | None = None
) -> list[Entry]:
    """The notes as a take, each part on a channel of its own, note-offs before note-ons."""
    entries: list[Entry] = [MeterSet(0, 0.0, meter), TempoSet(0, 0.0, bpm)]
    if changes is not None:
        entries.append(ChangesLaid(0, 0.0, changes))
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
