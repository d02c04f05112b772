"""The subcommands of `jamd`: one module each, importing its side only when it is called.

Each has `add(subparsers)`, which declares its arguments and sets `run` as the function to call, and
`run(args)`, which returns the exit status; `tuning` is the part of `train` that `--from` asks for.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
"""What `add` is given."""

_MOST_BARS = 10_000


def add_pid(parser: argparse.ArgumentParser) -> None:
    """Give a command to running jamds the option that sends it to one."""
    parser.add_argument(
        "--pid", type=int, help="process id of one jamd if several are playing; default: all"
    )


def bars(text: str) -> int:
    """The value of a `--bars`."""
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_BARS:
        raise argparse.ArgumentTypeError(f"expected 1..{_MOST_BARS} bars; found {text!r}")
    return int(text)


def _number(
    kind: type[int | float], expected: str, fits: Callable[[float], bool]
) -> Callable[[str], float]:
    def read(text: str) -> float:
        with suppress(ValueError):
            if fits(value := kind(text)):  # false for nan
                return value
        raise argparse.ArgumentTypeError(f"expected {expected}; found {text!r}")

    return read


at_least_one = _number(int, "a whole number, 1 or more", lambda value: value >= 1)
"""The value of an option that is a whole number, 1 or more."""

jobs = _number(int, "a whole number from 1 to 256", lambda value: 1 <= value <= 256)
"""The value of a `--jobs`: more processes than that would bring a computer to its knees."""

natural = _number(int, "a whole number, 0 or more", lambda value: value >= 0)
"""The value of an option that is a whole number, 0 or more."""

positive = _number(float, "a number above 0", lambda value: 0 < value < math.inf)
"""The value of an option that is a number above 0, and finite."""

share = _number(float, "a share from 0 to below 1", lambda value: 0 <= value < 1)
"""The value of an option that is a share, from 0 to below 1."""


def named(text: str) -> str:
    """The name of a file, a folder or a model: an empty one would be the working folder's."""
    if not text:
        raise argparse.ArgumentTypeError("expected a name; found an empty one")
    return text


def folder(text: str) -> Path:
    """The value of an option that is a folder, as a setting would take it."""
    from jamd.config.setting_kinds import Folder

    try:
        return Folder().accept(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {Folder.expected}; found {text!r}") from None


def style(text: str) -> str:
    """The value of a `--style`."""
    from jamd.grid.tokens import STYLES

    if text not in STYLES:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(STYLES)}; found {text!r}")
    return text
