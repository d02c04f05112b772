"""Folders of music -> corpora."""

from __future__ import annotations

import errno
import os
import re
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import mido
import pytest

from jamd.cli import main
from jamd.errors import CorpusError, SourceError
from jamd.grid.grid import Grid
from jamd.lock import only_writer
from jamd.training.corpus import Corpus
from jamd.training.preparing.prepare import Options, prepare
from jamd.training.preparing.sources import find_sources
from jamd.training.preparing.store import Read, Store, StoredFile
from jamd.training.preparing.worker_pool import Workers

pytestmark = pytest.mark.train

MAJOR, MINOR = (0, 4, 7), (0, 3, 7)


def write_midi(path: Path, chords: Sequence[tuple[int, ...]], beats: int = 2) -> None:
    """Chords one after the other, each of so many beats."""
    track = mido.MidiTrack()
    for pitches in chords:
        track += [mido.Message("note_on", note=pitch, velocity=80) for pitch in pitches]
        for i, pitch in enumerate(pitches):
            track.append(mido.Message("note_off", note=pitch, time=480 * beats if i == 0 else 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    mido.MidiFile(type=0, ticks_per_beat=480, tracks=[track]).save(path)


def triads(*steps: int, key: int = 48) -> list[tuple[int, ...]]:
    """Major triads above `key`."""
    return [tuple(key + step + tone for tone in MAJOR) for step in steps]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight tunes of different intervals, in two folders."""
    top = tmp_path / "music"
    for number in range(8):
        tune = [(60 + (number + 1) * i % 12,) for i in range(24)]
        write_midi(top / f"{number % 2}" / f"tune {number}.mid", tune)
    return top


def test_a_corpus_is_what_the_language_makes_of_the_files(folder: Path, tmp_path: Path) -> None:
    report = prepare([str(folder)], tmp_path / "corpus", Options(style="jazz"))
    corpus = Corpus.read(tmp_path / "corpus")
    assert (report.files, report.reused, len(corpus.pieces)) == (8, 0, 8)
    assert [piece.source for piece in corpus.pieces][:2] == ["0/tune 0.mid", "0/tune 2.mid"]
    assert tuple(corpus.vocabulary) == Grid().vocabulary.tokens
    for piece in corpus.pieces:
        back = Grid().decode(corpus.tokens(piece).tolist())
        assert back.style == "jazz"
        assert len(back.notes) == piece.notes == 24
        assert not piece.has_velocity


def test_a_second_run_reads_only_what_changed(folder: Path, tmp_path: Path) -> None:
    first = prepare([str(folder)], tmp_path / "corpus", Options())
    (folder / "0" / "tune 0.mid").rename(folder / "renamed.mid")
    write_midi(folder / "1" / "tune 1.mid", triads(0, 5, 7, 0))
    steps: list[tuple[str, int, int]] = []
    second = prepare(
        [str(folder)], tmp_path / "corpus", Options(), lambda *step: steps.append(step)
    )
    assert second.reused == 7
    assert ("reading", 1, 1) in steps
    assert len(second.corpus.pieces) == len(first.corpus.pieces)


def test_an_interrupt_loses_nothing_that_was_read(folder: Path, tmp_path: Path) -> None:
    def interrupt(step: str, done: int, of: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare([str(folder)], tmp_path / "corpus", Options(jobs=1), interrupt)
    assert prepare([str(folder)], tmp_path / "corpus", Options(jobs=1)).reused == 5


def test_what_changes_while_it_is_prepared_is_left_out_until_the_next_run(
    folder: Path, tmp_path: Path
) -> None:
    last = folder / "9.mid"
    write_midi(last, triads(0, 5, 7))
    content = last.read_bytes()

    def change(step: str, done: int, of: int) -> None:
        if (step, done) == ("reading", 1):  # of nine files, four are under way
            write_midi(last, triads(0, 5, 7, key=72))

    first = prepare([str(folder)], tmp_path / "corpus", Options(jobs=1), change)
    assert [(item.source, item.reason) for item in first.corpus.left_out] == [
        ("9.mid", "it changed while the corpus was being prepared; prepare it again")
    ]
    last.write_bytes(content)
    second = prepare([str(folder)], tmp_path / "corpus", Options(jobs=1))
    (piece,) = (piece for piece in second.corpus.pieces if piece.source == "9.mid")
    notes = Grid().decode(second.corpus.tokens(piece).tolist()).notes
    assert min(note.pitch for note in notes) == 48


@pytest.mark.parametrize("join_bars", [0, 4, 30])
def test_what_is_written_as_it_is_read_is_what_would_be_written_later(
    folder: Path, tmp_path: Path, join_bars: int
) -> None:
    write_midi(folder / "waltz.mid", triads(0, 5, 7, 0))
    options = Options(join_bars=join_bars)
    at_once = prepare([str(folder)], tmp_path / "corpus", options).corpus
    pieces, tokens = at_once.pieces, at_once.all_tokens.tolist()
    later = prepare([str(folder)], tmp_path / "corpus", options)
    assert later.reused == later.files == 9
    assert (later.corpus.pieces, later.corpus.all_tokens.tolist()) == (pieces, tokens)


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    write_midi(tmp_path / "one.mid", [(40 + 7 * i % 48,) for i in range(1000)])
    content = (tmp_path / "one.mid").read_bytes()
    peak_bytes = {}
    # With fewer, less would be under way at once; of more, that is a smaller part: up to 0.8 MB, as
    # fast as it happens to be read.
    for count in (130, 650):
        top = tmp_path / f"{count} files"
        top.mkdir()
        for number in range(count):
            # What follows the last track is left aside, but makes another file of it.
            (top / f"{number}.mid").write_bytes(content + number.to_bytes(2, "big"))
        tracemalloc.start()
        corpus = prepare([str(top)], tmp_path / f"corpus {count}", Options(jobs=1)).corpus
        peak_bytes[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(corpus.pieces) == count
    # Each file has 7 kB of notes and 8 kB of tokens; what is known of it takes 2 or 3.
    assert peak_bytes[650] - peak_bytes[130] < 520 * 5_000


def test_no_piece_is_on_both_sides_of_the_split(tmp_path: Path) -> None:
    for key in range(12):
        for number in range(6):
            chords = triads(0, number + 1, 7, key=40 + key)
            write_midi(
                tmp_path / "music" / f"key {key}" / f"{number}.mid", chords, beats=1 + key % 2
            )
    options = Options(style="chords", held_out=0.3, join_bars=8)
    corpus = prepare([str(tmp_path / "music")], tmp_path / "corpus", options).corpus
    sides: dict[str, set[str]] = {}
    for piece in corpus.pieces:
        folders = {name.split("/")[0] for name in piece.source.split(" + ")}
        assert len(folders) == 1, "files of different folders were joined"
        for group in piece.group.split(" + "):
            sides.setdefault(group, set()).add(piece.split)
    assert len(sides) == 6
    assert all(len(side) == 1 for side in sides.values())
    assert sum(len(piece.source.split(" + ")) for piece in corpus.pieces) == 72


def test_empty_files_and_notes_on_channel_10_are_called_what_they_are(tmp_path: Path) -> None:
    write_midi(tmp_path / "music" / "good.mid", [(60,), (62,)])
    for name in ("empty.mid", "empty.mxl"):
        (tmp_path / "music" / name).touch()
    track = mido.MidiTrack()
    for note in (60, 62):
        track.append(mido.Message("note_on", channel=9, note=note))
        track.append(mido.Message("note_off", channel=9, note=note, time=480))
    mido.MidiFile(tracks=[track]).save(tmp_path / "music" / "wrong.mid")
    corpus = prepare([str(tmp_path / "music")], tmp_path / "corpus", Options()).corpus
    assert [(item.source, item.reason) for item in corpus.left_out] == [
        ("empty.mid", "an empty file"),
        ("empty.mxl", "an empty file"),
        ("wrong.mid", "only drums (in a MIDI file, whatever is on channel 10)"),
    ]


def test_versions_of_a_loop_are_on_one_side_of_the_split(tmp_path: Path) -> None:
    random = Random(1)
    for song in range(20):
        tune = [(pitch,) for pitch in random.choices(range(60, 80), k=26)]
        changed = [*tune[:9], (81,), *tune[10:]]
        for name, notes in {"": tune, " (1)": changed, " half": tune[:13]}.items():
            write_midi(tmp_path / "music" / f"{song}{name}.mid", notes)
    options = Options(held_out=0.3)
    corpus = prepare([str(tmp_path / "music")], tmp_path / "corpus", options).corpus
    sides: dict[str, set[str]] = {}
    for piece in corpus.pieces:
        sides.setdefault(re.split(r"\D", piece.source)[0], set()).add(piece.split)
    assert len(sides) == 20
    assert all(len(side) == 1 for side in sides.values())
    assert {piece.split for piece in corpus.pieces} == {"train", "held-out"}


def test_the_same_seed_makes_the_same_corpus(folder: Path, tmp_path: Path) -> None:
    made = [
        prepare([str(folder)], tmp_path / name, Options(seed=3, sample=5, join_bars=30)).corpus
        for name in ("one", "other")
    ]
    assert made[0].pieces == made[1].pieces
    assert made[0].all_tokens.tolist() == made[1].all_tokens.tolist()


def test_the_article_gets_a_vocabulary_of_its_own(tmp_path: Path) -> None:
    write_midi(tmp_path / "music" / "a.mid", [(60,), (64,), (60, 64, 67), (72,)])
    options = Options(language="article", held_out=0)
    corpus = prepare([str(tmp_path / "music")], tmp_path / "corpus", options).corpus
    assert list(corpus.vocabulary) == ["0.4.7", "C4", "C5", "E4"]
    names = [corpus.vocabulary.token(token) for token in corpus.all_tokens.tolist()]
    assert names == ["C4", "E4", "0.4.7", "C5"]


def test_scores_and_midi_files_go_together(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", triads(0, 5, 7))
    (tmp_path / "b.ABC").write_text("X:1\nT:x\nM:3/4\nL:1/4\nK:G\nGAB|cde|\n", encoding="utf-8")
    (tmp_path / "c.xml").write_text("<a/>", encoding="utf-8")
    sources = [str(tmp_path), "music21:bach/bwv66.6"]
    report = prepare(sources, tmp_path / "corpus", Options())
    found = {piece.source for piece in report.corpus.pieces}
    assert found == {"a.mid", "b.ABC", "music21:bach/bwv66.6.mxl"}
    assert [item.source for item in report.corpus.left_out] == ["c.xml"]


def test_nothing_left_is_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "bad.mid").write_bytes(b"bad")
    with pytest.raises(CorpusError, match=r"found none in 1 files; .* not a MIDI file"):
        prepare([str(tmp_path)], tmp_path / "corpus", Options())


def test_what_cannot_be_opened_is_left_out_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refuse_locked(path: str) -> Iterator[os.DirEntry[str]]:  # root may open any folder
        if Path(path).name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse_locked)
    (tmp_path / "music" / "locked").mkdir(parents=True)
    with pytest.raises(SourceError, match="locked was left out: cannot be opened: Permission"):
        find_sources([str(tmp_path / "music")])
    (tmp_path / "music" / "gone.mid").symlink_to("nowhere.mid")
    (tmp_path / "music" / "disk").symlink_to("/nowhere")
    os.mkfifo(tmp_path / "music" / "pipe.mid")
    write_midi(tmp_path / "music" / "a.mid", triads(0, 5, 7))
    report = prepare([str(tmp_path / "music")], tmp_path / "corpus", Options(jobs=1))
    assert {item.source: item.reason for item in report.corpus.left_out} == {
        "locked": "cannot be opened: Permission denied",
        "gone.mid": "cannot be opened: No such file or directory",
        "disk": "cannot be opened: No such file or directory",
        "pipe.mid": "expected a file, found a pipe or a device",
    }
    assert [piece.source for piece in report.corpus.pieces] == ["a.mid"]
    assert report.files == 5, "the four that are left out are files, too"


def test_without_a_piece_the_commonest_reason_is_told(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    (music / "0.mid").symlink_to("nowhere.mid")
    for number in (1, 2):
        (music / f"{number}.mid").write_bytes(b"no music")
    told = "none in 3 files; the commonest reason: not a MIDI file"
    with pytest.raises(CorpusError, match=told):
        prepare([str(music)], tmp_path / "corpus", Options(jobs=1))


def test_names_that_are_no_text_are_kept_as_they_are_printed(tmp_path: Path) -> None:
    latin = os.fsdecode(b"caf\xe9")
    for name in (f"{latin} loop.mid", f"{latin}/one.mid", f"{latin}/other.mid"):
        write_midi(tmp_path / "music" / name, triads(0, 5, 7))
    unknown = tmp_path / f"{latin}.unknown"  # music21 names it when it refuses it
    unknown.write_text("no music")
    given = [str(tmp_path / "music"), str(unknown)]
    report = prepare(given, tmp_path / "corpus", Options(join_bars=4))
    joined, alone = sorted((piece.source for piece in report.corpus.pieces), key=len, reverse=True)
    assert set(joined.split(" + ")) == {r"caf\udce9/one.mid", r"caf\udce9/other.mid"}
    assert alone == r"caf\udce9 loop.mid"
    assert [item.source for item in report.corpus.left_out] == [r"caf\udce9.unknown"]


def test_there_are_no_more_processes_than_files_or_cores(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class Counted(Workers):
        def __init__(self, jobs: int, time_limit_s: float, memory_limit_mb: int) -> None:
            asked.append(jobs)
            super().__init__(jobs, time_limit_s, memory_limit_mb)

    monkeypatch.setattr("jamd.training.preparing.prepare.Workers", Counted)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    few = [str(folder / "0" / f"tune {number}.mid") for number in (0, 2)]
    assert len(prepare(few, tmp_path / "corpus", Options(jobs=150)).corpus.pieces) == 2
    prepare([str(folder)], tmp_path / "corpus", Options(jobs=1))
    assert asked == [2, 1]
    monkeypatch.setattr("os.cpu_count", lambda: 3)  # one file may hold many pieces
    prepare(few, tmp_path / "corpus", Options(jobs=150))
    assert asked == [2, 1, 3]


def test_the_command_counts_and_lists(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad\x1b[31m.mid").write_bytes(b"bad")
    output = tmp_path / "corpus"
    assert main(["prepare", str(folder), "-o", str(output), "--jobs", "1"]) == 0
    shown = capsys.readouterr()
    assert "9 files, 0 of them read before; 1 left out" in shown.out
    assert r"left out: bad\x1b[31m.mid: not a MIDI file" in shown.err
    assert "\x1b[31m" not in shown.err


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--style", "jaz"], "--style: expected one of jazz, combo, song"),
        (["--held-out", "1"], "--held-out: expected a share from 0 to below 1; found '1'"),
        (["--jobs", "0"], "--jobs: expected a whole number from 1 to 256; found '0'"),
        (["--jobs", "257"], "a whole number from 1 to 256; found '257'"),
    ],
)
def test_a_wrong_option_is_one_line(
    folder: Path, option: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prepare", str(folder), "-o", str(folder / "x"), *option]) == 2
    assert message in capsys.readouterr().err


def test_a_full_disk_and_a_store_that_is_none_name_the_file(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "readings.sqlite"

    def fill() -> None:
        with Store(path) as store:
            store._db.execute("PRAGMA max_page_count = 1")  # as if the disk ended there
            store.put([("key", StoredFile((Read(bytes(100_000), "group", b"", 1),)))])

    with pytest.raises(CorpusError) as told:
        fill()
    reason = "what was read cannot be kept: database or disk is full"
    assert str(told.value) == f"{path}: {reason}"
    path.write_bytes(b"no database" * 100)
    assert main(["prepare", str(folder), "-o", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    reason = "what was read cannot be kept: file is not a database"
    assert line == f"jamd: {path}: {reason}; delete it, and all is read again"


def test_a_corpus_that_is_being_prepared_is_left_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare([str(folder / "0")], tmp_path / "corpus", Options(jobs=1))
    before = {path.name: path.read_bytes() for path in (tmp_path / "corpus").iterdir()}
    refused: list[int] = []

    def prepare_too(step: str, done: int, of: int) -> None:
        if not refused:
            refused.append(main(["prepare", str(folder), "-o", str(tmp_path / "corpus")]))

    with only_writer(tmp_path / "corpus"):
        assert main(["prepare", str(folder), "-o", str(tmp_path / "corpus")]) == 2
    assert {path.name: path.read_bytes() for path in (tmp_path / "corpus").iterdir()} == before
    prepare([str(folder)], tmp_path / "corpus", Options(jobs=1), prepare_too)
    assert refused == [2]
    assert len(Corpus.read(tmp_path / "corpus").pieces) == 8
    assert capsys.readouterr().err.count("expected a folder that nobody writes to, found") == 2


def test_where_there_is_no_music_nothing_is_left_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.mid").write_text("no music")
    assert main(["prepare", str(tmp_path / "x.mid"), "-o", str(tmp_path / "corpus")]) == 2
    assert "writing" not in capsys.readouterr().err
    assert main(["prepare", str(tmp_path / "none"), "-o", str(tmp_path / "corpus")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x.mid"]
