"""The processes of `jamd prepare --dask`: a dask cluster, with the guarantees of `Workers`.

A file's bytes travel with its task, so workers need no access to the client's file system. On a
worker the file is read in a process of `Workers`, which is ended if it takes too long and cannot
use more memory than it is allowed. If a worker dies, nothing is lost: the scheduler gives its tasks
to another one.
"""

from __future__ import annotations

import logging
import multiprocessing
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import dask
from distributed import Client, Future, WorkerPlugin, get_worker
from distributed import TimeoutError as DaskTimeoutError
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.comm.registry import backends
from distributed.scheduler import KilledWorker

from jamd.errors import SourceError, UserError, printable
from jamd.training.preparing import forks
from jamd.training.preparing.tasks import FileTask
from jamd.training.preparing.worker_pool import Item, LimitError, Result, Workers

CONNECT_S = 10.0
"""How long `jamd prepare` waits for the scheduler, and then for a first worker."""

PATIENCE_S = 60.0
"""How long a cluster may be without workers before `jamd prepare` gives up."""

_TASKS_A_THREAD = 3
_BATCHES_A_TASK = 4
"""Batches handed to a worker's processes in one task, so that they need not wait for the next."""

_MUST_AGREE = ("jamd", "music21", "numpy", "symusic")  # a corpus depends on these, byte for byte


class ClusterError(UserError):
    """A dask cluster cannot be reached, was lost, or would make a different corpus."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A score on its way to a worker, or a file that could not be opened.

    Attributes:
        task: What to do with it.
        score: The bytes of the score, which music21 will read from a file.
        unread: Why the file could not be opened; empty if it could.
    """

    task: FileTask
    score: bytes = b""
    unread: str = ""


class Cluster:
    """Processes of a dask cluster that do tasks, each under limits. A context manager.

    Args:
        address: Address of the scheduler, such as `tcp://host:8786`.
        time_limit_s: Seconds that a file may take.
        memory_limit_mb: Megabytes that a file may take, if the worker's system can enforce it.

    Raises:
        ClusterError: The address is invalid, no scheduler answers there, or no worker has joined.
    """

    def __init__(self, address: str, time_limit_s: float, memory_limit_mb: int) -> None:
        _expect_address(address)
        self._address = address
        for name in logging.root.manager.loggerDict:  # errors are reported in one line, below
            if name.partition(".")[0] in ("distributed", "tornado"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"})
        try:
            self._client = Client(
                address, timeout=CONNECT_S, set_as_default=False, name="jamd-prepare"
            )
        except (OSError, ValueError, DaskTimeoutError) as error:
            reason = printable(str(error).partition("\n")[0])
            raise ClusterError(
                f"--dask {printable(address)}: expected a dask scheduler there, found none "
                f"({reason}); start one with: dask scheduler"
            ) from None
        try:
            self._client.wait_for_workers(1, timeout=CONNECT_S)
        except DaskTimeoutError:
            self._client.close()
            raise ClusterError(
                f"--dask {address}: expected workers, found none; "
                f"start some with: dask worker {address}"
            ) from None
        self._guards = _Guards(time_limit_s, memory_limit_mb, f"jamd-{self._client.id}")
        self._ours = _versions()

    @property
    def jobs(self) -> int:
        """How many tasks the current workers can do at once, at least 1."""
        threads: int = sum(self._client.nthreads().values())
        return max(1, threads)

    def __enter__(self) -> Self:
        self._client.register_plugin(self._guards)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None or not issubclass(kind, ClusterError):
            self._client.unregister_worker_plugin(self._guards.name)
        self._client.close(timeout=2)

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], at_once: int = 1
    ) -> Iterator[Result | SourceError]:
        """Do what `Workers.map` does, on the cluster.

        Raises:
            ClusterError: The scheduler or all workers are gone, or a worker has other versions.
        """
        rest = iter(items)
        window = _TASKS_A_THREAD * self.jobs
        under_way: deque[tuple[int, Future[Any]]] = deque()
        try:
            while batch := list(islice(rest, _BATCHES_A_TASK * at_once)):
                under_way.append((len(batch), self._start(function, batch, at_once)))
                if len(under_way) >= window:
                    yield from self._results(*under_way.popleft())
            while under_way:
                yield from self._results(*under_way.popleft())
        finally:  # after an interrupt the cluster should do nothing more for us
            for _, future in under_way:
                future.release()

    def _start(
        self, function: Callable[[Item], Result], batch: list[Item], at_once: int
    ) -> Future[Any]:
        packed = [_packed(item) for item in batch]
        arguments = (self._guards.name, self._ours, partial(_unpacked, function), packed, at_once)
        return self._client.submit(_on_worker, *arguments, pure=False)

    def _results(self, count: int, future: Future[Any]) -> Iterator[Result | SourceError]:
        try:
            results: Sequence[Result | SourceError] = self._wait(future)
        except KilledWorker:
            reason = f"{1 + int(dask.config.get('distributed.scheduler.allowed-failures'))} workers"
            results = [LimitError(f"its reader died: {reason} died at it") for _ in range(count)]
        except (CancelledError, OSError) as error:
            raise ClusterError(
                f"--dask {self._address}: lost the scheduler; when it is back, the same command "
                "goes on: what was read is kept"
            ) from error
        except ModuleNotFoundError as error:
            raise ClusterError(
                f"--dask {self._address}: a worker lacks {error.name}; on every machine: "
                f"pip install 'jamd[train,cluster]=={version('jamd')}'"
            ) from error
        yield from results

    def _wait(self, future: Future[Any]) -> Sequence[Any]:
        while True:
            try:
                done: Sequence[Any] = future.result(timeout=PATIENCE_S)
            except DaskTimeoutError:
                if self._client.nthreads():
                    continue
                raise ClusterError(
                    f"--dask {self._address}: expected workers, found none left for "
                    f"{PATIENCE_S:g} s; start some, and the same command goes on: "
                    "what was read is kept"
                ) from None
            return done


