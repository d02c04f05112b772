"""The take survives whatever happens to jamd."""

from __future__ import annotations

import gzip
import os
import random
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import mido
import pytest
from mido import Message

from jamd.daemon.events import Entry, Heard, Journal, MeterSet, Sounded, TempoSet
from jamd.daemon.settings import Settings
from jamd.daemon.takes import recorder as recorder_module
from jamd.daemon.takes.journal import FORMAT, Handled, Opened, entries, to_line
from jamd.daemon.takes.recorder import Recorder, journal_of, keep_newest, recover
from jamd.errors import SourceError
from jamd.lock import held
from jamd.notes import METERS, Part

OPENED = Opened(FORMAT, "0.1.0", "2026-01-01T00:00:00+00:00", "default", "", Settings())
JAM: Sequence[Entry] = (
    MeterSet(0, 0.0, METERS[2]),
    TempoSet(0, 0.0, 120.0),
    Sounded(0, 0.0, None, Message("note_on", note=60, velocity=90)),
    Sounded(480, 0.5, None, Message("note_off", note=60)),
    Sounded(960, 1.0, Part.LEAD, Message("note_on", note=64, velocity=70)),
)


def record(
    folder: Path,
    name: str = "jam",
    jam: Sequence[Entry] = JAM,
    *,
    apart: bool = False,
    opened: Opened = OPENED,
) -> Path | None:
    recorder = Recorder(folder, name)
    recorder.write(opened)
    for entry in jam:
        recorder.write(Journal(entry))
    return recorder.close(apart=apart)


def names(path: Path) -> list[str]:
    """The names of a MIDI file's tracks that have notes."""
    tracks = mido.MidiFile(path).tracks
    return [track.name for track in tracks if any(m.type == "note_on" for m in track)]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_closed_take_is_a_midi_file_with_its_journal(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "takes"
    path = record(folder)
    assert path == folder / "jam.mid"
    assert files(folder) == ["jam.jamd-journal.gz", "jam.mid"]
    assert names(path) == ["player", "jamd Lead"]
    for name in files(folder):
        with journal_of(folder / name) as lines:
            assert next(lines) == to_line(OPENED)
            assert list(entries(lines)) == list(JAM)


def test_a_take_sounds_as_it_was_heard(tmp_path: Path) -> None:
    for known in ({}, {None: 4, Part.LEAD: 11, Part.COMP: 5}):
        path = record(tmp_path, opened=replace(OPENED, sounds=known))
        assert path is not None
        tracks = mido.MidiFile(path).tracks
        chosen = {
            track.name: m.program for track in tracks for m in track if m.type == "program_change"
        }
        assert chosen == ({"player": 4, "jamd Lead": 11} if known else {})


def test_a_take_is_saved_apart_from_what_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_here(journal: Path) -> None:
        pytest.fail(f"{journal} holds up what is live")

    with monkeypatch.context() as patched:
        patched.setattr(recorder_module, "finish", not_here)
        assert record(tmp_path, apart=True) == tmp_path / "jam.mid"
        assert record(tmp_path, "silence", JAM[:2], apart=True) is None
    assert files(tmp_path) == ["jam.jamd-journal.gz", "jam.mid"]
    assert names(tmp_path / "jam.mid") == ["player", "jamd Lead"]


@pytest.mark.parametrize("python", ["missing", "fails"])
def test_a_take_is_saved_even_if_nothing_can_be_done_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    fails = tmp_path / "fails"
    fails.write_text("#!/bin/sh\nexit 1\n")
    fails.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / python))
    assert record(tmp_path / "takes", apart=True) == tmp_path / "takes" / "jam.mid"
    assert files(tmp_path / "takes") == ["jam.jamd-journal.gz", "jam.mid"]


def test_a_take_without_a_note_is_not_kept(tmp_path: Path) -> None:
    assert record(tmp_path, "silence", JAM[:2]) is None
    assert not files(tmp_path)


def test_a_name_is_used_once(tmp_path: Path) -> None:
    assert record(tmp_path) == tmp_path / "jam.mid"
    assert record(tmp_path) == tmp_path / "jam-2.mid"
    (tmp_path / "jam.mid").unlink()
    assert record(tmp_path) == tmp_path / "jam-3.mid", "the first one's journal is still there"


