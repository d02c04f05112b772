"""The worker process: answers, restarts, hand-overs. Real processes, a small model.

Nothing here sleeps for a fixed time: `until` polls, up to a deadline.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from jamd.bundle.bundle import checksum
from jamd.daemon.events import Answered, Event, Failed, Judged, WorkerLost, WorkerReady
from jamd.daemon.model import providers, supervisor
from jamd.daemon.model.cuda import nvidia_driver
from jamd.daemon.model.providers import Trial, Verdicts
from jamd.daemon.model.requests import LikelihoodRequest, PlanRequest, Request
from jamd.daemon.model.supervisor import Supervisor
from jamd.daemon.model.wire import send
from jamd.daemon.model.worker import Load, Ready
from jamd.errors import UserError
from jamd.language import Context
from jamd.notes import Meter, Note, Tick

BUNDLE = Path(__file__).parents[2] / "fixtures" / "tiny-bundle"
BAR = Meter(4, 4).ticks_per_bar
PHRASE = tuple(Note(Tick(240 * i), 60 + i, 80, Tick(240)) for i in range(8))


def request(request_id: int, bars: int = 2, **changes: object) -> PlanRequest:
    context = Context(PHRASE, Tick(0), BAR, "combo")
    return PlanRequest(request_id, context, Tick(bars * BAR), **changes)  # type: ignore[arg-type]


class Bench:
    """A supervisor, and all that it has reported so far."""

    def __init__(self, bundle: Path = BUNDLE) -> None:
        self.supervisor = Supervisor(Load(bundle), time.monotonic())
        self.events: list[Event] = []
        self.start_s = 0.0

    def until(self, wanted: Callable[[], object], limit_s: float = 20) -> None:
        deadline = time.monotonic() + limit_s
        while not wanted():
            assert time.monotonic() < deadline, f"waited {limit_s} s; so far: {self.events}"
            time.sleep(0.001)
            self.events += self.supervisor.poll(time.monotonic())

    def ask(self, asked: Request) -> None:
        self.supervisor.ask(asked, time.monotonic())

    def done(self, request_id: int) -> bool:
        return any(
            isinstance(event, Answered) and event.planned.done and event.planned.id == request_id
            for event in self.events
        )

    def notes(self, request_id: int) -> list[Note]:
        return [
            note
            for event in self.events
            if isinstance(event, Answered) and event.planned.id == request_id
            for note in event.planned.notes
        ]


@pytest.fixture
def bench() -> Iterator[Bench]:
    began = time.monotonic()
    bench = Bench()
    bench.until(lambda: bench.supervisor.ready)
    bench.start_s = time.monotonic() - began
    yield bench
    bench.supervisor.close()


def test_it_says_what_it_runs_and_answers(bench: Bench) -> None:
    ready = bench.supervisor.ready
    assert ready is not None
    assert (ready.provider, ready.precision) == ("cpu", "float32")
    bench.ask(request(1))
    bench.until(lambda: bench.done(1))
    assert all(BAR <= note.onset < 2 * BAR for note in bench.notes(1))


def test_the_newest_request_wins(bench: Bench) -> None:
    bench.ask(request(1, bars=10_000, max_tokens=10**9))
    bench.until(lambda: bench.notes(1))
    bench.ask(request(2))
    bench.until(lambda: bench.done(2))
    assert not bench.done(1)


def test_it_says_how_likely_a_phrase_is_and_goes_on(bench: Bench) -> None:
    context = request(1).context
    bench.ask(LikelihoodRequest(1, context, (Tick(0), Tick(480)), ("combo", "song")))
    bench.until(lambda: any(isinstance(event, Judged) for event in bench.events))
    (judged,) = (event.likelihoods for event in bench.events if isinstance(event, Judged))
    assert judged.id == 1
    assert len(judged.nats) == 2
    bench.ask(request(2))
    bench.until(lambda: bench.done(2))


def test_killed_it_comes_back_and_answers_the_same(bench: Bench) -> None:
    bench.ask(request(1))
    bench.until(lambda: bench.done(1))
    before, pid = bench.notes(1), bench.supervisor.pid
    bench.events.clear()

    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    bench.until(lambda: WorkerReady() in bench.events)
    # Within 2 s; on a machine so busy that the first start took longer, in about the same time.
    assert time.monotonic() - killed < max(2, 4 * bench.start_s)
    assert bench.events == [WorkerLost(), WorkerReady()]

    bench.events.clear()
    bench.ask(request(1))
    bench.until(lambda: bench.done(1))
    assert bench.notes(1) == before
    assert bench.supervisor.pid != pid


def test_where_none_can_be_started_it_is_tried_again(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "no worker can be started on CPU: No such file or directory"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))  # its environment was replaced
    bench.supervisor.try_rival(Load(BUNDLE))
    assert bench.supervisor.poll_rival() is None
    assert bench.supervisor.faults == [told], "the second worker is not missed"

    bench.supervisor.faults.clear()
    os.kill(bench.supervisor.pid or 0, signal.SIGKILL)
    bench.until(lambda: len(bench.supervisor.faults) == 3)
    assert bench.supervisor.faults == ["the worker ended; starting another", told, told]
    monkeypatch.undo()
    bench.until(lambda: bench.supervisor.ready)


def test_one_that_hangs_is_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "ANSWER_LIMIT_S", 0.2)
    pid = bench.supervisor.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    bench.ask(request(1))
    bench.until(lambda: WorkerLost() in bench.events)
    monkeypatch.undo()
    bench.until(lambda: bench.supervisor.ready)
    assert bench.supervisor.pid != pid


def test_a_hung_worker_does_not_stop_the_front(bench: Bench) -> None:
    pid = bench.supervisor.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    before = time.monotonic()
    for i in range(1000):  # far more than a pipe holds
        bench.ask(request(i + 1))
    assert time.monotonic() - before < 1


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signals_are_for_the_front(bench: Bench, name: str) -> None:
    pid = bench.supervisor.pid
    assert pid is not None
    os.kill(pid, getattr(signal, name))
    bench.ask(request(1))
    bench.until(lambda: bench.done(1))
    assert bench.supervisor.pid == pid


def test_it_leaves_with_a_front_that_is_killed_in_the_middle_of_a_request(bench: Bench) -> None:
    process = bench.supervisor._process
    assert process is not None
    worker = process._popen
    assert worker.stdin is not None
    message = BytesIO()
    send(request(1), message)
    worker.stdin.write(message.getvalue()[:-1])
    worker.stdin.close()
    assert worker.wait(20) == 0


def test_a_request_that_cannot_be_answered_is_not_the_end(bench: Bench) -> None:
    bench.ask(PlanRequest(2, None, Tick(0)))  # type: ignore[arg-type]
    bench.until(lambda: Failed(2) in bench.events)
    assert "NoneType" in bench.supervisor.faults[-1]
    bench.ask(request(3))
    bench.until(lambda: bench.done(3))


def test_a_python_that_would_wait_for_a_worker_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "set_blocking")  # as on Windows before Python 3.12
    with pytest.raises(UserError, match=r"expected Python 3\.12, .* found 3\."):
        Bench()


def test_a_bundle_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "none")
    try:
        bench.until(lambda: bench.supervisor.refused)
    finally:
        bench.supervisor.close()
    assert "expected a bundle's folder" in str(bench.supervisor.refused)
    assert bench.supervisor.faults == [], "one reason is enough, and no other worker is started"
    assert bench.supervisor.pid is None


def test_a_graph_that_the_runtime_cannot_read_is_refused_too(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(BUNDLE, folder)
    graph, manifest = folder / "model.onnx", folder / "manifest.json"
    old = checksum(graph.read_bytes())
    noise = bytes(graph.stat().st_size)
    graph.write_bytes(noise)
    manifest.write_text(manifest.read_text().replace(old, checksum(noise)))
    bench = Bench(folder)
    try:
        bench.until(lambda: bench.supervisor.refused)
    finally:
        bench.supervisor.close()
    assert "\n" not in str(bench.supervisor.refused)


def test_a_bundle_lost_in_the_middle_of_a_jam_is_not_refused_for_good(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(BUNDLE, folder)
    bench = Bench(folder)
    try:
        bench.until(lambda: bench.supervisor.ready)
        folder.rename(tmp_path / "elsewhere")
        os.kill(bench.supervisor.pid or 0, signal.SIGKILL)
        bench.until(lambda: len(bench.supervisor.faults) > 1)
        (tmp_path / "elsewhere").rename(folder)
        bench.until(lambda: bench.supervisor.ready)
    finally:
        bench.supervisor.close()
    assert bench.supervisor.refused is None
    assert "cannot load the model any more" in bench.supervisor.faults[1]


def trial(bench: Bench, file: Path, monkeypatch: pytest.MonkeyPatch, worth_it: float) -> Trial:
    """A second worker on the CPU stands in for the rival provider."""
    monkeypatch.setattr(providers, "WORTH_IT", worth_it)
    return Trial(bench.supervisor, Load(BUNDLE), "driver 1, bundle 1", Verdicts(file))


def collect(news: list[str], auto: Trial) -> bool:
    news += auto.tend()
    return bool(news)


def test_a_quicker_rival_takes_over_at_a_bar_line(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench.supervisor.pid
    auto = trial(bench, tmp_path / "verdicts.json", monkeypatch, worth_it=1e9)
    assert auto.bar_line() == []
    bench.until(lambda: auto.tend() or auto._won)
    assert bench.supervisor.pid == first, "only a bar line changes it over"

    bench.ask(request(1))
    assert auto.bar_line() == [], "not while something is asked"
    bench.until(lambda: bench.done(1))
    (news,) = auto.bar_line()
    assert news.startswith("now on the CPU (float32")
    assert bench.supervisor.pid != first
    bench.ask(request(2))
    bench.until(lambda: bench.done(2))
    assert WorkerLost() not in bench.events

    bench.events.clear()
    os.kill(bench.supervisor.pid or 0, signal.SIGKILL)
    bench.until(lambda: WorkerReady() in bench.events)
    assert bench.supervisor.faults == ["the worker ended; starting another on CPU"]


def test_a_worker_that_is_lost_before_the_bar_line_is_replaced_before_a_rival_takes_over(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto = trial(bench, tmp_path / "verdicts.json", monkeypatch, worth_it=1e9)
    bench.until(lambda: auto.tend() or auto._won)
    bench.events.clear()
    os.kill(bench.supervisor.pid or 0, signal.SIGKILL)
    bench.until(lambda: WorkerLost() in bench.events)
    bench.until(auto.bar_line)
    assert bench.events == [WorkerLost(), WorkerReady()], "without the second it asks for nothing"
    bench.ask(request(1))
    bench.until(lambda: bench.done(1))


def test_a_slower_rival_is_sent_away_and_not_tried_again(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cache" / "verdicts.json"
    auto = trial(bench, file, monkeypatch, worth_it=0)
    news: list[str] = []
    bench.until(lambda: collect(news, auto))
    assert news[0].startswith("stays on the CPU, measured a token: cpu ")
    first = bench.supervisor.pid
    assert auto.bar_line() == []
    assert bench.supervisor.pid == first

    monkeypatch.setattr(bench.supervisor, "try_rival", None)  # not even started again
    assert trial(bench, file, monkeypatch, worth_it=0).tend() == news


def test_a_rival_that_cannot_load_changes_nothing(bench: Bench, tmp_path: Path) -> None:
    auto = Trial(bench.supervisor, Load(BUNDLE, "cuda"), "subject", Verdicts(tmp_path / "v.json"))
    news: list[str] = []
    bench.until(lambda: collect(news, auto), 60)
    if nvidia_driver() is None:
        assert news == ["stays on the CPU: there is no NVIDIA driver on this machine"]
    assert isinstance(bench.supervisor.ready, Ready)


def test_a_damaged_cache_holds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "verdicts.json"
    for damage in ("", "[1]", '{"key": 5}', '{"key": {"cpu": "5"}}', "\0"):
        file.write_text(damage)
        assert Verdicts(file).find("key") is None
    Verdicts(file).keep("key", {"cpu": 5})
    assert Verdicts(file).find("key") == {"cpu": 5}


def test_the_driver_is_found_by_its_file(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("a file of another name there")
    none = tmp_path / "none"
    assert nvidia_driver(none, none) is None
    (tmp_path / "libcuda.so.1").touch()
    assert nvidia_driver(none, tmp_path / "libcuda.so.1"), "as in WSL2"
    (tmp_path / "version").write_text("NVRM version: 580.1\n")
    assert nvidia_driver(tmp_path / "version") == "NVRM version: 580.1"
