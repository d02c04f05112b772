"""Checks that a graph is the network its bundle's manifest describes, before anything loads it.

The sizes of all that it computes are followed from its inputs to its outputs, by the rules of the
few operators that `jamd export` writes (github.com/onnx/onnx/blob/main/docs/Operators.md). So,
whatever its manifest says, a graph can neither make something large out of something small nor be
of another size than its weights, which are in the file. Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from jamd.bundle import onnx_file
from jamd.bundle.manifest import Manifest, Tensor
from jamd.bundle.onnx_file import Node, Outline
from jamd.errors import BundleError

_COPIES = 16
"""How many values of each width of a network all operators may make: int8 networks make 10."""

_BETWEEN = 1024
"""Values allowed for the layers that are not LSTMs: the article's have 256 each, and so has the
shipped embedding."""

_VALUE_BYTES = 4
"""Of a computed value, at most: from what a file may hold, no operator makes more than 32 bits."""

Sizes = tuple[int | str, ...]
"""The sizes of a tensor; a string where a size is free."""

_LSTMS = ("LSTM", "com.microsoft.DynamicQuantizeLSTM")
_TO_THE_END = (1 << 31) - 1


def check(path: Path, manifest: Manifest) -> None:
    """Refuse an ONNX file that is not the network that `manifest` describes.

    Raises:
        BundleError: It is not; the message gives the reason on one line.
        OSError: The file cannot be read.
    """
    outline = onnx_file.read(path)
    for said, found in ((manifest.inputs, outline.inputs), (manifest.outputs, outline.outputs)):
        for expected, tensor in zip_longest(said, found):
            if expected is None or tensor is None or not _fit(expected, tensor):
                raise BundleError(
                    f"{path.name} has {_brief(tensor)}, its manifest says {_brief(expected)}"
                )
    try:
        layers = _follow(outline, _most_bytes(manifest))
    except BundleError as error:
        raise BundleError(f"{path.name} holds {error}: export it anew with this jamd") from None
    if layers != manifest.layers:
        raise BundleError(
            f"{path.name} has layers of {_listed(layers)} units, "
            f"its manifest says {_listed(manifest.layers)}"
        )


def _most_bytes(manifest: Manifest) -> int:
    """Most bytes that all operators together may make from one token, or from one window.

    It is a multiple of sizes that the weights in the file confirm, so no process needs a memory
    limit because of it.
    """
    widths = len(manifest.vocabulary) + sum(manifest.layers) + _BETWEEN
    return _COPIES * widths * max(1, manifest.window) * _VALUE_BYTES


def _fit(expected: Tensor, found: Tensor) -> bool:
    """Whether names, types and sizes agree; a free size agrees with a free size of any name.

    No two free sizes of a tensor may have the same name: they would be taken to be equal.
    """
    free = [size for size in found.shape if not isinstance(size, int)]
    one, other = (
        (t.name, t.dtype, [size if isinstance(size, int) else None for size in t.shape])
        for t in (expected, found)
    )
    return one == other and len(set(free)) == len(free)


def _brief(tensor: Tensor | None) -> str:
    if tensor is None:
        return "no more tensors"
    return f"{tensor.dtype} {ascii(tensor.name[:20])[1:-1]} {_shown(tensor.shape)}"


def _shown(sizes: Sizes) -> str:
    """For a message: printable and short."""
    return f"[{', '.join(ascii(str(size))[1:-1][:12] for size in sizes[:8])}]"


def _listed(layers: Sequence[int]) -> str:
    return ", ".join(map(str, layers[:8])) + ", …" * (len(layers) > 8) or "no"


@dataclass(frozen=True, slots=True)
class _Use:
    """An operator and its inputs.

    Attributes:
        node: The operator.
        sizes: The sizes of each input; None if it is optional and left out.
        ints: The values of each input that is a few whole numbers in the file, else None.
    """

    node: Node
    sizes: Sequence[Sizes | None]
    ints: Sequence[tuple[int, ...] | None]

    def given(self, place: int) -> Sizes:
        """The sizes of an input that may not be left out."""
        found = self.sizes[place] if place < len(self.sizes) else None
        if found is None:
            raise _UnfitError
        return found


class _UnfitError(Exception):
    """The operator cannot take its inputs."""


class _Known:
    """The sizes of all values known so far, and how much more may be made.

    Args:
        outline: The graph.
        most_bytes: How much may be made from one token, or window.
    """

    def __init__(self, outline: Outline, most_bytes: int) -> None:
        self.sizes: dict[str, Sizes] = {name: w.sizes for name, w in outline.weights.items()}
        self._weights = outline.weights
        stored = sum(weights.bytes for weights in outline.weights.values())
        # Bytes, by whether they grow with the inputs; what is stored grows from float16 to float32.
        self._left = {True: most_bytes, False: 2 * stored}
        for tensor in outline.inputs:
            if tensor.name in self.sizes:
                raise BundleError(f"an input {tensor.name[:40]!a} that has weights, too")
            self.sizes[tensor.name] = tensor.shape

    def use(self, node: Node) -> _Use:
        """The operator with the sizes and values of its inputs."""
        if not all(name in self.sizes for name in node.inputs if name):
            raise BundleError(f"an operator {node.operator} on what nothing gives")
        sizes = [self.sizes[name] if name else None for name in node.inputs]
        ints = [self._weights[n].ints if n in self._weights else None for n in node.inputs]
        return _Use(node, sizes, ints)

    def add(self, name: str, sizes: Sizes, operator: str) -> None:
        """Take in a result of an operator."""
        if name in self.sizes:
            raise BundleError(f"two values {name[:40]!a}")
        if name:
            self.sizes[name] = sizes
        free = any(isinstance(size, str) for size in sizes)
        values = math.prod(size for size in sizes if isinstance(size, int))
        self._left[free] -= values * _VALUE_BYTES
        if self._left[free] < 0:
            raise BundleError(f"a {operator} that makes {_shown(sizes)} out of less")


def _follow(outline: Outline, most_bytes: int) -> tuple[int, ...]:
    """The units of each LSTM of a graph, in order, if all of its sizes fit together.

    Args:
        outline: The graph.
        most_bytes: How much it may make from one token, or window.

    Raises:
        BundleError: They do not; the message names what does not fit, without the file's name.
    """
    known = _Known(outline, most_bytes)
    layers = []
    for node in outline.nodes:
        results = _results(known.use(node))
        for name, sizes in zip(node.outputs, results, strict=False):
            known.add(name, sizes, node.operator)
        if node.operator in _LSTMS:
            layers.append(int(results[1][2]))
    for tensor in outline.outputs:
        found = known.sizes.get(tensor.name)
        if found != tensor.shape:
            what = "nothing" if found is None else _shown(found)
            raise BundleError(f"{what} for its output {_brief(tensor)}")
    return tuple(layers)


def _results(use: _Use) -> Sequence[Sizes]:
    """The sizes of an operator's results."""
    try:
        results = _RULES[use.node.operator](use)
        if len(use.node.outputs) <= len(results):
            return results
    except _UnfitError:
        pass
    shown = " and ".join(_shown(sizes) for sizes in use.sizes[:3] if sizes is not None)
    raise BundleError(f"an operator {use.node.operator} on {shown or 'nothing'}")


