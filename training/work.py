"""What `jamd prepare` has done in other processes, and those processes.

A file may hang its reader, crash it or fill the memory, and no check beforehand tells which. So
each is read in a process that is ended when it takes too long, and that cannot take more memory
than it was allowed (where the system can hold it to that: Linux, mostly).
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as OutOfTimeError
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from pebble import ProcessExpired, ProcessFuture, ProcessPool

from jamd.errors import SourceError
from jamd.grid import Grid
from jamd.grid_tokens import HIGHEST, LOWEST, fold
from jamd.training import forks
from jamd.training.midi_file import read_midi
from jamd.training.parts import pitched, to_piece
from jamd.training.pieces import bars_of, group_of, join
from jamd.training.reading import PITCH, Reading
from jamd.training.score_file import read_score
from jamd.training.store import Read

FEWEST_NOTES = 2
"""A file with fewer notes holds nothing that follows from anything."""


_FAILURES = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What a reader may stumble over in a file that nobody thought of: the others are still read."""


class LimitError(SourceError):
    """A file was given up: it took too long, too much memory, or its reader died.

    Another run, with other limits, may read it.
    """


Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FileTask:
    """A file to read."""

    path: Path
    is_score: bool


@dataclass(frozen=True, slots=True)
class PieceTask:
    """Readings (`Reading.to_bytes`) to join into one piece, and to write in a language."""

    readings: tuple[bytes, ...]
    language: str
    style: str


@dataclass(frozen=True, slots=True)
class Written:
    """A piece in a language.

    Attributes:
        tokens: Token ids (uint16, in bytes) for the grid language, names for the article's.
        notes: How many notes it has.
        has_velocity: As in `Piece`.
        transpose: As in `jamd.training.corpus.Entry`.
    """

    tokens: bytes | tuple[str, ...]
    notes: int
    has_velocity: bool
    transpose: tuple[int, int]


def read_file(task: FileTask) -> tuple[Read, ...]:
    """All pieces of a file.

    Raises:
        SourceError: It has none that can be used.
    """
    readings = read_score(task.path) if task.is_score else [read_midi(task.path.read_bytes())]
    return tuple(map(_facts, readings))


def _facts(reading: Reading) -> Read:
    notes = pitched(reading)
    if len(notes) < FEWEST_NOTES:
        raise SourceError(f"too short: expected {FEWEST_NOTES} notes or more, found {len(notes)}")
    warnings = reading.warnings
    if len(notes) > 16 and len(np.unique(notes[:, PITCH])) == 1:
        warnings = (*warnings, "every note has the same pitch")
    return Read(reading.to_bytes(), group_of(notes), bars_of(reading), warnings)


def write_piece(task: PieceTask) -> Written:
    """Write a piece in the language asked for.

    Raises:
        SourceError: The language counts beats, and the piece keeps none.
    """
    readings = [Reading.from_bytes(data) for data in task.readings]
    if task.language == "grid" and not all(reading.beat for reading in readings):
        raise SourceError("a performance that keeps no beat, and none could be found in it")
    pieces = [to_piece(reading, task.style) for reading in readings]
    piece = join(pieces) if len(pieces) > 1 else pieces[0]
    tokens: bytes | tuple[str, ...]
    if task.language == "article":
        from jamd.article import names

        tokens = tuple(names(piece.notes))
    else:
        tokens = np.array(Grid().encode(piece), np.uint16).tobytes()
    pitches = [fold(pitch) for pitch in {note.pitch for note in piece.notes}]
    room = (LOWEST - min(pitches), HIGHEST - max(pitches))
    return Written(tokens, len(piece.notes), piece.has_velocity, room)


class Workers:
    """Processes that do tasks, each under a limit of time and memory. A context manager."""

    def __init__(self, jobs: int, time_limit_s: float, memory_limit_mb: int) -> None:
        self._time_limit_s = time_limit_s
        self._memory_limit_mb = memory_limit_mb
        self._window = 4 * jobs
        self._pool = ProcessPool(
            max_workers=jobs,
            initializer=_limit_memory,
            initargs=[memory_limit_mb],
            context=forks.start(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._pool.close()  # type: ignore[no-untyped-call]
        else:
            self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], at_once: int = 1
    ) -> Iterator[Result | SourceError]:
        """`function` of each item, in their order; what could not be done is its reason instead.

        Only so many tasks are under way as keep the workers busy, so memory stays flat.

        Args:
            function: Of a module, so that a worker can find it.
            items: What to do it with.
            at_once: How many items make a task: handing over a task costs more than a small file.
                The limits are a task's. Where one is given up, each of its items is tried by
                itself.
        """
        rest = iter(items)
        under_way: deque[tuple[list[Item], ProcessFuture[Any]]] = deque()
        while batch := list(islice(rest, at_once)):
            under_way.append((batch, self._start(function, batch)))
            if len(under_way) >= self._window:
                yield from self._results(function, *under_way.popleft())
        while under_way:
            yield from self._results(function, *under_way.popleft())

    def _start(self, function: Callable[[Item], Result], batch: list[Item]) -> ProcessFuture[Any]:
        return self._pool.schedule(_each, args=[function, batch], timeout=self._time_limit_s)

    def _results(
        self, function: Callable[[Item], Result], batch: list[Item], future: ProcessFuture[Any]
    ) -> Iterator[Result | SourceError]:
        try:
            results: list[Result | SourceError] = future.result()
        except OutOfTimeError:
            given_up = LimitError(f"took longer than {self._time_limit_s:g} s")
        except MemoryError:
            given_up = LimitError(f"took more than {self._memory_limit_mb} MB of memory")
        except ProcessExpired as error:
            given_up = LimitError(f"its reader died ({error})")
        except _FAILURES as error:
            given_up = LimitError(f"its reader failed: {type(error).__name__}: {error}"[:200])
        else:
            yield from results
            return
        if len(batch) == 1:
            yield given_up
            return
        for item in batch:
            yield from self._results(function, [item], self._start(function, [item]))


def _each(function: Callable[[Item], Result], batch: list[Item]) -> list[Result | SourceError]:
    """`function` of each item, in a worker."""
    results: list[Result | SourceError] = []
    for item in batch:
        try:
            results.append(function(item))
        except SourceError as error:
            results.append(error)
    return results


def _limit_memory(megabytes: int) -> None:
    """Let this process take so many megabytes more than it has now."""
    if sys.platform == "win32":
        return
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # no /proc: macOS, where the limit would not be kept either
        return
    limit = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
