"""Windows hold what the passages hold, each passage apart."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jamd.grid.tokens import PAD
from jamd.training.learning.batches import windows
from jamd.training.learning.passages import Passage


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(2, 60), min_size=1, max_size=12),
    rows=st.integers(1, 5),
    window=st.integers(1, 20),
)
def test_windows_hold_each_passage_once_and_apart(
    lengths: list[int], rows: int, window: int
) -> None:
    passages = [
        Passage(np.full(n, 10 + i, np.int32), np.ones(n, np.float32)) for i, n in enumerate(lengths)
    ]
    read: dict[int, int] = {}
    state_of: dict[int, int] = {}  # row -> the passage that its state has heard
    for batch in windows(passages, rows, window):
        assert batch.tokens.shape == batch.targets.shape == batch.weights.shape == (rows, window)
        for row in range(rows):
            counted = batch.weights[row] > 0
            heard = set(batch.targets[row][counted].tolist())
            assert heard == set(batch.tokens[row][counted].tolist())
            assert len(heard) <= 1
            assert (batch.targets[row][~counted] == PAD).all()
            for token in heard:
                assert batch.keep[row, 0] == (state_of.get(row) == token)
                state_of[row] = token
                read[token] = read.get(token, 0) + int(counted.sum())
    assert read == {10 + i: n - 1 for i, n in enumerate(lengths)}
