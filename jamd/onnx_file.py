"""What is in an ONNX file, before anything loads it: whether it could be a model of jamd's at all.

A bundle is data, but its graphs are programs for onnxruntime, which has no setting for what they
may do. A graph can name files outside its folder as its weights, hold loops that never end and
operators that fill the memory, and give sizes that its data does not have. So the file's outline is
read here and all is refused that `jamd export` does not write: other operators, graphs within
graphs, functions, weights elsewhere. What remains is straight arithmetic on what is in the file.

An ONNX file is a Protocol Buffers message (protobuf.dev/programming-guides/encoding; field numbers
in onnx.proto). Its outline is some hundred fields; the weights are skipped, not read. Standard
library only, for this happens in the front process, before a port is opened.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from pathlib import Path

from jamd.errors import BundleError

OPERATORS = frozenset(
    {
        "Add",
        "Cast",
        "Concat",
        "Constant",
        "Div",
        "DynamicQuantizeLinear",
        "Expand",
        "Gather",
        "Gemm",
        "Identity",
        "LSTM",
        "LayerNormalization",
        "MatMul",
        "MatMulInteger",
        "Mul",
        "Pow",
        "ReduceMean",
        "Relu",
        "Reshape",
        "Shape",
        "Sigmoid",
        "Slice",
        "Split",
        "Sqrt",
        "Squeeze",
        "Sub",
        "Tanh",
        "Transpose",
        "Unsqueeze",
        "com.microsoft.DynamicQuantizeLSTM",
        "com.microsoft.DynamicQuantizeMatMul",
        "com.microsoft.MatMulIntegerToFloat",
    }
)
"""What an exported network is made of; another domain than ONNX's own stands before a dot."""

MOST_NODES = 4096

_MODEL_GRAPH, _MODEL_FUNCTIONS = 7, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_TYPE, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSOR = 5
_ATTRIBUTE_WITHIN = {6: "a graph", 11: "a graph", 10: "tensors", 22: "a sparse tensor",
                     23: "sparse tensors", 21: "a reference"}  # fmt: skip
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_RAW, _TENSOR_EXTERNAL, _TENSOR_PLACE = 1, 2, 9, 13, 14
_BYTES_OF = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8}
"""Bytes of a value, by ONNX's number of its type: float32, (u)int8, int32, int64, bool, float16,
float64."""

_MOST_SIZES = 8

_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}  # kind of a field -> its bytes

MOST_FIELDS = 100_000
"""Of one message: a network's outline has some hundred."""

Span = tuple[int, int]
"""Where bytes begin and end in the file."""

Field = tuple[int, int | Span]
"""A field's number, and its value: a whole number, or where its bytes are."""


def check(path: Path) -> None:
    """Refuse what no model of jamd's would hold.

    Raises:
        BundleError: Why, on one line.
        OSError: The file cannot be read.
    """
    if not path.stat().st_size:
        raise BundleError(f"{path.name} is empty")
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _check_model(data)
    except _DamageError as error:
        raise BundleError(f"{path.name} is no ONNX file: {error}") from None
    except BundleError as error:
        raise BundleError(f"{path.name} holds {error}: no graph of jamd's has that") from None


class _DamageError(Exception):
    """The bytes are no message of Protocol Buffers."""


def _check_model(data: mmap.mmap) -> None:
    graphs = []
    for number, value in _fields(data, (0, len(data))):
        if number == _MODEL_FUNCTIONS:
            raise BundleError("functions of its own")
        if number == _MODEL_GRAPH:
            graphs.append(_span(value))
    if len(graphs) != 1:  # several would be read as one, put together
        raise BundleError(f"{len(graphs)} graphs")
    nodes = 0
    for number, value in _fields(data, graphs[0]):
        if number == _GRAPH_NODE:
            nodes += 1
            _check_node(data, _span(value))
        elif number == _GRAPH_INITIALIZER:
            _check_tensor(data, _span(value))
        elif number == _GRAPH_SPARSE:
            raise BundleError("sparse weights")
    if not 0 < nodes <= MOST_NODES:
        raise BundleError(f"{nodes} operators")


