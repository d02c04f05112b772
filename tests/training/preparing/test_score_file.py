"""Scores -> readings."""

from __future__ import annotations

from pathlib import Path

import pytest

from jamd.errors import SourceError
from jamd.notes import Meter
from jamd.training.preparing.prepare import Options, prepare
from jamd.training.preparing.reading import DURATION, ONSET, PITCH, VOICE, Reading
from jamd.training.preparing.score_file import read_score
from jamd.training.preparing.sources import corpus_paths
from jamd.training.preparing.tasks import FileTask, read_and_write

pytestmark = pytest.mark.train


def note(step: str, octave: int, quarters: int, inside: str = "") -> str:
    length = f"<duration>{quarters}</duration>"
    return (
        f"<note><pitch><step>{step}</step><octave>{octave}</octave></pitch>{length}{inside}</note>"
    )


def grace(step: str, octave: int) -> str:
    pitch = f"<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
    return f"<note><grace/>{pitch}<type>eighth</type></note>"


def score(*measures: str, meter: tuple[int, int] = (4, 4)) -> str:
    top, bottom = meter
    attributes = (
        "<attributes><divisions>1</divisions>"
        f"<time><beats>{top}</beats><beat-type>{bottom}</beat-type></time></attributes>"
    )
    bars = "".join(
        f'<measure number="{i}">{attributes if i == 0 else ""}{content}</measure>'
        for i, content in enumerate(measures)
    )
    return (
        '<?xml version="1.0"?><score-partwise version="4.0"><part-list>'
        '<score-part id="P1"><part-name>Voice</part-name></score-part></part-list>'
        f'<part id="P1">{bars}</part></score-partwise>'
    )


def read(folder: Path, content: str, name: str = "song.musicxml") -> Reading:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return only_piece(path)


def only_piece(path: Path) -> Reading:
    (reading,) = read_score(path)
    if isinstance(reading, SourceError):
        raise reading
    return reading


def rows(reading: Reading) -> list[tuple[float, float, int]]:
    """(onset, duration) in quarters, and pitch."""
    columns = reading.notes[:, [ONSET, DURATION, PITCH]].tolist()
    return [(onset / 480, duration / 480, pitch) for onset, duration, pitch in columns]


def test_a_pickup_stands_at_the_end_of_its_bar(tmp_path: Path) -> None:
    reading = read(tmp_path, score(note("G", 4, 1), note("C", 5, 4)))
    assert rows(reading) == [(3, 1, 67), (4, 4, 72)]
    assert reading.meters == ((0, Meter(4, 4)),)
    assert not reading.has_velocity


def test_tied_notes_are_one(tmp_path: Path) -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    reading = read(tmp_path, score(note("C", 4, 4, start), note("C", 4, 2, stop) + note("C", 4, 2)))
    assert rows(reading) == [(0, 6, 60), (6, 2, 60)]


def test_grace_notes_are_dropped(tmp_path: Path) -> None:
    assert rows(read(tmp_path, score(grace("D", 4) + note("C", 4, 4)))) == [(0, 4, 60)]


def test_a_measure_cut_in_two_is_one_bar(tmp_path: Path) -> None:
    measures = (note("C", 4, 4), note("D", 4, 3), note("E", 4, 1), note("F", 4, 4))
    onsets = [onset for onset, _, _ in rows(read(tmp_path, score(*measures)))]
    assert onsets == [0, 4, 7, 8]


def test_a_short_measure_is_filled_up(tmp_path: Path) -> None:
    measures = (note("C", 4, 4), note("D", 4, 3), note("E", 4, 4))
    onsets = [onset for onset, _, _ in rows(read(tmp_path, score(*measures)))]
    assert onsets == [0, 4, 8]


def test_a_rest_of_a_hundred_bars_is_eight_bars(tmp_path: Path) -> None:
    """As in a part copied out of an orchestral score; and nothing precedes its first note."""
    rest = "<note><rest/><duration>4</duration></note>"
    measures = [*[rest] * 20, note("C", 4, 4), *[rest] * 100, note("D", 4, 4)]
    reading = read(tmp_path, score(*measures))
    assert rows(reading) == [(0, 4, 60), (36, 4, 62)]
    assert reading.warnings == ("silences cut to 8 bars",)


def test_a_meter_before_the_first_note_is_the_first(tmp_path: Path) -> None:
    waltz = "<attributes><time><beats>3</beats><beat-type>4</beat-type></time></attributes>"
    rest = "<note><rest/><duration>4</duration></note>"
    reading = read(tmp_path, score(rest, rest, waltz + note("C", 4, 3), note("D", 4, 3)))
    assert rows(reading) == [(0, 3, 60), (3, 3, 62)]
    assert reading.meters == ((0, Meter(3, 4)),)


