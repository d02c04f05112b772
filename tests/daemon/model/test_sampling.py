"""A token drawn is allowed, likely enough, and the same for the same key."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jamd.daemon.model.requests import Sampling
from jamd.daemon.model.sampling import choose, generator

LOGITS = arrays(np.float32, 24, elements=st.floats(-30, 30, width=32))
SAMPLING = st.builds(
    Sampling,
    temperature=st.floats(0.05, 5),
    nucleus=st.floats(0.01, 1),
    argmax=st.booleans(),
)


def nucleus_of(logits: np.ndarray, allowed: np.ndarray, sampling: Sampling) -> set[int]:
    """The nucleus by its definition: add the likeliest tokens until there is enough."""
    scores = np.where(allowed, logits, -np.inf).astype(np.float64)
    weights = np.exp((scores - scores.max()) / sampling.temperature)
    kept: set[int] = set()
    total = 0.0
    for token in sorted(range(len(weights)), key=lambda i: -weights[i]):
        if total >= sampling.nucleus * weights.sum() * (1 + 1e-6):
            break
        kept.add(token)
        total += weights[token]
    least = min(weights[token] for token in kept)
    return {i for i in range(len(weights)) if allowed[i] and weights[i] >= least * (1 - 1e-6)}


@given(LOGITS, arrays(np.bool_, 24).filter(np.any), SAMPLING, st.integers(0, 2**63 - 1))
def test_the_choice_is_allowed_and_in_the_nucleus(
    logits: np.ndarray, allowed: np.ndarray, sampling: Sampling, seed: int
) -> None:
    before = logits.copy()
    token = choose(logits, allowed, sampling, generator(seed, 1))
    assert allowed[token]
    assert sampling.argmax or token in nucleus_of(logits, allowed, sampling)
    assert np.array_equal(logits, before), "the caller's logits were changed"


@given(LOGITS, arrays(np.bool_, 24).filter(np.any), SAMPLING, st.integers(0, 2**63 - 1))
def test_one_key_one_choice(
    logits: np.ndarray, allowed: np.ndarray, sampling: Sampling, seed: int
) -> None:
    first = choose(logits, allowed, sampling, generator(seed, 7))
    assert choose(logits, allowed, sampling, generator(seed, 7)) == first


def test_argmax_takes_the_likeliest_that_is_allowed() -> None:
    logits = np.array([5, 1, 3, 2], np.float32)
    allowed = np.array([False, True, True, True])
    assert choose(logits, allowed, Sampling(argmax=True), generator(0, 0)) == 2


def test_shares_follow_the_model() -> None:
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    random = generator(1, 1)
    everything = np.ones(4, np.bool_)
    drawn = [
        choose(np.log(shares).astype(np.float32), everything, Sampling(nucleus=0.9), random)
        for _ in range(4000)
    ]
    found = np.bincount(drawn, minlength=4) / len(drawn)
    assert found == pytest.approx(np.array([0.5, 0.3, 0.15, 0]) / 0.95, abs=0.03)


def test_requests_have_streams_of_their_own() -> None:
    keys = [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert len({generator(*key).random() for key in keys}) == len(keys)


def test_nothing_allowed_is_a_fault_of_the_language() -> None:
    with pytest.raises(ValueError, match="at least one"):
        choose(np.zeros(3, np.float32), np.zeros(3, np.bool_), Sampling(), generator(0, 0))