def _same(use: _Use) -> Sequence[Sizes]:
    return [use.given(0)]


def _quantized(use: _Use) -> Sequence[Sizes]:
    return use.given(0), (), ()  # with a scale and a zero point


def _spread(use: _Use) -> Sequence[Sizes]:
    """One input is a scalar, or has the sizes of the other or its last one: so nothing grows."""
    wide, narrow = sorted((use.given(0), use.given(1)), key=len, reverse=True)
    if narrow not in ((), wide, wide[-1:]):
        raise _UnfitError
    return [wide]


def _gathered(use: _Use) -> Sequence[Sizes]:
    rows, tokens = use.given(0), use.given(1)
    if not _is_matrix(rows):
        raise _UnfitError
    return [(*tokens, rows[1])]


def _multiplied(use: _Use) -> Sequence[Sizes]:
    row, matrix = use.given(0), use.given(1)
    if not _is_matrix(matrix) or row[-1:] != matrix[:1]:
        raise _UnfitError
    _fit_rest(use, 2, (), matrix[1:])  # the zero points of both
    return [(*row[:-1], matrix[1])]


def _is_matrix(sizes: Sizes) -> bool:
    """Whether it is a matrix of fixed sizes, as weights are: a free size could multiply results."""
    return len(sizes) == 2 and all(isinstance(size, int) for size in sizes)


