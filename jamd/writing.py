"""Files that a command was asked to write: whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from jamd.errors import UserError

MIDI = (".mid", ".midi")
"""What the name of a MIDI file ends in."""


def check_output(output: Path, kind: str, endings: Sequence[str], source: Path) -> None:
    """See that a command may write `output`, before it works for that.

    Args:
        output: The file to write. A device or a pipe may be called anything.
        kind: What is written, as in `a MIDI file`.
        endings: What its name may end in, in small letters.
        source: What the command reads.

    Raises:
        UserError: The name says something else, or `output` is `source`.
    """
    if output.exists() and not output.is_file() and not output.is_dir():
        return
    if output.suffix.lower() not in endings:
        raise UserError(f"{output}: expected the name of {kind}, ending in {' or '.join(endings)}")
    if output.exists() and source.exists() and output.samefile(source):
        raise UserError(f"{output}: expected another file than the one that is read")


@contextmanager
def named(path: Path) -> Iterator[None]:
    """As a context: an error of the system that names no file, as of a full disk, names `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.strerror is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """As a context: a name beside `path` to write to, which takes the place of `path` at the end.

    What cannot be written leaves nothing behind, and what was there before stays. A device or a
    pipe is written to as it is.

    Raises:
        OSError: It names `path`, also where the system names no file, as for a full disk.
    """
    regular = path.is_file() or not path.exists()
    real = path.resolve()  # a link stays one
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
