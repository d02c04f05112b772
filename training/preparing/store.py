"""What has been read from files, kept between runs.

A file is identified by its content, not by its name or date, so that a renamed file is not read
again and a changed one is. The store is an SQLite file in the corpus's folder; its contents survive
an interrupt.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from jamd.errors import CorpusError

MIDI_READER, SCORE_READER = 9, 5
"""Incremented when a reader changes what it makes of a file: then files are read again."""

FORMAT = 4
"""Incremented when the format of the store changes: a store of another format is emptied."""


@dataclass(frozen=True, slots=True)
class Read:
    """One piece as read from a file.

    Attributes:
        reading: The reading, as from `Reading.to_bytes`.
        group: Its name as from `jamd.training.preparing.pieces.group_of`.
        phrases: Its phrases, from the same.
        bars: How many bars it has.
        warnings: What was odd about the file.
    """

    reading: bytes
    group: str
    phrases: bytes
    bars: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The result of reading a file: its pieces, or the reason why there are none."""

    pieces: tuple[Read, ...] = ()
    reason: str = ""


def key_of(content: bytes, suffix: str, is_score: bool) -> str:
    """What identifies a file: its content, its reader, and the suffix that the reader goes by."""
    reader = SCORE_READER if is_score else MIDI_READER
    return hashlib.sha256(f"{reader}{suffix.lower()}\n".encode() + content).hexdigest()


class Store:
    """Files read, by key. A context manager; however it is left, it keeps what was put in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_new = not path.exists()
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._begin()
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def _begin(self) -> None:
        # A crash of the machine may cost the last files read, which can be read again.
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA journal_mode = WAL")
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        if found != FORMAT:
            self._db.executescript(
                f"""
                DROP TABLE IF EXISTS files;
                DROP TABLE IF EXISTS pieces;
                PRAGMA user_version = {FORMAT};
                """
            )
        self._db.executescript(
            """
            CREATE TABLE IF NOT EXISTS files (key TEXT PRIMARY KEY, reason TEXT);
            CREATE TABLE IF NOT EXISTS pieces (
                key TEXT, number INT, music BLOB, kin TEXT, phrases BLOB, bars INT,
                warnings TEXT,
                PRIMARY KEY (key, number)
            );
            """
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._db.close()
        if isinstance(error, sqlite3.Error):
            raise self._trouble(error) from error

    def _trouble(self, error: sqlite3.Error) -> CorpusError:
        # OperationalError: no room, or no permission, rather than damage.
        is_damaged = not isinstance(error, sqlite3.OperationalError)
        remedy = "; delete it, and all is read again" if is_damaged else ""
        return CorpusError(f"{self._path}: what was read cannot be kept: {error}{remedy}")

    def discard(self) -> None:
        """Close the store, and delete it if it is new: nothing in it is of any use."""
        self._db.close()
        if self._is_new:
            self._path.unlink(missing_ok=True)

    def put(self, files: Sequence[tuple[str, StoredFile]]) -> None:
        """Keep `files` by their keys, all or none."""
        if self._db.in_transaction:  # an earlier put failed; this is the last try to keep the rest
            self._db.execute("ROLLBACK")
        self._db.execute("BEGIN")
        for key, file in files:
            self._db.execute(
                "INSERT OR REPLACE INTO files (key, reason) VALUES (?, ?)", (key, file.reason)
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO pieces VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(key, number, read.reading, read.group, read.phrases, read.bars),
                        "\n".join(read.warnings),
                    )
                    for number, read in enumerate(file.pieces)
                ],
            )
        self._db.execute("COMMIT")

    def reason(self, key: str) -> str | None:
        """Why the file has no pieces; "" if it has some, None if it has not been read."""
        row = self._db.execute("SELECT reason FROM files WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def facts(self, key: str) -> list[tuple[tuple[str, bytes], int, tuple[str, ...]]]:
        """((group, phrases), bars, warnings) of each piece of a file."""
        rows = self._db.execute(
            "SELECT kin, phrases, bars, warnings FROM pieces WHERE key = ? ORDER BY number", (key,)
        )
        return [
            ((group, phrases), bars, tuple(text.splitlines()))
            for group, phrases, bars, text in rows
        ]

    def reading(self, key: str, number: int) -> bytes:
        """The music of a file's piece `number`, from 0, as `Reading.to_bytes`."""
        row = self._db.execute(
            "SELECT music FROM pieces WHERE key = ? AND number = ?", (key, number)
        ).fetchone()
        if row is None:
            raise KeyError((key, number))
        return bytes(row[0])
