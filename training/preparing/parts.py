"""Assign each note of a file to a part, Lead or Comp: `Reading` -> `Table`.

Drums are left out. Of the following rules the first that fits applies:

1. Nothing but chords (nearly every moment has three notes or more) in one voice: all Comp.
2. One voice: the rule of `jamd.parts`, the same as for a player's own notes.
3. Singers and the like over an instrument on two staves: the highest of them is Lead.
4. Some voices, not all, named as melodies: the highest of them is Lead. Names of sounds, such as
   Voice Oohs or Square Lead, do not count for voices of nothing but chords, or that rarely play.
5. Two voices: the higher is Lead.
6. More: the highest of those that play mostly single notes, and enough of them, is Lead; if none
   do, the highest of all.

What is not Lead is Comp.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from jamd.columns import starts_of
from jamd.errors import SourceError
from jamd.notes import TICKS_PER_STEP, Meter, Note, Part, Piece, Tick
from jamd.parts import CHORD_SIZE, LOWEST_LEAD, ONE_LINE, RECENT_NOTES
from jamd.training.preparing.by_hand import placed, with_meant_lengths
from jamd.training.preparing.reading import (
    DURATION,
    ONSET,
    PITCH,
    VELOCITY,
    VOICE,
    Reading,
    in_order,
)

MOST_AT_ONCE = 16
"""The most notes that one part may strike at one moment; of more, the outermost are kept."""

CHORDS_ONLY = 0.9
"""A voice in which at least this share of the moments are chords is an accompaniment."""

ONE_VELOCITY = 0.95
"""If at least this share of all notes have their voice's commonest velocity, nobody played them."""

SINGLE_NOTES, LOWEST_TUNE, COVERED = 0.75, 52, 0.3
"""A voice is melodic if at least `SINGLE_NOTES` of its moments are single notes, its mean pitch is
E3 or higher, and it plays in at least `COVERED` of the bars."""

_MELODY = re.compile(r"melod|vocal|voice|voix|sing|canto|gesang|chant|soprano|lead|solo", re.I)


@dataclass(frozen=True, slots=True)
class Table:
    """A piece as columns: a `Piece` without an object for each note.

    Attributes:
        notes: int32, shape (notes, 5), as `Reading.notes`, but sorted by onset, then part, then
            pitch. The voice column no longer matters.
        lead: bool, shape (notes,): which of them are Lead; the others are Comp.
        meters: As in `Piece`.
        has_velocity: As in `Piece`.
    """

    notes: NDArray[np.int32]
    lead: NDArray[np.bool_]
    meters: tuple[tuple[Tick, Meter], ...]
    has_velocity: bool = True

    def to_piece(self, style: str) -> Piece:
        """The same piece with an object for each note."""
        parts = [Part.LEAD if lead else Part.COMP for lead in self.lead.tolist()]
        columns = (self.notes[:, i].tolist() for i in (ONSET, PITCH, VELOCITY, DURATION))
        return Piece(tuple(map(Note, *columns, parts)), self.meters, style, self.has_velocity)


def pitched(reading: Reading) -> NDArray[np.int32]:
    """The pitched notes of `reading`: all but the drums.

    Raises:
        SourceError: There are only drums.
    """
    drums = [i for i, voice in enumerate(reading.voices) if voice.drums]
    notes = reading.notes
    if drums:
        notes = notes[~np.isin(notes[:, VOICE], drums)]
        if not len(notes):
            raise SourceError("only drums (in a MIDI file, whatever is on channel 10)")
    return notes


def to_table(reading: Reading) -> Table:
    """The piece in `reading`, with each note assigned to a part.

    No pitch stands twice at one moment in one part, and no moment has more than `MOST_AT_ONCE`
    notes of a part.

    Raises:
        SourceError: There are only drums.
    """
    notes, played_bpm = pitched(reading), reading.played_bpm
    if played_bpm is not None:
        notes = in_order(placed(notes, reading.meters[0][1], played_bpm))
    lead = _lead(reading, notes)
    if played_bpm is not None:
        notes = with_meant_lengths(notes, lead)
    has_velocity = reading.has_velocity and not _one_velocity(notes)
    return Table(*_thin_out(notes, lead), reading.meters, has_velocity)


