"""Figures -> rows -> a table or JSON. Pure."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

COLUMNS = ("name", "p50", "p99", "unit", "beside", "ratio", "limit", "ok")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        name: What was measured.
        p50: Median, in `unit`, or the only value; None if nothing was measured.
        p99: 99th percentile, in `unit`; None for what is measured once.
        unit: `us`, `ms`, `s` or `MB` (a million bytes).
        beside: What the ratio is against; None for an absolute figure.
        ratio: In the direction of the limit: with `>=`, how many times faster than what it stands
            beside; otherwise, how many times as much.
        limit: On the ratio, `>= 200` or `<= 1.5`; on an absolute figure with its unit, as in
            `p99 <= 3 ms` or `max <= 10 ms`. None if the row only informs.
        ok: Whether the limit is kept; None without a limit, or if nothing was measured.
    """

    name: str
    p50: float | None = None
    p99: float | None = None
    unit: str | None = None
    beside: str | None = None
    ratio: float | None = None
    limit: str | None = None
    ok: bool | None = None


def left_out(name: str, why: str) -> Row:
    """A row for what could not be measured here."""
    return Row(f"{name}: left out, {why}")


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which `percent` (1..99) percent of `values` lie; there is at least one."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def times_faster(
    name: str, unit: str, ours: Sequence[float], beside: str, theirs: Sequence[float], least: float
) -> Row:
    """`ours` must be at least `least` times as fast as `theirs` at p50. Both are in `unit`."""
    ratio = percentile(theirs, 50) / percentile(ours, 50)
    return _row(name, unit, ours, beside, ratio, f">= {least:g}", ratio >= least)


def times_as_much(
    name: str, unit: str, ours: Sequence[float], beside: str, theirs: Sequence[float], most: float
) -> Row:
    """`ours` may be at most `most` times `theirs` at p50. Both are in `unit`."""
    ratio = percentile(ours, 50) / percentile(theirs, 50)
    return _row(name, unit, ours, beside, ratio, f"<= {most:g}", ratio <= most)


def blocks_as_late(
    name: str,
    unit: str,
    ours: Sequence[Sequence[float]],
    beside: str,
    theirs: Sequence[Sequence[float]],
    most: float,
) -> Row:
    """The ratio of the p99s of a pair of blocks may be at most `most`, at the median over pairs.

    Neighbouring blocks share the noise of their half minute, so their ratio holds on a busy machine
    too.
    """
    pairs = zip(ours, theirs, strict=True)
    ratio = statistics.median(percentile(a, 99) / percentile(b, 99) for a, b in pairs)
    together = [value for block in ours for value in block]
    return _row(name, unit, together, beside, ratio, f"<= {most:g}", ratio <= most)


def informs(
    name: str, unit: str, ours: Sequence[float], beside: str, theirs: Sequence[float]
) -> Row:
    """`ours` as a multiple of `theirs` at p50, without a limit. Both are in `unit`."""
    ratio = percentile(ours, 50) / percentile(theirs, 50)
    return _row(name, unit, ours, beside, ratio)


def absolute(name: str, unit: str, values: Sequence[float], most: float, percent: int = 50) -> Row:
    """The given percentile of `values` may be at most `most`."""
    ok = percentile(values, percent) <= most
    return _row(name, unit, values, None, None, f"p{percent} <= {most:g} {unit}", ok)


def greatest(
    name: str, unit: str, ours: Sequence[float], beside: str, theirs: Sequence[float], most: float
) -> Row:
    """The greatest of `ours` may be at most `most`; its ratio to that of `theirs` only informs.

    All are in `unit`.
    """
    value = max(ours)
    return _row(
        name, unit, [value], beside, value / max(theirs), f"max <= {most:g} {unit}", value <= most
    )


def _row(
    name: str,
    unit: str,
    values: Sequence[float],
    beside: str | None,
    ratio: float | None,
    limit: str | None = None,
    ok: bool | None = None,
) -> Row:
    p99 = percentile(values, 99) if len(values) > 1 else None
    return Row(name, percentile(values, 50), p99, unit, beside, ratio, limit, ok)


def as_json(rows: Sequence[Row]) -> str:
    """The rows as a list of objects, with the keys of `COLUMNS`."""
    return json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False)


def as_table(rows: Sequence[Row]) -> str:
    """The rows as lines of text, in columns as wide as they need to be."""
    cells = [COLUMNS, *(tuple(_cell(getattr(row, name)) for name in COLUMNS) for row in rows)]
    measured = [row for row in cells if row[1]]  # what is left out has one long cell
    widths = [max(len(row[i]) for row in measured) for i in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if name in ("p50", "p99", "ratio") else cell.ljust(width)
            for name, cell, width in zip(COLUMNS, row, widths, strict=True)
        ).rstrip()
        for row in cells
    )


def _cell(value: str | float | bool | None) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "NO"
        case str():
            return value
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
