"""What the article network reads: 32 tokens of one piece, to predict the 33rd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.training.network import ARTICLE_WINDOW


@dataclass(frozen=True, slots=True)
class ArticleWindows:
    """Windows of several pieces, none across two of them. `len` is how many there are.

    A piece's first windows are filled up on the left with 0, so that a piece shorter than a window
    teaches too, and so that the network knows how to go on from a short seed.
    """

    values: NDArray[np.float32]  # all pieces end to end, each after its filling, scaled to 0..1
    ids: NDArray[np.int32]  # likewise, not scaled
    targets: NDArray[np.intp]  # where the predicted tokens are in `ids`

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, chosen: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """The windows of these numbers, shape (n, 32, 1), and what follows each, shape (n,)."""
        at = self.targets[chosen]
        back = np.arange(-ARTICLE_WINDOW, 0)
        return self.values[at[:, None] + back][..., None], self.ids[at]


def article_windows(pieces: Sequence[NDArray[np.integer]], vocabulary: int) -> ArticleWindows:
    """Every window of `pieces`, token ids below `vocabulary`. A piece of one token has none."""
    filling = np.zeros(ARTICLE_WINDOW, dtype=np.int32)
    parts: list[NDArray[np.int32]] = []
    targets: list[NDArray[np.intp]] = []
    end = 0
    for piece in pieces:
        first = end + ARTICLE_WINDOW
        end = first + len(piece)
        parts += [filling, piece.astype(np.int32)]
        targets.append(np.arange(first + 1, end))
    if not parts:
        return ArticleWindows(np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(0, np.intp))
    ids = np.concatenate(parts)
    return ArticleWindows((ids / vocabulary).astype(np.float32), ids, np.concatenate(targets))
