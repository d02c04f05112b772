"""`jamd set`: change a setting of a running jamd."""

from __future__ import annotations

import argparse

from jamd.commands import Subparsers, add_pid
from jamd.config.config import ADJUSTABLE


def add(subparsers: Subparsers) -> None:
    width = max(map(len, ADJUSTABLE))
    legal = (f"  {name:<{width}}  {each.kind.expected}" for name, each in ADJUSTABLE.items())
    parser = subparsers.add_parser(
        "set",
        help="change a setting of a running jamd",
        description="Change a setting while jamd plays, until it ends.",
        epilog="\n".join(("settings and their values:", *legal)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="the setting, such as temperature")
    parser.add_argument("value", metavar="VALUE", help="its value from now on, such as 1.2")
    add_pid(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.config.file import adjustment
    from jamd.daemon.control.remote import SET, ask

    value = adjustment(args.name, args.value)
    ask(f"{SET} {args.name} {value}", args.pid).want_all()
    return 0
