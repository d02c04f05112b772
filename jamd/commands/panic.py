"""`jamd panic`: silence, now."""

from __future__ import annotations

import argparse

from jamd.commands import Subparsers


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "panic",
        help="end everything that a running jamd sounds",
        description="End every note that the jamd now playing sounds, lift the pedals, and send "
        "All Sound Off and All Notes Off on every channel it has used. It plays on when you do.",
    )
    parser.add_argument("--pid", type=int, help="of one jamd, where several play; default: all")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.daemon.remote import PANIC, ask

    ask(PANIC, args.pid).want_all()
    return 0
