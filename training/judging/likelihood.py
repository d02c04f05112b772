"""How well a predictor predicts music: the likelihood of each token that came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well a predictor predicted a piece.

    Attributes:
        bits: float64 (n,): -log2 of the probability that it gave to the token that came.
        hits: bool (n,): whether it rated that token the most likely.
    """

    bits: NDArray[np.float64]
    hits: NDArray[np.bool_]


class Predictor(Protocol):
    """Gives every token of a piece a probability, given the tokens before it."""

    def judge(self, tokens: Ids) -> Judgement:
        """Predict the tokens of a piece, each from all before it.

        Args:
            tokens: A piece's ids, from its start.

        Returns:
            What it made of the last of them: `tokens[1:]`, or fewer where it must have read more.
        """


def judge_logits(logits: NDArray[np.floating], targets: Ids) -> Judgement:
    """Judge logits, (n, vocabulary), against the tokens that came, (n,)."""
    exact = logits.astype(np.float64)
    exact -= exact.max(axis=1, keepdims=True)
    given = exact[np.arange(len(targets)), targets]
    nats = np.log(np.exp(exact).sum(axis=1)) - given
    return Judgement(nats / np.log(2), given == 0.0)


def join(parts: list[Judgement]) -> Judgement:
    """Judgements of consecutive stretches as one."""
    if not parts:
        return Judgement(np.zeros(0), np.zeros(0, np.bool_))
    return Judgement(
        np.concatenate([part.bits for part in parts]), np.concatenate([part.hits for part in parts])
    )
