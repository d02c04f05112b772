"""`jamd config`: the settings in force, or the documented defaults."""

from __future__ import annotations

import argparse

from jamd.commands import Subparsers
from jamd.config import file as config_file
from jamd.config.config import SETTINGS
from jamd.errors import UserError


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "config",
        help="print every setting in force and where it came from",
        description="Print every setting in force and where it came from, as TOML.",
    )
    parser.add_argument(
        "--default",
        action="store_true",
        help="print the documented defaults instead: a config.toml to start from",
    )
    config_file.add_options(parser, *SETTINGS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.default:
        given = {SETTINGS[key].option: value for key, value in config_file.options_of(args).items()}
        for option, value in {"--config": args.config, **given}.items():
            if value is not None:
                raise UserError(f"{option}: expected no --default beside it: leave one out")
    text = (
        config_file.documented()
        if args.default
        else config_file.listing(config_file.in_force(args))
    )
    print(text, end="")
    return 0
