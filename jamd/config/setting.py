"""One setting of `jamd.config.config`'s table: how it is declared, and what is known about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from keyword import iskeyword
from typing import Any

from jamd.config.setting_kinds import Kind


def declared(default: object, kind: Kind, doc: str, option: str = "") -> Any:
    """A field of a section's dataclass that is a setting.

    Args:
        default: Its value unless it is set.
        kind: What values it takes.
        doc: What it means, in sentences.
        option: The option that sets it, such as `--clock`; empty: the one derived from its name.
    """
    return field(default=default, metadata={"kind": kind, "doc": doc, "called": option})


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table.

    Attributes:
        section: `midi`, `transport` …
        name: The key within the section.
        kind: What values it takes.
        default: Its value unless it is set.
        doc: What it means, in sentences.
        called: The option that sets it; empty: the one derived from its name.
    """

    section: str
    name: str
    kind: Kind
    default: object
    doc: str
    called: str = ""

    @property
    def key(self) -> str:
        """`transport.bpm`: the section and the name."""
        return f"{self.section}.{self.name}"

    @property
    def field(self) -> str:
        """Its name in the section's dataclass: a Python keyword gets a trailing underscore."""
        return f"{self.name}_" if iskeyword(self.name) else self.name

    @property
    def option(self) -> str:
        """`--bpm`: the option that sets it; each has one of its own."""
        return self.called or f"--{self.name.replace('_', '-')}"


def settings_of(sections: Mapping[str, type[Any]]) -> Iterator[Setting]:
    """All settings declared, section by section.

    Args:
        sections: The dataclass of each section.
    """
    for section, table in sections.items():
        each: Field[Any]
        for each in fields(table):
            name = each.name.rstrip("_")
            yield Setting(section, name, default=each.default, **each.metadata)
