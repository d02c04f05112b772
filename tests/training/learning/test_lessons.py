"""What a network reads is not disturbed by its being measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from jamd.training.backend import load_backend
from jamd.training.corpus import Corpus

pytestmark = pytest.mark.train

load_backend()

from jamd.grid.tokens import VOCABULARY  # noqa: E402 - after the backend, which is loud otherwise
from jamd.training.learning.lessons import GridLessons  # noqa: E402
from jamd.training.learning.network import GridSize  # noqa: E402
from jamd.training.learning.passages import Text  # noqa: E402
from jamd.training.learning.runs import Settings  # noqa: E402


def test_learning_goes_on_where_it_was_after_a_look_at_held_out_pieces(
    grid_corpus: Callable[[str], Corpus],
) -> None:
    corpus = grid_corpus("jazz")
    texts = [Text(corpus.tokens(piece), "jazz") for piece in corpus.pieces]
    size = GridSize(len(VOCABULARY), embedding=8, units=12)
    lessons = GridLessons(size, Settings(rows=4, window=16), texts, texts[:2], {}, 1)
    lessons.learn()
    before = lessons.states()
    assert all(np.ptp(state) > 0 for state in before)
    assert lessons.held_out()["jazz"].tokens > 0
    for found, expected in zip(lessons.states(), before, strict=True):
        np.testing.assert_array_equal(found, expected)
