"""`jamd status`: what a running jamd hears, does and is connected to."""

from __future__ import annotations

import argparse
import json

from jamd.commands import Subparsers, add_pid


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "status",
        help="show what a running jamd hears, does and is connected to",
        description="Show for every running jamd: the last note heard, bar and beat, the tempo and "
        "where it comes from, the mode, whose turn it is, and what its ports are connected to.",
    )
    add_pid(parser)
    parser.add_argument("--json", action="store_true", help="for programs: one object a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.daemon.control.remote import STATUS, ask
    from jamd.errors import printable

    answers = ask(STATUS, args.pid)
    for pid, status in sorted(answers.given.items()):
        rows = status.pop("rows", [])
        if args.json:
            print(json.dumps({"pid": pid} | status))
            continue
        print(f"jamd, process {pid}")
        for row in rows:
            print(f"  {printable(row)}")
    answers.want_all()
    return 0
