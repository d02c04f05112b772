"""The article's way, whole: music21's corpus, a network, a bundle, music, and a jam with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import mido
import pytest

from jamd.bundle import Bundle
from jamd.cli import main
from jamd.config import Midi
from jamd.daemon import play
from jamd.daemon.events import Output
from jamd.daemon.midi_system import NoMidiSystem
from jamd.daemon.ports import Ports

pytestmark = [pytest.mark.train, pytest.mark.slow]

CHORALES = ("music21:bach/bwv277", "music21:bach/bwv10.7")
"""At half and half, the split by content puts one on each side."""

HALF_A_BEAT = 240


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bundle `bundle`, made as a user makes it."""
    top = tmp_path_factory.mktemp("article")
    corpus, run, bundle = (str(top / name) for name in ("corpus", "run", "bundle"))
    language = ("--language", "article", "--held-out", "0.5")
    assert main(["prepare", *CHORALES, "-o", corpus, *language]) == 0
    assert main(["train", corpus, "-o", run, "--preset", "tiny", "--epochs", "2"]) == 0
    assert main(["export", run, "-o", bundle]) == 0
    return top


def onsets(track: mido.MidiTrack) -> list[int]:
    """In ticks; and every note must end."""
    tick, found, sounding = 0, [], set()
    for message in track:
        tick += message.time
        if message.type == "note_on" and message.velocity > 0:
            found.append(tick)
            sounding.add(message.note)
        elif message.type in ("note_on", "note_off"):
            sounding.discard(message.note)
    assert not sounding
    return found


def test_the_bundle_is_of_the_articles_language(made: Path) -> None:
    manifest = Bundle.read(made / "bundle").manifest
    assert (manifest.language, manifest.window) == ("article", 32)
    assert any("." in name for name in manifest.vocabulary), "chorales have chords"


def test_it_generates_half_a_beat_at_a_time(made: Path) -> None:
    out = made / "out.mid"
    assert main(["generate", str(made / "bundle"), "-n", "40", "-o", str(out), "--seed", "1"]) == 0
    moments = {tick for track in mido.MidiFile(out).tracks for tick in onsets(track)}
    assert moments == {HALF_A_BEAT * i for i in range(40)}


def test_the_daemon_plays_it(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none_here(midi: Midi, own_ports: Mapping[Output, str]) -> Ports:
        raise NoMidiSystem("none here")

    monkeypatch.setattr(play, "open_ports", none_here)  # rehearse, whatever this machine has
    takes = made / "takes"
    options = ("--takes", str(takes), "--bpm", "200", "--bars", "8", "--seed", "1")
    assert main(["play", "--bundle", str(made / "bundle"), *options]) == 0

    assert "is on the CPU" in capsys.readouterr().out
    (take,) = takes.glob("*.mid")
    tracks = {track.name: onsets(track) for track in mido.MidiFile(take).tracks}
    assert len(tracks["player"]) > 8
    answers = [tick for name, ticks in tracks.items() if name != "player" for tick in ticks]
    assert len(answers) > 4
    assert all(tick % HALF_A_BEAT == 0 for tick in answers)
