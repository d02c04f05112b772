"""`jamd panic`, `status`, `set` and `press` reach a `jamd play` that is a process of its own."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from mido import MidiFile
from rehearsing import PLAY, kept, rows, started, until_shown
from waiting import until

from jamd.cli import main
from jamd.daemon.control.remote import ask
from jamd.daemon.takes.recorder import journal_of


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets there")
def test_it_answers_while_it_plays_and_a_panic_is_in_the_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with started(PLAY, tmp_path) as process:
        until_shown(process, "1.2.0")
        assert main(["status", "--pid", str(process.pid)]) == 0
        told = capsys.readouterr().out
        assert "100 bpm (set)" in told
        assert "listens to  the rehearsal room" in told
        assert main(["panic", "--pid", str(process.pid)]) == 0
        process.send_signal(signal.SIGUSR1)
        until(lambda: kept(tmp_path, "Panic") == 2, 60, "both panics")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
    with journal_of(next(tmp_path.glob("*.mid"))) as lines:
        assert sum("Panic" in line for line in lines) == 2
    assert main(["status", "--pid", str(process.pid)]) == 2, "it is gone"


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets there")
def test_what_is_set_while_it_plays_is_in_its_status_and_its_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with started(PLAY, tmp_path) as process:
        until_shown(process, "1.2.0")
        pid = ["--pid", str(process.pid)]
        assert main(["set", "temperature", "1.2", *pid]) == 0
        assert main(["set", "mode", "endless", *pid]) == 0
        until(lambda: kept(tmp_path, '"Adjusted"'), 60, "the new temperature")
        assert ask("set temperature 9", process.pid).given[process.pid] == {
            "error": "temperature: expected a number from 0.05 to 2.0; found 9"
        }
        both = {"temperature 1.2", "mode        endless"}  # set by one command each
        until(lambda: both <= {*rows(process.pid)}, 60, "the status")
        assert main(["status", *pid]) == 0
        told = capsys.readouterr().out
        assert "  temperature 1.2\n" in told
        assert "  mode        endless\n" in told
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    (take,) = tmp_path.glob("*.mid")
    cues = [m.text for m in MidiFile(take).tracks[0] if m.type == "cue_marker"]
    assert cues == ["temperature 1.2"]
    assert main(["replay", str(take)]) == 0, "the same, bit for bit"


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets there")
def test_what_is_pressed_while_it_plays_is_done_and_in_its_take(tmp_path: Path) -> None:
    with started(PLAY, tmp_path) as process:
        until_shown(process, "1.2.0")
        for action in ("next_mode", "your_turn"):
            assert main(["press", action, "--pid", str(process.pid)]) == 0
        until(lambda: "mode        endless" in rows(process.pid), 60, "the mode")
        until(lambda: kept(tmp_path, '"ControlUsed"') == 2, 60, "both controls")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    (take,) = tmp_path.glob("*.mid")
    cues = [m.text for m in MidiFile(take).tracks[0] if m.type == "cue_marker"]
    assert cues == ["control: next mode", "control: your turn"]
    assert main(["replay", str(take)]) == 0, "the same, bit for bit"


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets there")
def test_it_says_why_no_command_can_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / ("long" * 40)
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    short = PLAY.replace("'play', ", "'play', '--bpm', '400', '--bars', '1', ")
    with started(short, tmp_path / "takes") as process:
        told, _ = process.communicate(timeout=60)
    assert "cannot reach this one: AF_UNIX path too long.\n" in told
