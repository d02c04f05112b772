"""ONNX files built by hand with the standard library, including ones no library would write."""

from __future__ import annotations

import math


def varint(number: int) -> bytes:
    parts = [number & 0x7F]
    while number := number >> 7:
        parts[-1] |= 0x80
        parts.append(number & 0x7F)
    return bytes(parts)


def field(number: int, content: bytes | int) -> bytes:
    """One field of a Protocol Buffers message."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def node(
    kind: str,
    inputs: str = "",
    outputs: str = "",
    *,
    domain: str = "",
    attribute: bytes | None = None,
) -> bytes:
    """An operator on the names in `inputs`; `-` is an omitted input."""
    content = b"".join(field(1, name.strip("-").encode()) for name in inputs.split())
    content += b"".join(field(2, name.encode()) for name in outputs.split())
    content += field(4, kind.encode()) + field(7, domain.encode())
    return field(1, content + (field(5, attribute) if attribute is not None else b""))


def ints(name: str, *values: int) -> bytes:
    """An attribute with integers."""
    return field(1, name.encode()) + b"".join(field(8, v) for v in values) + field(20, 7)


def one(name: str, value: int | str) -> bytes:
    """An attribute with one integer or one string."""
    number, content = (3, value) if isinstance(value, int) else (4, value.encode())
    return field(1, name.encode()) + field(number, content) + field(20, number - 1)


def texts(name: str, *values: str) -> bytes:
    """An attribute with strings."""
    return field(1, name.encode()) + b"".join(field(9, v.encode()) for v in values) + field(20, 8)


def weights(*sizes: int, kind: int = 1, rest: bytes = b"") -> bytes:
    return b"".join(field(1, size) for size in sizes) + field(2, kind) + rest


def stored(name: str, *sizes: int) -> bytes:
    """Weights of the graph, all 0."""
    zeros = field(9, bytes(4 * math.prod(sizes)))
    return field(5, weights(*sizes, rest=field(8, name.encode()) + zeros))


def constant(name: str, *values: int) -> bytes:
    """64-bit integers, such as axes."""
    raw = b"".join(value.to_bytes(8, "little", signed=True) for value in values)
    return field(5, weights(len(values), kind=7, rest=field(8, name.encode()) + field(9, raw)))


def value(number: int, name: str, kind: int, *sizes: int | str) -> bytes:
    """An input (11) or output (12)."""
    dims = (field(1, s) if isinstance(s, int) else field(2, s.encode()) for s in sizes)
    shape = b"".join(field(1, dim) for dim in dims)
    tensor = field(1, kind) + field(2, shape)
    return field(number, field(1, name.encode()) + field(2, field(1, tensor)))


def model(graph: bytes, rest: bytes = b"") -> bytes:
    return field(7, graph) + rest


def network(
    vocabulary: int, layers: tuple[int, ...], *, between: bytes = b"", embedding: int = 4
) -> bytes:
    """The graph of a grid network as `jamd export` builds it.

    Args:
        vocabulary: Number of tokens.
        layers: Units of each LSTM layer.
        between: Nodes and weights that compute `last`, (batch, time, units), from `top`; if empty,
            `top` is used directly.
        embedding: Width of the embedding.
    """
    parts = [value(11, "tokens", 6, "batch", "time"), stored("E", vocabulary, embedding)]
    parts += [constant("first", 0), constant("second", 1)]
    swapped = ints("perm", 1, 0, 2)
    parts += [node("Gather", "E tokens", "embedded")]
    parts += [node("Transpose", "embedded", "x0", attribute=swapped)]
    width = embedding
    for i, units in enumerate(layers):
        parts += [value(11, f"{kind}{i}", 1, "batch", units) for kind in "hc"]
        parts += [stored(f"W{i}", 1, 4 * units, width), stored(f"R{i}", 1, 4 * units, units)]
        parts += [node("Unsqueeze", f"{kind}{i} first", f"{kind}{i}_row") for kind in "hc"]
        states = (f"h{i}_row c{i}_row", f"h{i}_next c{i}_next")
        size = one("hidden_size", units)
        parts += [node("LSTM", f"x{i} W{i} R{i} - - {states[0]}", f"y{i} {states[1]}",
                       attribute=size)]  # fmt: skip
        parts += [node("Squeeze", f"y{i} second", f"x{i + 1}")]
        parts += [node("Squeeze", f"{k}{i}_next first", f"{k}{i}_out") for k in "hc"]
        width = units
    last = "last" if between else "top"
    parts += [node("Transpose", f"x{len(layers)}", "top", attribute=swapped), between]
    parts += [stored("P", width, vocabulary), node("MatMul", f"{last} P", "logits")]
    parts += [value(12, "logits", 1, "batch", "time", vocabulary)]
    for i, units in enumerate(layers):
        parts += [value(12, f"{kind}{i}_out", 1, "batch", units) for kind in "hc"]
    return b"".join(parts)