def _check_node(data: mmap.mmap, node: Span) -> None:
    names = {_NODE_TYPE: "", _NODE_DOMAIN: ""}
    for number, value in _fields(data, node):
        if number in names:
            start, end = _span(value)
            names[number] = data[start : min(end, start + 64)].decode("utf-8", "backslashreplace")
        elif number == _NODE_ATTRIBUTE:
            _check_attribute(data, _span(value))
    domain = names[_NODE_DOMAIN]
    name = f"{domain}." * (domain not in ("", "ai.onnx")) + names[_NODE_TYPE]
    if name not in OPERATORS:
        raise BundleError(f"an operator {name[:40]!a}")


def _check_attribute(data: mmap.mmap, attribute: Span) -> None:
    for number, value in _fields(data, attribute):
        if number in _ATTRIBUTE_WITHIN:
            raise BundleError(f"{_ATTRIBUTE_WITHIN[number]} in an operator")
        if number == _ATTRIBUTE_TENSOR:
            _check_tensor(data, _span(value))


def _check_tensor(data: mmap.mmap, tensor: Span) -> None:
    """The weights are in the file, and as many as their sizes say."""
    sizes: list[int] = []
    kinds: list[int] = []
    raws: list[int] = []
    for number, value in _fields(data, tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_PLACE and value != 0):
            raise BundleError("weights that are in another file")
        if number == _TENSOR_DIMS:
            sizes += [value] if isinstance(value, int) else _varints(data, value)
        elif number == _TENSOR_TYPE and isinstance(value, int):
            kinds.append(value)
        elif number == _TENSOR_RAW:
            start, end = _span(value)
            raws.append(end - start)
    if len(kinds) != 1 or kinds[0] not in _BYTES_OF or len(raws) > 1:
        raise BundleError("weights of no known type, or given twice")
    if len(sizes) > _MOST_SIZES or any(size >= 1 << 40 for size in sizes):  # or below 0
        raise BundleError("weights of impossible sizes")
    count = math.prod(sizes)
    within = tensor[1] - tensor[0]
    if raws and raws[0] != count * _BYTES_OF[kinds[0]]:
        raise BundleError(f"weights of {count} values in {raws[0]} bytes")
    if not raws and count > within:  # one by one, each takes a byte at least
        raise BundleError(f"weights of {count} values in {within} bytes")


def _span(value: int | Span) -> Span:
    if isinstance(value, int):
        raise _DamageError("expected bytes, found a number")
    return value


def _fields(data: mmap.mmap, span: Span) -> Iterator[Field]:
    """The fields of a message, in order."""
    at, end = span
    for _ in range(MOST_FIELDS):
        if at >= end:
            return
        key, at = _varint(data, at, end)
        kind = key & 7
        value: int | Span
        if kind == _VARINT:
            value, at = _varint(data, at, end)
        elif kind in _FIXED:
            value, at = (at, at + _FIXED[kind]), at + _FIXED[kind]
        elif kind == _BYTES:
            size, at = _varint(data, at, end)
            value, at = (at, at + size), at + size
        else:
            raise _DamageError(f"a field of kind {kind}")
        if at > end:
            raise _DamageError("it is cut off")
        yield key >> 3, value
    raise _DamageError(f"more than {MOST_FIELDS} fields in one message")


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """A whole number of 64 bits, and where its bytes end."""
    number = 0
    for place, shift in enumerate(range(0, 70, 7), start=at):
        if place >= end:
            raise _DamageError("it is cut off")
        byte = data[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & ((1 << 64) - 1), place + 1
    raise _DamageError("a number of more than 64 bits")


def _varints(data: mmap.mmap, span: Span) -> list[int]:
    """Whole numbers packed together; what is more than any tensor has sizes is left aside."""
    numbers: list[int] = []
    at, end = span
    while at < end and len(numbers) <= _MOST_SIZES:
        number, at = _varint(data, at, end)
        numbers.append(number)
    return numbers
