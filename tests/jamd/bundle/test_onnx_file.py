"""What a graph may hold: what jamd exports, and nothing else that an ONNX file could."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_bytes import constant, field, ints, model, node, one, texts, value, weights

from jamd.bundle import onnx_file, protobuf
from jamd.bundle.bundle import DEFAULT
from jamd.errors import BundleError

SHIPPED = (DEFAULT / "model.int8.onnx").read_bytes()
TINY = (Path(__file__).parents[2] / "fixtures" / "tiny-bundle" / "model.onnx").read_bytes()


ADD = node("Add")


def refused(data: bytes, folder: Path) -> str:
    path = folder / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(BundleError) as caught:
        onnx_file.read(path)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 250
    return message


def test_what_jamd_exports_passes() -> None:
    for name in ("model.onnx", "model.int8.onnx"):
        onnx_file.read(DEFAULT / name)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (model(ADD + node("Loop")), "an operator 'Loop'"),
        (model(ADD + node("If")), "an operator 'If'"),
        (model(node("EPContext", domain="com.microsoft")), "'com.microsoft.EPContext'"),
        (model(node("Add", domain="com.example")), "'com.example.Add'"),
        (model(node("Add", attribute=field(6, b""))), "a graph in an operator"),
        (model(ADD, field(25, b"")), "functions of its own"),
        (model(ADD) + model(ADD), "2 graphs"),
        (b"", "empty"),
        (model(b""), "0 operators"),
        (model(ADD + field(15, b"")), "sparse weights"),
        (model(ADD + field(5, weights(2, rest=field(13, b"location")))), "in another file"),
        (model(ADD + field(5, weights(2, rest=field(14, 1)))), "in another file"),
        (model(ADD + field(5, weights(1 << 39))), "549755813888 values in"),
        (model(ADD + field(5, weights((1 << 64) - 1))), "impossible sizes"),
        (model(ADD + field(5, weights(*[1] * 9))), "impossible sizes"),
        (model(ADD + field(5, weights(2, rest=field(9, bytes(7))))), "2 values in 7 bytes"),
        (model(ADD + field(5, weights(1, kind=8))), "no type that jamd"),
        (model(ADD + node("Expand")), "an operator 'Expand'"),
        (model(node("Add", attribute=field(5, weights(9999)))), "a tensor in an operator"),
        (model(node("LSTM", attribute=ints("layout", 1))), "a LSTM whose 'layout' is set"),
        (model(node("Cast", attribute=one("to", 8))), "a Cast whose to is 8"),  # texts
        (model(node("Cast", attribute=one("to", 11))), "a Cast whose to is 11"),  # float64
        (model(node("Gather", attribute=one("axis", 1))), "a Gather whose axis is 1"),
        (
            model(node("LSTM", attribute=one("direction", "reverse"))),
            "a LSTM whose direction is 'reverse'",
        ),
        (
            model(node("LSTM", attribute=texts("activations", *["Evil\x1b[31m"] * 3))),
            r"a LSTM whose activations is 'Evil\x1b[31m', 'Evil",
        ),
        (model(node("LSTM", attribute=texts("activations", "Sigmoid", "Tanh"))), "activations is"),
        # Without its type onnxruntime would take it for not set, and turn all sizes round.
        (model(node("Transpose", attribute=ints("perm", 0)[:-3])), "'perm' is of no type"),
        (model(node("Cast", attribute=one("to", 1) + field(20, 8))), "'to' is of no type"),
        (model(node("Cast", attribute=one("to", 1) + field(4, b"a"))), "'to' is of no type"),
        (model(node("Cast", attribute=field(7, bytes(4)))), "something else in an operator"),
        (model(ADD + field(5, weights(1, kind=11, rest=field(9, bytes(8))))), "no type that jamd"),
        (model(ADD + field(5, weights(9, kind=7, rest=field(9, bytes(72))))), "9 whole numbers"),
        (model(ADD + field(5, weights(2, kind=7, rest=field(7, 1)))), "sizes say 2"),
        (model(ADD * (onnx_file.MOST_NODES + 1)), "513 operators"),
        (model(ADD + constant("a", 1) * 2), "weights 'a' twice"),
        (model(ADD + value(11, "a", 7)), "an input or output 'a' of another type"),
        (model(ADD + value(11, "a", 1, "")), "a size without a number or a name"),
        (model(node("Add", "a" * 1025)), "a name of 1025 bytes"),
        (SHIPPED[:-1], "cut off"),
        (b"\x3a" + b"\xff" * 11, "more than 64 bits"),
        (field(1, 1) * (protobuf.MOST_FIELDS + 1), "fields in one message"),
    ],
)
def test_what_no_model_holds_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    assert reason in refused(data, tmp_path)


@given(place=st.integers(0, len(TINY) - 1), noise=st.binary(min_size=1, max_size=8))
def test_any_damage_is_refused_in_one_line_or_harmless(place: int, noise: bytes) -> None:
    with NamedTemporaryFile() as file:
        file.write(TINY[:place] + noise + TINY[place + len(noise) :])
        file.flush()
        with suppress(BundleError):
            onnx_file.read(Path(file.name))


def test_a_second_graph_is_not_put_together_with_the_first(tmp_path: Path) -> None:
    assert "2 graphs" in refused(SHIPPED + model(node("Loop")), tmp_path)
