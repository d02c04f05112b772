"""Checks that an ONNX file could be one of jamd's models at all, before anything loads it.

A bundle is data, but its graphs are programs for onnxruntime, which has no setting for what they
may do. A graph can name files outside its folder as its weights, hold loops that never end and
operators that fill the memory, and give sizes that its data does not have. So the file's outline is
read here, and everything that `jamd export` does not write is refused: other operators or settings,
graphs within graphs, functions, weights elsewhere. What remains is plain arithmetic on what is in
the file; `jamd.bundle.network_graph` limits how much of it.

An ONNX file is a message of Protocol Buffers (field numbers in onnx.proto). Its outline is some
hundred fields; the weights are skipped, not read. Standard library only, because this happens in
the front process, before a port is opened.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jamd.bundle.manifest import Tensor
from jamd.bundle.protobuf import DamageError, Span, fields, numbers, span_of, text
from jamd.errors import BundleError

_FLOAT32, _INT8, _INT64, _FLOAT16 = 1, 3, 7, 10

Setting = tuple[int | str, ...]
"""The value of an operator's attribute: one or several whole numbers or texts."""

_LSTM: Mapping[str, Setting | None] = {
    "activations": ("Sigmoid", "Tanh", "Tanh"),
    "direction": ("forward",),
    "hidden_size": None,
}

OPERATORS: Mapping[str, Mapping[str, Setting | None]] = {
    "Add": {},
    "Cast": {"to": (_FLOAT32,)},
    "DynamicQuantizeLinear": {},
    "Gather": {"axis": (0,)},
    "LSTM": _LSTM,
    "MatMul": {},
    "MatMulInteger": {},
    "Mul": {},
    "Slice": {},
    "Squeeze": {},
    "Transpose": {"perm": None},
    "Unsqueeze": {},
    "com.microsoft.DynamicQuantizeLSTM": _LSTM,
}
"""The operators of an exported network and the values of their attributes, None for any value. A
domain other than ONNX's own comes first, before a dot. An attribute that a file leaves out has the
same value by default, or onnxruntime requires it."""

MOST_NODES = 512
"""32 LSTM layers take 400."""

_MODEL_GRAPH, _MODEL_FUNCTIONS = 7, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_SPARSE = 1, 5, 11, 12, 15
_NODE_INPUT, _NODE_OUTPUT, _NODE_TYPE, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_TYPE = 1, 20
_ATTRIBUTE_INT, _ATTRIBUTE_TEXT, _ATTRIBUTE_INTS, _ATTRIBUTE_TEXTS = 3, 4, 8, 9
_ATTRIBUTE_TYPES = {_ATTRIBUTE_INT: 2, _ATTRIBUTE_TEXT: 3, _ATTRIBUTE_INTS: 7, _ATTRIBUTE_TEXTS: 8}
_ATTRIBUTE_WITHIN = {5: "a tensor", 6: "a graph", 11: "a graph", 10: "tensors",
                     22: "a sparse tensor", 23: "sparse tensors", 21: "a reference"}  # fmt: skip
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_INT64, _TENSOR_NAME = 1, 2, 7, 8
_TENSOR_RAW, _TENSOR_EXTERNAL, _TENSOR_PLACE = 9, 13, 14
_VALUE_NAME, _VALUE_TYPE, _TYPE_TENSOR = 1, 2, 1
_SHAPED_TYPE, _SHAPED_SHAPE, _SHAPE_DIM, _DIM_VALUE, _DIM_PARAM = 1, 2, 1, 1, 2

_BYTES_OF: Mapping[int | Span, int] = {_FLOAT32: 4, _INT8: 1, _INT64: 8, _FLOAT16: 2}
"""Bytes of one weight, by ONNX's number for its type."""

_DTYPES: Mapping[int | Span, str] = {_FLOAT32: "float32", 6: "int32"}

_MOST_SIZES = 8


@dataclass(frozen=True, slots=True)
class Node:
    """One operator.

    Attributes:
        operator: One of `OPERATORS`.
        inputs: Names of its inputs; empty for an optional one that is left out.
        outputs: Names of its outputs.
        settings: Its attributes; none that `OPERATORS` does not have.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class Weights:
    """Values that are stored in the file.

    Attributes:
        sizes: One for each dimension.
        bytes: How many they take.
        ints: The values themselves if they are 64-bit whole numbers, such as axes: there are few.
    """

    sizes: tuple[int, ...]
    bytes: int
    ints: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Outline:
    """A graph without the values of its weights.

    Attributes:
        inputs: What it takes.
        outputs: What it claims to return.
        nodes: Its operators, in order.
        weights: By name.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    weights: Mapping[str, Weights]


