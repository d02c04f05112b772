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
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Part, Tick
from jamd.placing import CHORD_SECONDS, Onset, Placer
from jamd.training.reading import DURATION, ONSET, PITCH

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
    struck: dict[int, tuple[Note, Onset]] = {}  # by pitch, the last
    heard: list[Onset] = []
    down: list[tuple[Tick, Onset]] = []  # when each key that is down goes up
    for note in notes:
        down.sort(key=lambda key: key[0])
        while down and down[0][0] <= note.onset:
            end, released = down.pop(0)
            placer.release(released, end)
        last, onset = struck.get(note.pitch, (note, None))
        at_once = note.onset - last.onset <= CHORD_SECONDS * rate
        if onset is None or last.part is note.part or not at_once:
            onset = placer.hear(note.onset, note.onset / rate, note.pitch, rate)
            down.append((note.end, onset))
        struck[note.pitch] = note, onset
        heard.append(onset)
    for end, released in sorted(down, key=lambda key: key[0]):
        placer.release(released, end)
    return [onset.place for onset in heard]


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
    parts = [Part.LEAD if each else Part.COMP for each in lead.tolist()]
    columns = (notes[:, i].tolist() for i in (ONSET, PITCH, DURATION))
    played = [
        Note(Tick(onset), pitch, duration=Tick(length), part=part)
        for onset, pitch, length, part in zip(*columns, parts, strict=True)
    ]
    lasting = notes.copy()
    lasting[:, DURATION] = meant_lengths(played)
    return lasting
