"""A graph is a network, of the sizes that its weights have; nothing in it grows out of nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from onnx_bytes import (
    constant,
    field,
    ints,
    model,
    network,
    node,
    one,
    stored,
    value,
    weights,
)

from jamd.bundle import network_graph, onnx_file
from jamd.bundle.bundle import DEFAULT, Bundle
from jamd.bundle.manifest import Manifest, grid_tensors
from jamd.errors import BundleError

LAYERS = (3, 2)
GRAPH = network(5, LAYERS)
INT32, FLOAT32 = (value(11, "tokens", kind, "batch", "time") for kind in (6, 1))


def said(layers: tuple[int, ...] = LAYERS, vocabulary: int = 5) -> Manifest:
    """A manifest that says that a graph is so large; what else it says is the shipped one's."""
    inputs, outputs = grid_tensors(vocabulary, layers)
    return replace(Bundle.read(DEFAULT).manifest, layers=layers, inputs=inputs, outputs=outputs)


def check(folder: Path, graph: bytes, manifest: Manifest | None = None) -> None:
    (folder / "model.onnx").write_bytes(model(graph))
    network_graph.check(folder / "model.onnx", manifest or said())


def test_what_jamd_exports_passes(tmp_path: Path) -> None:
    for name in ("model.onnx", "model.int8.onnx"):
        network_graph.check(DEFAULT / name, Bundle.read(DEFAULT).manifest)
    check(tmp_path, GRAPH)
    check(tmp_path, network(5, LAYERS, between=node("Add", "top top", "last")))


# Each is between the top LSTM, which gives (batch, time, 2), and the logits.
BOMBS = {
    "more than its widths bear out": (
        stored("out", 2, 1 << 16) + node("MatMul", "top out", "wide"),
        "a MatMul that makes [batch, time, 65536] out of less",
    ),
    "bytes made to numbers": (
        field(5, weights(999, kind=3, rest=field(8, b"small") + field(9, bytes(999))))
        + node("Cast", "small", "large"),
        "a Cast that makes [999] out of less",
    ),
    "every value by every other": (
        stored("wide", 1, 1 << 12)
        + node("Unsqueeze", "top first", "a")
        + node("MatMul", "a wide", "last"),
        "an operator MatMul on [1, batch, time, 2] and [1, 4096]",
    ),
    "a wide one, widened again": (
        stored("out", 2, 1 << 22) + node("MatMul", "top out", "wide"),
        "a MatMul that makes [batch, time, 4194304] out of less",
    ),
    "weights read by weights": (
        constant("rows", *[0] * 8) + stored("row", 1, 4096) + node("Gather", "row rows", "last"),
        "a Gather that makes [8, 4096] out of less",
    ),
    "tokens read by tokens": (
        node("Gather", "tokens tokens", "square") + node("Gather", "tokens square", "cube"),
        "an operator Gather on [batch, time] and [batch, time]",
    ),
    "a column and a row added": (
        stored("column", 4096, 1) + stored("row", 1, 4096) + node("Add", "column row", "last"),
        "an operator Add on [4096, 1] and [1, 4096]",
    ),
    "the same weights again and again": (
        b"".join(node("Cast", "E", f"copy{i}") for i in range(40)),
        "a Cast that makes [5, 4] out of less",
    ),
    "axes that are computed": (
        node("Cast", "first", "axes") + node("Unsqueeze", "top axes", "last"),
        "an operator Unsqueeze on [batch, time, 2] and [1]",
    ),
    "a name given twice": (node("Cast", "top", "x0"), "two values 'x0'"),
    "a value from nowhere": (node("Add", "top nothing", "last"), "Add on what nothing gives"),
    "another order": (
        node("Transpose", "top", "last", attribute=ints("perm", 0, 0, 2)),
        "an operator Transpose on [batch, time, 2]",
    ),
    "a size that is not 1": (
        node("Squeeze", "top second", "last"),
        "an operator Squeeze on [batch, time, 2] and [1]",
    ),
    "more results than there are": (node("Cast", "top", "last more"), "an operator Cast on"),
    "weights that do not fit": (
        stored("odd", 3, 5) + node("MatMul", "top odd", "last"),
        "an operator MatMul on [batch, time, 2] and [3, 5]",
    ),
    "states that do not fit": (
        stored("W", 1, 8, 2) + stored("R", 1, 8, 3) + node("LSTM", "top W R", "last"),
        "an operator LSTM on [batch, time, 2] and [1, 8, 2] and [1, 8, 3]",
    ),
    "units that are not its weights'": (
        stored("W", 1, 8, 2)
        + stored("R", 1, 8, 2)
        + node("LSTM", "top W R", "last", attribute=one("hidden_size", 3)),
        "an operator LSTM on [batch, time, 2] and [1, 8, 2] and [1, 8, 2]",
    ),
    "only the last token": (
        node("Transpose", "top", "turned", attribute=ints("perm", 1, 0, 2))
        + constant("end", -1)
        + constant("all", (1 << 31) - 1)
        + node("Slice", "turned end all first", "last"),
        "[1, batch, 5] for its output float32 logits [batch, time, 5]",
    ),
}


