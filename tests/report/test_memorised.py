"""What stands in a corpus is found, all of it and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.grid.grid import Grid
from jamd.grid.tokens import transposition
from jamd.notes import Note, Part, Piece, Tick
from jamd.report.memorised import Library, library_of, symbols_of

pytestmark = pytest.mark.train

texts = st.lists(st.integers(0, 3), min_size=1, max_size=30)


def longest_by_hand(music: list[int], pieces: list[list[int]]) -> int:
    return max(
        length
        for length in range(len(music) + 1)
        for i in range(len(music) - length + 1)
        if any(
            music[i : i + length] == piece[j : j + length]
            for piece in pieces
            for j in range(len(piece) - length + 1)
        )
    )


@given(st.lists(texts, min_size=1, max_size=5), st.lists(texts, min_size=1, max_size=5))
def test_the_longest_is_found(pieces: list[list[int]], music: list[list[int]]) -> None:
    library = Library([np.array(piece) for piece in pieces])
    for found, one in zip(library.longest([np.array(one) for one in music]), music, strict=True):
        assert found.length == longest_by_hand(one, pieces)
        if found.length:
            stretch = one[found.start : found.start + found.length]
            there = pieces[found.piece]
            spots = range(len(there) - found.length + 1)
            assert any(there[j : j + found.length] == stretch for j in spots)


def test_a_tune_is_known_in_another_key_and_louder() -> None:
    pitches = (60, 62, 64, 65, 67, 65, 64, 62)
    notes = [Note(Tick(480 * i), pitch) for i, pitch in enumerate(pitches)]
    chord = [Note(Tick(0), pitch, 60, Tick(960), Part.COMP) for pitch in (48, 52, 55)]
    tune = np.array(Grid().encode(Piece(tuple(sorted(notes + chord)), style="jazz")))
    other = np.array(Grid().encode(Piece(tuple(notes[:3]), style="song")))
    library = library_of([other, tune])
    louder = [Note(n.onset, n.pitch + 5, 110, n.duration, n.part) for n in sorted(notes + chord)]
    played = np.array(Grid().encode(Piece(tuple(louder), style="jazz")))
    for music in (played, np.array(transposition(3))[tune]):
        (found,) = library.longest([symbols_of(music)])
        assert found.piece == 1
        assert found.notes == len(pitches) - 1  # the first tells the key, and is no interval
