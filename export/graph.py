"""Keras -> ONNX: a graph with real LSTM nodes, and tensors named as in the manifest."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import onnx

from jamd.bundle.manifest import Tensor
from jamd.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPSET = 18
"""ONNX operator set of 2022: every onnxruntime since 1.14 runs it."""

_WORTH_HALVING = 1024  # values; with fewer, the Cast costs more bytes than it saves


def round_to_float16(model: keras.Model) -> None:
    """Round every weight of `model` to the nearest float16, in place.

    Raises:
        UserError: A weight is too large for float16.
    """
    with np.errstate(over="ignore"):
        rounded = [weight.astype(np.float16) for weight in model.get_weights()]
    if not all(np.isfinite(weight).all() for weight in rounded):
        raise UserError("a weight is too large for float16; export with --float32")
    model.set_weights([weight.astype(np.float32) for weight in rounded])


def to_onnx(
    model: keras.Model, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> onnx.ModelProto:
    """Convert `model`, whose inputs and outputs are `inputs` and `outputs`, in this order.

    The result computes in float32, has an ONNX LSTM node for each LSTM layer, and leaves those
    sizes free that are free in `inputs`.

    Raises:
        UserError: Keras runs on another backend than TensorFlow, which the converter needs.
        RuntimeError: The converter decomposed a layer instead of making an LSTM node, or named a
            tensor otherwise.
    """
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"expected Keras on TensorFlow for export, found {keras.backend.backend()}: "
            "set KERAS_BACKEND=tensorflow (a run trained on another backend can be exported so)"
        )
    proto = _convert(model, inputs, outputs)
    layers = sum(isinstance(layer, keras.layers.LSTM) for layer in model.layers)
    found = sum(node.op_type == "LSTM" for node in proto.graph.node)
    if found != layers:
        raise RuntimeError(f"expected {layers} LSTM nodes from tf2onnx, found {found}")
    _read_tokens_directly(proto.graph)
    _multiply_without_reshaping(proto.graph)
    _begin_at_zero(proto.graph)
    _drop_unused(proto.graph)
    _describe(proto.graph.input, inputs)
    _describe(proto.graph.output, outputs)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _convert(
    model: keras.Model, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> onnx.ModelProto:
    proto: onnx.ModelProto
    import tensorflow as tf
    import tf2onnx

    def call(*values: Any) -> dict[str, Any]:
        results = model(values[0] if len(values) == 1 else list(values), training=False)
        results = results if isinstance(results, (list, tuple)) else [results]
        pairs = zip(outputs, results, strict=True)
        return {tensor.name: tf.identity(result, name=tensor.name) for tensor, result in pairs}

    signature = [
        tf.TensorSpec([s if isinstance(s, int) else None for s in t.shape], t.dtype, name=t.name)
        for t in inputs
    ]
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    function = tf.function(call, input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    # tf.function returns a dictionary's values sorted by name, not in the manifest's order.
    order = [tensor.name for tensor in outputs]
    by_order = sorted(proto.graph.output, key=lambda value: order.index(value.name))
    del proto.graph.output[:]
    proto.graph.output.extend(by_order)
    return proto


def _read_tokens_directly(graph: onnx.GraphProto) -> None:
    """Connect `tokens` to the embedding directly.

    Keras wraps negative ids round, which ONNX's Gather does by itself: this saves eight nodes per
    step.
    """
    embeddings = {i.name for i in graph.initializer if i.data_type == onnx.TensorProto.FLOAT}
    for node in graph.node:
        if node.op_type == "Gather" and node.input[0] in embeddings:
            node.input[1] = "tokens"


def _multiply_without_reshaping(graph: onnx.GraphProto) -> None:
    """Let MatMul take (batch, time, units) directly, rather than flatten and unflatten it."""
    makers = {name: node for node in graph.node for name in node.output}
    for node in list(graph.node):
        if node.op_type != "Reshape" or node.input[0] not in makers:
            continue
        product = makers[node.input[0]]
        flat = makers.get(product.input[0])
        if product.op_type == "MatMul" and flat is not None and flat.op_type == "Reshape":
            product.input[0] = flat.input[0]
            product.output[0] = node.output[0]
            graph.node.remove(node)


def _begin_at_zero(graph: onnx.GraphProto) -> None:
    """Remove the initial states of LSTM nodes if they are zeros, which is the default.

    Keras expands them to the number of rows, which takes 21 of the 38 nodes of the article's graph.
    Without them, no operator is left that could make a tensor of arbitrary size.
    """
    zeros = {i.name for i in graph.initializer if not onnx.numpy_helper.to_array(i).any()}
    for kind in ("Expand", "Unsqueeze"):
        nodes = (node for node in graph.node if node.op_type == kind)
        zeros.update(node.output[0] for node in nodes if node.input[0] in zeros)
    for node in graph.node:
        if node.op_type == "LSTM" and zeros.issuperset(node.input[5:]):
            del node.input[4:]


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Remove nodes and initializers that no output depends on."""
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    initializers = [i for i in graph.initializer if i.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(initializers)
    del graph.value_info[:]  # shapes of tensors that may be gone


def _describe(values: Sequence[onnx.ValueInfoProto], tensors: Sequence[Tensor]) -> None:
    """Set the sizes of the graph's inputs or outputs, and the names of free ones, to `tensors`'."""
    for value, tensor in zip(values, tensors, strict=True):
        if value.name != tensor.name:
            raise RuntimeError(f"expected a tensor {tensor.name}, found {value.name}")
        for dimension, size in zip(value.type.tensor_type.shape.dim, tensor.shape, strict=True):
            if isinstance(size, int):
                dimension.dim_value = size
            else:
                dimension.dim_param = size


def halved(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its large weights stored as float16 and cast to float32 on loading.

    Only weights that float16 holds exactly are changed, so the graph computes the same numbers.
    """
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    graph = result.graph
    casts = []
    for initializer in graph.initializer:
        if initializer.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(initializer)
        half = _exactly_halved(values)
        if values.size < _WORTH_HALVING or half is None:
            continue
        stored = f"{initializer.name}_float16"
        casts.append(
            onnx.helper.make_node(
                "Cast", [stored], [initializer.name], f"{stored}_cast", to=onnx.TensorProto.FLOAT
            )
        )
        initializer.CopyFrom(onnx.numpy_helper.from_array(half, stored))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(result)
    return result


def _exactly_halved(values: NDArray[np.float32]) -> NDArray[np.float16] | None:
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), values) else None
