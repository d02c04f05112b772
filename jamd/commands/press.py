"""`jamd press`: do what a control does, without one."""

from __future__ import annotations

import argparse

from jamd.commands import Subparsers, add_pid

# Not read from the settings of [controls]: importing these would take as long as all the rest, and
# somebody waits for what is pressed.
ACTIONS = {
    "your_turn": "your phrase is over: hand the turn to jamd",
    "again": "play the last answer once more",
    "tap": "one tap on the beat, to set the tempo",
    "next_mode": "change to the next mode: answer, endless, off, and round again",
    "answer": "change to answer mode",
    "endless": "change to endless mode",
    "off": "change to off mode",
    "next_song": "change to the next song",
    "previous_song": "change to the song before",
    "panic": "silence everything",
}
"""What a control can mean, and what it then does."""


def add(subparsers: Subparsers) -> None:
    width = max(map(len, ACTIONS))
    rows = (f"  {name:<{width}}  {does}" for name, does in ACTIONS.items())
    parser = subparsers.add_parser(
        "press",
        help="do in a running jamd what a pedal or a pad would",
        description="Do what a control of [controls] in config.toml would, as this arrives.",
        epilog="\n".join(("actions:", *rows)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", metavar="ACTION", type=_action, help="one of those below")
    add_pid(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.daemon.control.remote import PRESS, ask

    ask(f"{PRESS} {args.action}", args.pid).want_all()
    return 0


def _action(text: str) -> str:
    if text not in ACTIONS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(ACTIONS)}; found {text!r}")
    return text
