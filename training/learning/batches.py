"""What the grid network reads: passages cut into windows, side by side in rows.

Each row of a batch is a stream of its own. A passage (a piece, or a stretch of one) is read window
after window while the network carries its state along; then the row begins the next passage with
an empty state, so that no window crosses from one piece into another. The unused rest of a
passage's last window is padding with weight 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from jamd.grid.tokens import PAD
from jamd.training.learning.passages import Ids, Passage, Weights


@dataclass(frozen=True, slots=True)
class Batch:
    """One window of every row.

    Attributes:
        tokens: Shape (rows, window).
        targets: Shape (rows, window): the token after each of `tokens`.
        weights: Shape (rows, window): how much each target counts; 0 for padding.
        keep: Shape (rows, 1): 0 where a new passage begins and the state must be forgotten, else 1.
    """

    tokens: Ids
    targets: Ids
    weights: Weights
    keep: Weights


def windows(passages: Iterable[Passage], rows: int, window: int) -> Iterator[Batch]:
    """Yield batches of `window` tokens, from passages laid side by side in `rows` rows.

    Ends when all passages are read; a row that runs out before the others is padding until then.
    """
    source = iter(passages)
    # What each row has yet to read; with fewer than two tokens left, its passage is done.
    rest: list[Passage | None] = [None] * rows
    while True:
        tokens = np.full((rows, window), PAD, dtype=np.int32)
        targets = np.full((rows, window), PAD, dtype=np.int32)
        weights = np.zeros((rows, window), dtype=np.float32)
        keep = np.ones((rows, 1), dtype=np.float32)
        reading = False
        for row in range(rows):
            current = rest[row]
            if current is None:
                current = next(source, None)
                keep[row] = 0.0
            if current is None:
                continue
            reading = True
            read = min(window, len(current.tokens) - 1)
            tokens[row, :read] = current.tokens[:read]
            targets[row, :read] = current.tokens[1 : read + 1]
            weights[row, :read] = current.weights[1 : read + 1]
            left = Passage(current.tokens[read:], current.weights[read:])
            rest[row] = left if len(left.tokens) > 1 else None
        if not reading:
            return
        yield Batch(tokens, targets, weights, keep)
