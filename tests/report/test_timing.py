"""Music that a person plays is heard as it was meant."""

from __future__ import annotations

import numpy as np

from jamd.notes import Note, Part, Piece, Tick
from jamd.report.timing import as_heard, as_played


def test_a_tune_that_meets_its_chords_is_heard_where_it_was_meant() -> None:
    tune = [Note(Tick(480 * i), 60 + (0, 4, 7, 4)[i % 4], 80, Tick(480)) for i in range(64)]
    chords = [
        Note(Tick(1920 * bar), pitch, 80, Tick(1920), Part.COMP)
        for bar in range(16)
        for pitch in (48, 60, 64)  # with the tune in unison
    ]
    piece = Piece(tuple(sorted([*tune, *chords])))
    played = as_played(piece, np.random.default_rng(0))
    assert played != piece
    heard = {(note.onset, note.pitch, note.part) for note in as_heard(played).notes}
    assert heard == {(note.onset, note.pitch, note.part) for note in piece.notes}
