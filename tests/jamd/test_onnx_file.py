"""What a graph may hold: what jamd exports, and nothing else that an ONNX file could."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd import onnx_file
from jamd.bundle import DEFAULT
from jamd.errors import BundleError

SHIPPED = (DEFAULT / "model.int8.onnx").read_bytes()
TINY = (Path(__file__).parents[1] / "fixtures" / "tiny-bundle" / "model.onnx").read_bytes()


def field(number: int, content: bytes | int) -> bytes:
    """One field of a Protocol Buffers message."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    parts = [number & 0x7F]
    while number := number >> 7:
        parts[-1] |= 0x80
        parts.append(number & 0x7F)
    return bytes(parts)


def node(kind: str, domain: str = "", attribute: bytes | None = None) -> bytes:
    content = field(4, kind.encode()) + field(7, domain.encode())
    return field(1, content + (field(5, attribute) if attribute is not None else b""))


def weights(*sizes: int, kind: int = 1, rest: bytes = b"") -> bytes:
    return b"".join(field(1, size) for size in sizes) + field(2, kind) + rest


def model(graph: bytes, rest: bytes = b"") -> bytes:
    return field(7, graph) + rest


ADD = node("Add")


def refused(data: bytes, folder: Path) -> str:
    path = folder / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(BundleError) as caught:
        onnx_file.check(path)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 250
    return message


def test_what_jamd_exports_passes() -> None:
    for name in ("model.onnx", "model.int8.onnx"):
        onnx_file.check(DEFAULT / name)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (model(ADD + node("Loop")), "an operator 'Loop'"),
        (model(ADD + node("If")), "an operator 'If'"),
        (model(node("EPContext", "com.microsoft")), "'com.microsoft.EPContext'"),
        (model(node("Add", "com.example")), "'com.example.Add'"),
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
        (model(ADD + field(5, weights(1, kind=8))), "no known type"),
        (model(node("Constant", attribute=field(5, weights(9999)))), "9999 values"),
        (SHIPPED[:-1], "cut off"),
        (b"\x3a" + b"\xff" * 11, "more than 64 bits"),
        (field(1, 1) * (onnx_file.MOST_FIELDS + 1), "fields in one message"),
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
            onnx_file.check(Path(file.name))


def test_a_second_graph_is_not_put_together_with_the_first(tmp_path: Path) -> None:
    assert "2 graphs" in refused(SHIPPED + model(node("Loop")), tmp_path)