def moments(notes: NDArray[np.int32]) -> NDArray[np.int32]:
    """The grid step of each onset: notes of one step are struck together."""
    steps: NDArray[np.int32] = (notes[:, ONSET] + TICKS_PER_STEP // 2) // TICKS_PER_STEP
    return steps


def sizes_of(starts: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Length of each run, of `count` values in all; `starts` are as `starts_of` returns them."""
    sizes = np.empty_like(starts)
    np.subtract(starts[1:], starts[:-1], out=sizes[:-1])
    sizes[-1] = count - starts[-1]
    return sizes


def _sizes(notes: NDArray[np.int32]) -> NDArray[np.intp]:
    """How many notes each moment has; `notes` are sorted by onset."""
    return sizes_of(starts_of(moments(notes)), len(notes))


def share_of_chords(sizes: NDArray[np.intp]) -> float:
    """The share of moments with three notes or more, 0..1; `sizes` are notes per moment."""
    return int(np.count_nonzero(sizes >= CHORD_SIZE)) / len(sizes)


def _lead(reading: Reading, notes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Shape (notes,): which notes are Lead."""
    voices: list[int] = np.flatnonzero(np.bincount(notes[:, VOICE])).tolist()
    if len(voices) == 1:
        if share_of_chords(_sizes(notes)) >= CHORDS_ONLY:
            return np.zeros(len(notes), np.bool_)
        return _skyline(notes)
    chosen: NDArray[np.bool_] = notes[:, VOICE] == _lead_voice(reading, notes, voices)
    return chosen


def _skyline(notes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Shape (notes,): Lead by `jamd.parts.parts_of`, for all moments at once."""
    pitches, starts = notes[:, PITCH], starts_of(moments(notes))
    sizes = sizes_of(starts, len(notes))
    highest = np.maximum.reduceat(pitches, starts)  # of each moment
    is_top = pitches == np.repeat(highest, sizes)
    tops = np.flatnonzero(is_top)
    moment = np.repeat(np.arange(len(starts)), sizes)
    only = np.zeros(len(notes), np.bool_)
    only[tops[starts_of(moment[tops])]] = True  # the first of equal tops
    before = sliding_window_view(np.append(np.zeros(RECENT_NOTES, np.int32), pitches), RECENT_NOTES)
    recent = np.maximum(highest, before[starts].max(axis=1))
    lowest = np.repeat(np.minimum(LOWEST_LEAD, recent - ONE_LINE), sizes)
    in_chord = np.repeat(sizes >= CHORD_SIZE, sizes)
    lead: NDArray[np.bool_] = np.where(in_chord, only, pitches >= lowest)
    return lead


def _lead_voice(reading: Reading, notes: NDArray[np.int32], voices: list[int]) -> int:
    """Which of two voices or more is the tune."""
    counts = np.bincount(notes[:, VOICE])
    heights = np.bincount(notes[:, VOICE], notes[:, PITCH]) / np.maximum(counts, 1)
    singers = [v for v in voices if reading.voices[v].staves == 1]
    if not 0 < len(singers) < len(voices):
        singers = [v for v in voices if _named_as_melody(reading, notes, v)]
    if not 0 < len(singers) < len(voices) and len(voices) > 2:
        singers = [v for v in voices if _melodic(notes, v)]
    return max(singers or voices, key=heights.__getitem__)


def _named_as_melody(reading: Reading, notes: NDArray[np.int32], voice: int) -> bool:
    """Whether a voice has the name of a melody, and plays as one may."""
    if not _MELODY.search(reading.voices[voice].name):
        return False
    own = notes[notes[:, VOICE] == voice]
    return share_of_chords(_sizes(own)) < CHORDS_ONLY and _covered(own, notes) >= COVERED


def _melodic(notes: NDArray[np.int32], voice: int) -> bool:
    """Whether a voice plays mostly single notes, as high as a tune, in a good part of the piece."""
    own = notes[notes[:, VOICE] == voice]
    single = float(np.mean(_sizes(own) == 1))
    high = float(own[:, PITCH].mean()) >= LOWEST_TUNE
    return single >= SINGLE_NOTES and high and _covered(own, notes) >= COVERED


def _covered(own: NDArray[np.int32], notes: NDArray[np.int32]) -> float:
    """The share of the piece's bars, 0..1, in which a voice begins a note."""
    bar = Meter(4, 4).ticks_per_bar  # whatever the meter, as a unit of time
    return len(starts_of(own[:, ONSET] // bar)) / (int(notes[-1, ONSET]) // bar + 1)


def _one_velocity(notes: NDArray[np.int32]) -> bool:
    """Whether nearly every note has the commonest velocity of its voice."""
    counts = np.bincount(notes[:, VOICE] * 128 + notes[:, VELOCITY])
    commonest = np.maximum.reduceat(counts, np.arange(0, len(counts), 128))
    return int(commonest.sum()) >= ONE_VELOCITY * len(notes)


def _thin_out(
    notes: NDArray[np.int32], lead: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Sort as in a piece, drop doubled pitches, and keep at most `MOST_AT_ONCE` at a moment."""
    keys = (notes[:, ONSET].astype(np.int64) * 2 + lead) * 128 + notes[:, PITCH]
    order = keys.argsort(kind="stable")
    firsts = starts_of(keys[order])
    if len(firsts) < len(notes):  # the longest of equal notes comes first, and is kept
        order = np.lexsort((-notes[:, DURATION], keys))[firsts]
    notes, lead = notes[order], lead[order]
    starts = starts_of(keys[order] >> 7)
    sizes = sizes_of(starts, len(notes))
    if sizes.max() > MOST_AT_ONCE:
        place = np.arange(len(notes)) - np.repeat(starts, sizes)
        from_top = np.repeat(sizes, sizes) - 1 - place
        keep = (place < MOST_AT_ONCE // 2) | (from_top < MOST_AT_ONCE // 2)
        notes, lead = notes[keep], lead[keep]
    return notes, lead