def read(path: Path) -> Outline:
    """The outline of an ONNX file.

    Raises:
        BundleError: It holds what no model of jamd's would; the message is one line.
        OSError: The file cannot be read.
    """
    if not path.stat().st_size:
        raise BundleError(f"{path.name} is empty")
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _model(data)
    except DamageError as error:
        raise BundleError(f"{path.name} is no ONNX file: {error}") from None
    except BundleError as error:
        raise BundleError(f"{path.name} holds {error}: export it anew with this jamd") from None


def _model(data: mmap.mmap) -> Outline:
    graphs = []
    for number, value in fields(data, (0, len(data))):
        if number == _MODEL_FUNCTIONS:
            raise BundleError("functions of its own")
        if number == _MODEL_GRAPH:
            graphs.append(span_of(value))
    if len(graphs) != 1:  # several would be merged into one
        raise BundleError(f"{len(graphs)} graphs")
    return _graph(data, graphs[0])


def _graph(data: mmap.mmap, graph: Span) -> Outline:
    nodes: list[Node] = []
    weights: dict[str, Weights] = {}
    values: dict[int, list[Tensor]] = {_GRAPH_INPUT: [], _GRAPH_OUTPUT: []}
    for number, value in fields(data, graph):
        if number == _GRAPH_NODE:
            nodes.append(_node(data, span_of(value)))
        elif number == _GRAPH_INITIALIZER:
            name, tensor = _weights(data, span_of(value))
            if name in weights:
                raise BundleError(f"weights {name[:40]!a} twice")
            weights[name] = tensor
        elif number in values:
            values[number].append(_value(data, span_of(value)))
        elif number == _GRAPH_SPARSE:
            raise BundleError("sparse weights")
    if not 0 < len(nodes) <= MOST_NODES:
        raise BundleError(f"{len(nodes)} operators")
    inputs, outputs = values.values()
    return Outline(tuple(inputs), tuple(outputs), tuple(nodes), weights)


def _node(data: mmap.mmap, node: Span) -> Node:
    names: dict[int, list[str]] = {_NODE_INPUT: [], _NODE_OUTPUT: []}
    kind = domain = ""
    settings: dict[str, Setting] = {}
    for number, value in fields(data, node):
        if number in names:
            names[number].append(text(data, value))
        elif number == _NODE_TYPE:
            kind = text(data, value)
        elif number == _NODE_DOMAIN:
            domain = text(data, value)
        elif number == _NODE_ATTRIBUTE:
            name, found = _attribute(data, span_of(value))
            if name in settings:
                raise BundleError(f"an operator whose {name[:40]!a} is set twice")
            settings[name] = found
    operator = f"{domain}." * (domain not in ("", "ai.onnx")) + kind
    if operator not in OPERATORS:
        raise BundleError(f"an operator {operator[:40]!a}")
    _expect_settings(operator, settings)
    return Node(operator, tuple(names[_NODE_INPUT]), tuple(names[_NODE_OUTPUT]), settings)


def _expect_settings(operator: str, settings: Mapping[str, Setting]) -> None:
    """Refuse attributes that `jamd export` does not set, or sets to other values."""
    for name, found in settings.items():
        if name not in OPERATORS[operator]:
            raise BundleError(f"a {operator} whose {name[:40]!a} is set")
        if OPERATORS[operator][name] not in (None, found):
            raise BundleError(f"a {operator} whose {name} is {_brief(found)}")


def _attribute(data: mmap.mmap, attribute: Span) -> tuple[str, Setting]:
    """An attribute's name and value, which must have the one type that the attribute declares.

    onnxruntime goes by that type, and treats a value of another type as not set.
    """
    name = ""
    values: list[int | str] = []
    kinds: set[int] = set()
    types: list[int | Span] = []
    for number, value in fields(data, attribute):
        if number == _ATTRIBUTE_NAME:
            name = text(data, value)
        elif number == _ATTRIBUTE_TYPE:
            types.append(value)
        elif number in _ATTRIBUTE_TYPES:
            kinds.add(_ATTRIBUTE_TYPES[number])
            if number in (_ATTRIBUTE_INT, _ATTRIBUTE_INTS):
                values += numbers(data, value, _MOST_SIZES)
            else:
                values.append(text(data, value))
        else:
            raise BundleError(f"{_ATTRIBUTE_WITHIN.get(number, 'something else')} in an operator")
    if types != list(kinds):
        raise BundleError(f"an operator whose {name[:40]!a} is of no type, or of several")
    return name, tuple(values)