KILLED = """
import mmap, struct, sys, time
from pathlib import Path
from mido import Message
from jamd.daemon.events import Journal, Sounded
from jamd.daemon.takes.journal import FORMAT, Opened
from jamd.daemon.takes.recorder import Recorder
from jamd.daemon.settings import Settings
recorder = Recorder(Path(sys.argv[1]), "jam")
recorder.write(Opened(FORMAT, "", "", "", "", Settings()))
sys.setswitchinterval(2e-4)  # as the loop has it
with open(sys.argv[2], "r+b") as file:
    reached = mmap.mmap(file.fileno(), 8)  # outlives a kill
for tick in range(100_000):
    kind = "note_off" if tick % 2 else "note_on"
    seconds = time.monotonic()
    reached[:] = struct.pack("d", seconds)
    recorder.write(Journal(Sounded(tick, seconds, None, Message(kind, note=60))))
    if tick == 500:
        print("playing", flush=True)
    time.sleep(0.001)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_killed_take_is_whole_but_for_the_last_100_ms(tmp_path: Path) -> None:
    reached = tmp_path / "reached"
    reached.write_bytes(bytes(8))
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, tmp_path, reached], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "playing\n"
        assert recover(tmp_path) == [], "somebody still writes it"
        time.sleep(0.05)  # some way into a batch
        os.kill(process.pid, signal.SIGKILL)
    assert recover(tmp_path) == [tmp_path / "jam.mid"]
    assert names(tmp_path / "jam.mid") == ["player"]
    assert recover(tmp_path) == []
    with journal_of(tmp_path / "jam.mid") as lines:
        taken = list(entries(lines))
    assert [entry.tick for entry in taken] == list(range(len(taken)))
    (last,) = struct.unpack("d", reached.read_bytes())
    assert 0 <= last - taken[-1].seconds < 0.1


@pytest.mark.parametrize("damaged", [1, 2, 3])
def test_a_damaged_line_does_not_cost_the_rest_of_the_take(damaged: int, tmp_path: Path) -> None:
    """A power cut may leave zeros in the middle of a file."""
    lines = [to_line(OPENED), *(to_line(Journal(entry)) for entry in JAM)]
    lines[damaged] = lines[damaged][:30] + "\0" * 30 + "\n"
    (tmp_path / f"jam{recorder_module.JOURNAL}").write_text("".join(lines), encoding="utf-8")
    assert recover(tmp_path) == [tmp_path / "jam.mid"]
    assert "jamd Lead" in names(tmp_path / "jam.mid")


def test_a_journal_cut_off_anywhere_becomes_a_take(tmp_path: Path) -> None:
    whole = to_line(OPENED) + "".join(to_line(Journal(entry)) for entry in JAM)
    notes = whole.index("903C5A")
    for cut in range(0, len(whole), 7):
        journal = tmp_path / "cut.jamd-journal"
        journal.write_text(whole[:cut])
        found = recover(tmp_path)
        assert not journal.exists()
        if cut > notes + 10:
            assert found == [tmp_path / "cut.mid"]
            found[0].unlink()


def live(path: Path, lines: Sequence[str]) -> list[int]:
    """Write a journal as a jamd does that is killed; return its size after each line."""
    with recorder_module._packed(path, "wt") as file:
        sizes = []
        for line in lines:
            file.write(line)
            file.flush()
            sizes.append(path.stat().st_size)
    os.truncate(path, sizes[-1])
    return sizes


def test_a_clock_alone_takes_little_room(tmp_path: Path) -> None:
    """A jamd in the background may follow one for days; most of its pulses are written alone."""
    draw = random.Random(1)
    pulses = [
        to_line(Handled(48_612.1 + i / 48 + draw.gauss(0, 1e-3), Heard(Message("clock"))))
        for i in range(5000)
    ]
    assert live(tmp_path / "clock.jamd-journal", pulses)[-1] < 5000 * 20


def test_a_flood_of_pressure_is_saved_in_little_memory(tmp_path: Path) -> None:
    """An MPE keyboard sends 1,700,000 messages an hour, of which few differ."""
    draw, count = random.Random(1), 20_000
    pressed = (
        Sounded(
            2 * i, i / 480, None, Message("aftertouch", channel=i % 8, value=draw.randrange(128))
        )
        for i in range(count)
    )
    journal = tmp_path / "pressed.jamd-journal"
    with recorder_module._packed(journal, "wt") as file:
        file.write(to_line(OPENED))
        file.writelines(to_line(Journal(entry)) for entry in (*JAM, *pressed))
    tracemalloc.start()
    try:
        (path,) = recover(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 400 * count
    finally:
        tracemalloc.stop()
    assert sum(message.type == "aftertouch" for message in mido.MidiFile(path).tracks[1]) == count


def test_what_was_written_before_a_kill_is_there(tmp_path: Path) -> None:
    journal = tmp_path / "cut.jamd-journal"
    lines = [to_line(OPENED), *(to_line(Journal(entry)) for entry in JAM)]
    sizes = live(journal, lines)
    whole = journal.read_bytes()
    for cut in range(2, len(whole) + 1):  # in a header, after it, or in a batch
        journal.write_bytes(whole[:cut])
        with journal_of(journal) as read:
            kept = list(read)
        assert kept == lines[: len(kept)]
        assert len(kept) >= sum(size <= cut for size in sizes)
        found = recover(tmp_path)
        assert not journal.exists()
        assert bool(found) == (len(kept) > 3)
        if found:
            with journal_of(found[0]) as read:
                assert list(read) == kept
            found[0].unlink()
            (tmp_path / "cut.jamd-journal.gz").unlink()


def test_what_lies_before_damage_becomes_a_take(tmp_path: Path) -> None:
    """A power cut may leave zeros at the end of a file, or in the middle of it."""
    journal = tmp_path / "jam.jamd-journal"
    jam = [*JAM, *(replace(JAM[2], tick=1000 + i) for i in range(2000))]
    sizes = live(journal, [to_line(OPENED), *(to_line(Journal(entry)) for entry in jam)])
    whole = journal.read_bytes()
    journal.write_bytes(
        whole[: sizes[1000]] + bytes(sizes[1500] - sizes[1000]) + whole[sizes[1500] :]
    )
    assert recover(tmp_path) == [tmp_path / "jam.mid"]
    with journal_of(tmp_path / "jam.mid") as lines:
        taken = list(entries(lines))
    assert taken == jam[: len(taken)]
    assert 900 < len(taken) < 1000


def test_a_journal_damaged_from_its_beginning_is_left_alone(tmp_path: Path) -> None:
    journal = tmp_path / "jam.jamd-journal"
    live(journal, [to_line(OPENED)])
    journal.write_bytes(journal.read_bytes()[:20] + bytes(1000))
    assert recover(tmp_path) == []
    assert journal.exists()


def test_a_take_that_is_being_finished_is_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another jamd starts in the same folder just then."""
    finished: list[Path] = []

    def finish(journal: Path) -> Path | None:
        finished.append(journal)
        assert recover(tmp_path) == []
        return whole(journal)

    whole = recorder_module.finish
    monkeypatch.setattr(recorder_module, "finish", finish)
    assert record(tmp_path) == tmp_path / "jam.mid"
    assert finished == [tmp_path / "jam.jamd-journal"], "once"


