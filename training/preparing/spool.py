"""Pieces written as soon as they were read, kept until their place in the corpus is known."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import BinaryIO, Self, cast

from jamd.training.preparing.tasks import Written


class Spool:
    """Written pieces, by the place of their reading in the store.

    Their tokens are in an anonymous temporary file, so memory does not grow with them, and nothing
    is left behind however the process ends. A context manager.

    Args:
        folder: A folder with room for the tokens.
    """

    def __init__(self, folder: Path) -> None:
        self._file = cast("BinaryIO", tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 - __exit__
        self._end = 0
        self._places: dict[tuple[str, int], tuple[int, int, int, bool]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __contains__(self, place: tuple[str, int]) -> bool:
        return place in self._places

    def put(self, place: tuple[str, int], written: Written) -> None:
        """Keep a piece in the grid language; `place` is its file's key, and its number in that."""
        assert isinstance(written.tokens, bytes)
        self._file.write(written.tokens)
        size = len(written.tokens)
        self._places[place] = self._end, size, written.notes, written.has_velocity
        self._end += size

    def get(self, place: tuple[str, int]) -> Written:
        """The piece that was put at `place`.

        Raises:
            KeyError: There is none.
        """
        start, size, notes, has_velocity = self._places[place]
        self._file.seek(start)
        return Written(self._file.read(size), notes, has_velocity)
