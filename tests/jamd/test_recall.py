"""The memory of the jam: what was heard comes to be expected, and can be taken back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.grid.grid import Grid
from jamd.grid.tokens import LEAD, LOWEST, PHRASE, VOCABULARY
from jamd.notes import Note, Piece, Tick
from jamd.recall import Recall

MOTIF = (0, 2, 4, 7, 5)
FLAT = np.zeros(len(VOCABULARY), np.float32)


def tokens_of(first_pitches: tuple[int, ...], velocity: int = 80) -> list[int]:
    """A bar of the motif from each pitch, without the piece's last token."""
    notes = [
        Note(Tick(1920 * bar + 240 * i), first + step, velocity, Tick(240))
        for bar, first in enumerate(first_pitches)
        for i, step in enumerate(MOTIF)
    ]
    return Grid().encode(Piece(tuple(notes)))[:-1]


def reading(tokens: list[int], *, learn: bool = True) -> Recall:
    recall = Recall(relative=True)
    for token in tokens:
        recall.push(token, learn=learn)
    return recall


def probability(logits: np.ndarray, token: int) -> float:
    weights = np.exp(logits - logits.max())
    return float(weights[token] / weights.sum())


def up_to_last_pitch(tokens: list[int]) -> tuple[list[int], int]:
    """The tokens before the last pitch, and that pitch."""
    last = max(i for i, token in enumerate(tokens) if VOCABULARY.kind(token) == "Lead")
    return tokens[:last], tokens[last]


@pytest.mark.parametrize("velocity", [80, 120])
def test_a_motif_is_known_in_another_key_and_at_another_loudness(velocity: int) -> None:
    before, coming = up_to_last_pitch([*tokens_of((60, 62)), *tokens_of((65,), velocity)[2:]])
    assert coming == LEAD + 65 + MOTIF[-1] - LOWEST
    assert probability(reading(before).mix(FLAT), coming) > 0.2
    assert probability(FLAT, coming) < 0.01


def test_a_network_that_is_sure_is_hard_to_talk_round() -> None:
    before, coming = up_to_last_pitch(tokens_of((60, 62, 65)))
    recall = reading(before)
    gained = []
    for sureness in (0.0, 6.0, 12.0):
        logits = FLAT.copy()
        logits[coming + 1] = sureness
        gained.append(probability(recall.mix(logits), coming) - probability(logits, coming))
    assert gained[0] > gained[1] > gained[2] > 0
    assert gained[0] > 2 * gained[2]


def test_what_is_not_to_be_learned_is_not() -> None:
    before, _ = up_to_last_pitch(tokens_of((60, 62, 65)))
    assert reading(before, learn=False).mix(FLAT) is FLAT


def test_a_share_of_nothing_leaves_the_network_alone() -> None:
    before, coming = up_to_last_pitch(tokens_of((60, 62, 65)))
    recall = reading(before)
    assert recall.mix(FLAT, 0.0) is FLAT
    half, whole = (probability(recall.mix(FLAT, share), coming) for share in (0.5, 1.0))
    assert half == pytest.approx((whole + 1 / len(VOCABULARY)) / 2, rel=1e-3)


@given(st.lists(st.integers(0, len(VOCABULARY) - 1), max_size=60), st.data())
def test_the_mixture_is_a_distribution(tokens: list[int], data: st.DataObject) -> None:
    recall = reading(tokens * 2)
    seed = data.draw(st.integers(0, 99))
    logits = np.random.default_rng(seed).normal(0, 4, len(VOCABULARY)).astype(np.float32)
    known = logits.copy()
    mixed = recall.mix(logits)
    assert np.array_equal(logits, known), "the network's own are not touched"
    assert np.isfinite(mixed).all()
    assert (mixed >= logits - 1e-4).all(), "what is remembered gains, before all are scaled down"


TOKENS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=40)


@given(st.lists(TOKENS, min_size=1, max_size=5), st.data())
def test_reading_is_a_function_of_the_tokens_alone(
    tails: list[list[tuple[int, bool]]], data: st.DataObject
) -> None:
    """As a replan or a corrected duration leaves them."""
    few = [*range(LEAD, LEAD + 5), *range(VOCABULARY.id("Position_0"), LEAD)][:13]
    kept = Recall(relative=True)
    now: list[tuple[int, bool]] = []
    for tail in tails:
        now = now[: data.draw(st.integers(0, len(now)))] + tail
        tokens, learned = [few[i] for i, _ in now], [learn for _, learn in now]
        kept.read(tokens, learned)
        fresh = Recall(relative=True)
        fresh.read(tokens, learned)
        assert np.array_equal(kept.mix(FLAT), fresh.mix(FLAT))


def test_other_languages_are_remembered_as_they_are() -> None:
    recall = Recall(relative=False)
    recall.read([3, 5, 4, 3, 5], [True] * 5)
    assert recall.mix(np.zeros(8, np.float32)).argmax() == 4


def test_a_countdown_is_no_part_of_a_motif() -> None:
    before, coming = up_to_last_pitch(tokens_of((60, 62, 65)))
    bars = [i for i, token in enumerate(before) if VOCABULARY.kind(token) == "Bar"]
    counted = [*before[: bars[2] + 1], PHRASE, *before[bars[2] + 1 :]]
    assert probability(reading(counted).mix(FLAT), coming) == pytest.approx(
        probability(reading(before).mix(FLAT), coming)
    )
    recall = reading(counted)
    recall.read(before[: bars[2] + 1], [True] * (bars[2] + 1))
    recall.read(before, [True] * len(before))
    assert recall.mix(FLAT).tolist() == reading(before).mix(FLAT).tolist()


def test_what_is_read_again_with_its_countdown_is_not_learned_again() -> None:
    tune = tokens_of((60, 62, 65))
    tokens = [*tune[:3], PHRASE + 2, *tune[3:]]
    memory = Recall(relative=True)
    memory.read(tokens, [True] * len(tokens))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "push", lambda *_, **__: pytest.fail("it is known already"))
        memory.read(tokens, [True] * len(tokens))