def test_a_journal_that_was_taken_before_it_was_held_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another jamd starts between its making and its holding, and removes it as empty."""

    def late(path: Path) -> AbstractContextManager[None]:
        monkeypatch.undo()
        assert recover(tmp_path) == []
        return held(path)

    monkeypatch.setattr(recorder_module, "held", late)
    assert record(tmp_path) == tmp_path / "jam-2.mid"
    assert files(tmp_path) == ["jam-2.jamd-journal.gz", "jam-2.mid"]


def test_a_folder_that_is_not_there_has_nothing_to_recover(tmp_path: Path) -> None:
    assert recover(tmp_path / "none") == []
    keep_newest(tmp_path / "none", 1)


def test_what_others_keep_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    theirs = ["mine.jsonl", "mine.mid", "newer.jamd-journal", "other.jamd-journal"]
    (tmp_path / "mine.jsonl").write_text('{"a": 1}\n')
    (tmp_path / "mine.mid").write_bytes(b"")
    newer = to_line(OPENED).replace('"format":1', '"format":9')
    (tmp_path / "newer.jamd-journal").write_text(newer)
    (tmp_path / "other.jamd-journal").write_text("dear diary\n")
    assert recover(tmp_path) == []
    keep_newest(tmp_path, 0)
    assert files(tmp_path) == theirs


def test_the_oldest_takes_go_and_what_was_changed_stays(tmp_path: Path) -> None:
    for age, name in enumerate(["new", "changed", "old", "older"]):
        path = record(tmp_path, name)
        assert path is not None
        path.with_suffix(".svg").write_text("<svg/>")
        for written in tmp_path.glob(f"{name}.*"):
            os.utime(written, (1e9 - age, 1e9 - age))
    os.utime(tmp_path / "changed.mid", (1e9 + 60, 1e9 + 60))
    (tmp_path / "song.mid").write_bytes(b"")
    keep_newest(tmp_path, 4)
    assert len(files(tmp_path)) == 4 * 3 + 1
    keep_newest(tmp_path, 1)
    assert files(tmp_path) == [
        *("changed.mid", "new.jamd-journal.gz", "new.mid", "new.svg", "song.mid"),
    ]


def test_a_take_without_its_journal_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "song.mid").write_bytes(b"")
    (tmp_path / "cut.jamd-journal.gz").write_bytes(gzip.compress(b"many words\n" * 99)[:-9])
    with pytest.raises(SourceError, match="found none"), journal_of(tmp_path / "song.mid"):
        pass
    with pytest.raises(SourceError), journal_of(tmp_path / "cut.jamd-journal.gz") as lines:
        list(lines)
