"""A small corpus, made up, that has everything a report measures."""

from __future__ import annotations

import os

import pytest
from grid_corpora import write_grid_corpus

from jamd.notes import Note, Part, Piece, Tick
from jamd.training.corpus import Corpus, Split

BAR = Tick(4 * 480)


def tune(bars: int, root: int, style: str) -> Piece:
    """A chord a bar, and a tune of its tones and others in quarters."""
    notes = []
    for bar in range(bars):
        start = bar * BAR
        low = root - 12 + (0, 5, 7)[bar % 3]
        notes += [Note(Tick(start), low + i, 60, BAR, Part.COMP) for i in (0, 4, 7)]
        notes += [
            Note(Tick(start + beat * 480), root + (bar * 5 + beat * 3) % 13, 70 + 10 * beat)
            for beat in range(4)
        ]
    return Piece(tuple(sorted(notes)), style=style)


@pytest.fixture(scope="session")
def made_corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Five tunes to train on, three held out, under a name that neither UTF-8 nor a URL can spell.

    No test changes it.
    """
    folder = tmp_path_factory.mktemp("made") / os.fsdecode(b"jazz #1 & %41 caf\xe9")
    pieces: list[tuple[Split, Piece]] = [
        ("held-out" if i % 3 == 1 else "train", tune(12 + i, 55 + i, "jazz")) for i in range(8)
    ]
    return write_grid_corpus(folder, pieces)
