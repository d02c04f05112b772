"""`jamd measure`: how well jamd listens, on performances of which the truth is known."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jamd.commands import Subparsers

if TYPE_CHECKING:
    from jamd.measure.report import Figure

NAMES = ("phrases",)


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "measure",
        help="measure how well jamd listens",
        description="Play performances of which the truth is known to the code that listens, in "
        "virtual time. phrases: breaths that jamd would have interrupted, and ends it would have "
        "missed, in songs, piano rolls and made-up phrases. The exit status is 0 whether or not "
        "the limits are kept.",
    )
    parser.add_argument("name", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; default: all")
    parser.add_argument("--json", action="store_true", help="print a list of objects, no table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.errors import UserError
    from jamd.measure.report import as_json, as_table

    for name in args.name:
        if name not in NAMES:
            raise UserError(f"measure: expected one of {', '.join(NAMES)}; found {name}")
    figures = [figure for name in args.name or NAMES for figure in _figures(name)]
    print(as_json(figures) if args.json else as_table(figures))
    return 0


def _figures(name: str) -> list[Figure]:
    assert name == "phrases"
    from jamd.measure import phrases

    return phrases.figures()
