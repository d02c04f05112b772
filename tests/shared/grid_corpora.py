"""Pieces that a test makes up, as a corpus of the grid language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jamd.grid.grid import Grid
from jamd.notes import Piece
from jamd.training.corpus import Corpus, CorpusWriter, Split


def write_grid_corpus(folder: Path, pieces: Sequence[tuple[Split, Piece]]) -> Corpus:
    """A corpus of `pieces`, each on its side of the split, in the style of the first."""
    grid = Grid()
    with CorpusWriter(folder) as writer:
        for number, (split, piece) in enumerate(pieces):
            writer.add(
                np.array(grid.encode(piece), np.uint16),
                source=f"{number}.mid",
                group=str(number),
                split=split,
                notes=len(piece.notes),
                has_velocity=piece.has_velocity,
            )
        (_, first), *_ = pieces
        return writer.finish(
            language="grid", vocabulary=grid.vocabulary, style=first.style, left_out=()
        )
