"""JSON -> the dataclasses of a manifest, strictly.

A field that has the wrong type, is missing, is unknown or is given twice, a number that is not
finite, or a text that a terminal would obey is refused with one line. Standard library only.
"""

from __future__ import annotations

import json
import math
import types
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Never, TypeVar, Union, get_args, get_origin, get_type_hints

from jamd.errors import BundleError

T = TypeVar("T")

MOST_LETTERS = 10_000
"""Most letters of one text: a line on each of two hundred corpora. No honest text is longer."""


def parse(data: bytes) -> Any:
    """`data` as unambiguous JSON.

    Raises:
        BundleError: It is not JSON, or a table has two entries of the same name.
    """
    try:
        return json.loads(
            data.decode("utf-8"),
            parse_float=_finite,
            parse_constant=_finite,
            object_pairs_hook=_unambiguous,
        )
    except (ValueError, RecursionError):
        raise BundleError("expected a manifest in JSON, found something else") from None


def decode(kind: type[T], value: object) -> T:
    """`value`, read from JSON, as the dataclass `kind`.

    Raises:
        BundleError: It does not fit; the message names the place.
    """
    decoded: T = _decode_fields(kind, value, "")
    return decoded


def _decode(kind: Any, value: object, where: str) -> Any:
    origin = get_origin(kind)
    if origin is tuple:  # always tuple[X, ...]
        if not isinstance(value, list):
            refuse(where, "a list", value)
        return tuple(_decode(get_args(kind)[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is dict:
        table = _table(value, where)
        for key in table:
            expect_text(f"a name in {where}", key)
        return {k: _decode(get_args(kind)[1], v, f"{where}.{k}") for k, v in table.items()}
    kinds = get_args(kind) if origin in (Union, types.UnionType) else (kind,)
    if is_dataclass(kinds[0]):  # X, or X | None
        nothing = value is None and type(None) in kinds
        return None if nothing else _decode_fields(kinds[0], value, where)
    for one in kinds:
        if type(value) is one:  # not isinstance: JSON's true is not a number
            if isinstance(value, str):
                expect_text(where, value)
            return value
        if one is float and type(value) is int and abs(value) < 1 << 53:
            return float(value)
    return refuse(where, " or ".join(_NAMES[one] for one in kinds), value)


_NAMES = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    type(None): "null",
}


def _decode_fields(kind: Any, value: object, where: str) -> Any:
    table = _table(value, where)
    names = {field.name for field in fields(kind)}
    for key in table:
        if key not in names:
            raise BundleError(f"unknown entry {brief(_place(where, key))} in the manifest")
    hints = get_type_hints(kind)
    values = {}
    optional = {field.name for field in fields(kind) if field.default is not MISSING}
    for name in sorted(names):
        if name not in table and name in optional:
            continue
        if name not in table:
            place = brief(_place(where, name))[1:-1]
            raise BundleError(f"expected an entry {place} in the manifest, found none")
        values[name] = _decode(hints[name], table[name], _place(where, name))
    return kind(**values)


def expect_text(what: str, text: str) -> None:
    """Refuse a text that no manifest may hold, since commands print it.

    Args:
        what: Its place, for the message.
        text: The text.

    Raises:
        BundleError: It is too long, or holds a line break or something else that is not printed.
    """
    if len(text) > MOST_LETTERS:
        refuse(what, f"a text of at most {MOST_LETTERS} letters", text)
    # A no-break space may be printed, though isprintable() is false for it.
    if any(not c.isprintable() and unicodedata.category(c) != "Zs" for c in text):
        refuse(what, "a text on one line, without control characters,", text)


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        refuse(where, "a table", value)
    return value


def _place(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def refuse(where: str, expected: str, found: object) -> Never:
    """Raise BundleError: at `where`, `found` is not what is `expected`."""
    place = brief(where)[1:-1] or "the manifest"
    raise BundleError(f"expected {expected} as {place}, found {brief(found)}")


def brief(value: object) -> str:
    """`value` for a message: printable, and never more than a few words."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:56]} …{text[-1]}"


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a table with two entries of the same name: JSON readers differ in which they take."""
    table = dict(pairs)
    if len(table) != len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise BundleError(f"expected one entry {brief(twice)[1:-1]} in a table, found several")
    return table


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number
