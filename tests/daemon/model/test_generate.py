"""`jamd generate` writes as many notes as it is asked for."""

from __future__ import annotations

import io
import sys
from itertools import accumulate
from pathlib import Path

import mido
import pytest

from jamd.cli import main
from jamd.commands import generate
from jamd.daemon.model.generate import to_entries
from jamd.daemon.takes.take import to_midi
from jamd.notes import Note, Part, Tick

BUNDLE = str(Path(__file__).parents[2] / "fixtures" / "tiny-bundle")


def generated(path: Path, *options: str) -> mido.MidiFile:
    assert main(["generate", BUNDLE, "-o", str(path), *options]) == 0
    return mido.MidiFile(path)


def begun(file: mido.MidiFile) -> int:
    return sum(m.type == "note_on" and m.velocity > 0 for track in file.tracks for m in track)


def test_it_writes_the_notes_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out.mid"
    file = generated(path, "-n", "30", "--seed", "4", "--bpm", "90")
    assert begun(file) == 30
    assert capsys.readouterr().out == f"{path}: 30 notes, seed 4\n"
    assert [m.tempo for m in file.tracks[0] if m.type == "set_tempo"] == [mido.bpm2tempo(90)]


def test_a_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.mid" for i in range(3)]
    for path, seed in zip(paths, "112", strict=True):
        generated(path, "-n", "20", "--seed", seed)
    one, same, other = (path.read_bytes() for path in paths)
    assert one == same != other


CHART = ("--changes", "G Em | D7")


def test_it_writes_over_chord_changes_and_marks_them(tmp_path: Path) -> None:
    how = ("-n", "60", "--seed", "4", "--meter", "3/4", *CHART)
    file = generated(tmp_path / "one.mid", *how)
    generated(tmp_path / "same.mid", *how)
    assert (tmp_path / "one.mid").read_bytes() == (tmp_path / "same.mid").read_bytes()
    assert [(m.numerator, m.denominator) for m in file.tracks[0] if m.type == "time_signature"] == [
        (3, 4)
    ]
    ticks = accumulate(m.time for m in file.tracks[0])
    chords = [
        (at, m.text) for at, m in zip(ticks, file.tracks[0], strict=True) if m.type == "marker"
    ]
    assert chords[:3] == [(0, "chord: G"), (960, "chord: Em"), (1440, "chord: D7")]
    comp = {
        tick
        for track in file.tracks[1:]
        for tick, m in zip(accumulate(m.time for m in track), track, strict=True)
        if m.type == "note_on" and m.channel == 1
    }
    assert {at for at, _ in chords[:-1]} <= comp, "each is struck"


def test_changes_that_do_not_fit_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["-o", str(tmp_path / "out.mid")]
    assert main(["generate", BUNDLE, *out, "--changes", "C | H7"]) == 2
    assert "write B for H" in capsys.readouterr().err
    assert main(["generate", BUNDLE, *out, "--meter", "3/4", "--changes", "C F G C"]) == 2
    assert "expected at most 3 chords in a bar of 3/4; found 4" in capsys.readouterr().err
    assert not (tmp_path / "out.mid").exists()


def test_what_is_no_model_is_refused_with_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "corpus"
    for found in ("none: check", f"a corpus: `jamd train {folder} -o RUN` makes a run of it"):
        assert main(["generate", str(folder), "-o", str(tmp_path / "out.mid")]) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"jamd: {folder}: expected a run or a bundle, found {found}")
        folder.mkdir(exist_ok=True)
        (folder / "corpus.json").touch()


def test_argmax_needs_no_seed(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.mid" for i in range(2)]
    for path, seed in zip(paths, "12", strict=True):
        generated(path, "-n", "20", "--argmax", "--seed", seed)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_note_ends_before_the_same_one_begins_again() -> None:
    notes = [Note(Tick(480 * i), 60, 80, Tick(480), Part.COMP) for i in range(2)]
    track = to_midi(to_entries(notes, 100)).tracks[-1]
    kinds = [m.type for m in track if not m.is_meta]
    assert kinds == ["note_on", "note_off", "note_on", "note_off"]


class Terminal(io.StringIO):
    """A terminal's screen."""

    def isatty(self) -> bool:
        return True


@pytest.mark.train  # which brings what draws the bar
@pytest.mark.parametrize(("after_s", "shown"), [(0.0, True), (60.0, False)])
def test_what_takes_long_shows_how_far_it_has_come(
    after_s: float,
    shown: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    generated(tmp_path / "unseen.mid", "-n", "30", "--seed", "4")
    printed = capsys.readouterr()
    assert printed.err == ""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(generate, "SHOWN_AFTER_S", after_s)
    generated(tmp_path / "shown.mid", "-n", "30", "--seed", "4")
    assert ("30/30" in screen.getvalue()) == shown
    assert capsys.readouterr().out == printed.out.replace("unseen", "shown")
    assert (tmp_path / "shown.mid").read_bytes() == (tmp_path / "unseen.mid").read_bytes()
