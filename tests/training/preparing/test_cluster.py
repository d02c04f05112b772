"""A dask cluster makes the corpus that one machine makes, whatever dies on the way."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from distributed import LocalCluster

from jamd.cli import main
from jamd.training.preparing import cluster
from jamd.training.preparing.cluster import Cluster, ClusterError
from jamd.training.preparing.prepare import Options, prepare
from jamd.training.preparing.worker_pool import LimitError

pytestmark = pytest.mark.train

HOSTILE = Path(__file__).parents[1] / "hostile"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def start_dask(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def local_cluster(workers: int) -> LocalCluster:
    """A scheduler and so many workers, each a process of its own with a nanny."""
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    )


@pytest.fixture(scope="module")
def two_workers() -> Iterator[LocalCluster]:
    """A cluster that the tests share."""
    with local_cluster(2) as local:
        yield local


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Good files and bad ones, and one that another reader reads."""
    folder = tmp_path / "music"
    folder.mkdir()
    for i, path in enumerate(sorted(HOSTILE.glob("*.mid"))):
        if path.stat().st_size < 20_000:
            shutil.copy(path, folder / f"{i}.mid")
    (folder / "a.abc").write_text("X:1\nT:x\nM:3/4\nL:1/4\nK:G\nGAB|cde|\n", encoding="utf-8")
    (folder / "b.xml").write_text("<a/>", encoding="utf-8")
    return folder


def same(one: Path, other: Path) -> bool:
    return all(
        (one / name).read_bytes() == (other / name).read_bytes()
        for name in ("corpus.json", "tokens.npy")
    )


def kill_a_busy_worker(local: LocalCluster) -> int:
    """Kill -9 the process of a worker that has tasks."""
    assert local.scheduler is not None
    tasks = local.scheduler.workers.values()
    busy = next(worker for worker in tasks if worker.processing)
    nanny = next(item for item in local.workers.values() if item.worker_address == busy.address)
    pid: int = nanny.pid
    os.kill(pid, signal.SIGKILL)
    return pid


def test_a_worker_killed_on_the_way_costs_nothing(
    two_workers: LocalCluster, music: Path, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill(step: str, done: int, of: int) -> None:
        if not killed:
            killed.append(kill_a_busy_worker(two_workers))

    options = Options(join_bars=8)
    prepare([str(music)], tmp_path / "alone", options)
    dask = Options(join_bars=8, dask=two_workers.scheduler_address)
    report = prepare([str(music)], tmp_path / "together", dask, kill)
    assert killed
    assert report.files > 60
    assert same(tmp_path / "alone", tmp_path / "together")


def test_limits_hold_on_the_workers(two_workers: LocalCluster) -> None:
    with Cluster(two_workers.scheduler_address, 0.5, 256) as workers:
        slow, quick = workers.map(time.sleep, [3600, 0], at_once=2)
        assert isinstance(slow, LimitError)
        assert str(slow) == "took longer than 0.5 s"
        assert quick is None
        large, small = workers.map(bytearray, [2**30, 2])
        assert str(large) == "took more than 256 MB of memory"
        assert small == bytearray(2)
        dead, alive = workers.map(os._exit, [3]), workers.map(abs, [-1])
        assert [str(result).partition(" (")[0] for result in dead] == ["its reader died"]
        assert list(alive) == [1]


def test_nobody_at_the_address_is_one_line(
    music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.2)
    address = f"tcp://127.0.0.1:{free_port()}"
    command = ["prepare", str(music), "-o", str(tmp_path / "corpus"), "--dask", address]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert line.startswith(f"jamd: --dask {address}: expected a dask scheduler there, found none")
    gc.collect()  # the client that failed ends itself, and not amid the start of the next


@pytest.mark.parametrize(
    "wrong",
    ["nonsense", "tcp://", "tcp://host", "tpc://host:8786", "host:port", "tcp://host:99999"],
)
def test_what_is_no_address_is_asked_for_by_nobody(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "Client", None)
    with pytest.raises(ClusterError, match=f"^--dask {wrong}: expected an address like tcp://HOST"):
        Cluster(wrong, 1, 256)


def test_a_cluster_without_workers_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.2)
    with (
        local_cluster(0) as empty,
        pytest.raises(ClusterError, match="expected workers, found none; start some with"),
    ):
        Cluster(empty.scheduler_address, 1, 256)


def test_a_scheduler_that_goes_away_is_told(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read until then is kept, and the next run goes on from there."""
    monkeypatch.setattr(cluster, "CONNECT_S", 60.0)
    address = f"tcp://127.0.0.1:{free_port()}"
    scheduler = start_dask("scheduler", "--port", address.rpartition(":")[2])
    worker = start_dask("worker", address, "--no-nanny", "--nthreads", "1")
    try:

        def kill(step: str, done: int, of: int) -> None:
            scheduler.kill()

        with pytest.raises(ClusterError, match="lost the scheduler; when it is back"):
            prepare([str(music)], tmp_path / "corpus", Options(dask=address), kill)
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()
    assert prepare([str(music)], tmp_path / "corpus", Options(jobs=1)).reused > 0


def test_other_versions_on_a_worker_are_refused(
    two_workers: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_versions", lambda: ("0", "0", "0", "0"))
    with (
        Cluster(two_workers.scheduler_address, 5, 256) as workers,
        pytest.raises(ClusterError, match=r"has jamd .* \(expected 0\), music21"),
    ):
        list(workers.map(abs, [1]))


def test_nothing_is_left_running(two_workers: LocalCluster) -> None:
    with Cluster(two_workers.scheduler_address, 5, 256) as workers:
        assert list(workers.map(abs, [-1])) == [1]
    for nanny in two_workers.workers.values():
        names = [" ".join(child.cmdline()) for child in psutil.Process(nanny.pid).children(True)]
        assert not [name for name in names if "jamd" in name and "main(" not in name]