def _brief(setting: Setting) -> str:
    """For a message: printable and short."""
    return ", ".join(ascii(value)[:20] for value in setting[:4])


def _value(data: mmap.mmap, value_info: Span) -> Tensor:
    """An input or an output: a tensor in which every size is a number or a name."""
    name = ""
    types: list[Span] = []
    for number, value in fields(data, value_info):
        if number == _VALUE_NAME:
            name = text(data, value)
        elif number == _VALUE_TYPE:
            types += [span_of(v) for n, v in fields(data, span_of(value)) if n == _TYPE_TENSOR]
    kinds: list[int | Span] = []
    sizes: list[int | str] = []
    for number, value in (inner for each in types for inner in fields(data, each)):
        if number == _SHAPED_TYPE:
            kinds.append(value)
        elif number == _SHAPED_SHAPE:
            sizes += _shape(data, span_of(value))
    if len(kinds) != 1 or kinds[0] not in _DTYPES or len(sizes) > _MOST_SIZES:
        raise BundleError(f"an input or output {name[:40]!a} of another type")
    return Tensor(name, _DTYPES[kinds[0]], tuple(sizes))


def _shape(data: mmap.mmap, shape: Span) -> list[int | str]:
    sizes: list[int | str] = []
    for number, dim in fields(data, shape):
        if number != _SHAPE_DIM:
            continue
        found: list[int | str] = []
        for which, value in fields(data, span_of(dim)):
            if which == _DIM_VALUE and isinstance(value, int):
                found.append(value)
            elif which == _DIM_PARAM:
                found.append(text(data, value))
        if len(found) != 1 or not found[0]:
            raise BundleError("a size without a number or a name")
        sizes += found
    return sizes


@dataclass(slots=True)
class _Tensor:
    """The fields of a tensor."""

    name: str = ""
    sizes: list[int] = field(default_factory=list)
    kinds: list[int | Span] = field(default_factory=list)
    raws: list[Span] = field(default_factory=list)
    ints: list[int] = field(default_factory=list)

    def take(self, data: mmap.mmap, number: int, value: int | Span) -> None:
        if number == _TENSOR_NAME:
            self.name = text(data, value)
        elif number == _TENSOR_DIMS:
            self.sizes += numbers(data, value, _MOST_SIZES)
        elif number == _TENSOR_TYPE:
            self.kinds.append(value)
        elif number == _TENSOR_INT64:
            self.ints += numbers(data, value, _MOST_SIZES)
        elif number == _TENSOR_RAW:
            self.raws.append(span_of(value))
        elif number == _TENSOR_EXTERNAL or (number == _TENSOR_PLACE and value != 0):
            raise BundleError("weights that are in another file")


def _weights(data: mmap.mmap, tensor: Span) -> tuple[str, Weights]:
    """The name and sizes of weights: they must be in the file, as many as their sizes imply."""
    found = _Tensor()
    for number, value in fields(data, tensor):
        found.take(data, number, value)
    if len(found.kinds) != 1 or found.kinds[0] not in _BYTES_OF or len(found.raws) > 1:
        raise BundleError("weights of no type that jamd writes, or given twice")
    sizes, kind = tuple(found.sizes), found.kinds[0]
    if len(sizes) > _MOST_SIZES or not all(0 <= size < 1 << 40 for size in sizes):
        raise BundleError("weights of impossible sizes")
    count = math.prod(sizes)
    start, end = found.raws[0] if found.raws else tensor
    # Unless they are raw, each takes at least a byte.
    if count > end - start or (found.raws and count * _BYTES_OF[kind] != end - start):
        raise BundleError(f"weights of {count} values in {end - start} bytes")
    if kind != _INT64:
        return found.name, Weights(sizes, count * _BYTES_OF[kind], None)
    if count > _MOST_SIZES:
        raise BundleError(f"{count} whole numbers of 64 bits")
    ints = found.ints
    if found.raws:
        places = range(start, end, 8)
        ints = [int.from_bytes(data[at : at + 8], "little", signed=True) for at in places]
    if len(ints) != count:
        raise BundleError(f"{len(ints)} whole numbers of 64 bits where its sizes say {count}")
    return found.name, Weights(sizes, 8 * count, tuple(ints))
