"""What a reader gets out of one file, before anything is decided about it.

MIDI files and scores end up in the same shape: a table of notes in ticks (480 per quarter note)
whose bar lines are known. `jamd.training.preparing.parts` then assigns the notes to parts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.columns import Columns
from jamd.errors import SourceError
from jamd.notes import METERS, Meter, Tick

ONSET, DURATION, PITCH, VELOCITY, VOICE = range(5)
"""The columns of `Reading.notes`."""

SAME_BARS = {
    Meter(2, 2): Meter(4, 4),
    Meter(8, 8): Meter(4, 4),
    Meter(4, 2): Meter(4, 4),
    Meter(8, 4): Meter(4, 4),
    Meter(4, 8): Meter(2, 4),
    Meter(1, 2): Meter(2, 4),
    Meter(6, 4): Meter(3, 4),
    Meter(12, 8): Meter(6, 8),
    Meter(12, 16): Meter(6, 8),
}
"""Meters whose bars are one bar, or exactly two, of a meter that jamd supports.

12/16 is 6/8 at twice the speed: its bar has the same length as a bar of 6/8."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One track of a MIDI file, or one staff of a score.

    Attributes:
        name: As the file gives it; arbitrary text, so never print it unescaped.
        drums: Whether its pitches name drums.
        staves: How many staves its instrument has: 2 for a piano.
    """

    name: str = ""
    drums: bool = False
    staves: int = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """The notes of one piece, as read.

    Attributes:
        notes: int32, shape (notes, 5): onset and duration in ticks (480 per quarter note, duration
            at least 1), pitch 0..127, velocity 1..127, index into `voices`. Sorted by onset, then
            voice, then pitch.
        voices: The tracks or staves, in the file's order.
        meters: (tick, meter), the first at tick 0, each on a bar line of the previous one; only
            `METERS`.
        has_velocity: False if the format gives no velocities.
        beat: False if the notes are a performance that keeps no beat, and none could be found.
        played_bpm: The tempo, if the notes were played by hand to a beat that the file keeps
            (`jamd.training.preparing.by_hand`); None if they were written, or keep no beat of the
            file's.
        warnings: What was odd about the file, though it could be read.
    """

    notes: NDArray[np.int32]
    voices: tuple[Voice, ...]
    meters: tuple[tuple[Tick, Meter], ...]
    has_velocity: bool = True
    beat: bool = True
    played_bpm: float | None = None
    warnings: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """A compact form for a cache: a line of JSON, then the table of notes by columns.

        Onsets are stored as differences, and each column takes as few bytes as its largest number
        needs: about 7 per note, as many as deflating the table would leave, in a tenth of the time.
        """
        columns = np.array(self.notes.T, order="C")
        columns[ONSET, 1:] -= self.notes[:-1, ONSET]
        types = [_narrowest(most) for most in columns.max(axis=1, initial=0).tolist()]
        head = {
            "types": types,
            "voices": [(v.name, v.drums, v.staves) for v in self.voices],
            "meters": [(tick, str(meter)) for tick, meter in self.meters],
            "has_velocity": self.has_velocity,
            "beat": self.beat,
            "played_bpm": self.played_bpm,
            "warnings": self.warnings,
        }
        table = [column.astype(name).tobytes() for column, name in zip(columns, types, strict=True)]
        return b"".join((json.dumps(head).encode(), b"\n", *table))

    @classmethod
    def from_bytes(cls, data: bytes) -> Reading:
        """The inverse of `to_bytes`."""
        line, _, table = data.partition(b"\n")
        head = json.loads(line)
        types = [np.dtype(name) for name in head["types"]]
        count = len(table) // sum(each.itemsize for each in types)
        notes = np.empty((count, 5), np.int32)
        start = 0
        for column, each in enumerate(types):
            notes[:, column] = np.frombuffer(table, each, count, start)
            start += count * each.itemsize
        np.cumsum(notes[:, ONSET], out=notes[:, ONSET])
        return cls(
            notes=notes,
            voices=tuple(Voice(*voice) for voice in head["voices"]),
            meters=tuple((Tick(tick), Meter.parse(text)) for tick, text in head["meters"]),
            has_velocity=head["has_velocity"],
            beat=head["beat"],
            played_bpm=head["played_bpm"],
            warnings=tuple(head["warnings"]),
        )


def _narrowest(most: int) -> str:
    """The narrowest type, in NumPy's letters, that holds 0..`most`."""
    return "|u1" if most < 2**8 else "<u2" if most < 2**16 else "<i4"


def as_spoken(meter: Meter) -> Meter:
    """The meter of `METERS` whose bars fit `meter`'s.

    Raises:
        SourceError: There is none.
    """
    spoken = SAME_BARS.get(meter, meter)
    if spoken not in METERS:
        raise SourceError(f"meter {meter}: expected one of {', '.join(map(str, METERS))}")
    return spoken


def in_order(notes: NDArray[np.int32]) -> NDArray[np.int32]:
    """The notes by onset, then voice, then pitch."""
    # One number for each note: 31 bits, 20 and 7. A stable sort of numbers that come in a few
    # rising runs, one per voice, is several times as fast as np.lexsort.
    keys = notes[:, ONSET].astype(np.int64) << 27 | notes[:, VOICE] << 7 | notes[:, PITCH]
    return notes[np.argsort(keys, kind="stable")]


def columns(notes: NDArray[np.int32], lead: NDArray[np.bool_]) -> Columns:
    """`notes`, as `Reading.notes`, of which those where `lead` is true are Lead."""
    wide = notes.astype(np.int64)
    return Columns(wide[:, ONSET], wide[:, PITCH], wide[:, VELOCITY], wide[:, DURATION], lead)
