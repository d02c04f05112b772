"""`jamd panic`, `status`, `set` and `press` reach this user's running jamds, and nothing else."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jamd.cli import main
from jamd.daemon.control import remote
from jamd.daemon.control.controls import Action
from jamd.daemon.control.remote import PANIC, STATUS, Remote, ask
from jamd.daemon.events import Adjust, Event, Mode, Press, SetMode, SetTempo
from jamd.daemon.ports.connections import Connected
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.watch import answer
from jamd.errors import UserError
from jamd.notes import Meter

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets there")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder for this test only."""
    path = tmp_path / "run"
    monkeypatch.setattr("platformdirs.user_runtime_path", lambda *_, **__: path)
    return path


class Jamd:
    """Somebody who answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.threads: set[str] = set()
        self.remote = Remote(self._answer)

    def _answer(self, command: str) -> object:
        self.asked.append(command)
        self.threads.add(threading.current_thread().name)
        if command in ("set mode off", "press off"):
            return {"error": "mode: no\x1b"}
        return {"bar": 3, "rows": ["place  bar 3.2"]} if command == STATUS else {}


@pytest.fixture
def jamd() -> Iterator[Jamd]:
    one = Jamd()
    yield one
    one.remote.close()


def test_a_command_reaches_the_one_that_plays(jamd: Jamd, folder: Path) -> None:
    assert ask(STATUS).given == {os.getpid(): {"bar": 3, "rows": ["place  bar 3.2"]}}
    assert ask(PANIC, os.getpid()).given == {os.getpid(): {}}
    assert jamd.asked == [STATUS, PANIC]
    assert jamd.threads == {"remote"}


def test_nobody_else_can_reach_it(jamd: Jamd, folder: Path) -> None:
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    with pytest.raises(PermissionError):
        ask(STATUS)
    folder.chmod(0o700)


def test_nonsense_and_silence_do_not_stop_it(jamd: Jamd, folder: Path) -> None:
    (path,) = folder.iterdir()
    for said in (b"", b"\xff" * 1000, b"stat"):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(path))
            line.sendall(said)
    assert ask(STATUS).given


def test_without_one_that_plays_a_line_says_so(folder: Path) -> None:
    with pytest.raises(UserError, match=f"found none in {folder}: `jamd play` starts one"):
        ask(PANIC)
    with pytest.raises(UserError, match="as process 1, found none"):
        ask(PANIC, 1)


def test_one_that_is_there_and_does_not_answer_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(remote, "PATIENCE_S", 0.05)
    remote.folder()
    with socket.socket(socket.AF_UNIX) as stopped:
        stopped.bind(str(folder / "7.sock"))
        stopped.listen()
        assert main(["panic"]) == 2
        assert "found a jamd that gives none, process 7: where" in capsys.readouterr().err
        one = Jamd()
        assert main(["panic"]) == 2
        assert one.asked == [PANIC], "the others end their notes all the same"
        assert main(["status"]) == 2
        said = capsys.readouterr()
        assert said.out.startswith(f"jamd, process {os.getpid()}\n")
        assert said.err.count("gives none, process 7: where") == 2
        one.remote.close()


def test_what_a_killed_one_left_behind_goes(folder: Path) -> None:
    remote.folder()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / f"{os.getpid()}.sock"))
    with pytest.raises(UserError):
        ask(STATUS)
    assert not list(folder.iterdir())
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / f"{os.getpid()}.sock"))
    Jamd().remote.close()
    assert not list(folder.iterdir())


def test_the_commands(jamd: Jamd, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["panic"]) == 0
    assert jamd.asked == [PANIC]
    assert capsys.readouterr().out == ""
    assert main(["status"]) == 0
    assert capsys.readouterr().out == f"jamd, process {os.getpid()}\n  place  bar 3.2\n"
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"pid": os.getpid(), "bar": 3}
    assert main(["status", "--pid", "1"]) == 2


def test_a_setting_reaches_the_one_that_plays(
    jamd: Jamd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["set", "temperature", " 1.25"]) == 0
    assert main(["set", "bpm", "92", "--pid", str(os.getpid())]) == 0
    assert main(["set", "style", "piano"]) == 0
    assert jamd.asked == ["set temperature 1.25", "set bpm 92.0", "set style piano"]
    jamd.asked.clear()
    for name, value in (("trade", "4"), ("yield", "now"), ("swing", "62"), ("swing", "off")):
        assert main(["set", name, value]) == 0
    assert jamd.asked == ["set trade 4", "set yield now", "set swing 62.0", "set swing off"]
    assert capsys.readouterr() == ("", "")
    assert main(["set", "mode", "off"]) == 2
    assert capsys.readouterr().err == f"jamd: process {os.getpid()}: mode: no\\x1b\n"


def test_an_action_reaches_the_one_that_plays(
    jamd: Jamd, capsys: pytest.CaptureFixture[str]
) -> None:
    actions = [action for action in Action if action is not Action.SONG]
    for action in actions:
        assert (main(["press", action.value]) == 0) is (action is not Action.OFF)
    assert main(["press", "tap", "--pid", str(os.getpid())]) == 0
    assert jamd.asked == [*(f"press {action.value}" for action in actions), "press tap"]
    assert capsys.readouterr() == ("", f"jamd: process {os.getpid()}: mode: no\\x1b\n")
    assert main(["press", "tap", "--pid", "1"]) == 2
    assert "as process 1, found none" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["", "your turn", "yourturn", "Tap", "tap\n"])
def test_what_is_no_action_is_not_sent(
    jamd: Jamd, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["press", action]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("jamd: argument ACTION: expected one of your_turn, again, tap, ")
    assert jamd.asked == []


def test_the_help_lists_the_actions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["press", "--help"])
    told = capsys.readouterr().out.splitlines()
    listed = told[told.index("actions:") + 1 :]
    actions = {action.value for action in Action}
    assert {line.split()[0] for line in listed} == actions - {"song"}, "`jamd song` does that"
    assert "  your_turn      your phrase is over: hand the turn to jamd" in listed


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("temperature", "9", "temperature: expected a number from 0.05 to 2.0; found 9"),
        ("temperature", "-1", "temperature: expected a number from 0.05 to 2.0; found -1"),
        ("in_key", "nan", "in_key: expected a number from 0.0 to 0.99; found NaN"),
        ("parts", "both lead", 'parts: expected one of "both", "lead", "comp"; found "both lead"'),
        (
            "polyphony",
            "4",
            "expected a setting to change, one of temperature, memory, density, in_key",
        ),
        ("trade", "3", "trade: expected one of 0, 2, 4, 8 (bars); found 3"),
        ("trade", "4.0", "trade: expected one of 0, 2, 4, 8 (bars); found 4.0"),
        (
            "swing",
            "on",
            'swing: expected "player", "off" or a number from 50.0 to 75.0 (percent); found "on"',
        ),
    ],
)
def test_what_is_not_legal_is_not_sent(
    jamd: Jamd, name: str, value: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["set", name, value]) == 2
    assert capsys.readouterr().err.startswith(f"jamd: {told}")
    assert jamd.asked == []


def test_the_help_lists_what_can_be_set(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["set", "--help"])
    told = capsys.readouterr().out.splitlines()
    assert "  temperature  a number from 0.05 to 2.0" in told
    assert '  mode         one of "answer", "endless", "off"' in told


def test_a_chart_reaches_it_on_one_line_however_it_is_written(jamd: Jamd) -> None:
    assert main(["set", "changes", "Dm7 G7 |\n CΔ | %"]) == 0
    assert main(["set", "changes", ""]) == 0
    assert jamd.asked == ["set changes Dm7 G7 | CΔ | CΔ", "set changes "]


def test_whatever_comes_in_is_checked_where_it_is_to_be_set() -> None:
    told: list[Event] = []
    playing = Session(Settings()).status(0.0)

    def said(command: str, language: str = "grid", **changes: bool) -> dict[str, object]:
        seen = replace(playing, **changes), Connected()  # type: ignore[arg-type]
        return answer(command, seen, told.append, Meter(3, 4), language)

    unknown = "", "sat", "set", "set bpm", "set bpm 1 2", "set bpm  90", "status now"
    for line in (*unknown, "press", "press ", "press it", "press tap tap", "press TAP"):
        refusal = str(said(line)["error"])
        assert refusal.startswith("expected a command that this jamd knows, panic, status, song ")
        assert "press with your_turn, " in refusal
        assert refusal.endswith(f"; found {line!r}")
    assert len(str(said("x" * 9999)["error"])) < 300
    assert said("set bpm 9") == {
        "error": "bpm: expected a number from 20.0 to 400.0 (quarter notes a minute); found 9"
    }
    assert "error" in said("set style disco\ufffd")
    assert "error" in said("set __class__ 1")
    assert said("set bpm 90", from_clock=True) == {
        "error": "bpm: expected a tempo of jamd's own; found that of a MIDI clock"
    }
    assert said("set changes C F G C") == {
        "error": "changes: expected at most 3 chords in a bar of 3/4; found 4"
    }
    assert "write B for H" in str(said("set changes C | H7")["error"])
    assert "expected a model that knows chords" in str(said("set changes C", "article")["error"])
    assert told == []
    assert said("set changes ", "article") == {}
    told.clear()
    assert said("set changes Dm7 G7 | C") == said("set changes ") == {}
    assert told == [Adjust("changes", "Dm7 G7 | C"), Adjust("changes", "")]
    told.clear()
    assert said("set bpm 90") == said("set mode off") == said("set memory 0") == {}
    assert told == [SetTempo(90.0), SetMode(Mode.OFF), Adjust("memory", 0.0)]
    told.clear()
    assert said("set trade 8") == said("set swing player") == said("set swing 60") == {}
    assert told == [Adjust("trade", 8), Adjust("swing", "player"), Adjust("swing", 60.0)]
    told.clear()
    assert said("press tap") == said("press your_turn") == {}
    assert told == [Press("tap"), Press("your_turn")]
    assert said("status")["settings"] == playing.settings
