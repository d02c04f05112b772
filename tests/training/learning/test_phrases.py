"""Phrases end where the tune comes to rest, and are counted down to there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.grid.grid import Grid
from jamd.grid.tokens import PHRASE, PHRASE_BARS, VOCABULARY
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Part, Piece, Tick
from jamd.training.learning.phrases import counted_down, phrase_ends

FOUR = Meter(4, 4)


def tune(*onsets: float, meter: Meter = FOUR) -> np.ndarray:
    """A tune of onsets in beats from 0, as tokens."""
    notes = [Note(Tick(round(beat * TICKS_PER_BEAT)), 67) for beat in onsets]
    return np.array(Grid().encode(Piece(tuple(notes), ((Tick(0), meter),))), np.int32)


@pytest.mark.parametrize(
    ("onsets", "ends"),
    [
        ((0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12), [1, 3]),  # rests on 7, and at the end
        ((0, 1, 2, 3, 4, 7.5, 8, 9, 10, 11, 12), [1, 3]),  # a pickup to bar 3 is not in the way
        ((0, 2, 3, 4, 5, 6, 7, 8), [2]),  # a half note on the downbeat ends nothing
        ((0, 4, 8), [0, 1, 2]),  # every long note does
    ],
)
def test_a_phrase_ends_where_its_line_rests_at_the_end_of_a_bar(
    onsets: tuple[float, ...], ends: list[int]
) -> None:
    assert phrase_ends(tune(*onsets)).tolist() == ends


def test_in_three_four_two_beats_are_a_rest() -> None:
    assert phrase_ends(tune(0, 1, 2, 3, 6, 7, 8, 9, meter=Meter(3, 4))).tolist() == [1, 3]


def test_a_passage_cut_off_does_not_end_where_it_is_cut() -> None:
    assert phrase_ends(tune(0, 1, 2, 3, 4)[:-1]).tolist() == []


def test_without_a_tune_bars_are_counted_in_fours() -> None:
    pads = [Note(Tick(1920 * bar), 60, 80, Tick(1920), Part.COMP) for bar in range(9)]
    assert phrase_ends(np.array(Grid().encode(Piece(tuple(pads))), np.int32)).tolist() == [3, 7]


@given(
    st.lists(st.integers(0, 160), min_size=1, max_size=80),
    st.integers(0, 2**32 - 1),
)
def test_a_countdown_leads_to_a_phrase_end_and_leaves_the_music_as_it_is(
    eighths: list[int], seed: int
) -> None:
    tokens = tune(*(eighth / 2 for eighth in sorted(set(eighths))))
    ends = set(phrase_ends(tokens).tolist())
    counted, first = counted_down(tokens, np.random.default_rng(seed))
    said = counted >= PHRASE
    assert counted[~said].tolist() == tokens.tolist()
    assert first == (int(np.flatnonzero(said)[0]) if said.any() else len(tokens))
    bar = -1
    left_before = 0
    for token in counted.tolist():
        if VOCABULARY.kind(token) == "Bar":
            bar += 1
        if token >= PHRASE:
            left = token - PHRASE + 1
            assert 1 <= left <= PHRASE_BARS
            assert bar + left - 1 in ends
            assert left_before in (left + 1, 1, 0)
            left_before = left
    Grid().decode(counted.tolist())  # raises where the grammar is broken
