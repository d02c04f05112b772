"""`jamd play` as a process: how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rehearsing import BUNDLE, PLAY, kept, played, started, until_shown, written
from waiting import until

from jamd.cli import main
from jamd.daemon.takes.journal import Opened, read_line
from jamd.daemon.takes.recorder import JOURNAL, journal_of, recover


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_a_signal_ends_it_cleanly_and_keeps_the_take(name: str, tmp_path: Path) -> None:
    with started(PLAY, tmp_path) as process:
        until_shown(process, "1.2.0")  # the phrase has begun
        os.kill(process.pid, getattr(signal, name))
        told, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (0, "")
    assert "The take is" in told
    take = next(tmp_path.glob("*.mid"))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".gz", ".mid", ".svg"]
    assert main(["replay", str(take), "--again"]) == 0, "the same, bit for bit"


@pytest.mark.skipif(sys.platform == "win32", reason="no such terminals there")
def test_a_terminal_that_is_stopped_stops_neither_the_music_nor_its_end(tmp_path: Path) -> None:
    import pty
    import termios

    def in_a_note(after: int = 0) -> bool:
        begun, ended = played(written(tmp_path))
        return begun > max(after, ended)

    endless = PLAY.replace("'play', ", "'play', '--bpm', '200', '--mode', 'endless', ")
    master, terminal = pty.openpty()
    with (
        os.fdopen(master),
        os.fdopen(terminal, "w"),
        started(endless, tmp_path, terminal) as process,
    ):
        try:
            until(lambda: list(tmp_path.iterdir()) and in_a_note(), 60, "a note")
            termios.tcflow(terminal, termios.TCOOFF)  # Ctrl-S
            begun, _ = played(written(tmp_path))
            until(lambda: in_a_note(begun + 4), 20, "four more notes")
            process.terminate()
            assert process.wait(10) == 0
        finally:
            process.kill()
    with journal_of(next(tmp_path.glob("*.mid"))) as lines:
        begun, ended = played(lines)
    assert begun == ended


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_ctrl_z_does_not_stop_it_in_the_middle_of_a_note(tmp_path: Path) -> None:
    # In a group of its own, as from a shell: the kernel lets nobody stop a group without one.
    with started(PLAY, tmp_path, process_group=0) as process:
        until_shown(process, "1.2.0")
        os.killpg(process.pid, signal.SIGTSTP)
        os.killpg(process.pid, signal.SIGTERM)
        came = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
        os.killpg(process.pid, signal.SIGCONT)
        process.communicate(timeout=60)
    assert came is not None
    assert (came.si_code, process.returncode) == (os.CLD_EXITED, 0)


def test_whatever_the_folder_holds_in_which_it_is_started(tmp_path: Path) -> None:
    for name in ("numpy", "onnxruntime", "jamd"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')", encoding="utf-8")
    # The command that is installed does not look there; what it starts might.
    program = "import sys; del sys.path[0]\n" + PLAY.replace("'play', ", "'play', '--bars', '1', ")
    played = subprocess.run(
        [sys.executable, "-c", program, BUNDLE, tmp_path / "takes"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (played.returncode, played.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_killed_it_leaves_a_take_that_can_be_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with started(PLAY, tmp_path) as process:
        until_shown(process, "1.2.0")
        heard = '"Heard","message":"9'
        until(lambda: kept(tmp_path, heard) >= 12, 60, "the phrase")  # six moments: two are chords
        process.kill()
    (take,) = recover(tmp_path)
    assert main(["replay", str(take)]) == 0
    told = capsys.readouterr().out
    assert "Its journal was cut off" in told
    assert told.count(" player ") >= 5, "the last one may still be held"


def test_a_rehearsal_has_a_beat_though_no_midi_clock_can_come_in(tmp_path: Path) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text("[transport]\nsource = 'midi'\n[midi]\nchannel_in = 5\n")
    asked = "'--takes', sys.argv[2]"
    options = f"{asked}, '--config', sys.argv[3], '--bpm', '400', '--bars', '1'"
    done = subprocess.run(
        [sys.executable, "-c", PLAY.replace(asked, options), BUNDLE, tmp_path, settings],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "No MIDI clock can come in there: the beat is jamd's own." in done.stdout
    assert "   1.2.0" in done.stdout
    with journal_of(next(tmp_path.glob("*.mid"))) as lines:
        opened = read_line(next(lines))
    assert isinstance(opened, Opened)
    assert opened.rehearsal


@pytest.mark.skipif(sys.platform == "win32", reason="no such shell there")
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_it_plays_where_it_can_say_nothing(closed: str, tmp_path: Path) -> None:
    short = PLAY.replace("'play', ", "'play', '--bpm', '400', '--bars', '1', ")
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", short]
    done = subprocess.run(
        [*command, BUNDLE, tmp_path], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.glob("*.mid"))


@pytest.mark.parametrize(
    ("option", "told"), [("--keep", "notes, and hear them in the take."), ("--no-keep", "notes.")]
)
def test_a_rehearsal_promises_a_take_where_there_will_be_one(
    option: str, told: str, tmp_path: Path
) -> None:
    short = PLAY.replace("'play', ", f"'play', '--bpm', '400', '--bars', '1', '{option}', ")
    with started(short, tmp_path) as process:
        until_shown(process, f"you see the {told}\n")
        process.communicate(timeout=60)
    assert any(tmp_path.iterdir()) == (option == "--keep")


def test_a_rehearsal_can_be_asked_for_where_there_is_a_midi_system(tmp_path: Path) -> None:
    asked = PLAY.replace("'play', ", "'play', '--rehearse', '--bpm', '400', '--bars', '1', ")
    asked = asked.replace(
        "midi_system.SYSTEMS = {}\n",
        "from jamd.daemon.ports import live_ports as ports\n"
        "ports.open_system = lambda api: sys.exit('no port was to be opened')\n",
    )
    with started(asked, tmp_path) as process:
        told, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (0, "")
    assert told.startswith("jamd plays in its rehearsal room, and a bundled phrase is your part")


@pytest.mark.parametrize("option", ["--connect-input", "--connect-output"])
def test_who_asks_for_connections_is_not_given_a_rehearsal(option: str, tmp_path: Path) -> None:
    asked = PLAY.replace("'play', ", f"'play', '--bars', '1', '{option}', 'FLUID*', ")
    with started(asked, tmp_path / "takes") as process:
        told, complaint = process.communicate(timeout=60)
    assert (process.returncode, told) == (2, "")
    assert complaint.startswith("jamd: connect_input or connect_output is set: expected a MIDI ")
    assert complaint.count("\n") == 1
    assert not (tmp_path / "takes").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="no ALSA there")
@pytest.mark.parametrize(("option", "status"), [("--connect-input=*", 2), ("--no-keep", 0)])
def test_who_may_not_use_the_midi_system_is_told(option: str, status: int, tmp_path: Path) -> None:
    short = PLAY.replace(
        "'play', ", f"'play', '--bpm', '400', '--bars', '1', '{option}', "
    ).replace(
        "midi_system.SYSTEMS = {}\n",
        "midi_system.SYSTEMS = {'alsa': midi_system.SYSTEMS['alsa']}\n"
        "def barred(): raise midi_system.NotAllowed('you may not')\n"
        "midi_system._has_sequencer = barred\n",
    )
    with started(short, tmp_path) as process:
        told = "".join(process.communicate(timeout=60))
    assert process.returncode == status
    assert told.startswith("jamd: you may not")
    assert ("There is no MIDI system here that jamd may use" in told) == (status == 0)


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_a_take_that_cannot_be_saved_stays_a_journal_and_is_told_with_status_2(
    tmp_path: Path,
) -> None:
    long = PLAY.replace("'play', ", "'play', '--bars', '999', ")
    with started(long, tmp_path) as process:
        until_shown(process, "1.2.0")
        (journal,) = tmp_path.glob(f"*{JOURNAL}")
        in_the_way = tmp_path / f"{journal.name.removesuffix(JOURNAL)}.mid"
        in_the_way.mkdir()
        process.send_signal(signal.SIGTERM)
        told, complaint = process.communicate(timeout=60)
    assert "The take is" not in told
    assert (process.returncode, complaint) == (
        2,
        (
            f"jamd: the take cannot be saved: Is a directory. It stays as {journal}, of which the "
            f"next `jamd play` makes the take: first see that {tmp_path} has room and can be "
            "written\n"
        ),
    )
    in_the_way.rmdir()
    assert recover(tmp_path) == [in_the_way]


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_a_folder_of_takes_that_was_moved_meanwhile_is_told_with_what_to_do(tmp_path: Path) -> None:
    takes, elsewhere = tmp_path / "takes", tmp_path / "elsewhere"
    with started(PLAY, takes) as process:
        until_shown(process, "1.2.0")
        (journal,) = takes.glob(f"*{JOURNAL}")
        takes.rename(elsewhere)
        process.send_signal(signal.SIGTERM)
        _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (
        2,
        (
            f"jamd: the take cannot be saved: its journal {journal} was moved or deleted while "
            "jamd wrote it. If it was moved, the next `jamd play --takes DIR` makes the take, DIR "
            "being the folder it is in\n"
        ),
    )
    assert [path.parent for path in recover(elsewhere)] == [elsewhere]


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits there")
def test_a_take_that_was_cut_off_by_a_full_disk_is_told_with_status_2(tmp_path: Path) -> None:
    """Exceeding a file-size limit fails as a full disk does."""
    limited = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        + PLAY.replace("'play', ", "'play', '--bpm', '400', ")
    )
    with started(limited, tmp_path) as process:
        until_shown(process, "cannot be written any more: File too large. jamd plays on")
        process.send_signal(signal.SIGTERM)
        _, complaint = process.communicate(timeout=60)
    (take,) = tmp_path.glob("*.mid")
    assert (process.returncode, complaint) == (
        2,
        (
            "jamd: the take is not whole: File too large, while it was written. What was written "
            f"before is {take}: see that {tmp_path} has room and can be written, or give another "
            "with --takes DIR\n"
        ),
    )


def test_a_folder_that_can_hold_no_takes_is_told_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "takes"
    file.touch()
    config = tmp_path / "config.toml"
    config.write_text(f"[takes]\nfolder = '{file}'\n")
    short = PLAY.replace("'play', ", "'play', '--bpm', '400', '--bars', '1', ")
    done = subprocess.run(
        [sys.executable, "-c", short.replace("--takes", "--config"), BUNDLE, config],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (
        f"Takes cannot be kept in {file}: File exists. jamd plays without; --takes DIR keeps them "
        "elsewhere."
    ) in done.stdout


@pytest.mark.parametrize("name", ["takes", "takes/of/today", "link"])
def test_a_folder_for_takes_that_can_be_none_is_refused_before_anybody_plays(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "takes").touch()
    (tmp_path / "link").symlink_to("nowhere")
    folder = tmp_path / name
    assert main(["play", "--bundle", str(BUNDLE), "--rehearse", "--takes", str(folder)]) == 2
    found = tmp_path / name.partition("/")[0]
    told = capsys.readouterr()
    assert told.err == f"jamd: --takes: expected a folder, found the file {found}: name another\n"
    assert told.out == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_impatience_does_not_cost_the_take(tmp_path: Path) -> None:
    with started(PLAY, tmp_path) as process:
        until_shown(process, "1.2.0")
        while not list(tmp_path.glob("*.jamd-journal.gz")) and process.poll() is None:
            process.send_signal(signal.SIGINT)  # again and again while it is being saved
            time.sleep(0.001)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert [path.suffix for path in tmp_path.glob("*.mid")] == [".mid"]
    assert not list(tmp_path.glob("*.jamd-journal"))


# Not by `print`: the signal may come while that is still under way.
CANNOT_END = """
import os
from jamd.daemon.stop_signals import StopSignals
with StopSignals() as stop:
    stop.call(lambda: os.write(1, b"asked\\n"))
    os.write(1, b"ready\\n")
    while True:  # and not signal.pause(): a signal just before it would be heard after it
        pass
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGQUIT")
def test_a_second_quit_ends_what_cannot_end_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CANNOT_END]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for told in ("asked\n", ""):
            process.send_signal(signal.SIGQUIT)
            assert process.stdout.readline() == told
        assert process.wait(timeout=20) == -signal.SIGQUIT