def test_a_meter_after_a_long_rest_begins_on_a_bar_line(tmp_path: Path) -> None:
    """The rest is cut by whole bars of the meter that it is in."""
    waltz = "<attributes><time><beats>3</beats><beat-type>4</beat-type></time></attributes>"
    rest = "<note><rest/><duration>4</duration></note>"
    measures = [note("C", 4, 4), *[rest] * 21, waltz + note("D", 4, 3)]
    reading = read(tmp_path, score(*measures))
    assert rows(reading) == [(0, 4, 60), (36, 3, 62)]
    assert reading.meters == ((0, Meter(4, 4)), (36 * 480, Meter(3, 4)))


def test_a_note_of_a_million_bars_lasts_eight(tmp_path: Path) -> None:
    """A slip in <duration>; it would be a corpus of a million empty bars."""
    reading = read(tmp_path, score(note("C", 4, 4_000_000) + note("D", 4, 4)))
    assert rows(reading) == [(0, 32, 60), (64, 4, 62)]


def test_a_note_before_the_beginning_is_refused_and_spoils_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "bad.musicxml").write_text(score(note("C", 4, -4) * 4))
    (tmp_path / "music" / "good.musicxml").write_text(score(note("C", 4, 4), note("D", 4, 4)))
    corpus = prepare([str(tmp_path / "music")], tmp_path / "corpus", Options(jobs=1)).corpus
    (left_out,) = corpus.left_out
    assert left_out.reason == "a note before the beginning of the first bar"
    assert [piece.source for piece in corpus.pieces] == ["good.musicxml"]


def test_a_meter_jamd_does_not_speak_is_left_out(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="meter 5/4"):
        read(tmp_path, score(note("C", 4, 5), meter=(5, 4)))


@pytest.mark.parametrize("content", ["", "<score-partwise>", "not a score", "<a/>"])
def test_what_is_no_score_is_left_out(tmp_path: Path, content: str) -> None:
    with pytest.raises(SourceError) as refused:
        read(tmp_path, content)
    assert "\n" not in str(refused.value)


TUNE = "X:{}\nT:Tune\nM:3/4\nL:1/4\nK:G\nGAB|cde|\n\n"
ONE_NOTE = "X:8\nT:Short\nM:4/4\nL:1/1\nK:C\nC|\n\n"
IN_FIVE = "X:9\nT:Five\nM:5/4\nL:1/4\nK:C\nCDEFG|CDEFG|\n\n"


def test_all_tunes_of_an_abc_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "tunes.abc"
    path.write_text(TUNE.format(1) + TUNE.format(2), encoding="utf-8")
    first, second = read_score(path)
    assert isinstance(first, Reading)
    assert isinstance(second, Reading)
    assert rows(first) == rows(second)
    assert [pitch for _, _, pitch in rows(first)] == [67, 69, 71, 72, 74, 76]
    assert first.meters == ((0, Meter(3, 4)),)


def test_a_tune_that_cannot_be_used_leaves_the_others_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "tunes.abc"
    path.write_text(TUNE.format(1) + ONE_NOTE + TUNE.format(2) + IN_FIVE, encoding="utf-8")
    pieces = read_and_write(FileTask(path, is_score=True, style="other"))
    assert [read.warnings for read, _ in pieces] == [
        ("2 of its 4 pieces left out, the first: too short: expected 2 notes or more, found 1",),
        (),
    ]
    path.write_text(IN_FIVE + IN_FIVE, encoding="utf-8")
    with pytest.raises(SourceError, match="meter 5/4"):
        read_and_write(FileTask(path, is_score=True))


def test_a_chorale_of_music21s_own_corpus() -> None:
    (path,) = corpus_paths("music21:bach/bwv66.6")
    reading = only_piece(path)
    assert [voice.name for voice in reading.voices] == ["Soprano", "Alto", "Tenor", "Bass"]
    soprano = reading.notes[reading.notes[:, VOICE] == 0]
    # The pickup: two eighths before the first bar line.
    assert (soprano[:2, ONSET] / 480).tolist() == [3, 3.5]
    assert soprano[:2, PITCH].tolist() == [73, 71]


def test_a_composer_is_many_files_and_nobody_is_an_error() -> None:
    assert len(corpus_paths("music21:schoenberg")) >= 2
    assert {path.suffix for path in corpus_paths("music21:bach")} <= {".mxl", ".xml", ".krn"}
    with pytest.raises(SourceError, match="music21:nobody: expected a composer or a work"):
        corpus_paths("music21:nobody")
