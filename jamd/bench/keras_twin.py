"""A bundle's network rebuilt in Keras, with the bundle's own weights.

The weights are read from the float32 graph. Operators and their layouts: onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from jamd.bundle import Bundle
from jamd.daemon.improviser import Improviser
from jamd.training.network import GridSize, grid_network

MOST_DIFFERENCE = 1e-3
"""Most that a logit of the twin may differ from the bundle's float32 graph."""

Predict = Callable[[list[Any]], list[Any]]


@dataclass(frozen=True, slots=True)
class Twin:
    """The network, ready to predict in Keras's two ways.

    Attributes:
        predict: `model.predict`: [tokens, h0, c0 …] -> [logits, h0_out, c0_out …].
        on_batch: `model.predict_on_batch`, the same.
        states: h0, c0 … before the first token, each float32 (1, units).
        weights: `same weights`, or `random weights of the same sizes`.
    """

    predict: Predict
    on_batch: Predict
    states: list[NDArray[np.float32]]
    weights: str


def twin_of(bundle: Bundle) -> Twin:
    """The bundle's network in Keras; with random weights if the bundle has no float32 graph.

    Raises:
        RuntimeError: The twin's logits are not the bundle's: a bug in this file.
    """
    layers = bundle.manifest.layers
    vocabulary = len(bundle.manifest.vocabulary)
    states = [np.zeros((1, units), np.float32) for units in layers for _ in "hc"]
    if "float32" in bundle.precisions:
        weights = _weights(onnx.load(str(bundle.graph_path("float32"))).graph)
        model = _model(vocabulary, weights[0].shape[1], layers)
        model.set_weights(weights)
        _compare(model, bundle, states)
        described = "same weights"
    else:
        model = _model(vocabulary, GridSize(vocabulary).embedding, layers)
        described = "random weights of the same sizes"
    return Twin(
        lambda inputs: list(model.predict(inputs, verbose=0)),
        lambda inputs: list(model.predict_on_batch(inputs)),
        states,
        described,
    )


def _model(vocabulary: int, embedding: int, layers: tuple[int, ...]) -> keras.Model:
    return grid_network(GridSize(vocabulary, embedding, layers[0], len(layers)))


def _weights(graph: onnx.GraphProto) -> list[NDArray[np.float32]]:
    """What `set_weights` takes: embedding, then three tables a layer, then kernel and bias."""
    table = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in table:  # stored as float16
            table[node.output[0]] = table[node.input[0]].astype(np.float32)

    def constants(kind: str) -> list[list[NDArray[np.float32]]]:
        """For each node of that kind, those of its inputs that are constants."""
        found = ([table[i] for i in n.input if i in table] for n in graph.node if n.op_type == kind)
        return [values for values in found if values and values[0].dtype == np.float32]

    ((embedding,),) = constants("Gather")
    ((kernel,),) = constants("MatMul")
    bias = next((values[0] for values in constants("Add")), np.zeros(kernel.shape[1], np.float32))
    lstm = [table for node in constants("LSTM") for table in _lstm_weights(*node[:3])]
    return [embedding, *lstm, kernel, bias]


def _lstm_weights(
    w: NDArray[np.float32], r: NDArray[np.float32], b: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """ONNX's W (1, 4 units, values), R (1, 4 units, units), B (1, 8 units) -> Keras's three tables.

    ONNX puts the gates in the order input, output, forget, cell and has a bias for the input and
    one for the state, which are added; Keras puts them in the order input, forget, cell, output.
    """

    def reordered(values: NDArray[np.float32]) -> NDArray[np.float32]:
        i, o, f, c = np.split(values, 4)
        return np.concatenate([i, f, c, o])

    for_input, for_state = np.split(b[0], 2)
    return [reordered(w[0]).T, reordered(r[0]).T, reordered(for_input + for_state)]


def _compare(model: keras.Model, bundle: Bundle, states: list[NDArray[np.float32]]) -> None:
    tokens = np.arange(1, 17, dtype=np.int32)[None] % len(bundle.manifest.vocabulary)
    theirs = model.predict_on_batch([tokens, *states])[0][0, -1]
    ours = Improviser(bundle, precision="float32").logits(tokens[0].tolist())
    difference = float(np.abs(theirs - ours).max())
    if not difference <= MOST_DIFFERENCE:
        raise RuntimeError(f"the Keras twin's logits differ from the bundle's by {difference:.2g}")
