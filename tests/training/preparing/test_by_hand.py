"""A loop that was played in by hand is read as it was meant, and one that was written as it is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import mido
import pytest

from jamd.training.preparing.parts import to_table
from jamd.training.preparing.reading import DURATION, ONSET, PITCH
from jamd.training.preparing.tasks import FileTask, read_and_write

pytestmark = pytest.mark.train

from jamd.training.preparing.midi_file import read_midi  # noqa: E402 - it needs symusic

BPM, TICKS_A_BEAT = 100, 480
TICKS_A_SECOND = BPM / 60 * TICKS_A_BEAT
TUNE = (60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 72, 71, 69, 67, 65)
LENGTHS = (240, 240, 480, 240, 240, 480, 120, 120, 240, 480, 240, 240, 480, 240, 240, 480)

Row = tuple[int, int, int]  # onset, pitch, length


def music() -> list[Row]:
    """Four bars, twice: a tune over a chord in each bar."""
    rows, onset = [], 0
    for pitch, length in zip(TUNE * 4, LENGTHS * 4, strict=True):
        rows.append((onset, pitch + 12, length))
        onset += length
    for bar in range(onset // 1920):
        rows += [(bar * 1920, pitch, 1920) for pitch in ((36, 43, 52), (41, 48, 57))[bar % 2]]
    return sorted(rows)


def played(rows: Sequence[Row], seed: int) -> list[Row]:
    """The same by hand: 20 ms beside the beat, and each key up 50 ms early."""
    rng = random.Random(seed)
    off = {onset: rng.gauss(0, 0.020) * TICKS_A_SECOND for onset, _, _ in rows}
    early = [min(0.4 * length, rng.gauss(0.050, 0.030) * TICKS_A_SECOND) for *_, length in rows]
    moved = [
        (max(0, round(onset + off[onset])), pitch, max(20, round(length - gap)))
        for (onset, pitch, length), gap in zip(rows, early, strict=True)
    ]
    return sorted(moved)


def file_of(rows: Sequence[Row], path: Path) -> Path:
    moves = [(onset, "note_on", pitch) for onset, pitch, _ in rows]
    moves += [(onset + length, "note_off", pitch) for onset, pitch, length in rows]
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(BPM))])
    last = 0
    for tick, kind, pitch in sorted(moves, key=lambda move: (move[0], move[1] == "note_on")):
        track.append(mido.Message(kind, note=pitch, velocity=80, time=tick - last))
        last = tick
    mido.MidiFile(tracks=[track], ticks_per_beat=TICKS_A_BEAT).save(path)
    return path


def read(path: Path) -> list[Row]:
    notes = to_table(read_midi(path.read_bytes())).notes
    columns = (notes[:, i].tolist() for i in (ONSET, PITCH, DURATION))
    return sorted(zip(*columns, strict=True))


def test_what_was_written_is_read_as_it_is(tmp_path: Path) -> None:
    path = file_of(music(), tmp_path / "written.mid")
    assert read_midi(path.read_bytes()).played_bpm is None
    assert read(path) == music()


@pytest.mark.parametrize("seed", range(4))
def test_what_was_played_is_read_as_it_was_meant(tmp_path: Path, seed: int) -> None:
    path = file_of(played(music(), seed), tmp_path / "played.mid")
    ((piece, written),) = read_and_write(FileTask(path, is_score=False, style="other"))
    assert piece.warnings == ("played by hand: read as the daemon would hear it",)
    assert written is not None
    as_meant = set(music())
    assert len(as_meant.intersection(read(path))) >= 0.95 * len(as_meant)


def test_a_sequenced_drum_track_does_not_hide_that_the_keys_were_played(tmp_path: Path) -> None:
    path = file_of(played(music(), 1), tmp_path / "played.mid")
    file = mido.MidiFile(path)
    hat = [
        mido.Message(kind, note=42, channel=9, time=time)
        for _ in range(128)
        for kind, time in (("note_on", 0), ("note_off", 120))
    ]
    file.tracks.append(mido.MidiTrack(hat))
    file.save(path)
    assert read_midi(path.read_bytes()).played_bpm == pytest.approx(BPM)


def test_quick_music_that_was_written_is_not_taken_for_played(tmp_path: Path) -> None:
    for length in (60, 96):  # 32nds, quintuplets
        rows = [(length * i, 60 + i % 7, length) for i in range(128)]
        path = file_of(rows, tmp_path / "quick.mid")
        assert read_midi(path.read_bytes()).played_bpm is None


def test_a_roll_that_ends_a_file_is_one_chord(tmp_path: Path) -> None:
    rows = [(round(1.05 * 120 * i), 60 + i % 3, 100) for i in range(40)]
    last = rows[-1][0] + 126
    for apart in range(20, 40, 4):
        notes = [(last, 60, 200), (last + apart, 64, 200)]
        path = file_of([*rows, *notes], tmp_path / "roll.mid")
        assert len({onset for onset, *_ in read(path) if onset >= last - 60}) == 1, apart


def test_notes_meant_to_be_short_stay_short(tmp_path: Path) -> None:
    staccato = [(240 * i, 60 + i % 5, 100) for i in range(64)]
    path = file_of(played(staccato, 1), tmp_path / "staccato.mid")
    assert read_midi(path.read_bytes()).played_bpm == pytest.approx(BPM)
    assert max(length for *_, length in read(path)) < 200
