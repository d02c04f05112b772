"""How far a graph is, and may be, from the Keras model that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from jamd.bundle.inference import BLOCK, CPU, open_session
from jamd.errors import UserError
from jamd.training.judging import predictors
from jamd.training.judging.evaluate import Sample, evaluate
from jamd.training.judging.likelihood import Predictor
from jamd.training.judging.predictors import Network
from jamd.vocabulary import Vocabulary

if TYPE_CHECKING:
    import onnxruntime as ort

MOST_DIFFERENCE = 1e-4
"""Largest absolute difference of a float32 logit: a thousandth of what could affect sampling."""

MOST_RISE = 0.005
"""Bits per token that rounding may cost (float16 or int8): 0.2 % of what a token costs."""

TOKENS = 32 * BLOCK + BLOCK // 2
"""Positions at which float32 logits are compared: whole blocks, and a remainder token by token."""

DRAWN = 64
"""Positions if tokens are drawn at random: two blocks, enough to detect a different network."""


def load(proto: onnx.ModelProto) -> ort.InferenceSession:
    """A graph in onnxruntime, on the CPU."""
    return open_session(proto.SerializeToString(), CPU, 1)


def difference(
    model: keras.Model,
    proto: onnx.ModelProto,
    samples: Sequence[Sample],
    positions: int = TOKENS,
) -> float:
    """The largest |difference| of a logit between Keras and a graph.

    A graph that keeps states is run both in one call and as the daemon runs it, in blocks and then
    single steps; the larger of the two differences counts.

    Args:
        model: The Keras model.
        proto: Its graph.
        samples: Pieces; repeated if they are too short.
        positions: How many tokens to read.
    """
    vocabulary = model.outputs[0].shape[-1]
    tokens = np.resize(np.concatenate([sample.tokens for sample in samples]), positions)
    expected = _logits(predictors.of_keras(model, vocabulary=vocabulary), tokens)
    session = load(proto)
    return max(
        float(np.abs(_logits(network, tokens) - expected).max())
        for network in (
            predictors.of_session(session, vocabulary=vocabulary, block=positions),
            predictors.of_session(session, vocabulary=vocabulary),
        )
    )


def drawn_difference(model: keras.Model, proto: onnx.ModelProto) -> float:
    """As `difference`, over `DRAWN` random tokens: no corpus is needed."""
    tokens = np.random.default_rng(0).integers(model.outputs[0].shape[-1], size=DRAWN)
    return difference(model, proto, [Sample(tokens, np.ones(DRAWN, np.bool_))], DRAWN)


def _logits(network: Network, tokens: NDArray[np.integer]) -> NDArray[np.float32]:
    return np.concatenate(list(network.logits(tokens)))


def bits_per_token(
    predictor: Predictor, samples: Sequence[Sample], vocabulary: Vocabulary
) -> float:
    """Mean bits per token of `samples` under `predictor`."""
    found = evaluate({"one": predictor}, samples, vocabulary)
    return found.score("one").bits_per_token


def require(what: str, found: float, most: float) -> None:
    """Raise UserError if `found`, a distance of a graph from Keras, exceeds `most`."""
    if not found <= most:  # so that NaN fails
        raise UserError(f"expected {what} of at most {most:g}, found {found:.3g}: nothing written")
