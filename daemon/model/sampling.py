"""Draws one token from the model's logits: constraints, temperature, nucleus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jamd.daemon.model.requests import Sampling

if TYPE_CHECKING:
    from numpy.typing import NDArray


def generator(seed: int, request_id: int) -> np.random.Generator:
    """The random numbers of one request, a function of its key alone.

    Philox is counter-based (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011):
    any two keys give independent streams, so a request's numbers depend neither on how many were
    drawn before it nor on which worker process answers.

    Args:
        seed: The session's seed, 0..2**63-1.
        request_id: The request's id, 0..2**63-1.
    """
    return np.random.Generator(np.random.Philox(key=np.array([seed, request_id], np.uint64)))


def choose(
    logits: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    sampling: Sampling,
    random: np.random.Generator,
) -> int:
    """The id of the next token.

    The nucleus (Holtzman et al., 2020) is the smallest set of likeliest tokens whose share of the
    probability is at least `sampling.nucleus`; tokens as likely as the last of these are in it too.
    It is taken after the constraints and the temperature, so it is never empty.

    Args:
        logits: Shape (vocabulary,): the model's logits, before any softmax.
        allowed: Shape (vocabulary,): the tokens that may come next.
        sampling: Temperature, nucleus, argmax.
        random: Drawn from once, or not at all if there is nothing to choose.

    Raises:
        ValueError: No token is allowed.
    """
    candidates = allowed.nonzero()[0]  # often a few dozen of the vocabulary: less work
    if len(candidates) <= 1:
        if not len(candidates):
            raise ValueError("expected at least one token to be allowed, found none")
        return int(candidates[0])
    scores = logits[candidates]
    if sampling.argmax:
        return int(candidates[scores.argmax()])
    scores -= scores.max()
    weights = np.exp(scores / sampling.temperature, dtype=np.float64)  # the likeliest weighs 1
    if sampling.nucleus < 1:
        ascending = np.sort(weights)
        tail = ascending.cumsum()
        # What is cut weighs at most (1 - nucleus) of the total; the heaviest is never cut.
        cut = int(tail.searchsorted((1 - sampling.nucleus) * tail[-1], side="right"))
        weights[weights < ascending[min(cut, len(ascending) - 1)]] = 0
    upto = weights.cumsum()
    drawn = int(upto.searchsorted(random.random() * upto[-1], side="right"))
    return int(candidates[min(drawn, len(candidates) - 1)])
