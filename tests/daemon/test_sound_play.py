"""`jamd play --sound` as a process, in the rehearsal room: it sounds, and it ends with jamd."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import wave
from array import array
from pathlib import Path

import mido
import psutil
import pytest
from rehearsing import PLAY, started, until_shown
from waiting import until

from jamd.cli import main

# The real one, with a file in the place of a sound card: it is written as time goes by.
TO_A_FILE = """#!/bin/sh
exec {program} -o audio.file.name="${{0%/*}}/sound.wav" -o audio.file.type=wav "$@" -a file
"""
SOUND = PLAY.replace("'play', ", "'play', '--sound', '--bpm', '200', ")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a FluidSynth is found first: the real one, if there is one, playing to `sound.wav`."""
    install(tmp_path, TO_A_FILE.format(program=shutil.which("fluidsynth")))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def install(folder: Path, script: str) -> None:
    (folder / "fluidsynth").write_text(script)
    (folder / "fluidsynth").chmod(0o755)


def loudness(sound: Path) -> list[float]:
    """Root mean square of each tenth of a second, full scale being 1."""
    with wave.open(str(sound)) as file:
        samples = array("h", file.readframes(file.getnframes()))
        tenth = file.getframerate() // 10 * file.getnchannels()
    return [
        math.sqrt(sum(one * one for one in samples[i : i + tenth]) / tenth) / 32768
        for i in range(0, len(samples) - tenth, tenth)
    ]


def synthesisers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children()
    return [child for child in children if child.name() == "fluidsynth"]


@pytest.mark.needs("fluidsynth")
def test_a_rehearsal_sounds_and_its_last_note_is_not_cut_off(folder: Path) -> None:
    with started(SOUND.replace("'--sound',", "'--sound', '--bars', '4',"), folder) as process:
        told, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (0, "")
    assert "You hear jamd and yourself through FluidSynth." in told
    sounds = (
        "jamd is vibraphone (lead) and electric piano 2 (chords); you are acoustic grand piano."
    )
    assert sounds in told
    (take,) = folder.glob("*.mid")
    chosen = {
        track.name: m.program
        for track in mido.MidiFile(take).tracks
        for m in track
        if m.type == "program_change"
    }
    assert chosen == {"player": 0, "jamd Lead": 11, "jamd Comp": 5}
    heard = loudness(folder / "sound.wav")
    loud = [i for i, level in enumerate(heard) if level > 0.01]
    assert len(loud) > 20, heard  # four bars take 4.8 s, the phrase and the answer most of them
    assert heard[-1] < max(heard) / 4, "the last notes have faded"


@pytest.mark.needs("fluidsynth")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_it_ends_with_jamd_in_whatever_way_that_ends(name: str, folder: Path) -> None:
    with started(SOUND, folder, process_group=0) as process:
        until_shown(process, "1.2.0")
        (synth,) = synthesisers(process)
        os.killpg(process.pid, getattr(signal, name))  # as a terminal's Ctrl-C does
        process.communicate(timeout=60)
        until(lambda: not synth.is_running() or synth.status() == "zombie", 5, "its end")


@pytest.mark.slow
@pytest.mark.needs("fluidsynth")
def test_when_it_is_killed_jamd_plays_on_and_starts_another(folder: Path) -> None:
    with started(SOUND.replace("'--sound',", "'--sound', '--bars', '99',"), folder) as process:
        until_shown(process, "1.2.0")
        synthesisers(process)[0].kill()
        until_shown(process, "FluidSynth is gone: it ended with status -9. jamd plays on")
        until_shown(process, "FluidSynth is back.")
        assert len(synthesisers(process)) == 1
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_without_a_sound_card_it_is_refused_before_the_jam_begins(folder: Path) -> None:
    install(folder, "#!/bin/sh\necho fluidsynth: error: No sound card\nexit 255\n")
    (folder / "piano.sf2").touch()
    font = f"'--sound', '--sound-font', {str(folder / 'piano.sf2')!r}, "
    with started(SOUND.replace("'--sound', ", font), folder / "takes") as process:
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 2
    (line,) = complaint.splitlines()
    assert line.startswith("jamd: FluidSynth does not start: No sound card: ")
    assert not (folder / "takes").exists()


def test_without_fluidsynth_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["play", "--sound"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "FluidSynth is not installed: `" in line
