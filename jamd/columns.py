"""Notes as columns of numbers: a few dozen operations on these take the place of a loop over notes.

Needs numpy; the front process never imports this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.notes import Note, Part

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Columns:
    """Notes, each field an array of shape (notes,), as in `Note`.

    Attributes:
        onsets: Ticks.
        pitches: MIDI note numbers.
        velocities: MIDI velocities.
        durations: Ticks.
        lead: Which of them are Lead; the others are Comp.
    """

    onsets: Ints
    pitches: Ints
    velocities: Ints
    durations: Ints
    lead: Bools

    @classmethod
    def of(cls, notes: Sequence[Note]) -> Columns:
        """`notes`, in their order."""
        lead = Part.LEAD
        return cls(
            np.array([note.onset for note in notes], np.int64),
            np.array([note.pitch for note in notes], np.int64),
            np.array([note.velocity for note in notes], np.int64),
            np.array([note.duration for note in notes], np.int64),
            np.array([note.part is lead for note in notes], np.bool_),
        )

    def since(self, index: int) -> Columns:
        """The notes from `index` on."""
        return Columns(
            self.onsets[index:],
            self.pitches[index:],
            self.velocities[index:],
            self.durations[index:],
            self.lead[index:],
        )


def starts_of(values: NDArray[np.signedinteger]) -> NDArray[np.intp]:
    """Where each run of equal values begins; `values` are sorted."""
    begins = np.empty(len(values), np.bool_)
    begins[:1] = True
    np.not_equal(values[1:], values[:-1], out=begins[1:])
    starts: NDArray[np.intp] = begins.nonzero()[0]
    return starts
