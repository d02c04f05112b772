"""The subcommands of `jamd`: one module each, importing its side only when it is called.

Each has `add(subparsers)`, which declares its arguments and sets `run` as what to call, and
`run(args)`, which returns the exit status.
"""

from __future__ import annotations

import argparse
from typing import TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
"""What `add` is given."""

MOST_BARS = 10_000


def bars(text: str) -> int:
    """The value of a `--bars`."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_BARS:
        raise argparse.ArgumentTypeError(f"expected 1..{MOST_BARS} bars; found {text!r}")
    return int(text)


def style(text: str) -> str:
    """The value of a `--style`."""
    from jamd.grid_tokens import STYLES

    if text not in STYLES:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(STYLES)}; found {text!r}")
    return text
