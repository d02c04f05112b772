"""What a real FluidSynth makes of a note: who is heard, for how long, and in which timbre."""

from __future__ import annotations

import shutil
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from mido import Message
from numpy.typing import NDArray

from jamd.config.file import load
from jamd.daemon.clock import MonotonicClock
from jamd.daemon.events import Output
from jamd.daemon.rehearsal import RehearsalRoom
from jamd.daemon.settings import Settings
from jamd.daemon.sound.fluidsynth import Installed, expect_installed, setup
from jamd.daemon.sound.instruments import own_programs
from jamd.daemon.sound.synth import Sounding, Synth

pytestmark = [
    pytest.mark.needs("fluidsynth"),
    pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script"),
]

# A file in the place of a sound card: it is written as time goes by.
TO_A_FILE = """#!/bin/sh
exec {program} -o audio.file.name="${{0%/*}}/sound.wav" -o audio.file.type=wav "$@" -a file
"""
PROGRAMS = own_programs(load(None, {"sound.on": True}).config)
LEAD, COMP = sorted(PROGRAMS)  # its channels
PITCH = 67
HELD_MS, AFTER_MS = 300, 700
PLAIN = Settings()
Samples = NDArray[np.float64]


def heard(
    folder: Path, output: Output, channel: int, *moved: Message, settings: Settings = PLAIN
) -> Samples:
    """A note, from its beginning until `AFTER_MS` after its end, full scale being 1.

    Args:
        folder: A scratch folder.
        output: Who plays it: jamd on the main output, or the player.
        channel: 0..15.
        moved: The pedals and wheels that the player has moved before.
        settings: What the player's keyboard sends.
    """
    program = folder / "fluidsynth"
    program.write_text(TO_A_FILE.format(program=shutil.which("fluidsynth")))
    program.chmod(0o755)
    lines = setup(PROGRAMS, 0, mpe=settings.mpe)
    synth = Synth(Installed(str(program), expect_installed("").font), [""], lines)
    synth.start(MonotonicClock())
    assert synth._process is not None
    ports = Sounding(RehearsalRoom([], None), synth, settings)
    for message in moved:
        ports.send(message, Output.THRU)
    for kind, wait_ms in (("note_on", HELD_MS), ("note_off", AFTER_MS)):
        ports.send(Message(kind, note=PITCH, velocity=90, channel=channel), output)
        synth._process.tell(f"sleep {wait_ms}")  # FluidSynth waits, and not the test
    ports.close()
    with wave.open(str(folder / "sound.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        rate = file.getframerate()
    left = samples[:: file.getnchannels()]
    begin = int(np.argmax(np.abs(left) > 0.005))
    return left[begin : begin + rate * (HELD_MS + AFTER_MS) // 1000]


def loudness_after(note: Samples) -> float:
    """Root mean square of the last 0.2 s of the time after its end."""
    last = note[-len(note) // 5 :]
    return float(np.sqrt(np.mean(last**2)))


def partials(note: Samples, pitch: int = PITCH) -> Samples:
    """The strengths of the first five partials of a pitch while the note is held."""
    held = note[: len(note) * HELD_MS // (HELD_MS + AFTER_MS)]
    spectrum = np.abs(np.fft.rfft(held * np.hanning(len(held))))
    fundamental = 440 * 2 ** ((pitch - 69) / 12) * HELD_MS / 1000  # in bins
    return np.array([spectrum[round(n * fundamental)] for n in range(1, 6)])


def overtones(note: Samples) -> Samples:
    """The strengths of its second to fifth partial, in dB to the first."""
    strengths = partials(note)
    relative: Samples = 20 * np.log10(strengths[1:] / strengths[0])
    return relative


def difference(one: Samples, other: Samples) -> float:
    """How much one overtone at least of two notes differs, in dB."""
    return float(np.max(np.abs(overtones(one) - overtones(other))))


def pedal(channel: int) -> Message:
    return Message("control_change", control=64, value=127, channel=channel)


@pytest.mark.parametrize("channel", [0, LEAD])
def test_the_players_pedal_holds_the_players_notes_and_not_jamds(
    tmp_path: Path, channel: int
) -> None:
    jamds = heard(tmp_path, Output.MAIN, channel, pedal(channel))
    players = heard(tmp_path, Output.THRU, channel, pedal(channel))
    assert loudness_after(jamds) < 0.001
    assert loudness_after(players) > 0.005


def test_the_players_wheel_and_expression_leave_jamds_notes_alone(tmp_path: Path) -> None:
    wheel = Message("pitchwheel", pitch=8191, channel=LEAD)
    silent = Message("control_change", control=11, value=0, channel=LEAD)
    plain, moved = (heard(tmp_path, Output.MAIN, LEAD, *m) for m in ((), (wheel, silent)))
    assert difference(plain, moved) < 1
    assert np.max(np.abs(moved)) > 0.9 * np.max(np.abs(plain))


def test_everybody_has_a_timbre_of_their_own(tmp_path: Path) -> None:
    lead, comp, player = (
        heard(tmp_path, output, channel)
        for output, channel in ((Output.MAIN, LEAD), (Output.MAIN, COMP), (Output.THRU, LEAD))
    )
    assert difference(player, heard(tmp_path, Output.THRU, 0)) < 1, "it is one instrument"
    for one, other in ((lead, comp), (lead, player), (comp, player)):
        assert difference(one, other) > 10


def test_an_mpe_keyboard_is_one_instrument_that_bends_as_far_as_it_means(tmp_path: Path) -> None:
    mpe = Settings(mpe=True)
    plain, on_ten = (heard(tmp_path, Output.THRU, c, settings=mpe) for c in (2, 9))
    assert difference(plain, on_ten) < 1, "no drums"
    octave = Message("pitchwheel", pitch=8192 * 12 // 48, channel=2)
    bent = heard(tmp_path, Output.THRU, 2, octave, settings=mpe)
    assert partials(bent, PITCH + 12)[0] > 20 * partials(bent)[0]
    held = heard(tmp_path, Output.THRU, 2, pedal(0), settings=mpe)
    assert loudness_after(held) > 0.005
