"""Each measurement runs, at its smallest; what it measures is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import cycle, pairwise
from pathlib import Path

import psutil
import pytest

from jamd.bench import answering, lateness, memory, replan, startup
from jamd.bench.front import play, scripted, with_left_out
from jamd.bench.report import Row
from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle
from jamd.cli import main
from jamd.daemon.model.requests import PlanRequest
from jamd.daemon.timing.follower import BeatSource
from jamd.language import Context
from jamd.notes import TICKS_PER_STEP, Tick

BUNDLE = Path(__file__).parents[1] / "fixtures" / "tiny-bundle"


def measured(rows: list[Row]) -> list[str | None]:
    assert all(row.p50 is not None and row.p50 >= 0 for row in rows)
    assert all((row.ok is None) == (row.limit is None) for row in rows)
    return [row.beside for row in rows]


def test_the_script_continues_itself() -> None:
    def request(until: int, through: int) -> PlanRequest:
        return PlanRequest(1, Context((), Tick(0), Tick(until), "combo"), Tick(through))

    whole = scripted(request(0, 4000)).notes
    halves = [*scripted(request(0, 1930)).notes, *scripted(request(1930, 4000)).notes]
    assert list(whole) == halves
    edges = sorted({edge for note in whole for edge in (note.onset, note.end)})
    assert edges == [TICKS_PER_STEP * step for step in range(len(edges))]


def test_the_front_has_a_deadline_at_every_step() -> None:
    due = [seconds for seconds, _ in play(BUNDLE, 12)]
    assert [after - before for before, after in pairwise(due)] == pytest.approx([1 / 60] * 11)


def test_the_front_follows_the_sequencers_clock() -> None:
    due = [seconds for seconds, _ in play(BUNDLE, 60, BeatSource.MIDI)]
    assert due[-1] - due[0] == pytest.approx(59 / 60, abs=0.02)


def test_what_was_left_out_counts_as_late() -> None:
    played = [(0, 0.0, 0.001), (1, 1 / 60, 0.002), (4, 4 / 60, 0.003), (5, 5 / 60, 0.004)]
    filled = with_left_out(played)
    assert [seconds for seconds, _ in filled] == pytest.approx([i / 60 for i in range(6)])
    assert [late for _, late in filled] == [0.001, 0.002, 0.05, 0.05, 0.003, 0.004]


def test_a_rest_is_not_left_out() -> None:
    played = [(179, 0.0, 0.001), (192, 13 / 60, 0.002)]
    assert with_left_out(played) == [(0.0, 0.001), (13 / 60, 0.002)]


@pytest.mark.slow
def test_lateness() -> None:
    rows = list(lateness.rows(BUNDLE, blocks=1, clocked_blocks=1, deadlines=12))
    assert measured(rows) == 2 * ["bare process that sleeps", None, "bare process that sleeps"]
    assert [row.limit for row in rows] == 2 * ["<= 1.5", "p99 <= 3 ms", "max <= 10 ms"]


def test_one_block_in_which_a_message_is_very_late_is_not_hidden_by_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late_s = cycle([0.0001, 0.0122, 0.0001])

    def front(bundle: Path, deadlines: int, source: BeatSource) -> list[tuple[float, float]]:
        return [(float(i), 0.0001) for i in range(deadlines - 1)] + [(9999.0, next(late_s))]

    monkeypatch.setattr(lateness, "_front", front)
    monkeypatch.setattr(lateness, "_bare", lambda _, deadlines: [0.0001 for _ in deadlines])
    *_, latest = lateness.rows(BUNDLE, blocks=3, clocked_blocks=3)
    assert latest.name == "the latest message of all, following a clock, quiet machine"
    assert latest.p50 == pytest.approx(12.2)
    assert latest.ok is False


def test_a_replan() -> None:
    rows = list(replan.rows(Bundle.read(BUNDLE), rounds=2))
    assert measured(rows) == ["4 bars of memory", *["64 bars of memory"] * 2]


@pytest.mark.slow
@pytest.mark.train
def test_one_token() -> None:
    from jamd.bench import token

    rows = list(token.rows(Bundle.read(bundles.resolve("default")), rounds=20, keras_rounds=2))
    session, added, float32, cuda, predict, on_batch = rows
    assert added.beside is None
    assert float32.beside == "int8 on the CPU"
    assert cuda.beside == float32.beside or "CUDA: left out, there is no NVIDIA" in cuda.name
    assert measured([session, predict, on_batch]) == [
        "session.run alone, same session",
        "Keras predict, same weights",
        "Keras predict_on_batch, same weights",
    ]


@pytest.mark.slow
@pytest.mark.train
def test_preparing() -> None:
    from jamd.bench import preparing

    (row,) = preparing.rows(songs=2, limit_s=0.1, turns=2)
    assert measured([row]) == ["article's music21 loop, 2 files in turns"]


@pytest.mark.train
def test_a_folder_that_cannot_be_prepared_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--only", "prepare", "--midi", str(tmp_path)]) == 2
    *_, told = capsys.readouterr().err.splitlines()
    assert told.startswith("jamd: expected files of music (")


@pytest.mark.slow
@pytest.mark.train
def test_a_quick_try_of_preparing_judges_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--only", "prepare", "--quick", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["name"].endswith(" in 4 files")
    assert row["ratio"] > 0
    assert row["limit"] is row["ok"] is None


@pytest.mark.slow
@pytest.mark.train
def test_training() -> None:
    from jamd.bench import training

    (row,) = training.rows(songs=2, units=16, blocks=1, steps=1)
    (beside,) = measured([row])
    assert beside is not None
    assert beside.startswith("article's network and model.fit, ")


@pytest.mark.slow
@pytest.mark.needs("jackd")
def test_starting_and_memory_on_jack() -> None:
    rows = [*startup.rows(BUNDLE, runs=1), *memory.rows(BUNDLE, seconds=1.0)]
    assert measured(rows) == [None] * 4
    assert [row.name.rpartition(", ")[2] for row in rows[:3]] == ["JACK"] * 3


@pytest.mark.needs("jackd", "jack_wait", "setpriv")
def test_killed_it_leaves_no_server_and_no_daemon_behind() -> None:
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from jamd.bench.daemon import jack_server, playing\n"
        "with jack_server(), playing(Path(sys.argv[1])):\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(3600)\n"
    )
    command = [sys.executable, "-c", program, str(BUNDLE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bench:
        assert bench.stdout is not None
        assert bench.stdout.readline() == "ready\n"
        started = psutil.Process(bench.pid).children(recursive=True)
        assert "jackd" in [process.name() for process in started]
        bench.kill()

    def alive(process: psutil.Process) -> bool:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE

    deadline = time.monotonic() + 60
    while left := [process for process in started if alive(process)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.needs("jackd")
def test_an_answer_on_jack() -> None:
    rows = list(answering.rows(BUNDLE, turns=2))
    assert measured(rows) == [None, "bare python-rtmidi echo, from hearing a note"]