def _transposed(use: _Use) -> Sequence[Sizes]:
    sizes, order = use.given(0), use.node.settings.get("perm", ())
    if set(order) != set(range(len(sizes))) or len(order) != len(sizes):
        raise _UnfitError
    return [tuple(sizes[int(place)] for place in order)]


def _squeezed(use: _Use) -> Sequence[Sizes]:
    sizes, axes = use.given(0), use.ints[1] if len(use.ints) == 2 else None
    if not axes or any(not 0 <= axis < len(sizes) or sizes[axis] != 1 for axis in axes):
        raise _UnfitError
    return [tuple(size for axis, size in enumerate(sizes) if axis not in axes)]


def _unsqueezed(use: _Use) -> Sequence[Sizes]:
    if use.ints[1:] != [(0,)]:
        raise _UnfitError
    return [(1, *use.given(0))]


def _last(use: _Use) -> Sequence[Sizes]:
    """A slice from -1 to the end of the first dimension."""
    if use.ints[1:] != [(-1,), (_TO_THE_END,), (0,)] or not use.given(0):
        raise _UnfitError
    return [(1, *use.given(0)[1:])]


def _lstm(use: _Use) -> Sequence[Sizes]:
    """The sizes of all steps and of the two last states, from those of X, W and R."""
    row, of_inputs, of_states = use.given(0), use.given(1), use.given(2)
    quantized = use.node.operator != "LSTM"
    units = of_states[1 if quantized else -1] if len(of_states) == 3 else ""
    if len(row) != 3 or not isinstance(units, int):
        raise _UnfitError
    steps, batch, width = row
    gates = 4 * units
    fitting: tuple[Sizes, Sizes] = (1, gates, width), (1, gates, units)
    if quantized:
        fitting = ((1, width, gates), (1, units, gates))
    if (of_inputs, of_states) != fitting or use.node.settings.get("hidden_size") != (units,):
        raise _UnfitError
    state: Sizes = (1, batch, units)
    scales: Sequence[Sizes] = [(1, gates)] * 4 if quantized else []  # each with its zero points
    # The bias, no sequence lengths, both states, no peepholes.
    _fit_rest(use, 3, (1, 2 * gates), None, state, state, None, *scales)
    return (steps, 1, batch, units), state, state


def _fit_rest(use: _Use, place: int, *expected: Sizes | None) -> None:
    """Raise _UnfitError if an input from `place` on is given and has not the sizes expected."""
    rest = use.sizes[place:]
    if len(rest) > len(expected):
        raise _UnfitError
    if any(sizes not in (None, fit) for sizes, fit in zip(rest, expected, strict=False)):
        raise _UnfitError


_RULES: Mapping[str, Callable[[_Use], Sequence[Sizes]]] = {
    "Add": _spread,
    "Cast": _same,
    "DynamicQuantizeLinear": _quantized,
    "Gather": _gathered,
    "LSTM": _lstm,
    "MatMul": _multiplied,
    "MatMulInteger": _multiplied,
    "Mul": _spread,
    "Slice": _last,
    "Squeeze": _squeezed,
    "Transpose": _transposed,
    "Unsqueeze": _unsqueezed,
    "com.microsoft.DynamicQuantizeLSTM": _lstm,
}
"""One for each of `onnx_file.OPERATORS`."""
