"""The n-gram that a model must beat."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.grid.tokens import PAD, VOCABULARY, transposition
from jamd.training.judging.likelihood import Ids
from jamd.training.judging.ngram import NGram, intervals, references, renamed

pytestmark = pytest.mark.train

N = len(VOCABULARY)

ids = st.lists(st.integers(0, N - 1), min_size=1, max_size=40).map(lambda t: np.array(t, np.uint16))


def fitted(pieces: list[Ids], order: int = 5, *, relative: bool = True, size: int = N) -> NGram:
    counted = [(piece, np.ones(len(piece), np.bool_)) for piece in pieces]
    return NGram(size, order, relative=relative).fit(counted)


@given(st.lists(ids, min_size=1, max_size=4), ids, st.integers(1, 5), st.booleans())
def test_probabilities_add_up_to_one(
    pieces: list[Ids], asked: Ids, order: int, relative: bool
) -> None:
    rows = fitted(pieces, order, relative=relative).probabilities(asked)
    assert rows.shape == (len(asked), N)
    assert (rows > 0).all()
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-9)


@given(st.lists(ids, min_size=1, max_size=4), ids.filter(lambda t: len(t) > 1))
def test_judged_by_the_same_probabilities(pieces: list[Ids], asked: Ids) -> None:
    ngram = fitted(pieces)
    rows = ngram.probabilities(asked)[1:]
    judged = ngram.judge(asked)
    given_to_truth = rows[np.arange(len(rows)), asked[1:]]
    np.testing.assert_allclose(judged.bits, -np.log2(given_to_truth), rtol=1e-9)
    np.testing.assert_array_equal(judged.hits, given_to_truth >= rows.max(axis=1) * (1 - 1e-12))


@given(ids)
def test_intervals_rename_tokens_one_to_one(tokens: Ids) -> None:
    every = np.repeat(np.arange(N)[:, None], len(tokens), axis=1)
    names = renamed(every, references(tokens))
    assert (np.sort(names, axis=0) == every).all()


def test_intervals_know_every_key() -> None:
    names = ["Start", "Chord_C:maj", "Comp_48", "Comp_52", "Lead_60", "Lead_67", "Chord_F:maj"]
    tokens = np.array([VOCABULARY.id(name) for name in names])
    moved = np.array(transposition(3))[tokens]
    # What comes first of its kind has nothing before it to count from.
    assert intervals(tokens)[[3, 5, 6]].tolist() == intervals(moved)[[3, 5, 6]].tolist()
    assert VOCABULARY.token(intervals(tokens)[5]) == "Lead_28"  # 7 above the lowest, A0
    assert VOCABULARY.token(intervals(tokens)[6]) == "Chord_Db:maj"  # 1 above the E before it


def test_witten_bell_by_hand() -> None:
    # After 0 came: 1, 1, 2. So of 3 + 2 = 5 shares, 2 go to the unigram.
    ngram = fitted([np.array([0, 1, 0, 1, 0, 2])], order=2, relative=False, size=4)
    unigram = (np.array([3, 2, 1, 0]) + 3 / 4) / (6 + 3)
    row = ngram.probabilities(np.array([0, 1]))[1]
    np.testing.assert_allclose(row, (np.array([0, 2, 1, 0]) + 2 * unigram) / 5)


def test_what_does_not_count_is_no_type_either() -> None:
    # After 0 came 1, and a 2 that is only a context: of 1 + 1 shares 1 goes to the unigram.
    counted = np.array([True, True, True, False])
    ngram = NGram(4, 2, relative=False).fit([(np.array([0, 1, 0, 2]), counted)])
    unigram = (np.array([2, 1, 0, 0]) + 2 / 4) / (3 + 2)
    row = ngram.probabilities(np.array([0, 1]))[1]
    np.testing.assert_allclose(row, (np.array([0, 1, 0, 0]) + unigram) / 2)


def test_no_gram_crosses_from_piece_to_piece() -> None:
    apart = fitted([np.array([0, 1]), np.array([2, 3])], order=2, relative=False, size=4)
    unigram = apart.probabilities(np.array([0]))[0]
    after_1 = apart.probabilities(np.array([1, 0]))[1]
    np.testing.assert_allclose(after_1, unigram)  # 1 ended its piece: nothing is known after it


def test_what_does_not_count_is_context_only() -> None:
    tokens = np.array([0, 1, 2, 1, 3])
    counted = np.array([True, False, True, False, True])
    ngram = NGram(4, 2, relative=False).fit([(tokens, counted)])
    rows = ngram.probabilities(np.array([1, 1]))
    assert rows[0, 1] == rows[0].min()
    assert rows[1, 2] == rows[1, 3] > rows[1, 0]


def test_long_contexts_win_where_they_are_known() -> None:
    rng = np.random.default_rng(7)
    piece = rng.integers(0, 50, 60)
    tune = np.tile(piece, 40)
    bits = [fitted([tune], n, relative=False).judge(tune).bits[60:].mean() for n in (1, 2, 5)]
    assert bits[0] > bits[1] > bits[2]
    assert bits[2] < 0.2


@pytest.mark.parametrize("relative", [False, True])
def test_long_pieces_are_judged_whole(relative: bool) -> None:
    rng = np.random.default_rng(1)
    piece = rng.integers(0, N, 5000).astype(np.uint16)
    ngram = fitted([piece], 3, relative=relative)
    assert len(ngram.judge(piece).bits) == 4999
    assert len(ngram.judge(np.array([PAD])).bits) == 0
