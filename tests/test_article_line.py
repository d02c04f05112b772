"""The article's way, whole: music21's corpus, a network, a bundle, music, and a jam with it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import mido
import pytest

from jamd.bundle.bundle import Bundle
from jamd.cli import main

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


def test_the_corpus_shows_its_notes(made: Path) -> None:
    assert (made / "corpus" / "distribution.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_goes_on_from_a_random_row_and_music21_writes_it(made: Path) -> None:
    outs = [made / f"{name}.mid" for name in ("one", "same", "other")]
    for out, seed in zip(outs, "112", strict=True):
        command = ["generate", str(made / "run"), "-n", "40", "-o", str(out)]
        assert main([*command, "--seed", seed]) == 0
    one, same, other = (out.read_bytes() for out in outs)
    assert one == same != other
    file = mido.MidiFile(outs[0])
    moments = {tick for track in file.tracks for tick in onsets(track)}
    assert moments == {file.ticks_per_beat // 2 * i for i in range(40)}
    assert file.ticks_per_beat != 480, "music21 has ticks of its own"


def test_its_faults_can_be_asked_for(made: Path) -> None:
    out = made / "faithful.mid"
    bundle = str(made / "bundle")
    assert main(["generate", bundle, "-n", "12", "-o", str(out), "--faithful"]) == 0
    lead, comp = mido.MidiFile(out).tracks[2:]
    assert all(message.note < 12 for message in comp if message.type == "note_on")
    assert max(onsets(lead) + onsets(comp)) == 11 * HALF_A_BEAT
    assert sum(message.time for message in comp) == 13 * HALF_A_BEAT, "the last one lasts a beat"


def test_a_model_of_the_grid_has_no_article_to_be_faithful_to(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["generate", "default", "-n", "4", "-o", str(made / "no.mid"), "--faithful"]
    assert main(command) == 2
    assert "expected a model of the article language, found grid" in capsys.readouterr().err


@pytest.mark.parametrize("option", [("--style", "jazz"), ("--meter", "3/4")])
def test_what_its_language_does_not_know_is_refused(
    option: Sequence[str], made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    no = made / "no.mid"
    assert main(["generate", str(made / "bundle"), "-o", str(no), *option]) == 2
    told = f"jamd: {option[0]}: expected a model of the grid language, found article\n"
    assert capsys.readouterr().err == told
    assert not no.exists()


def test_every_checkpoint_is_heard_and_compared(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = sorted((made / "run" / "improvements").iterdir())
    names = [path.name.removesuffix(".weights.h5") for path in saved]
    assert main(["compare", str(made / "run"), "-n", "24", "--seed", "1"]) == 0
    folder = made / "run" / "compare"
    rows = list(csv.DictReader((folder / "compare.csv").read_text().splitlines()))
    assert [row["checkpoint"] for row in rows] == names
    for row in rows:
        assert len(row["notes"].split()) == int(row["moments"]) == 24
        assert len(set(row["notes"].split())) == int(row["distinct_notes"])
        assert 0 < float(row["held_out_bits_per_token"]) < 20
        assert any(map(onsets, mido.MidiFile(folder / f"{row['checkpoint']}.mid").tracks))
    shown = capsys.readouterr().out
    assert all(row["loss_nats"] in shown for row in rows)


def test_loops_shorter_than_a_window_go_all_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loops = tmp_path / "loops"
    loops.mkdir()
    for by in range(1, 9):
        track = mido.MidiTrack()
        for pitch in (60 + by * i % 13 for i in range(16)):
            track.append(mido.Message("note_on", note=pitch))
            track.append(mido.Message("note_off", note=pitch, time=240))
        mido.MidiFile(tracks=[track]).save(loops / f"{by}.mid")
    corpus, run, bundle = (str(tmp_path / name) for name in ("corpus", "run", "bundle"))
    language = ("--language", "article", "--held-out", "0.5")
    assert main(["prepare", str(loops), "-o", corpus, *language]) == 0
    assert main(["train", corpus, "-o", run, "--preset", "tiny", "--epochs", "1"]) == 0
    assert main(["compare", run, "-n", "8"]) == 0
    assert main(["export", run, "-o", bundle]) == 0
    (figures,) = Bundle.read(Path(bundle)).manifest.figures.values()
    capsys.readouterr()
    assert main(["evaluate", bundle, "--corpus", corpus, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["sets"]
    assert found["tokens"] == figures.tokens == 15 * figures.pieces


def test_the_daemon_plays_it(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    takes = made / "takes"
    options = ("--takes", str(takes), "--bpm", "400", "--bars", "8", "--seed", "1")
    assert main(["play", "--rehearse", "--bundle", str(made / "bundle"), *options]) == 0

    assert "is on the CPU" in capfd.readouterr().out
    (take,) = takes.glob("*.mid")
    tracks = {track.name: onsets(track) for track in mido.MidiFile(take).tracks}
    assert len(tracks["player"]) > 8
    answers = [tick for name, ticks in tracks.items() if name != "player" for tick in ticks]
    assert len(answers) > 4
    assert all(tick % HALF_A_BEAT == 0 for tick in answers)