def _expect_address(address: str) -> None:
    """Refuse an address that no scheduler can have: a client given one needs 20 s to end."""
    try:
        scheme, place = parse_address(address)
        host, port = parse_host_port(place)
    except ValueError:
        scheme, host, port = "", "", 0
    if scheme not in backends or not host or not 0 < port < 2**16:
        raise ClusterError(
            f"--dask {printable(address)}: expected an address like tcp://HOST:8786; "
            "dask scheduler says its own when it starts"
        )


class _Guards(WorkerPlugin):
    """The processes, on each worker, that do its tasks. Workers that join later get them too."""

    def __init__(self, time_limit_s: float, memory_limit_mb: int, name: str) -> None:
        self.name = name
        self._limits = (time_limit_s, memory_limit_mb)
        self.workers: Workers | None = None

    def setup(self, worker: Any) -> None:
        # A nanny forbids its worker to have children; ours end with it.
        multiprocessing.current_process().daemon = False
        forks.start()
        self.workers = Workers(worker.state.nthreads, *self._limits)

    def teardown(self, worker: Any) -> None:  # noqa: ARG002 - as dask calls it
        if self.workers is not None:
            self.workers.stop()


def _on_worker(
    guards: str,
    theirs: tuple[str, ...],
    function: Callable[[Any], Any],
    items: list[Any],
    at_once: int,
) -> list[Any]:
    """Do one task on a dask worker: `function` of each item, or why it failed."""
    if theirs != (ours := _versions()):
        differ = [
            f"{name} {here} (expected {there})"
            for name, here, there in zip(_MUST_AGREE, ours, theirs, strict=True)
            if here != there
        ]
        raise ClusterError(
            f"worker {get_worker().address} has {', '.join(differ)}: its part of the corpus might "
            "differ; install the same versions on every machine"
        )
    workers: Any = cast("_Guards", get_worker().plugins[guards]).workers
    return list(workers.map(function, items, at_once))


@cache
def _versions() -> tuple[str, ...]:
    return tuple(map(version, _MUST_AGREE))


def _packed(item: Any) -> Any:
    """`item` together with the contents of its file on this machine."""
    if not isinstance(item, FileTask):
        return item
    try:
        content = item.path.read_bytes()
    except OSError as error:
        return _Sent(item, unread=f"cannot be opened: {error.strerror}")
    if item.is_score:
        return _Sent(item, score=content)
    return replace(item, content=content)


def _unpacked(function: Callable[[Any], Any], item: Any) -> Any:
    """`function` of an item that `_packed` made, on any machine."""
    if not isinstance(item, _Sent):
        return function(item)
    if item.unread:
        raise LimitError(item.unread)
    task = item.task
    with tempfile.TemporaryDirectory(prefix="jamd-") as folder:
        # music21 goes by the suffix; the rest of the name might be invalid on this system.
        path = (Path(folder) / "file").with_suffix(task.path.suffix)
        path.write_bytes(item.score)
        try:
            return function(replace(task, path=path))
        except SourceError as error:  # name the file as the user does
            raise type(error)(str(error).replace(str(path), str(task.path))) from error
