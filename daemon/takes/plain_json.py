"""Values as plain JSON and back: the format of a journal.

A dataclass is an object whose `class` is its name (no field can be called that); a note, of which
there are many, is a list of its fields; a mapping is a list of pairs; a MIDI message is its bytes
in hex; a meter is `6/8`; a member of an enumeration is its value. The annotations of the classes
determine what a value is read as. Nothing that is read can run code.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from mido import Message

from jamd.notes import Meter, Note, Part

Reader = Callable[[Any], Any]

_MESSAGES = 65_536  # kept for their next occurrence: most of a take's are alike, and none changes


def to_plain(value: Any) -> Any:  # noqa: PLR0911 - a table, in effect
    """`value` as plain JSON.

    Args:
        value: A number, a string, a bool, None, or something made of these: a message, a member of
            an enumeration, a tuple, a frozenset of sortable items, a mapping, a dataclass.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Message():
            return value.hex("")
        case Note():
            return [value.onset, value.pitch, value.velocity, value.duration, value.part.value]
        case Meter():
            return str(value)
        case Enum():
            return value.value
        case tuple():
            return [to_plain(item) for item in value]
        case frozenset():
            return [to_plain(item) for item in sorted(value)]
        case Mapping():
            return [[to_plain(key), to_plain(item)] for key, item in value.items()]
    kind: Any = type(value)
    return {"class": kind.__name__} | {
        name: to_plain(getattr(value, name)) for name in _field_names(kind)
    }


def from_plain(kind: Any, plain: Any) -> Any:
    """The value of `kind`, a class or an annotation, from which `to_plain` made `plain`.

    A missing field gets its default; an unknown one is an error.

    Raises:
        ValueError: `plain` is not such a value.
    """
    try:
        return _reader(kind)(plain)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"expected {kind}: {error!r}") from error


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _reader(kind: Any) -> Reader:  # noqa: PLR0911 - a table, in effect
    """The function that reads a value of `kind`, built once for each kind."""
    if kind in _LEAVES:
        return _LEAVES[kind]
    if hasattr(kind, "__supertype__"):  # a NewType
        return _reader(kind.__supertype__)
    items = get_args(kind)
    if get_origin(kind) in (Union, types.UnionType):
        return _one_of(items)
    if get_origin(kind) is tuple and items[1:] == (...,):
        return lambda plain: tuple(map(_reader(items[0]), plain))
    if get_origin(kind) is tuple:
        return lambda plain: tuple(
            _reader(item)(value) for item, value in zip(items, plain, strict=True)
        )
    if get_origin(kind) is Mapping:
        key, item = map(_reader, items)
        return lambda plain: {key(one): item(other) for one, other in plain}
    if get_origin(kind) is frozenset:
        return lambda plain: frozenset(map(_reader(items[0]), plain))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind)
    raise TypeError(f"a journal holds no {kind}")


def _one_of(kinds: tuple[Any, ...]) -> Reader:
    """A reader for a union: of dataclasses, told apart by name, None, and other kinds by turns."""
    tagged: list[Any] = [kind for kind in kinds if is_dataclass(kind) and kind not in _LEAVES]
    named: dict[str, Reader] = {kind.__name__: _reader(kind) for kind in tagged}
    others = [_reader(kind) for kind in kinds if kind not in (*tagged, type(None))]

    def read(plain: Any) -> Any:
        if plain is None and type(None) in kinds:
            return None
        if isinstance(plain, dict):
            return named[plain["class"]](plain)
        for other in others[:-1]:
            with suppress(TypeError):
                return other(plain)
        return others[-1](plain)

    return read


def _dataclass(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    readers = {name: _reader(hints[name]) for name in _field_names(kind)}

    def read(plain: Any) -> Any:
        given = {name: readers[name](value) for name, value in plain.items() if name != "class"}
        return kind(**given)

    return read


def _exactly(kind: type[Any]) -> Reader:
    def read(plain: Any) -> Any:
        if type(plain) is not kind:
            raise TypeError(f"found {plain!r}")
        return plain

    return read


def _float(plain: Any) -> float:
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        raise TypeError(f"found {plain!r}")
    return plain  # an int stays one: what is read is what was written


def _note(plain: Any) -> Note:
    onset, pitch, velocity, duration, part = plain
    return Note(onset, pitch, velocity, duration, Part(part))


_LEAVES: dict[Any, Reader] = {
    int: _exactly(int),
    float: _float,
    str: _exactly(str),
    bool: _exactly(bool),
    type(None): _exactly(type(None)),
    Message: lru_cache(_MESSAGES)(Message.from_hex),
    Note: _note,
    Meter: Meter.parse,
}
