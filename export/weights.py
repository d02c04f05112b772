"""A bundle's float32 graph -> the weights of the Keras network that it was made from.

The inverse of `jamd.export.graph`, for fine-tuning: a bundle contains the network, so neither the
run nor the corpora that it came from are needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from jamd.bundle.bundle import Bundle
from jamd.errors import BundleError
from jamd.export import parity
from jamd.export.opening import expect_trainable
from jamd.training.learning.network import GridSize, grid_network

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A bundle's network, in Keras again.

    Attributes:
        size: How large it is; the dropout is a default, since a graph does not record it.
        network: As `jamd.training.learning.network.GridPair.network`.
    """

    size: GridSize
    network: keras.Model


def read_network(bundle: Bundle) -> Loaded:
    """The network in the float32 graph of a bundle of the grid language.

    Its logits are compared with the graph's, and a network that would play differently is refused.

    Raises:
        BundleError: Its language is the article's, it has no float32 graph, or its graph is not
            built as `jamd export` builds one.
    """
    expect_trainable(bundle)
    path = bundle.graph_path("float32")
    try:
        proto = onnx.load(path, load_external_data=False)
        weights = _weights(proto.graph)
        size = _size(bundle, weights)
        network = grid_network(size)
        network.set_weights(weights)
        off = parity.drawn_difference(network, proto)
    except Exception as error:  # protobuf, numpy, Keras and onnxruntime each raise their own
        reason = " ".join(str(error).split())[:200]
        raise BundleError(
            f"{path}: expected a graph that jamd export wrote, but {reason}"
        ) from error
    if not off <= parity.MOST_DIFFERENCE:  # so that NaN fails
        raise BundleError(
            f"{path}: expected logits within {parity.MOST_DIFFERENCE:g} of the network's that was "
            f"read from it, found {off:.3g}: it was not written by jamd export"
        )
    return Loaded(size, network)


def _weights(graph: onnx.GraphProto) -> list[Floats]:
    """Weights in the order of `grid_network`: embedding, three for each LSTM, two for logits."""
    values = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in values:  # stored as float16
            values[node.output[0]] = values[node.input[0]].astype(np.float32)

    def inputs(kind: str, *places: int) -> list[list[NDArray[np.float32]]]:
        nodes = [node for node in graph.node if node.op_type == kind]
        return [[values[node.input[i]] for i in places] for node in nodes]

    ((embedding,),) = inputs("Gather", 0)
    ((kernel,),) = inputs("MatMul", 1)
    ((bias,),) = inputs("Add", 1)
    weights = [embedding]
    for of_inputs, of_states, biases in inputs("LSTM", 1, 2, 3):
        forward, recurrent = np.split(biases[0], 2)
        weights += [_keras_order(of_inputs[0]).T, _keras_order(of_states[0]).T]
        weights.append(_keras_order(forward + recurrent))
    return [np.asarray(each, np.float32) for each in (*weights, kernel, bias)]


def _keras_order(rows: Floats) -> Floats:
    """ONNX orders gates as input, output, forget, cell; Keras as input, forget, cell, output."""
    i, o, f, c = np.split(rows, 4)
    return np.concatenate([i, f, c, o])


def _size(bundle: Bundle, weights: list[Floats]) -> GridSize:
    layers = bundle.manifest.layers
    if len(set(layers)) > 1:
        raise ValueError(f"its layers have {layers} units, and not all the same")
    vocabulary, embedding = weights[0].shape
    return GridSize(vocabulary, embedding, layers[0], len(layers))
