"""75 MIDI files, each wrong or extreme in one way, end as their manifest wants."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from jamd.errors import SourceError
from jamd.grid.encoding import encode
from jamd.notes import METERS, Part
from jamd.training.preparing.parts import MOST_AT_ONCE, to_table
from jamd.training.preparing.prepare import Options, prepare
from jamd.training.preparing.reading import DURATION, ONSET, PITCH, VELOCITY, Reading, columns
from jamd.training.preparing.tasks import FileTask, read_and_write

pytestmark = pytest.mark.train

FOLDER = Path(__file__).with_name("hostile")

with (FOLDER / "MANIFEST.tsv").open(encoding="utf-8", newline="") as _file:
    WANTED = {
        row["file"]: row["wanted behaviour"]
        for row in csv.DictReader(_file, delimiter="\t", quoting=csv.QUOTE_NONE)
    }

FORTY_BARS = 40 * 1920


def read(name: str) -> Reading:
    ((piece, _),) = read_and_write(FileTask(FOLDER / name, is_score=False))
    return Reading.from_bytes(piece.reading)


def must_be_left_out(wanted: str) -> bool:
    return wanted.startswith(("reject with one clear error", "kept out")) or "skip with" in wanted


def may_be_left_out(wanted: str) -> bool:
    only_within_bounds = ("same", "no 4 GiB allocation", "no integer overflow")
    return "reject" in wanted or wanted in only_within_bounds or must_be_left_out(wanted)


def test_the_manifest_names_every_file() -> None:
    # CI may unpack a name in decomposed Unicode: count, and look the others up.
    assert len(WANTED) == 75
    assert len(list(FOLDER.iterdir())) == 76


@pytest.mark.parametrize("name", sorted(WANTED))
def test_each_file_ends_as_wanted(name: str) -> None:
    wanted = WANTED[name]
    try:
        reading, reason = read(name), None
    except SourceError as error:
        reading, reason = None, str(error)
    if reading is None:
        assert may_be_left_out(wanted), f"left out ({reason}), though wanted: {wanted}"
        assert reason
        assert "\n" not in reason
        return
    assert not must_be_left_out(wanted), f"read, though wanted: {wanted}"
    assert reading.notes[:, ONSET].min() >= 0
    assert reading.notes[:, DURATION].min() >= 1
    assert ((reading.notes[:, PITCH] >= 0) & (reading.notes[:, PITCH] <= 127)).all()
    assert ((reading.notes[:, VELOCITY] >= 1) & (reading.notes[:, VELOCITY] <= 127)).all()
    assert all(meter in METERS for _, meter in reading.meters)
    # No silence is long, so no file is much longer than its notes.
    assert reading.notes[:, ONSET].max() < FORTY_BARS + 120 * len(reading.notes)
    table = to_table(reading)
    assert len(encode(columns(table.notes, table.lead), table.meters, "other")) > 3


def onsets_and_ends(name: str) -> list[tuple[int, int, int]]:
    notes = read(name).notes
    ends = notes[:, ONSET] + notes[:, DURATION]
    return list(zip(notes[:, PITCH].tolist(), notes[:, ONSET].tolist(), ends.tolist(), strict=True))


def test_stuck_notes_end_with_their_track() -> None:
    assert [end for _, _, end in onsets_and_ends("note_on_never_off.mid")] == [960] * 4


def test_a_pitch_struck_twice_is_released_in_the_order_it_was_struck() -> None:
    assert onsets_and_ends("overlap_same_pitch.mid") == [(60, 0, 240), (60, 120, 360)]


def test_channels_are_paired_apart() -> None:
    found = onsets_and_ends("two_channels_same_pitch_one_track.mid")
    assert found == [(60, 0, 110), (60, 10, 120)]


def test_a_silence_of_155_hours_is_eight_bars() -> None:
    (_, _, end), (_, onset, _) = onsets_and_ends("huge_gap.mid")
    assert 8 * 1920 <= onset - end < 9 * 1920


def test_all_tracks_are_read_whatever_the_header_counts() -> None:
    assert len(read("header_says_1_track_has_3.mid").voices) == 3


def test_divisions_are_brought_to_480() -> None:
    assert [onset for _, onset, _ in onsets_and_ends("division_1.mid")] == [0, 480, 960, 1440]
    assert [onset for _, onset, _ in onsets_and_ends("division_32767.mid")] == [0, 240, 480, 720]


def test_a_chord_of_all_keys_is_thinned_out() -> None:
    piece = to_table(read("cluster_128_notes.mid")).to_piece("other")
    comp = [note.pitch for note in piece.notes if note.part is Part.COMP]
    assert len(comp) <= MOST_AT_ONCE
    assert min(comp) == 0


def test_the_reason_tells_what_was_expected_and_found() -> None:
    with pytest.raises(SourceError, match="expected it to begin with MThd, found b'this'"):
        read("not_midi_text.mid")
    with pytest.raises(SourceError, match="expected MIDI format 0 or 1, found 3"):
        read("format_3.mid")
    with pytest.raises(SourceError, match=r"only drums .*channel 10"):
        read("drums_only.mid")


def test_the_whole_folder_goes_through_prepare(tmp_path: Path) -> None:
    report = prepare([str(FOLDER)], tmp_path, Options(time_limit_s=20, memory_limit_mb=512))
    left_out = {item.source for item in report.corpus.left_out}
    assert report.files == 75
    assert len(left_out) + len(report.corpus.pieces) == 75
    assert {name for name, wanted in WANTED.items() if must_be_left_out(wanted)} <= left_out
    warned = {item.source for item in report.warnings}
    assert {"all_same_pitch_2000.mid", "huge_gap.mid", "zero_duration_notes.mid"} <= warned
    assert "dense_200k_notes.mid" in left_out  # 200,000 notes of one tick keep no beat
    assert int(np.max(report.corpus.all_tokens)) < len(report.corpus.vocabulary)


def test_a_corpus_of_one_pitch_is_warned_of(tmp_path: Path) -> None:
    folder = tmp_path / "one pitch"
    folder.mkdir()
    shutil.copy(FOLDER / "all_same_pitch_2000.mid", folder)
    report = prepare([str(folder)], tmp_path / "corpus", Options(jobs=1))
    assert any("nothing but to repeat" in item.text for item in report.warnings)
