"""Whose line each note of a file is: `Reading` -> `Piece`.

The rules, the first that fits:

1. Drums are left aside.
2. Nothing but chords (nearly every moment three notes or more) in one voice: all Comp.
3. One voice: the rule of `jamd.parts`, the same as for a player's own notes.
4. Singers and the like over an instrument on two staves: the highest of them is Lead.
5. Some voices, not all, named as melodies: the highest of them is Lead.
6. Two voices: the higher is Lead.
7. More: the highest of those that play mostly single notes, and enough of them, is Lead.

What is not Lead is Comp.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from jamd.errors import SourceError
from jamd.notes import TICKS_PER_STEP, Note, Part, Piece
from jamd.parts import CHORD_SIZE, parts_of
from jamd.training.reading import DURATION, ONSET, PITCH, VELOCITY, VOICE, Reading

MOST_AT_ONCE = 16
"""The most notes one part may strike at one moment; of more, the outermost are kept."""

CHORDS_ONLY = 0.9
"""A voice with so large a share of moments that are chords is an accompaniment."""

ONE_VELOCITY = 0.95
"""Where so large a share of each voice's notes has one velocity, nobody played it."""

_MELODY = re.compile(r"melod|vocal|voice|voix|sing|canto|gesang|chant|soprano|lead|solo", re.I)


def pitched(reading: Reading) -> NDArray[np.int32]:
    """The notes of `reading` that have a pitch: all but the drums.

    Raises:
        SourceError: There are none.
    """
    drums = [i for i, voice in enumerate(reading.voices) if voice.drums]
    notes = reading.notes
    if drums:
        notes = notes[~np.isin(notes[:, VOICE], drums)]
        if not len(notes):
            raise SourceError("only drums")
    return notes


def to_piece(reading: Reading, style: str) -> Piece:
    """The piece that `reading` is, each note given its part.

    No pitch stands twice at one moment in one part, and no moment has more than `MOST_AT_ONCE`
    notes of a part.

    Raises:
        SourceError: There are only drums.
    """
    notes = pitched(reading)
    lead = _lead(reading, notes)
    has_velocity = reading.has_velocity and not _one_velocity(notes)
    notes, lead = _thin_out(notes, lead)
    parts = [Part.LEAD if top else Part.COMP for top in lead.tolist()]
    columns = (notes[:, column].tolist() for column in (ONSET, PITCH, VELOCITY, DURATION))
    return Piece(tuple(map(Note, *columns, parts)), reading.meters, style, has_velocity)


def moments(notes: NDArray[np.int32]) -> NDArray[np.int32]:
    """The grid step of each onset: notes of one step are struck together."""
    steps: NDArray[np.int32] = (notes[:, ONSET] + TICKS_PER_STEP // 2) // TICKS_PER_STEP
    return steps


def share_of_chords(notes: NDArray[np.int32]) -> float:
    """The share of moments with three notes or more, 0..1."""
    sizes = np.unique(moments(notes), return_counts=True)[1]
    return float(np.mean(sizes >= CHORD_SIZE))


def _lead(reading: Reading, notes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Shape (notes,): which notes are Lead."""
    voices = np.unique(notes[:, VOICE]).tolist()
    if len(voices) == 1:
        if share_of_chords(notes) >= CHORDS_ONLY:
            return np.zeros(len(notes), np.bool_)
        return _skyline(notes)
    chosen: NDArray[np.bool_] = notes[:, VOICE] == _lead_voice(reading, notes, voices)
    return chosen


def _skyline(notes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Shape (notes,): Lead by the rule for a player's own notes, moment by moment."""
    steps = moments(notes)
    order = np.argsort(steps, kind="stable")
    lead = np.zeros(len(notes), np.bool_)
    for group in np.split(order, np.flatnonzero(np.diff(steps[order])) + 1):
        parts = parts_of(notes[group, PITCH].tolist())
        lead[group] = [part is Part.LEAD for part in parts]
    return lead


def _lead_voice(reading: Reading, notes: NDArray[np.int32], voices: list[int]) -> int:
    """Which of two voices or more is the tune."""
    height = {v: float(notes[notes[:, VOICE] == v, PITCH].mean()) for v in voices}
    singers = [v for v in voices if reading.voices[v].staves == 1]
    if not 0 < len(singers) < len(voices):
        singers = [v for v in voices if _MELODY.search(reading.voices[v].name)]
    if not 0 < len(singers) < len(voices) and len(voices) > 2:
        singers = [v for v in voices if _melodic(notes, v)]
    return max(singers or voices, key=height.__getitem__)


def _melodic(notes: NDArray[np.int32], voice: int) -> bool:
    """Mostly single notes, at a tune's height, in a good part of the piece."""
    own = notes[notes[:, VOICE] == voice]
    sizes = np.unique(moments(own), return_counts=True)[1]
    covered = len(np.unique(own[:, ONSET] // 1920)) / (int(notes[:, ONSET].max()) // 1920 + 1)
    single = float(np.mean(sizes == 1))
    return single >= 0.75 and float(own[:, PITCH].mean()) >= 52 and covered >= 0.3


def _one_velocity(notes: NDArray[np.int32]) -> bool:
    """Whether nearly every note has the commonest velocity of its voice."""
    keys = notes[:, VOICE] * 128 + notes[:, VELOCITY]
    values, counts = np.unique(keys, return_counts=True)
    commonest = np.zeros(int(values[-1]) // 128 + 1, np.int64)
    np.maximum.at(commonest, values // 128, counts)
    return bool(commonest.sum() >= ONE_VELOCITY * len(notes))


def _thin_out(
    notes: NDArray[np.int32], lead: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """In the order of a piece, without doubled pitches, and at most `MOST_AT_ONCE` at a moment."""
    # The longest of equal notes comes first, and is kept.
    order = np.lexsort((-notes[:, DURATION], notes[:, PITCH], lead, notes[:, ONSET]))
    notes, lead = notes[order], lead[order]
    moment = notes[:, ONSET].astype(np.int64) * 2 + lead
    again = (np.diff(moment) == 0) & (np.diff(notes[:, PITCH]) == 0)
    keep = np.concatenate(([True], ~again))
    notes, lead, moment = notes[keep], lead[keep], moment[keep]
    starts = np.concatenate(([0], np.flatnonzero(np.diff(moment)) + 1))
    sizes = np.diff(np.append(starts, len(notes)))
    if sizes.max() > MOST_AT_ONCE:
        place = np.arange(len(notes)) - np.repeat(starts, sizes)
        from_top = np.repeat(sizes, sizes) - 1 - place
        keep = (place < MOST_AT_ONCE // 2) | (from_top < MOST_AT_ONCE // 2)
        notes, lead = notes[keep], lead[keep]
    return notes, lead
