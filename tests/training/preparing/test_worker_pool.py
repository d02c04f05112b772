"""Tasks that hang, die or take too much memory end alone, and the others are done."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from jamd.training.preparing.forks import PRELOAD
from jamd.training.preparing.worker_pool import LimitError, Workers

pytestmark = pytest.mark.train


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_reader_begins_with_its_modules_imported() -> None:
    with Workers(jobs=1, time_limit_s=20, memory_limit_mb=256) as workers:
        [imported] = workers.map(eval, ["{*__import__('sys').modules}"])
        assert isinstance(imported, set)
        assert set(PRELOAD) <= imported


def test_limits_end_a_task_and_the_next_one_is_done() -> None:
    with Workers(jobs=1, time_limit_s=0.2, memory_limit_mb=256) as workers:
        slow, quick = workers.map(time.sleep, [3600, 0])
        assert isinstance(slow, LimitError)
        assert str(slow) == "took longer than 0.2 s"
        assert quick is None


def test_what_was_handed_over_with_a_slow_task_is_done_all_the_same() -> None:
    with Workers(jobs=1, time_limit_s=0.2, memory_limit_mb=256) as workers:
        quick, slow, last = workers.map(time.sleep, [0, 3600, 0], at_once=3)
        assert isinstance(slow, LimitError)
        assert (quick, last) == (None, None)


def test_a_task_that_takes_too_much_memory_is_refused() -> None:
    with Workers(jobs=1, time_limit_s=20, memory_limit_mb=256) as workers:
        large, small = workers.map(bytearray, [2**30, 2])
        assert str(large) == "took more than 256 MB of memory"
        assert small == bytearray(2)


def test_a_reader_that_dies_is_replaced() -> None:
    with Workers(jobs=1, time_limit_s=20, memory_limit_mb=256) as workers:
        dead, alive = workers.map(os._exit, [3]), workers.map(abs, [-1])
        assert [str(result).partition(" (")[0] for result in dead] == ["its reader died"]
        assert list(alive) == [1]


def test_a_mistake_of_ours_is_raised_and_the_next_task_is_done() -> None:
    with Workers(jobs=1, time_limit_s=20, memory_limit_mb=256) as workers:
        with pytest.raises(AssertionError):
            list(workers.map(exec, ["assert False"]))
        assert list(workers.map(abs, [-1])) == [1]


def test_large_tasks_and_results_pass_each_other() -> None:
    large = [bytes([number]) * 2**20 for number in range(12)]
    with Workers(jobs=2, time_limit_s=20, memory_limit_mb=256) as workers:
        assert list(workers.map(bytes, large)) == large


def test_threads_may_share_workers_and_each_has_its_results_in_order() -> None:
    with Workers(jobs=2, time_limit_s=20, memory_limit_mb=256) as workers:

        def negated(start: int) -> list[object]:
            return list(workers.map(abs, range(start, start + 50), at_once=3))

        starts = [0, -100, 1000]
        with ThreadPoolExecutor() as threads:
            results = list(threads.map(negated, starts))
    assert results == [[abs(start + i) for i in range(50)] for start in starts]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no server where nothing can fork")
def test_workers_say_nothing_as_one_that_starts_when_its_command_ends_would() -> None:
    code = """
from jamd.training.preparing.worker_pool import Workers
with Workers(1, 20, 256) as workers:
    print(*workers.map(exec, ["import os; os.write(2, b'said')"]))
raise SystemExit("heard")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr.strip()) == ("None", "heard")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no server where nothing can fork")
def test_what_a_killed_command_started_ends_whatever_it_is_doing() -> None:
    code = """
from time import sleep
from jamd.training.preparing.worker_pool import Workers
with Workers(1, 3600, 256) as workers:
    for _ in workers.map(sleep, [0, 3600]):
        print(flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as command:
        assert command.stdout is not None
        command.stdout.readline()  # the first task is done
        started = psutil.Process(command.pid).children(recursive=True)
        command.kill()
    assert len(started) >= 2  # the worker, and what it was forked from
    _, left = psutil.wait_procs(started, timeout=10)
    assert not left
