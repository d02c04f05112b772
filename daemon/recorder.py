"""The take: a journal that is written as it happens, and becomes a MIDI file.

The journal (`NAME.jamd-journal`) is append-only, an entry a line of JSON. Closed, it is turned into
`NAME.mid` and removed; left behind by a kill or a power cut, it is found and turned into one at the
next start. It is called as nobody else calls a file, for a folder of takes may hold anything.
"""

from __future__ import annotations

import itertools
import json
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any, TextIO

from mido import Message

from jamd.daemon import take
from jamd.daemon.events import (
    ControlUsed,
    Entry,
    MeterSet,
    Mode,
    ModeSet,
    Sounded,
    TempoSet,
    Turn,
    TurnTaken,
)
from jamd.notes import Meter, Part

JOURNAL = ".jamd-journal"

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Sounded, TempoSet, MeterSet, TurnTaken, ModeSet, ControlUsed)
}
# How a field's value is read again; one that is not here is read as it stands.
_READ: dict[str, Callable[[Any], Any]] = {
    "part": lambda value: None if value is None else Part(value),
    "message": Message.from_hex,
    "meter": Meter.parse,
    "turn": Turn,
    "mode": Mode,
}


def to_line(entry: Entry) -> str:
    """An entry as one line of JSON, its line break included."""
    values = {field.name: _plain(getattr(entry, field.name)) for field in fields(entry)}
    return json.dumps({"kind": type(entry).__name__, **values}, separators=(",", ":")) + "\n"


def _plain(value: object) -> object:
    match value:
        case Message():
            return value.hex()
        case Meter():
            return str(value)
        case Enum():
            return value.value
    return value


def read_journal(lines: Iterable[str]) -> Iterator[Entry]:
    """The entries of a journal, up to where it was cut off."""
    for line in lines:
        try:
            values = json.loads(line)
            kind = _KINDS[values.pop("kind")]
            for name in values.keys() & _READ.keys():
                values[name] = _READ[name](values[name])
            entry: Entry = kind(**values)
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # what a power cut left half written, and all after it
        yield entry


class Recorder:
    """Records one take. Nothing in it keeps the caller waiting for a disk.

    Args:
        folder: Where takes go; made if need be.
        name: The take's name; a number is added where `folder` has one of that name.

    Attributes:
        trouble: Why the take cannot be written any more, if so.

    Raises:
        OSError: `folder` cannot be written.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.trouble: str | None = None
        self._file, self._path = _create(folder, name)
        _lock(self._file.fileno())
        self._entries: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def write(self, entry: Entry) -> None:
        """Add an entry. It is in the file within a few milliseconds."""
        self._entries.put(entry)

    def close(self) -> Path | None:
        """End the take and return its MIDI file; None when nobody played a note."""
        self._entries.put(None)
        self._thread.join()
        return finish(self._path)

    def _work(self) -> None:
        try:
            with self._file:
                while (entry := self._entries.get()) is not None:
                    self._file.write(to_line(entry))
                    if self._entries.empty():
                        self._file.flush()
        except OSError as error:
            self.trouble = f"The take cannot be written any more: {error.strerror}"


def _create(folder: Path, name: str) -> tuple[TextIO, Path]:
    for number in itertools.count(1):
        path = folder / (f"{name}{JOURNAL}" if number == 1 else f"{name}-{number}{JOURNAL}")
        with suppress(FileExistsError):
            if not path.with_suffix(".mid").exists():
                return path.open("x", encoding="utf-8"), path
    raise AssertionError("counting never ends")


def finish(journal: Path) -> Path | None:
    """Turn a journal into a MIDI file beside it, and remove the journal."""
    with journal.open(encoding="utf-8", errors="replace") as lines:
        entries = list(read_journal(lines))
    path = None
    if any(isinstance(e, Sounded) and e.message.type == "note_on" for e in entries):
        path = journal.with_suffix(".mid")
        take.to_midi(entries).save(path)
    journal.unlink()
    return path


def recover(folder: Path) -> list[Path]:
    """Finish the journals in `folder` that nobody writes any more; return their MIDI files."""
    found = []
    for journal in sorted(folder.glob(f"*{JOURNAL}")):
        # Another jamd may be writing it at this moment, or be the quicker one to finish it.
        with suppress(OSError):
            with journal.open("r+b") as file:
                _lock(file.fileno())
            path = finish(journal)
            found += [path] if path else []
    return found


def _lock(file: int) -> None:
    """Lock an open file for as long as it is open. Raises OSError where somebody else has it."""
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
