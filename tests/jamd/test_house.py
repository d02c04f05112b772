"""The promises of the house: two commands on a fresh machine, and sides that stay apart."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]

# Ends like `jamd play`: with 0, on Ctrl-C; or with 7 when it is told to. Like that, it needs a
# moment: make 4.3 complains if its child is gone before it has heard of the interrupt itself.
BAND = """#!/bin/sh
trap 'sleep 0.3; echo ended; exit 0' INT TERM
echo "playing $*"
[ "$1 $2" = "play --fail" ] && exit 7
while :; do sleep 0.02; done
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Makefile with an environment that is ready, in which `jamd` is `BAND`."""
    for of_make in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # `make test` hands them down
        monkeypatch.delenv(of_make, raising=False)
    shutil.copy(TOP / "Makefile", tmp_path)
    shutil.copytree(TOP / "tools", tmp_path / "tools")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "jamd").write_text(BAND)
    (programs / "jamd").chmod(0o755)
    for name in ("pyproject.toml", "constraints.txt", ".venv/live"):
        (tmp_path / name).touch()
    return tmp_path


def read_until(terminal: int, text: str) -> str:
    """What a terminal shows up to `text`, or all of it when it closes before."""
    shown = ""
    while text not in shown:
        try:
            more = os.read(terminal, 1024)
        except OSError:  # Linux's way to say that the other end has closed
            break
        shown += more.decode()
        if not more:
            break
    return shown


@pytest.mark.needs("make")
def test_ctrl_c_in_a_terminal_ends_make_play_with_status_0(checkout: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(checkout)
        os.execvp("make", ["make", "play", "ARGS=--bpm 92"])

    read_until(terminal, "playing play --bpm 92")
    os.write(terminal, b"\x03")
    shown = read_until(terminal, "never shown")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)

    assert "ended" in shown
    assert "***" not in shown
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.needs("make")
def test_without_a_terminal_an_interrupt_ends_both_without_an_error_message(checkout: Path) -> None:
    make = subprocess.Popen(
        ["make", "play"],
        cwd=checkout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert make.stdout is not None
    assert make.stdout.readline() == "playing play\n"
    os.killpg(make.pid, signal.SIGINT)
    rest, _ = make.communicate()

    assert rest == "ended\n"
    assert make.returncode == -signal.SIGINT  # make's own way; the status in a shell is 130


@pytest.mark.needs("make")
def test_a_termination_of_make_reaches_the_band(checkout: Path) -> None:
    make = subprocess.Popen(
        ["make", "play"], cwd=checkout, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert make.stdout is not None
    make.stdout.readline()
    make.terminate()

    assert "ended" in make.communicate()[0]


@pytest.mark.needs("make")
def test_a_failure_of_the_band_is_a_failure_of_make(checkout: Path) -> None:
    done = subprocess.run(
        ["make", "play", "ARGS=--fail"], cwd=checkout, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"Error 7" in done.stderr


def fake_python(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def new_venv(programs: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    for tool in ("sh", "rm", "mkdir"):
        if not (programs / tool).exists():
            (programs / tool).symlink_to(shutil.which(tool) or tool)
    return subprocess.run(
        [TOP / "tools" / "new_venv", folder],
        env={"PATH": str(programs)},
        text=True,
        capture_output=True,
        check=False,
    )


def test_a_python_that_does_not_run_or_is_too_new_is_passed_over(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    fake_python(programs, "python3.12", "echo 'pyenv: command not found' >&2; exit 127")
    fake_python(programs, "python3.11", "exit 1")  # as one of 3.13 answers, or one without venv
    fake_python(programs, "python3", f'exec "{sys.executable}" "$@"')

    done = new_venv(programs, tmp_path / "venv")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "venv" / "bin" / "pip").exists()


def test_an_environment_that_was_broken_off_is_made_anew_and_a_whole_one_is_kept(
    tmp_path: Path,
) -> None:
    programs, venv = tmp_path / "bin", tmp_path / "venv"
    programs.mkdir()
    fake_python(programs, "python3", f'exec "{sys.executable}" "$@"')
    pip = venv / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").touch()  # as far as it came, it can be imported
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")

    assert new_venv(programs, venv).returncode == 0
    python = str(venv / "bin" / "python")
    pips = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    assert pips.returncode == 0

    (venv / "mine").touch()
    assert new_venv(programs, venv).returncode == 0
    assert (venv / "mine").exists()


def test_uv_makes_the_environment_where_no_python_fits(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    fake_python(programs, "uv", 'echo "uv $*"; mkdir "$6"')

    done = new_venv(programs, tmp_path / "venv")

    assert done.stdout.startswith("uv venv ")
    assert str(tmp_path / "venv") in done.stdout
    assert "--python 3.12" in done.stdout


def test_without_python_and_uv_one_line_says_what_to_install(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()

    done = new_venv(programs, tmp_path / "venv")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.11 or 3.12" in done.stderr


def modules_after_importing(*names: str) -> set[str]:
    """The modules that a fresh interpreter holds once it has imported `names`."""
    program = f"import sys\nfor name in {names!r}: __import__(name)\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, check=True
    )
    return set(done.stdout.split())


LEARNING = {"tensorflow", "keras", "music21", "tf2onnx", "matplotlib", "symusic", "onnx"}
WITH_THE_MODEL = {
    f"jamd.daemon.model.{name}" for name in ("generate", "graph", "improviser", "sampling")
}


def modules(files: str) -> set[str]:
    """The modules whose files lie at `files`, a pattern, in the package."""
    return {
        ".".join(path.relative_to(TOP).with_suffix("").parts)
        for path in (TOP / "jamd").glob(files)
        if not path.stem.startswith("__")
    }


SIDES = {"daemon", "export", "training", "bench", "commands", "measure", "report"}
SHARED = {name for name in modules("**/*.py") if name.split(".")[1] not in SIDES}
DAEMON = modules("daemon/**/*.py")


def test_the_live_side_and_the_command_line_import_nothing_of_the_learning_side() -> None:
    held = modules_after_importing(*sorted(SHARED | DAEMON))
    assert not held & LEARNING

    held = modules_after_importing("jamd.cli", *sorted(modules("commands/*.py")))
    assert not held & (LEARNING | {"numpy", "onnxruntime", "mido", "rtmidi"})
    assert not {name for name in held if name.startswith(("jamd.training", "jamd.export"))}


def test_the_front_process_imports_neither_numpy_nor_onnxruntime() -> None:
    assert WITH_THE_MODEL < DAEMON
    assert not modules_after_importing(*sorted(DAEMON - WITH_THE_MODEL)) & {"numpy", "onnxruntime"}


@pytest.mark.train
def test_preparing_imports_numpy_only_where_files_are_read() -> None:
    started = modules_after_importing("jamd.commands.prepare", "jamd.training.preparing.prepare")
    assert not started & {"numpy", "symusic", "music21", "keras"}


def test_nothing_that_uses_a_network_is_imported_unasked() -> None:
    held = modules_after_importing(*sorted(DAEMON - WITH_THE_MODEL))
    assert not held & {"_link", "pythonosc"}


def test_no_file_of_code_is_longer_than_400_lines() -> None:
    folders = ("daemon", "export", "jamd", "tests", "tools", "training")
    files = [file for folder in folders for file in (TOP / folder).rglob("*.py")]
    assert len(files) > 400
    long = {file for file in files if len(file.read_text(encoding="utf-8").splitlines()) > 400}
    assert not long
