"""Messages of Protocol Buffers, field by field: protobuf.dev/programming-guides/encoding.

Standard library only. Nothing is read before it is asked for: the value of a field of bytes is the
place where they are.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

VARINT, BYTES = 0, 2
_FIXED = {1: 8, 5: 4}  # kind of field -> bytes

MOST_FIELDS = 100_000
"""Most fields in one message: a network's outline has some hundred."""

MOST_BYTES = 1024
"""Most bytes in a text: all of them are names."""

Span = tuple[int, int]
"""Where bytes begin and end in the file."""

Field = tuple[int, int | Span]
"""A field's number, and its value: a whole number, or where its bytes are."""


class DamageError(Exception):
    """The bytes are not a message of Protocol Buffers."""


def fields(data: mmap.mmap, span: Span) -> Iterator[Field]:
    """The fields of a message, in order.

    Raises:
        DamageError: What is there is not a message.
    """
    at, end = span
    for _ in range(MOST_FIELDS):
        if at >= end:
            return
        key, at = _varint(data, at, end)
        kind = key & 7
        value: int | Span
        if kind == VARINT:
            value, at = _varint(data, at, end)
        elif kind in _FIXED:
            value, at = (at, at + _FIXED[kind]), at + _FIXED[kind]
        elif kind == BYTES:
            size, at = _varint(data, at, end)
            value, at = (at, at + size), at + size
        else:
            raise DamageError(f"a field of kind {kind}")
        if at > end:
            raise DamageError("it is cut off")
        yield key >> 3, value
    raise DamageError(f"more than {MOST_FIELDS} fields in one message")


def span_of(value: int | Span) -> Span:
    """Where the bytes of a field are.

    Raises:
        DamageError: It is a number.
    """
    if isinstance(value, int):
        raise DamageError("expected bytes, found a number")
    return value


def text(data: mmap.mmap, value: int | Span) -> str:
    """A field's bytes as text.

    Raises:
        DamageError: It is not text, or has more than `MOST_BYTES`.
    """
    start, end = span_of(value)
    if end - start > MOST_BYTES:
        raise DamageError(f"a name of {end - start} bytes")
    try:
        return data[start:end].decode("utf-8")
    except UnicodeDecodeError:
        raise DamageError("a name that is no text") from None


def numbers(data: mmap.mmap, value: int | Span, most: int) -> list[int]:
    """A field's signed 64-bit whole numbers, several packed together or a single one.

    At most `most` + 1 of them are read.

    Raises:
        DamageError: They are not numbers.
    """
    if isinstance(value, int):
        return [_signed(value)]
    found: list[int] = []
    at, end = value
    while at < end and len(found) <= most:
        number, at = _varint(data, at, end)
        found.append(_signed(number))
    return found


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """A 64-bit whole number, and where its bytes end."""
    number = 0
    for place, shift in enumerate(range(0, 70, 7), start=at):
        if place >= end:
            raise DamageError("it is cut off")
        byte = data[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & ((1 << 64) - 1), place + 1
    raise DamageError("a number of more than 64 bits")
