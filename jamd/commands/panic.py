"""`jamd panic`: silence, now."""

from __future__ import annotations

import argparse

from jamd.commands import Subparsers, add_pid


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "panic",
        help="silence a running jamd",
        description="End every note that a running jamd sounds, lift the pedals, and send All "
        "Sound Off and All Notes Off on every channel it has used. jamd goes on when you play "
        "again.",
    )
    add_pid(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.daemon.control.remote import PANIC, ask

    ask(PANIC, args.pid).want_all()
    return 0
