"""`jamd song`: list the songs of a running jamd, or change to one."""

from __future__ import annotations

import argparse

from jamd.commands import Subparsers, add_pid


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "song",
        help="change to a song, or list them",
        description="Change a jamd that was started with --songs to one of its songs: what jamd "
        "plays ends, and the song waits for your first note. Without a name, list the songs.",
    )
    parser.add_argument(
        "name", nargs="*", metavar="NAME", help="the song's title, how it begins, or its number"
    )
    add_pid(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.daemon.control.remote import SONG, ask
    from jamd.errors import printable

    answers = ask(" ".join([SONG, *args.name]), args.pid)
    for pid, answer in sorted(answers.given.items()):
        songs = answer.get("songs", [])
        if len(answers.given) > 1 and songs:
            print(f"jamd, process {pid}")
        for number, title in enumerate(songs, 1):
            mark = ">" if number == answer["playing"] else " "
            print(f"{mark} {number:2}  {printable(title)}")
    answers.want_all()
    return 0
