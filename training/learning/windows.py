"""What the article network reads: 32 tokens of a piece, from which it predicts the 33rd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jamd.training.learning.network import ARTICLE_WINDOW


@dataclass(frozen=True, slots=True)
class ArticleWindows:
    """Windows of several pieces, each with the token that follows it. `len` gives their number.

    Unless they were made across pieces, a piece's first windows are padded on the left with 0, so
    that a piece shorter than a window teaches too, and so that the network learns to go on from a
    short seed.
    """

    values: NDArray[np.float32]  # all pieces end to end, each after its padding, scaled to 0..1
    ids: NDArray[np.int32]  # likewise, not scaled
    targets: NDArray[np.intp]  # where the predicted tokens are in `ids`

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, chosen: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """The windows with these indices, shape (n, 32, 1), and what follows each, shape (n,)."""
        at = self.targets[chosen]
        back = np.arange(-ARTICLE_WINDOW, 0)
        return self.values[at[:, None] + back][..., None], self.ids[at]

    def oversampled(self, cap: int) -> ArticleWindows:
        """The same windows, those of rarer next tokens repeated until each token has `cap`.

        Args:
            cap: The least number of windows for each token that follows one; 1 or more.
        """
        following = self.ids[self.targets]
        order = np.argsort(following, kind="stable")
        _, starts = np.unique(following[order], return_index=True)
        classes = np.split(self.targets[order], starts[1:])
        targets = [np.resize(one, max(cap, len(one))) for one in classes if len(one)]
        return replace(self, targets=np.concatenate([self.targets[:0], *targets]))


def article_windows(
    pieces: Sequence[NDArray[np.integer]], vocabulary: int, *, across: bool = False
) -> ArticleWindows:
    """Every window of `pieces`. A piece of one token has none.

    Args:
        pieces: Token ids below `vocabulary`.
        vocabulary: What ids are divided by, so that they lie in 0..1.
        across: Lay the pieces end to end as if they were one, as the article does: windows reach
            from one into the next, and none is padded.
    """
    if across:
        ids = np.concatenate([np.zeros(0, np.int32), *pieces]).astype(np.int32)
        values = (ids / vocabulary).astype(np.float32)
        return ArticleWindows(values, ids, np.arange(ARTICLE_WINDOW, len(ids)))
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


def random_row(
    pieces: Sequence[NDArray[np.integer]], seed: int, *, across: bool = False
) -> NDArray[np.integer]:
    """A window to go on from, as in the article, drawn from all windows in `pieces`.

    Args:
        pieces: Token ids, at least one piece.
        seed: The same seed draws the same window from the same pieces.
        across: As in `article_windows`.

    Returns:
        32 tokens of one piece, or all of the longest piece if none is that long.
    """
    pieces = [np.concatenate(list(pieces))] if across else pieces
    rows = np.array([max(0, len(piece) - ARTICLE_WINDOW + 1) for piece in pieces])
    if not rows.any():
        return max(pieces, key=len)
    drawn = np.random.default_rng(seed).integers(rows.sum())
    chosen = int(np.searchsorted(rows.cumsum(), drawn, side="right"))
    start = drawn - rows[:chosen].sum()
    return pieces[chosen][start : start + ARTICLE_WINDOW]
