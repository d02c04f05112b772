"""What the article's network reads: within pieces, or across them as the article does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jamd.training.backend import load_backend

pytestmark = pytest.mark.train

load_backend()

from jamd.training.learning.windows import article_windows, random_row  # noqa: E402 - after the backend

VOCABULARY = 7

PIECES = st.lists(
    st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=45).map(np.array),
    min_size=1,
    max_size=4,
)

Pieces = list[NDArray[np.int64]]


@given(PIECES)
def test_across_pieces_every_window_is_whole_and_they_are_one_row_of_songs(pieces: Pieces) -> None:
    together = np.concatenate(pieces)
    windows = article_windows(pieces, VOCABULARY, across=True)
    assert len(windows) == max(0, len(together) - 32)
    if len(windows):
        x, y = windows.batch(np.arange(len(windows)))
        assert np.array_equal(y, together[32:])
        assert np.allclose(x[-1, :, 0] * VOCABULARY, together[-33:-1])


@given(PIECES, st.integers(1, 9))
def test_oversampling_fills_up_every_next_token_and_takes_nothing_away(
    pieces: Pieces, cap: int
) -> None:
    windows = article_windows(pieces, VOCABULARY)
    more = windows.oversampled(cap)
    before, after = (np.bincount(w.ids[w.targets], minlength=VOCABULARY) for w in (windows, more))
    assert np.array_equal(after, np.where(before, np.maximum(before, cap), 0))
    assert set(more.targets) == set(windows.targets)
    for target in set(more.targets):  # the windows of one token are repeated alike
        same = more.ids[more.targets] == more.ids[target]
        times = np.unique(more.targets[same], return_counts=True)[1]
        assert times.max() - times.min() <= 1


@given(PIECES, st.integers(0, 2**63 - 1))
def test_a_random_row_is_a_stretch_of_one_piece(pieces: Pieces, seed: int) -> None:
    row = random_row(pieces, seed).tolist()
    long = [piece.tolist() for piece in pieces if len(piece) >= 32]
    assert len(row) == (32 if long else max(map(len, pieces)))
    assert any(
        row == piece[start : start + len(row)]
        for piece in long or [piece.tolist() for piece in pieces]
        for start in range(len(piece))
    )
    assert row == random_row(pieces, seed).tolist()


def test_faithful_rows_reach_from_one_piece_into_the_next() -> None:
    pieces = [np.full(20, token) for token in range(4)]
    assert len(set(random_row(pieces, 1, across=True).tolist())) > 1
    assert len(set(random_row(pieces, 1).tolist())) == 1