@pytest.mark.parametrize(("between", "reason"), BOMBS.values(), ids=BOMBS.keys())
def test_what_makes_much_out_of_little_is_refused(
    between: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(BundleError) as caught:
        check(tmp_path, network(5, LAYERS, between=between))
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()


def test_every_operator_that_passes_has_a_rule_for_its_sizes() -> None:
    assert network_graph._RULES.keys() == onnx_file.OPERATORS.keys()


@pytest.mark.parametrize(
    "beside",
    [
        "odd",  # a bias
        "- odd",  # lengths of sequences
        "- - odd",  # a state
        "- - - c0",  # not yet turned to a row
        "- - - - odd",  # peepholes
        "- - - - - odd",  # nothing at all
    ],
)
def test_what_stands_beside_an_lstms_weights_fits_them(beside: str, tmp_path: Path) -> None:
    def between(rest: str) -> bytes:
        return (
            stored("W", 1, 8, 2)
            + stored("R", 1, 8, 2)
            + stored("odd", 3)
            + node("LSTM", f"x0 W R {rest}", "y", attribute=one("hidden_size", 2))
        )

    def read(rest: str) -> None:
        parts = between(rest) + node("Add", "top top", "last")
        check(tmp_path, network(5, (2, 2), between=parts, embedding=2), said((2, 2)))

    with pytest.raises(BundleError, match="an operator LSTM on"):
        read(beside)
    with pytest.raises(BundleError, match="layers of 2, 2, 2 units"):
        read("")


def test_an_input_is_no_weights(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="an input 'h0' that has weights, too"):
        check(tmp_path, GRAPH + stored("h0", 1, 3))


@pytest.mark.parametrize(
    ("graph", "manifest", "reason"),
    [
        (
            GRAPH,
            said((4096, 4096)),
            "has float32 h0 [batch, 3], its manifest says float32 h0 [batch, 4096]",
        ),
        (GRAPH, said((3,)), "has float32 h1 [batch, 2], its manifest says no more tensors"),
        (GRAPH, said(vocabulary=6), "its manifest says float32 logits [batch, time, 6]"),
        (
            GRAPH + value(11, "more", 1, 2),
            said(),
            "has float32 more [2], its manifest says no more",
        ),
        (
            GRAPH + value(12, "top", 1, "batch", "time", 2),
            said(),
            "has float32 top [batch, time, 2], its manifest says no more",
        ),
        (GRAPH.replace(INT32, FLOAT32, 1), said(), "has float32 tokens [batch, time]"),
        (
            GRAPH.replace(INT32, value(11, "tokens", 6, "time", "time"), 1),
            said(),
            "has int32 tokens [time, time], its manifest says",
        ),
        (GRAPH, replace(said(), layers=(3, 4)), "layers of 3, 2 units, its manifest says 3, 4"),
        # What it says of itself is right, and is not what it computes.
        (network(5, LAYERS).replace(b"P\x4a", b"Q\x4a"), said(), "MatMul on what nothing gives"),
    ],
)
def test_a_graph_that_is_not_what_its_manifest_says_is_refused(
    graph: bytes, manifest: Manifest, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(BundleError) as caught:
        check(tmp_path, graph, manifest)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 250
