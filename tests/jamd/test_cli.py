from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

import jamd
from jamd import cli
from jamd.errors import UserError
from jamd.interrupts import terminated_in_order


def jam(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("jamd"), *arguments],
        cwd=folder,
        text=True,
        capture_output=True,
        check=False,
    )


def test_the_version_is_the_packages_own(tmp_path: Path) -> None:
    done = jam("--version", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"jamd {jamd.__version__}\n")


def test_a_users_mistake_is_told_without_a_traceback_and_ends_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[transport]\nbmp = 90\nmeter = '5/4'\n")
    done = jam("config", folder=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "jamd: config.toml: transport.bmp: no such setting; did you mean transport.bpm?",
        (
            "jamd: config.toml: transport.meter: expected one of "
            '"2/4", "3/4", "4/4", "6/8"; found "5/4"'
        ),
    ]


def test_the_settings_in_force_are_printed_with_where_they_came_from(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[play]\nmode = 'endless'\n")
    done = jam("config", "--bpm", "92", folder=tmp_path)

    assert done.returncode == 0
    lines = [line.split("  # ") for line in done.stdout.splitlines() if "  # " in line]
    origins = {setting.strip(): origin for setting, origin in lines}
    assert origins['mode = "endless"'] == "config.toml"
    assert origins["bpm = 92.0"] == "--bpm"
    assert origins['meter = "4/4"'] == "default"


def test_a_setting_of_a_thousand_tables_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deep.toml").write_text(f"[play]\nmode{'.a' * 5000} = 1\n")
    assert cli.main(["config", "--config", str(tmp_path / "deep.toml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith('"answer", "endless", "off"; found tables in each other, too deep to show')


def run_raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    def run(args: object) -> int:
        raise error

    monkeypatch.setattr("jamd.commands.config.run", run)
    return cli.main(["config"])


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (UserError("expected a, found b"), 2, "jamd: expected a, found b\n"),
        (FileNotFoundError(2, "No such file or directory", "x.mid"), 2, "jamd: x.mid: No such "),
        (
            ModuleNotFoundError(name="keras.layers"),
            2,
            (
                "jamd: `jamd config` needs keras.layers, found none: pip install 'jamd[train]' "
                "(in a checkout: make setup)\n"
            ),
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_ends_a_command_decides_its_status(
    error: BaseException,
    status: int,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_raising(error, monkeypatch) == status
    assert capsys.readouterr().err.startswith(shown)


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        run_raising(ZeroDivisionError(), monkeypatch)
    with pytest.raises(ModuleNotFoundError):
        run_raising(ModuleNotFoundError(name="jamd.nonsense"), monkeypatch)
    with pytest.raises(OSError, match="no file was named"):
        run_raising(OSError("no file was named"), monkeypatch)


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    jamd_program = Path(sys.executable).with_name("jamd")
    with subprocess.Popen(
        [jamd_program, "config", "--default"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        writer.stdout.close()
        assert writer.stderr.read() == b""
    assert writer.returncode == 141


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in cli.COMMANDS:
        with pytest.raises(SystemExit) as left:
            cli.main([name, "--help"])
        assert left.value.code == 0
        assert f"usage: jamd {name}" in capsys.readouterr().out


def test_a_full_disk_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    assert run_raising(full, monkeypatch) == 2
    assert capsys.readouterr().err == "jamd: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a working folder cannot be removed there")
def test_a_working_folder_that_is_gone_is_told_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, phrase = tmp_path / "gone", Path(jamd.__file__).parent / "daemon" / "seeds" / "phrase.mid"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert cli.main(["roll", str(phrase), "-o", "a.svg"]) == 2
    told = capsys.readouterr().err
    assert told == "jamd: the working folder is gone: cd to one that exists\n"
    assert cli.main(["roll", str(phrase), "-o", str(tmp_path / "a.svg")]) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device there")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--version"], ["play", "--help"], ["config"], ["nope"]])
def test_what_cannot_be_written_ends_with_2_and_a_line_if_that_can(
    arguments: list[str], unbuffered: str, tmp_path: Path
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        for errors in (full, subprocess.PIPE):
            done = subprocess.run(
                [Path(sys.executable).with_name("jamd"), *arguments],
                cwd=tmp_path,
                env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
                text=True,
                stdout=full,
                stderr=errors,
                check=False,
            )
            assert done.returncode == 2
        assert done.stderr.startswith("jamd: ")
        assert done.stderr.count("\n") == 1


def test_a_terminal_that_cannot_write_a_flat_sign_is_no_end(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[midi]\ninput_name = "E♭"\n', encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("jamd"), "config"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'"E?"' in done.stdout


@pytest.mark.parametrize("bars", ["0", "-1", "x", "10001"])
def test_bars_that_cannot_be_played_are_refused(
    bars: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["play", "--bars", bars]) == 2
    assert capsys.readouterr().err == (
        f"jamd: argument --bars: expected 1..10000 bars; found {bars!r}: see `jamd play --help`\n"
    )


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], "the following arguments are required: COMMAND: see `jamd --help`"),
        (["nonsense"], "argument COMMAND: invalid choice: 'nonsense'"),
        (["generate", "default", "-o", "x.mid", "-n", "0"], "expected 1..100000 notes; found '0'"),
        (["status", "--pid", "x"], "argument --pid: expected a whole number; found 'x'"),
        (["panic", "--pid", "1.5"], "argument --pid: expected a whole number; found '1.5'"),
        (
            ["prepare", "x", "-o", "y", "--held-out", "nan"],
            "a share from 0 to below 1; found 'nan'",
        ),
        (["prepare", "x", "-o", "y", "--time-limit-s", "nan"], "a number above 0; found 'nan'"),
        (["prepare", "x", "-o", "y", "--memory-limit-mb", "0.5"], "1 or more; found '0.5'"),
        (["prepare", "x", "-o", "y", "--sample", "0"], "a whole number, 1 or more; found '0'"),
        (["prepare", "x", "-o", "y", "--join", "-3"], "a whole number, 0 or more; found '-3'"),
        (["train", "x", "--from", "default", "--join", "-3"], "0 or more; found '-3'"),
        (["train", "x", "-o", "y", "--epochs", "1.5"], "a whole number, 1 or more; found '1.5'"),
        (["train", "x", "-o", "y", "--minutes", "inf"], "a number above 0; found 'inf'"),
        (["recipe", "x", "-o", "y", "--minutes", "0"], "a number above 0; found '0'"),
        (["corpus", "x", "--top", "0"], "a whole number, 1 or more; found '0'"),
        (["compare", "x", "--most-tokens", "0"], "a whole number, 1 or more; found '0'"),
        (["evaluate", "x", "--most-tokens", "-1"], "a whole number, 1 or more; found '-1'"),
        (["export", "x", "-o", "y", "--figures", "-1"], "a whole number, 0 or more; found '-1'"),
        (["play", "--takes", ""], '--takes: expected the path of a folder, in quotes; found ""'),
        (["config", "--takes", "~nobody-here/x"], 'path of a folder, in quotes; found "~nobody'),
        (["train", "--takes", "~nobody-here/x"], "the path of a folder, in quotes; found '~n"),
        (["play", "--bundle", "~nobody-here/x"], "~nobody-here/x, found no such user: check the"),
        (
            ["play", "--density", "2"],
            "--density 2: set play.density in config.toml, or see `jamd play --help`",
        ),
        (["play", "--density=2"], "--density=2: set play.density in config.toml, or see "),
        (["play", "--nonsense"], "unrecognized arguments: --nonsense: see `jamd play --help`"),
        (["roll", "x.mid", "--density", "2"], "--density 2: see `jamd roll --help`"),
        (["roll", "x.mid", "-o", "x.svg", "y"], "unrecognized arguments: y: see `jamd roll"),
        (["config", "--default", "--bpm", "90"], "--bpm: expected no --default beside it"),
        (["config", "--default", "--config", "x"], "--config: expected no --default beside it"),
        (["corpus", "x", "--tokens", "-o", "x.png"], "--output: expected no --tokens beside it"),
        (["corpus", "x", "--tokens", "--top", "3"], "--top: expected no --tokens beside it"),
        (
            ["freewheel", "x.mid", "-o", "y.mid", "--scripted", "--bundle", "nope"],
            "--bundle: expected no --scripted beside it: leave one out",
        ),
        (["roll"], "the following arguments are required: FILE: see `jamd roll --help`"),
        (["measure", ""], "expected one of phrases, beat, pickups, answers, changes; found ''"),
        (["measure", "phrases", "--density", "nan"], "--density: expected a number from 0.0"),
    ],
)
def test_a_wrong_option_is_one_line(
    arguments: list[str], shown: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    told = capfd.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith("jamd: ")
    assert shown in told


@pytest.mark.parametrize(
    ("arguments", "name", "found"),
    [
        (["evaluate", "run", "--quick", "a", "--json", "b"], "files", ["a", "b"]),
        (["prepare", "a", "-o", "out", "b"], "sources", ["a", "b"]),
        (["train", "a", "-o", "out", "b"], "corpora", [Path("a"), Path("b")]),
        (["measure", "beat", "--json", "changes"], "name", ["beat", "changes"]),
    ],
)
def test_several_files_may_stand_on_both_sides_of_an_option(
    arguments: list[str], name: str, found: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Namespace] = []
    monkeypatch.setattr(f"jamd.commands.{arguments[0]}.run", given.append)
    cli.main(arguments)
    assert getattr(given[0], name) == found
    assert given[0].command == arguments[0]


@pytest.mark.parametrize(
    ("arguments", "which"),
    [
        (["prepare", "", "-o", ""], "SOURCE"),
        (["prepare", "x", "-o", ""], "-o/--output"),
        (["corpus", ""], "CORPUS"),
        (["train", "", "-o", "y"], "CORPUS"),
        (["train", "x", "--from", ""], "--from"),
        (["train", "x", "--from", "y", "--old", ""], "--old"),
        (["evaluate", "", "x"], "RUN|BUNDLE"),
        (["evaluate", "x", ""], "FILE"),
        (["evaluate", "x", "--corpus", ""], "--corpus"),
        (["generate", "", "-o", "y"], "RUN|BUNDLE"),
        (["export", "", "-o", "y"], "RUN"),
        (["compare", "x", "-o", ""], "-o/--output"),
        (["recipe", "", "-o", "y"], "FOLDER"),
        (["replay", ""], "TAKE"),
        (["replay", "x", "--again", "--bundle", ""], "--bundle"),
        (["freewheel", "", "-o", "y.mid"], "IN.mid"),
        (["roll", ""], "FILE"),
        (["bench", "--bundle", ""], "--bundle"),
        (["config", "--config", ""], "--config"),
    ],
)
def test_an_empty_name_is_not_the_working_folder(
    arguments: list[str], which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    expected = f"jamd: argument {which}: expected a name; found an empty one: see `jamd "
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(expected)


def interrupted(module: str, number: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `jamd`; a signal comes as it begins to import `module`."""
    program = (
        "import os, sys\n"
        "class Interrupter:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        f"            os.kill(os.getpid(), {number})\n"
        "from jamd.cli import main\n"
        "sys.meta_path.insert(0, Interrupter())\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], text=True, capture_output=True, check=False
    )


windows = pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")


@windows
@pytest.mark.parametrize("module", ["argparse", "jamd.config.config", "jamd.commands.play"])
def test_interrupted_before_anything_has_begun_it_is_silent_and_130(module: str) -> None:
    done = interrupted(module, signal.SIGINT, "play")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@windows
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["mido", "jamd.daemon.session"])
def test_interrupted_while_it_gets_ready_play_ends_with_0(
    module: str, number: int, tmp_path: Path
) -> None:
    done = interrupted(module, number, "play", "--takes", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Ready" not in done.stdout


@windows
@pytest.mark.parametrize("module", ["argparse", "jamd.daemon.session"])
def test_a_panic_while_it_gets_ready_is_nothing(module: str, tmp_path: Path) -> None:
    done = interrupted(module, signal.SIGUSR1, "play", "--bundle", str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("jamd: "), "it went on, to find no bundle there"


@windows
@pytest.mark.train
@pytest.mark.parametrize("module", ["multiprocessing", "rich.progress", "jamd.training.corpus"])
def test_interrupted_while_it_imports_prepare_is_silent_and_130(
    module: str, tmp_path: Path
) -> None:
    out = tmp_path / "corpus"
    done = interrupted(module, signal.SIGINT, "prepare", str(tmp_path), "-o", str(out))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@windows
def test_a_termination_leaves_in_order() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="143"), terminated_in_order():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_next_to_nothing_is_imported_before_the_command_can_catch_an_interrupt() -> None:
    program = (
        "import sys; held = set(sys.modules); import jamd.cli; print(*set(sys.modules) - held)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, check=True
    )
    assert set(done.stdout.split()) <= {
        "__future__",  # an editable install has it already
        "jamd",
        "jamd.cli",
        "jamd.errors",
        "jamd.interrupts",
        "errno",
    }
