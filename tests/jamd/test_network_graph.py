"""A graph is a network, of the sizes that its weights have; nothing in it grows out of nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx_bytes import constant, ints, model, network, node, stored

from jamd import network_graph
from jamd.bundle import DEFAULT
from jamd.errors import BundleError


def check(folder: Path, graph: bytes) -> None:
    (folder / "model.onnx").write_bytes(model(graph))
    network_graph.check(folder / "model.onnx")


def test_what_jamd_exports_passes(tmp_path: Path) -> None:
    for name in ("model.onnx", "model.int8.onnx"):
        network_graph.check(DEFAULT / name)
    check(tmp_path, network(5, (3, 2)))
    check(tmp_path, network(5, (3, 2), between=node("Add", "top top", "last")))


# Each is between the top LSTM, which gives (batch, time, 2), and the logits.
BOMBS = {
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
        constant("rows", *[0] * 4096) + stored("row", 1, 4096) + node("Gather", "row rows", "last"),
        "a Gather that makes [4096, 4096] out of less",
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
    "only the last token": (
        node("Transpose", "top", "turned", attribute=ints("perm", 1, 0, 2))
        + constant("end", -1)
        + constant("all", (1 << 31) - 1)
        + node("Slice", "turned end all first", "last"),
        "[1, batch, 5] for its output logits [batch, time, 5]",
    ),
}


@pytest.mark.parametrize(("between", "reason"), BOMBS.values(), ids=BOMBS.keys())
def test_what_makes_much_out_of_little_is_refused(
    between: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(BundleError) as caught:
        check(tmp_path, network(5, (3, 2), between=between))
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()


def test_an_input_is_no_weights(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="an input 'h0' that has weights, too"):
        check(tmp_path, network(5, (3, 2)) + stored("h0", 1, 3))
