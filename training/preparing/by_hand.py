"""Music played by hand to the beat of its file, read as the daemon would hear it.

A player is a little beside the beat and releases each key a little early. Taken as it is, that
teaches a model durations like eleven twelfths of a beat, and onsets a step off. It will meet
neither: the daemon reads a player's notes where they were meant (`jamd.placing`) and as long as
they were meant (`jamd.lengths`). Here the same is done to a file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jamd.lengths import meant_lengths
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Tick
from jamd.placing import CHORD_SECONDS, Onset, Placer
from jamd.training.preparing.reading import DURATION, ONSET, PITCH, columns

_WRITTEN = ((TICKS_PER_STEP, 6), (TICKS_PER_BEAT // 8, 2), (TICKS_PER_BEAT // 5, 2))
"""The grid, 32nds and quintuplets: what lies within so many ticks of a multiple may be written."""

_OFF_ONSETS, _OFF_ENDS = 0.25, 0.4
"""Least shares of onsets and of note-offs that lie elsewhere. At random it would be well over half;
in nearly all written music it is none."""


def is_by_hand(notes: NDArray[np.signedinteger]) -> bool:
    """Whether `notes`, as `Reading.notes` but without drums, lie beside all that is written."""

    def off(ticks: NDArray[np.signedinteger]) -> float:
        elsewhere = np.ones(len(ticks), np.bool_)
        for unit, near in _WRITTEN:
            elsewhere &= np.abs((ticks + unit // 2) % unit - unit // 2) > near
        return float(np.mean(elsewhere))

    if not len(notes):
        return False
    onsets = notes[:, ONSET]
    return off(onsets) > _OFF_ONSETS and off(onsets + notes[:, DURATION]) > _OFF_ENDS


def meant_onsets(notes: Sequence[Note], meter: Meter, bpm: float) -> list[Tick]:
    """Where each of `notes`, by onset, was meant, on the grid: where the daemon would place it.

    Two parts in unison are one key that is struck: a keyboard has no other.
    """
    rate = bpm / 60 * TICKS_PER_BEAT  # ticks a second
    placer = Placer(meter)
    struck: dict[int, int] = {}  # by pitch, the index of the last note
    heard: list[Onset] = []
    ends = [(note.end, False, i) for i, note in enumerate(notes)]
    onsets = [(note.onset, True, i) for i, note in enumerate(notes)]
    for tick, goes_down, i in sorted(ends + onsets):  # of one tick the note-offs come first
        if not goes_down:
            placer.release(heard[i], tick)
            continue
        note, last = notes[i], struck.get(notes[i].pitch)
        if last is not None and _is_one_key(notes[last], note, rate):
            heard.append(heard[last])
        else:
            heard.append(placer.hear(tick, tick / rate, note.pitch, rate))
        struck[note.pitch] = i
    return [onset.place for onset in heard]


def _is_one_key(note: Note, following: Note, rate: float) -> bool:
    """Whether two notes of a pitch, in two parts, are struck as one."""
    at_once = following.onset - note.onset <= CHORD_SECONDS * rate
    return following.part is not note.part and at_once


def placed(notes: NDArray[np.int32], meter: Meter, bpm: float) -> NDArray[np.int32]:
    """`notes`, as `Reading.notes`, each where it was meant, and as long as it was played.

    Args:
        notes: By onset.
        meter: Of all of them; where it changes, the placing keeps to the first.
        bpm: The tempo, likewise.
    """
    columns = (notes[:, i].tolist() for i in (ONSET, PITCH, DURATION))
    played = [
        Note(Tick(on), pitch, duration=Tick(long)) for on, pitch, long in zip(*columns, strict=True)
    ]
    moved = notes.copy()
    moved[:, ONSET] = meant_onsets(played, meter, bpm)
    return moved


def with_meant_lengths(notes: NDArray[np.int32], lead: NDArray[np.bool_]) -> NDArray[np.int32]:
    """`notes`, as `Reading.notes`, each where it was meant, as long as it was meant.

    Args:
        notes: By onset.
        lead: Shape (notes,): which of them are Lead.
    """
    lasting = notes.copy()
    lasting[:, DURATION] = meant_lengths(columns(notes, lead))
    return lasting
