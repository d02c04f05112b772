"""Figures -> a table or JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        name: What was measured.
        of: How many cases there were.
        value: The figure, in `unit`.
        unit: `%` (of the cases), `ms` or `bars`.
        limit: `<= 5` or `>= 90`, in `unit`; None if the figure only informs.
    """

    name: str
    of: int
    value: float
    unit: str = "%"
    limit: str | None = None

    @property
    def ok(self) -> bool | None:
        """Whether the limit is kept; None without a limit."""
        if self.limit is None:
            return None
        direction, _, bound = self.limit.partition(" ")
        return self.value <= float(bound) if direction == "<=" else self.value >= float(bound)


def share(name: str, count: int, of: int, limit: str | None = None) -> Figure:
    """`count` cases out of `of`, in percent."""
    return Figure(name, of, 100 * count / of if of else 0.0, "%", limit)


def as_json(figures: Sequence[Figure]) -> str:
    """The figures as a list of objects."""
    rows = [{**asdict(figure), "ok": figure.ok} for figure in figures]
    return json.dumps(rows, indent=1, ensure_ascii=False)


def as_table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text, in columns as wide as they need to be."""
    shown = {None: "", True: "yes", False: "NO"}
    cells = [("name", "of", "value", "unit", "limit", "ok")] + [
        (f.name, str(f.of), f"{f.value:.1f}", f.unit, f.limit or "", shown[f.ok]) for f in figures
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in (1, 2) else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )
