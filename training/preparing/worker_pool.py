"""The processes that do the tasks of `jamd prepare`.

A file may hang its reader, crash it or fill the memory, and no check can detect this beforehand.
So each file is read in a process that is ended if it takes too long, and that cannot use more
memory than it is allowed (where the system can enforce that: mostly on Linux).
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as OutOfTimeError
from itertools import islice
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self, TypeVar

from pebble import CONSTS, ProcessExpired, ProcessFuture, ProcessPool

from jamd.errors import SourceError
from jamd.memory_limit import limit_memory
from jamd.training.preparing import forks

_FAILURES = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What a reader may raise on an unforeseen kind of file: the other files are still read."""


CONSTS.sleep_unit = 0.02
"""Seconds between two checks of pebble on its processes: a task may exceed its limit by this much,
and ending the pool may take this long."""


class LimitError(SourceError):
    """A file was given up: it took too long or too much memory, changed, or its reader failed.

    Another run, with other limits, may be able to read it.
    """


Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Processes that do tasks, each under a limit of time and memory. A context manager."""

    def __init__(self, jobs: int, time_limit_s: float, memory_limit_mb: int) -> None:
        self._time_limit_s = time_limit_s
        self._memory_limit_mb = memory_limit_mb
        self.jobs = jobs
        self._window = 4 * jobs
        self._pool = ProcessPool(
            max_workers=jobs,
            initializer=_begin,
            initargs=[memory_limit_mb * 2**20],
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
        if error is not None:
            self.stop()
            return
        self._pool.close()  # type: ignore[no-untyped-call]
        self._pool.join()

    def stop(self) -> None:
        """End all processes, whatever they are doing."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], at_once: int = 1
    ) -> Iterator[Result | SourceError]:
        """`function` of each item, in order; if it fails, the reason instead.

        Only as many tasks are under way as keep the workers busy, so memory stays flat.

        Args:
            function: A module-level function, so that a worker can find it.
            items: Its arguments.
            at_once: How many items make a task: handing over a task costs more than reading a small
                file. The limits apply to a task. If one is given up, each of its items is retried
                by itself.
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


def _begin(most_bytes: int) -> None:
    """Initialise a worker."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit_memory(most_bytes)


def _end_with_parent() -> None:
    """End with the parent even in the middle of a task, as nobody enforces its time limit then."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _each(function: Callable[[Item], Result], batch: list[Item]) -> list[Result | SourceError]:
    """`function` of each item, in a worker."""
    results: list[Result | SourceError] = []
    for item in batch:
        try:
            results.append(function(item))
        except SourceError as error:
            results.append(error)
    return results
