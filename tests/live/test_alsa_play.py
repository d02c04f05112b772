"""`jamd play` on ALSA's sequencer, among alsa-utils and keyboards that come and go."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import mido
import pytest

from jamd.daemon.rehearsal import SEED

if TYPE_CHECKING:
    from tests.live.conftest import AlsaMachine

HERE = Path(__file__).parent


def play_in(alsa_machine: AlsaMachine, tmp_path: Path, script: str) -> str:
    """Run a script there that has the phrase played to jamd; what it printed."""
    folder = tmp_path / "alsa-out"
    folder.mkdir()
    shutil.copy(SEED, folder / "phrase.mid")
    bundle = HERE.parent / "fixtures" / "tiny-bundle"
    done = alsa_machine(sys.executable, HERE / script, bundle, "/alsa-out", limit_s=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.needs("alsa machine")
def test_jamd_answers_aplaymidi_and_knows_its_keyboard_again(
    alsa_machine: AlsaMachine, tmp_path: Path
) -> None:
    play_in(alsa_machine, tmp_path, "alsa_session.py")
    folder = tmp_path / "alsa-out"
    found = json.loads((folder / "found.json").read_text())

    assert "'jamd listens" in found["ports"]
    assert "'jamd plays" in found["ports"]
    assert found["reconnected_s"] < 10  # 2 on a machine that is not emulated
    assert found["status"] == 0, found["lines"]
    assert found["begun"] == found["ended"] > 0, "every note ends"
    (take,) = (folder / "takes").glob("*.mid")
    names = [track.name for track in mido.MidiFile(take).tracks if has_notes(track)]
    assert "player" in names
    assert len(names) > 1, names


@pytest.mark.slow
@pytest.mark.needs("alsa machine", "fluidsynth")
def test_with_sound_a_keyboard_need_only_be_plugged_in_to_be_heard_from_the_sound_card(
    alsa_machine: AlsaMachine, tmp_path: Path
) -> None:
    told = play_in(alsa_machine, tmp_path, "alsa_sound.py")
    assert "You hear jamd and yourself through FluidSynth." in told
    assert "Plug in a keyboard, now or later, and play." in told
    assert "listening to Midi Through" not in told


def has_notes(track: mido.MidiTrack) -> bool:
    return any(message.type == "note_on" for message in track)
