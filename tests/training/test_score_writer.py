"""Scores by music21 hold the notes that were written, and are read back as such."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from jamd.errors import UserError
from jamd.notes import Meter, Note, Part, Tick
from jamd.training.preparing.midi_file import read_midi
from jamd.training.preparing.reading import PITCH, Reading
from jamd.training.preparing.score_file import read_score
from jamd.training.score_writer import write_score

pytestmark = pytest.mark.train

MUSIC = sorted(
    [
        *(Note(Tick(240 * i), 60 + i, 90, Tick(480 if i % 2 else 160)) for i in range(9)),
        *(Note(Tick(960 * i), p, 70, Tick(960), Part.COMP) for i in range(2) for p in (48, 55)),
    ]
)


def onsets_and_pitches(reading: Reading) -> list[tuple[int, int]]:
    return [(int(row[0]), int(row[PITCH])) for row in reading.notes]


def test_midi_holds_every_note_the_tempo_and_the_meter(tmp_path: Path) -> None:
    path = tmp_path / "out.mid"
    write_score(MUSIC, 96, path, Meter(3, 4))
    found = onsets_and_pitches(read_midi(path.read_bytes()))
    assert sorted(found) == [(n.onset, n.pitch) for n in MUSIC]
    tempos = [m.tempo for t in mido.MidiFile(path).tracks for m in t if m.type == "set_tempo"]
    assert set(tempos) == {mido.bpm2tempo(96)}
    meters = [m for t in mido.MidiFile(path).tracks for m in t if m.type == "time_signature"]
    assert {(m.numerator, m.denominator) for m in meters} == {(3, 4)}


def test_a_score_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "out.musicxml"
    write_score(MUSIC, 96, path)
    (reading,) = read_score(path)
    assert isinstance(reading, Reading)
    assert sorted(onsets_and_pitches(reading)) == [(n.onset, n.pitch) for n in MUSIC]
    assert [voice.name for voice in reading.voices] == ["Lead", "Comp"]
    assert sorted(int(row[1]) for row in reading.notes) == sorted(n.duration for n in MUSIC)


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.musicxml"):
        write_score(MUSIC, 96, tmp_path / "out.wav")
