"""The command `jamd`.

Ctrl-C may come at any moment, and nothing can be done about it until `main` has begun: so this
module imports only what Python has already imported, or what is tiny.
"""

from __future__ import annotations

import errno
import io
import os
import sys

from jamd import __version__
from jamd.errors import UserError
from jamd.interrupts import INTERRUPTED, deaf_to_panic, ending_at_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any, NoReturn

COMMANDS = (
    "play",
    "freewheel",
    "replay",
    "status",
    "panic",
    "set",
    "press",
    "song",
    "ports",
    "generate",
    "roll",
    "prepare",
    "corpus",
    "train",
    "evaluate",
    "compare",
    "export",
    "recipe",
    "bench",
    "measure",
    "config",
)

LEARNING = {
    *("keras", "matplotlib", "music21", "onnx", "pebble", "psutil", "rich", "symusic"),
    *("tensorflow", "tf2onnx"),
}
"""Modules that the extra `train` installs; the live side does without them."""

EXTRAS = dict.fromkeys(LEARNING, "train") | dict.fromkeys(("dask", "distributed"), "cluster")
"""Module that is not installed with jamd alone -> the extra that installs it."""

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def parser(only: str | None) -> argparse.ArgumentParser:
    """`only` one subcommand, or all (None), with arguments; imports neither of jamd's two sides."""
    import argparse
    from importlib import import_module
    from pathlib import Path

    from jamd.commands import named

    class Parser(argparse.ArgumentParser):
        """Reports a mistake in one line, without the whole usage."""

        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            self.register("type", int, whole)
            self.register("type", Path, lambda text: Path(named(text)))

        def _print_message(self, message: str, file: Any = None) -> None:
            # argparse alone says nothing where help or version cannot be written.
            print(message, end="", file=file, flush=True)

        def error(self, message: str) -> NoReturn:
            raise UserError(f"{message}: see `{self.prog} --help`")

    def whole(text: str) -> int:
        try:
            return int(text)
        except ValueError:  # argparse alone would only call the value invalid
            problem = f"expected a whole number; found {text!r}"
            raise argparse.ArgumentTypeError(problem) from None

    top = Parser(prog="jamd", description="A MIDI daemon that jams with you.")
    top.add_argument("--version", action="version", version=f"jamd {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS if only is None else (only,):
        import_module(f"jamd.commands.{name}").add(subparsers)
        subparsers.choices[name].set_defaults(parser=subparsers.choices[name])
    return top


def _parse(words: Sequence[str]) -> argparse.Namespace:
    """The parsed arguments. Ctrl-C meanwhile ends the process at once: nothing is open yet."""
    # Build only the subcommand named: importing the others' modules would take a tenth of a second.
    only = words[0] if words and words[0] in COMMANDS else None
    with ending_at_once():
        args, unknown = parser(only).parse_known_args(words)
        if unknown and only:  # as a FILE after an option is to argparse
            args, unknown = args.parser.parse_known_intermixed_args(words[1:])
            args.command = only
        if unknown:
            raise UserError(_not_taken(args, unknown))
        return args


def _not_taken(args: argparse.Namespace, unknown: Sequence[str]) -> str:
    """The message about words that the command does not know; some are settings of config.toml."""
    from jamd.config.config import SETTINGS

    told = f"unrecognized arguments: {' '.join(unknown)}: "
    option = unknown[0].partition("=")[0].replace("--no-", "--")
    keys = [setting.key for setting in SETTINGS.values() if setting.option == option]
    if keys and args.command == "play":
        told += f"set {keys[0]} in config.toml, or "
    return f"{told}see `jamd {args.command} --help`"


def _replace_what_is_closed() -> None:
    """Reopen what `>&-` closed, or the next file opened would get its number and its output."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            null = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
            setattr(sys, name, null)


def _problem(error: OSError) -> str | None:
    """What to tell of a file that cannot be opened, or a full disk; None for a bug."""
    from pathlib import Path

    if error.errno == errno.ENOENT:
        try:
            Path.cwd()
        except FileNotFoundError:  # what needs none works without
            return "the working folder is gone: cd to one that exists"
    if error.strerror is None or (error.filename is None and error.errno not in _DISK_FULL):
        return None
    place = "" if error.filename is None else f"{error.filename}: "
    return f"{place}{error.strerror}"


def _refuse(problem: str) -> int:
    """Tell what is wrong, line by line; return the exit status, whether or not it can be told."""
    try:
        for line in problem.splitlines():
            print(f"jamd: {line}", file=sys.stderr)
    except OSError:
        pass
    _drop_what_cannot_be_written()
    return 2


def _drop_what_cannot_be_written() -> None:
    """What is still buffered would fail once more when Python closes the stream."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; return the exit status.

    A `UserError` (such as a wrong option), a file that the system cannot open, a full disk, or a
    missing library that an extra would have installed gives one line on stderr and status 2.
    Ctrl-C that a command does not handle gives 130, and a reader that went away 141: what a shell
    reports for SIGINT and SIGPIPE. Anything else is a bug and keeps its traceback.
    """
    # Keep the processes that jamd starts from importing, say, a numpy.py in the working folder.
    os.environ["PYTHONSAFEPATH"] = "1"
    _replace_what_is_closed()
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):  # not every terminal can write a flat sign
            sys.stdout.reconfigure(errors="replace")
        words = sys.argv[1:] if arguments is None else arguments
        with deaf_to_panic("play" in words[:1]):
            args = _parse(words)
            status: int = args.run(args)
        sys.stdout.flush()
    except UserError as error:
        return _refuse(str(error))
    except BrokenPipeError:
        _drop_what_cannot_be_written()
        return 141
    except OSError as error:
        if (problem := _problem(error)) is None:
            raise
        return _refuse(problem)
    except ModuleNotFoundError as error:
        if error.name is None or (top := error.name.partition(".")[0]) not in EXTRAS:
            raise
        return _refuse(
            f"`jamd {args.command}` needs {error.name}, found none: "
            f"pip install 'jamd[{EXTRAS[top]}]' (in a checkout: make setup)"
        )
    except KeyboardInterrupt:
        return INTERRUPTED
    return status
