"""Writes the files that a command was asked for whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from jamd.errors import UserError

MIDI = (".mid", ".midi")
"""The endings of a MIDI file's name."""


def check_output(output: Path, kind: str, endings: Sequence[str], source: Path) -> None:
    """Check that a command may write `output`, before it does the work.

    Args:
        output: The file to write. A device or a pipe may be called anything.
        kind: What is written, as in `a MIDI file`.
        endings: What its name may end in, in lower case.
        source: What the command reads.

    Raises:
        UserError: The name has another ending, or is a folder's or in no folder; or `output` is
            `source`.
    """
    if output.exists() and not output.is_file() and not output.is_dir():
        return
    if output.suffix.lower() not in endings:
        raise UserError(f"{output}: expected the name of {kind}, ending in {' or '.join(endings)}")
    if output.is_dir():
        raise UserError(f"{output}: expected the name of a file, found a folder")
    if not output.parent.is_dir():
        raise UserError(f"{output}: expected a folder {output.parent}, found none: make it first")
    if output.exists() and source.exists() and output.samefile(source):
        raise UserError(f"{output}: expected another file than the one that is read")


def make_folder(folder: Path) -> None:
    """Make the folder that a command writes to, if there is none.

    Raises:
        UserError: `folder` is the name of a file.
        OSError: It cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: expected the name of a folder, found a file")
    folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """As a context: make a system error that names no file, such as a full disk, name `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.strerror is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """As a context: yield a name beside `path` to write to; that file replaces `path` at the end.

    A failed write leaves nothing behind, and what was there before stays. A device or a pipe is
    written to directly.

    Raises:
        OSError: It names `path`, even if the system names no file, as for a full disk.
    """
    regular = path.is_file() or not path.exists()
    real = path.resolve()  # a link stays a link
    name = real.with_name(f".new-{real.name}") if regular else path
    try:
        yield name
        if regular:
            name.replace(real)
    except OSError as error:
        if error.filename in (None, str(name)) and error.strerror is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        if regular:
            with suppress(OSError):
                name.unlink(missing_ok=True)
