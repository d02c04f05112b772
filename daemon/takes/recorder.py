"""The take on disk: a journal written during the jam, which then becomes a MIDI file.

The journal (`NAME.jamd-journal`) is append-only, and compressed as it is written: a clock alone
makes a million lines in six hours. When it is closed it is turned into `NAME.mid` and kept beside
it (`NAME.jamd-journal.gz`), so that the take can be replayed. A journal left behind by a kill or a
power cut is found and turned into a take at the next start. Its file extension is one that no other
program uses, because a folder of takes may hold anything.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import queue
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Literal, TextIO

from jamd.daemon.clock import pause
from jamd.daemon.events import Sounded
from jamd.daemon.takes import take
from jamd.daemon.takes.journal import FORMAT, Opened, Record, entries, read_line, to_line
from jamd.errors import SourceError
from jamd.lock import held
from jamd.notes import Part
from jamd.writing import written_whole

JOURNAL = ".jamd-journal"
KEPT = ".jamd-journal.gz"
_BEGINNING = '{"class":"Opened",'

_GZIP = b"\x1f\x8b"  # how a compressed file begins; early journals were compressed when closed
_DAMAGED = "damaged from here on"

BATCH_S = 0.02
"""How long a record may wait to be written together with others. A kill loses about this much: what
was written before is with the kernel. (A power cut loses what the kernel had not yet put on the
disk, a few seconds; waiting for the disk would not be worth it.)"""

CHANGED_S = 10.0
"""A take's picture is drawn after its journal is closed, but within this many seconds."""


class Recorder:
    """Records one take. The caller never waits for the disk, except in `wait` and `close`.

    Args:
        folder: Where takes go; created if necessary.
        name: The take's name; a number is added if `folder` has one of that name.

    Attributes:
        journal: Where the journal is; it stays there until it is turned into a take.
        trouble: The system's reason why it can no longer be written; None if it can.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        self.journal = folder / f"{name}{JOURNAL}"
        self.trouble: str | None = None
        self._hold = ExitStack()  # on the journal, until the take is finished
        self._created = threading.Event()  # or it cannot be
        self._refused: OSError | None = None
        self._records: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the journal is there. Raises OSError if the folder cannot be written."""
        self._created.wait()
        if self._refused is not None:
            raise self._refused

    def write(self, record: Record) -> None:
        """Add a record; the first must be `Opened`. It is in the file after about `BATCH_S`."""
        if self.trouble is None:
            self._records.put(record)

    def close(self, *, apart: bool = False) -> Path | None:
        """End the take and return its MIDI file; None if nobody played a note, or none is kept.

        Args:
            apart: Whether something else goes on, which saving must not hold up.

        Raises:
            OSError: The file cannot be written. The journal stays, for `recover`.
        """
        self._records.put(None)
        self._thread.join()
        if self._refused is not None:
            return None
        with self._hold:
            return finish_apart(self.journal) if apart else finish(self.journal)

    def _work(self) -> None:
        folder = self.journal.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file, self.journal = _create(folder, self._name, self._hold)
        except OSError as error:
            self._refused, self.trouble = error, error.strerror or str(error)
            return
        finally:
            self._created.set()
        try:
            with file:
                while (record := self._records.get()) is not None:
                    file.write(to_line(record))
                    if self._records.empty():
                        file.flush()
                        pause(BATCH_S)
        except OSError as error:
            self.trouble = error.strerror or str(error)


def _create(folder: Path, name: str, hold: ExitStack) -> tuple[TextIO, Path]:
    """Create a journal and lock it: another jamd may lock it first, taking it for a cut-off one."""
    for number in itertools.count(1):
        path = folder / (f"{name}{JOURNAL}" if number == 1 else f"{name}-{number}{JOURNAL}")
        with suppress(FileExistsError), ExitStack() as undone:
            if not _midi(path).exists() and not _kept(path).exists():
                file = undone.enter_context(_packed(path, "xt"))
                with suppress(BlockingIOError, FileNotFoundError):
                    hold.enter_context(held(path))
                    undone.pop_all()
                    return file, path
    raise AssertionError("counting never ends")


def _packed(path: Path, mode: Literal["xt", "wt"]) -> TextIO:
    """Open a compressed file for writing; what was written before a flush can be read after it."""
    return gzip.open(path, mode, 6, encoding="utf-8", newline="\n")


@contextmanager
def _lines(journal: Path) -> Iterator[TextIO]:
    """Open a journal for reading, compressed or not."""
    with journal.open("rb") as file:
        content = gzip.GzipFile(fileobj=file) if file.peek().startswith(_GZIP) else file
        with io.TextIOWrapper(content, "utf-8", "replace", newline="\n") as lines:
            yield lines


def _up_to_damage(lines: Iterable[str]) -> Iterator[str]:
    """The lines up to where the file was cut off, or is damaged: that shows as a last one."""
    try:
        yield from lines
    except EOFError:
        return
    except (gzip.BadGzipFile, zlib.error):
        yield _DAMAGED


