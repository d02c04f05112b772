"""`jamd measure`: how well jamd listens and answers, on music for which the truth is known."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from jamd.commands import Subparsers
from jamd.config import file as config_file

if TYPE_CHECKING:
    from jamd.config.config import Config
    from jamd.measure.report import Figure

NAMES = ("phrases", "beat", "pickups", "answers", "changes")

_SETTINGS = (
    "model.bundle",
    "model.style",
    "model.temperature",
    "model.nucleus",
    "model.memory",
    "play.in_key",
    "play.register",
    "play.density",
    "play.repeat_bars",
)
"""What `answers` and `changes` depend on; `pickups` depends on the bundle alone."""


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "measure",
        help="measure how well jamd listens and answers",
        description="Play performances with known answers to the listening code, in virtual time. "
        "phrases: breaths that jamd would interrupt and phrase ends that it would miss, in songs, "
        "piano rolls and made-up phrases. beat: how many made-up phrases are answered in their own "
        "tempo and on their own beat when jamd follows the player. pickups: how often jamd finds "
        "the bar line in openings of tunes without being told, and how often it gets it wrong. "
        "answers: how the model's answers to the songs' first phrases end and how closely they "
        "resemble them, with the settings in force. changes: how much of its answers is made of "
        "the chords of a chart that it is given, likewise. The exit status is 0 whether or not the "
        "limits are kept.",
    )
    parser.add_argument("name", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; default: all")
    parser.add_argument(
        "--json", action="store_true", help="print a list of objects instead of a table"
    )
    config_file.add_options(parser, *_SETTINGS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.errors import UserError
    from jamd.measure.report import as_json, as_table

    for name in args.name:
        if name not in NAMES:
            raise UserError(f"measure: expected one of {', '.join(NAMES)}; found {name!r}")
    config = config_file.in_force(args).config
    figures = [figure for name in args.name or NAMES for figure in _figures(name, config)]
    print(as_json(figures) if args.json else as_table(figures))
    return 0


def _figures(name: str, config: Config) -> Iterable[Figure]:
    if name == "beat":
        from jamd.measure import beat

        return beat.figures()
    if name == "phrases":
        from jamd.measure import phrases

        return phrases.figures()
    from jamd.bundle.bundle import Bundle, resolve

    bundle = Bundle.read(resolve(config.model.bundle))
    if name == "pickups":
        from jamd.measure import pickups

        return pickups.figures(bundle)
    from jamd.daemon.settings import settings_from
    from jamd.measure import answers, changes

    settings = settings_from(config)
    if name == "answers":
        return answers.figures(bundle, settings)
    return changes.figures(bundle, settings)
