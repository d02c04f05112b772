"""What a setting may be: the kinds of value that config.toml or an option can hold.

A kind knows three things: which values are legal (`accept`), how to describe them in words
(`expected`), and how to write a value in TOML (`show`). `jamd.config.config` declares every setting
with a kind; checking, the text of config.toml, `jamd config` and the command line's options follow
from that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jamd import general_midi
from jamd.config.endpoint import Endpoint
from jamd.harmony.chart import Chart

_LONGEST = 1000
"""Characters that a text may have unless its kind has a limit of its own."""


class PartError(ValueError):
    """One part of a value is not legal.

    Attributes:
        part: That part.
        hint: What to write instead; empty if that is not known.
    """

    def __init__(self, part: object, hint: str = "") -> None:
        super().__init__(part)
        self.part = part
        self.hint = hint


class Kind(Protocol):
    """A kind of value. An instance belongs to one setting and carries that setting's range."""

    @property
    def expected(self) -> str:
        """The legal values in words, with their unit."""

    def accept(self, raw: object) -> object:
        """The setting's value for what TOML or the command line gives.

        Raises:
            ValueError: It is not a legal value. The caller reports it with the place it came from.
        """

    def show(self, value: object) -> str:
        """`value` as it is written in TOML."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a range, both ends included.

    Attributes:
        lowest: The smallest legal value; an int for a setting that takes whole numbers only.
        highest: The greatest.
        unit: What it counts; empty for a plain number.
    """

    lowest: float
    highest: float
    unit: str = ""

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are legal."""
        return isinstance(self.lowest, int)

    @property
    def expected(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        unit = f" ({self.unit})" if self.unit else ""
        return f"{kind} from {self.lowest} to {self.highest}{unit}"

    def accept(self, raw: object) -> float:
        if not isinstance(raw, int if self.whole else (int, float)) or isinstance(raw, bool):
            raise ValueError(raw)
        if not self.lowest <= raw <= self.highest:  # false for nan, too
            raise ValueError(raw)
        return raw if self.whole else float(raw)

    def show(self, value: object) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class Among:
    """One of a few whole numbers.

    Attributes:
        numbers: Which.
        unit: What they count.
    """

    numbers: tuple[int, ...]
    unit: str

    @property
    def expected(self) -> str:
        return f"one of {', '.join(map(str, self.numbers))} ({self.unit})"

    def accept(self, raw: object) -> int:
        if not isinstance(raw, int) or isinstance(raw, bool) or raw not in self.numbers:
            raise ValueError(raw)
        return raw

    def show(self, value: object) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    expected = "true or false"

    def accept(self, raw: object) -> bool | None:
        if not isinstance(raw, bool):
            raise ValueError(raw)
        return raw

    def show(self, value: object) -> str:
        return "true" if value else "false"


@dataclass(frozen=True, slots=True)
class FlagOrAuto(Flag):
    """True, false, or left to jamd: None, written "auto"."""

    expected = 'true, false or "auto"'

    def accept(self, raw: object) -> bool | None:
        return None if raw == "auto" else Flag.accept(self, raw)

    def show(self, value: object) -> str:
        return '"auto"' if value is None else Flag.show(self, value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few names, each standing for a value.

    Attributes:
        values: Name -> value, in the order in which they are listed; no two values are equal.
    """

    values: Mapping[str, object]

    @classmethod
    def of(cls, *names: str) -> Choice:
        """Names that stand for themselves."""
        return cls({name: name for name in names})

    @property
    def expected(self) -> str:
        return "one of " + ", ".join(json.dumps(name) for name in self.values)

    def accept(self, raw: object) -> object:
        if not isinstance(raw, str) or raw not in self.values:
            raise ValueError(raw)
        return self.values[raw]

    def name(self, value: object) -> str:
        """The name that stands for `value`."""
        return next(name for name, known in self.values.items() if known == value)

    def show(self, value: object) -> str:
        return json.dumps(self.name(value))


@dataclass(frozen=True, slots=True)
class NumberOr:
    """A number, or one of a few names that stand for something else.

    Attributes:
        names: Name -> value; no two values are equal.
        number: The numbers.
    """

    names: Mapping[str, object]
    number: Number

    @property
    def expected(self) -> str:
        return f"{', '.join(json.dumps(name) for name in self.names)} or {self.number.expected}"

    def accept(self, raw: object) -> object:
        return Choice(self.names).accept(raw) if isinstance(raw, str) else self.number.accept(raw)

    def show(self, value: object) -> str:
        known = value in self.names.values()
        return Choice(self.names).show(value) if known else self.number.show(value)