def _named(path: Path) -> str:
    """The name of the take to which a file belongs."""
    return path.name.removesuffix(KEPT).removesuffix(JOURNAL).removesuffix(".mid")


def _midi(path: Path) -> Path:
    return path.with_name(f"{_named(path)}.mid")


def _kept(path: Path) -> Path:
    return path.with_name(f"{_named(path)}{KEPT}")


def picture(path: Path) -> Path:
    """Where the picture of a take goes."""
    return path.with_name(f"{_named(path)}.svg")


def finish(journal: Path) -> Path | None:
    """Turn a journal into a MIDI file, and keep the journal compressed beside it.

    If interrupted at any point, it can be repeated: the journal is removed last. A journal without
    a note is removed, and one in another version's format is left alone; both return None.
    """
    with _lines(journal) as file:
        lines = _up_to_damage(file)
        first = next(lines, "")
        if not _can_be_read(first):
            return None
        taken = list(entries(lines))
    path = None
    if any(isinstance(e, Sounded) and e.message.type == "note_on" for e in taken):
        path = _midi(journal)
        with written_whole(path) as unfinished:
            take.to_midi(taken, _sounds(first)).save(unfinished)
        with (
            written_whole(_kept(journal)) as unfinished,
            _lines(journal) as file,
            _packed(unfinished, "wt") as kept,
        ):
            kept.writelines(_up_to_damage(file))
    journal.unlink()
    return path


def finish_apart(journal: Path) -> Path | None:
    """`finish`, in a process of its own.

    A long take keeps Python busy for a minute, and whatever else it does waits each time that it
    sorts, collects or frees a million objects: for as long as a second, measured.
    """
    command = [sys.executable, "-m", "jamd.daemon.takes.recorder", str(journal)]
    with suppress(OSError):  # no such process can be started
        done = subprocess.run(command, check=False, capture_output=True, process_group=0)
        if done.returncode == 0:
            path = _midi(journal)
            return path if path.exists() else None
    return finish(journal)  # which says what is wrong, if it is not that the process was killed


def _can_be_read(line: str) -> bool:
    """Whether `line` begins a journal of this format; one cut off within it counts as empty."""
    if not line.endswith("\n"):
        return _BEGINNING.startswith(line[: len(_BEGINNING)])
    try:
        return bool(json.loads(line)["format"] == FORMAT)
    except (ValueError, TypeError, LookupError, RecursionError):
        return False


def _sounds(line: str) -> Mapping[Part | None, int]:
    """What a take is to sound like, by the line that begins its journal; another jamd wrote it."""
    with suppress(ValueError):
        opened = read_line(line)
        return opened.sounds if isinstance(opened, Opened) else {}
    return {}


def recover(folder: Path) -> list[Path]:
    """Finish the journals in `folder` that no jamd is writing; return their MIDI files."""
    found = []
    for journal in sorted(folder.glob(f"*{JOURNAL}")):
        # Another jamd may be writing it at this moment, or finish it first.
        with suppress(OSError):
            with held(journal):
                path = finish(journal)
            found += [path] if path else []
    return found


def keep_newest(folder: Path, most: int) -> None:
    """Delete the oldest takes in `folder` beyond `most`.

    Only files that jamd wrote are deleted: a kept journal and, beside it, the MIDI file and the
    picture of the same name. A file changed after the journal was closed has become somebody's
    work, and stays.

    Args:
        folder: Where takes are; it need not exist.
        most: How many to keep, 0 or more.
    """
    kept = []
    for path in folder.glob(f"*{KEPT}"):
        with suppress(FileNotFoundError):  # another jamd may be deleting them, too
            kept.append((path.stat().st_mtime, path))
    for closed, path in sorted(kept)[: max(0, len(kept) - most)]:
        for written in (_midi(path), picture(path)):
            with suppress(FileNotFoundError):
                if written.stat().st_mtime <= closed + CHANGED_S:
                    written.unlink()
        path.unlink(missing_ok=True)


@contextmanager
def journal_of(path: Path) -> Iterator[Iterator[str]]:
    """As a context: the lines of a take's journal.

    Args:
        path: The take's MIDI file, with the journal beside it; or the journal itself.

    Raises:
        SourceError: There is none, it is damaged, or `path` is a folder.
        OSError: It cannot be read.
    """
    if path.is_dir():
        raise SourceError(f"{path}: expected a take, found a folder")
    if path.name.endswith((JOURNAL, KEPT)):
        journal = path
    else:
        beside = (_kept(path), path.with_name(f"{_named(path)}{JOURNAL}"))
        journal = next((one for one in beside if one.exists()), path)
        if journal == path:
            raise SourceError(
                f"{path}: expected a take with its journal beside it, {beside[0].name}; found none"
            )
    try:
        with _lines(journal) as lines:
            yield lines if journal.name.endswith(KEPT) else _up_to_damage(lines)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{journal}: expected a journal, but {error}") from error


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)
    finish(Path(sys.argv[1]))
