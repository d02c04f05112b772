"""Music that a person plays is heard as it was meant."""

from __future__ import annotations

import numpy as np

from jamd.notes import Note, Part, Piece, Tick
from jamd.report.timing import as_heard, as_meant, as_played, let_go


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


def test_keys_that_are_let_go_early_are_read_as_they_are_written() -> None:
    piece = Piece(tuple(Note(Tick(240 * i), 60 + i % 5, 80, Tick(240)) for i in range(64)))
    played = let_go(piece, np.random.default_rng(0))
    short = [a.duration - b.duration for a, b in zip(piece.notes, played.notes, strict=True)]
    assert 30 < np.mean(short) < 60  # ticks of 1/960 s
    assert as_meant(played) == piece