@dataclass(frozen=True, slots=True)
class Program:
    """A General MIDI sound, 1..128, by its number or its name; None, written "auto": left to jamd.

    Attributes:
        auto: Whether it may be left to jamd.
    """

    auto: bool = False

    @property
    def expected(self) -> str:
        known = 'a General MIDI sound, by its name, such as "vibraphone", or its number, 1 to 128'
        return f'{known}, or "auto"' if self.auto else known

    def accept(self, raw: object) -> int | None:
        if self.auto and raw == "auto":
            return None
        if isinstance(raw, str) and not raw.strip().isdecimal():
            return _named(raw)
        if isinstance(raw, bool) or not isinstance(raw, int | str) or int(raw) not in _PROGRAMS:
            raise ValueError(raw)
        return int(raw)

    def show(self, value: object) -> str:
        return json.dumps(general_midi.name_of(value) if isinstance(value, int) else "auto")


_PROGRAMS = range(1, 129)


def _named(text: str) -> int:
    """The General MIDI sound that `text` names; PartError if that is none, or several."""
    found = general_midi.named(text)
    if len(found) == 1:
        return found[0]
    names = [general_midi.name_of(number) for number in found[:6]]
    close = general_midi.closest(text)
    hint = ", ".join(names) if names else (close and f"did you mean {close}?")
    raise PartError(text, hint)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of one line.

    Attributes:
        what: What it names, in words.
        longest: Most characters.
        optional: Whether it may be empty.
    """

    what: str
    longest: int = _LONGEST
    optional: bool = False

    @property
    def expected(self) -> str:
        limit = f" of at most {self.longest} characters" if self.longest < _LONGEST else ""
        return f"{self.what}{limit}, in quotes{', or empty quotes' if self.optional else ''}"

    def accept(self, raw: object) -> str:
        if not isinstance(raw, str) or not raw.isprintable():
            raise ValueError(raw)
        if raw == "" and self.optional:
            return raw
        if not 0 < len(raw.strip()) <= len(raw) <= self.longest:
            raise ValueError(raw)
        return raw

    def show(self, value: object) -> str:
        return json.dumps(str(value), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, which need not exist yet; `~` is the home folder."""

    expected = "the path of a folder, in quotes"

    def accept(self, raw: object) -> Path:
        try:
            return Path(Text("a path").accept(raw)).expanduser()
        except RuntimeError as error:  # `~name`, but there is no such user
            raise ValueError(raw) from error

    def show(self, value: object) -> str:
        return json.dumps(str(value), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class EndpointName:
    """A UDP port, with the address of its computer unless it is this one.

    Attributes:
        optional: Whether it may be empty: None.
    """

    optional: bool = False

    @property
    def expected(self) -> str:
        less = ", or empty quotes" if self.optional else ""
        return f'a port, such as "9000", or one with an address, "192.168.1.5:9000"{less}'

    def accept(self, raw: object) -> Endpoint | None:
        if not isinstance(raw, str):
            raise ValueError(raw)
        return None if raw == "" and self.optional else Endpoint.parse(raw)

    def show(self, value: object) -> str:
        return json.dumps("" if value is None else str(value))


@dataclass(frozen=True, slots=True)
class ChordChart:
    """Chord changes, perhaps none."""

    expected = 'chord symbols with | between bars, such as "Dm7 G7 | Cmaj7 | %", or empty quotes'

    def accept(self, raw: object) -> Chart | None:
        if not isinstance(raw, str):
            raise ValueError(raw)
        try:
            return Chart.parse(raw) if raw.strip() else None
        except ValueError as error:
            raise PartError(*error.args) from error

    def show(self, value: object) -> str:
        return json.dumps("" if value is None else str(value), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Several:
    """A list, perhaps empty.

    Attributes:
        item: The kind of each item.
        what: What the items are, in words.
        one: What an option's help calls one of them.
        auto: Whether it may be left to jamd: None, written "auto".
    """

    item: Kind
    what: str
    one: str
    auto: bool = False

    @property
    def expected(self) -> str:
        auto = ', or "auto"' if self.auto else ""
        return f"a list of {self.what}{auto}"

    def accept(self, raw: object) -> tuple[object, ...] | None:
        if self.auto and raw in ("auto", ["auto"]):  # an option's values are always a list
            return None
        if not isinstance(raw, list):
            raise ValueError(raw)
        return tuple(self.item.accept(one) for one in raw)

    def show(self, value: object) -> str:
        if value is None:
            return '"auto"'
        assert isinstance(value, tuple)
        return f"[{', '.join(self.item.show(one) for one in value)}]"
