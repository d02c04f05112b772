"""Small corpora, made up, that have everything a report measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jamd.grid import Grid
from jamd.notes import Note, Part, Piece, Tick
from jamd.training.corpus import Corpus, CorpusWriter

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


@pytest.fixture
def made_corpus(tmp_path: Path) -> Callable[[str], Corpus]:
    """Makes a corpus of a style: five tunes to train on, three held out."""

    def make(style: str) -> Corpus:
        with CorpusWriter(tmp_path / style) as writer:
            for i in range(8):
                piece = tune(12 + i, 55 + i, style)
                writer.add(
                    np.array(Grid().encode(piece), np.uint16),
                    source=f"{i}.mid",
                    group=str(i),
                    split="held-out" if i % 3 == 1 else "train",
                    notes=len(piece.notes),
                    has_velocity=True,
                )
            vocabulary = Grid().vocabulary
            return writer.finish(language="grid", vocabulary=vocabulary, style=style, left_out=())

    return make
