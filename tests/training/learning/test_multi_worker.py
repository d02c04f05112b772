"""Two workers on loopback learn what one machine learns; one that dies ends the other."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jamd.cli import main
from jamd.training.corpus import Corpus
from jamd.training.learning import lessons

pytestmark = pytest.mark.train

MakeGrid = Callable[[str], Corpus]

CLIP_NORM = 0.02
"""Far less than the gradients here, so that what is summed must be summed before it is cut."""

JAMD = "import sys; from jamd.cli import main; sys.exit(main(sys.argv[1:]))"
# A shell that runs the tests in its background lets them ignore SIGINT.
IN_FRONT = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {JAMD}"
CLIPPING = f"from jamd.training.learning import lessons; lessons.CLIP_NORM = {CLIP_NORM}; {JAMD}"
SMALL = [
    *("--preset", "tiny", "--units", "12", "--batch", "4", "--window", "16", "--dropout", "0"),
    *("--precision", "float32"),  # the rest is rounded otherwise when the rows are shared out
]


@contextmanager
def two_workers(
    program: str, corpus: Path, run: Path, *more: str
) -> Iterator[list[subprocess.Popen[str]]]:
    """The same command on two machines, which are both this one; none outlives the test."""
    with socket.socket() as one, socket.socket() as other:
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{free.getsockname()[1]}" for free in (one, other)]
    workers = []
    for index in range(2):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        # Only the chief's folder is to become a run.
        output = run if index == 0 else run.with_name("nothing")
        command = [sys.executable, "-c", program, "train", str(corpus), "-o", str(output), *more]
        workers.append(
            subprocess.Popen(
                command,
                env=os.environ | {"TF_CONFIG": json.dumps(task), "CUDA_VISIBLE_DEVICES": ""},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_who_waits_for_the_others_can_be_interrupted(grid_corpus: MakeGrid, tmp_path: Path) -> None:
    corpus = grid_corpus("jazz").path
    with two_workers(IN_FRONT, corpus, tmp_path / "run", *SMALL) as (chief, other):
        other.kill()  # before it can have joined: TensorFlow takes seconds to load
        assert chief.stderr is not None
        assert chief.stderr.readline().startswith("waiting for the other workers")
        chief.send_signal(signal.SIGINT)
        assert chief.wait() == -signal.SIGINT


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_who_trains_with_others_can_be_terminated(grid_corpus: MakeGrid, tmp_path: Path) -> None:
    corpus = grid_corpus("jazz").path
    endless = ("--epochs", "100000")
    with two_workers(JAMD, corpus, tmp_path / "run", *SMALL, *endless) as (chief, _):
        assert chief.stdout is not None
        assert chief.stdout.readline().startswith("epoch 1:")
        chief.send_signal(signal.SIGTERM)
        assert chief.wait() == 128 + signal.SIGTERM


def test_rows_that_cannot_be_shared_out_leave_no_run(grid_corpus: MakeGrid, tmp_path: Path) -> None:
    corpus, run = grid_corpus("jazz").path, tmp_path / "run"
    with two_workers(JAMD, corpus, run, *SMALL, "--batch", "3") as workers:
        for worker in workers:
            _, errors = worker.communicate()
            assert worker.returncode == 2
            assert errors.strip().splitlines()[-1].endswith("found 3; choose another --batch")
    assert not run.exists()


def losses(run: Path) -> list[tuple[float, float]]:
    history = json.loads((run / "history.json").read_text(encoding="utf-8"))
    return [(item["training"]["loss"], item["held_out"]["loss"]) for item in history]


def test_two_workers_learn_what_one_does_and_the_death_of_one_ends_the_other(
    grid_corpus: MakeGrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "CLIP_NORM", CLIP_NORM)
    corpus, alone, run = grid_corpus("jazz").path, tmp_path / "alone", tmp_path / "run"
    with two_workers(CLIPPING, corpus, run, *SMALL, "--epochs", "2") as (chief, other):
        assert main(["train", str(corpus), "-o", str(alone), *SMALL, "--epochs", "2"]) == 0
        shown, errors = chief.communicate()
        quiet, _ = other.communicate()
    assert (chief.returncode, other.returncode) == (0, 0), errors
    assert "epoch 2: 100%" in shown
    assert quiet == "worker 2 of 2: the chief reports, and writes the run\n"
    assert not (tmp_path / "nothing").exists()
    for together, by_one in zip(losses(run), losses(alone), strict=True):
        assert together == pytest.approx(by_one, abs=1e-4)

    with two_workers(CLIPPING, corpus, run, "--epochs", "400") as (chief, other):
        assert chief.stdout is not None
        assert chief.stdout.readline().startswith("epoch 3:")
        other.send_signal(signal.SIGKILL)
        _, errors = chief.communicate()
    assert chief.returncode == 2
    assert errors.strip().splitlines()[-1].startswith("jamd: lost a worker of the cluster; start")
    assert "Traceback" not in errors
    assert len(losses(run)) >= 3
