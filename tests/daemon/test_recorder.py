"""The take outlives whatever happens to jamd."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.controls import Action
from jamd.daemon.events import (
    ControlUsed,
    Entry,
    MeterSet,
    Mode,
    ModeSet,
    Sounded,
    TempoSet,
    Turn,
    TurnTaken,
)
from jamd.daemon.recorder import Recorder, read_journal, recover, to_line
from jamd.notes import METERS, Part

TICK, SECONDS = st.integers(0, 10**6), st.floats(0, 1e6)
MESSAGE = st.builds(
    Message,
    st.sampled_from(["note_on", "note_off"]),
    channel=st.integers(0, 15),
    note=st.integers(0, 127),
    velocity=st.integers(1, 127),
)
ENTRY = st.one_of(
    st.builds(Sounded, TICK, SECONDS, st.sampled_from([None, *Part]), MESSAGE),
    st.builds(TempoSet, TICK, SECONDS, st.floats(20, 400)),
    st.builds(MeterSet, TICK, SECONDS, st.sampled_from(METERS)),
    st.builds(TurnTaken, TICK, SECONDS, st.sampled_from(Turn)),
    st.builds(ModeSet, TICK, SECONDS, st.sampled_from(Mode)),
    st.builds(ControlUsed, TICK, SECONDS, st.sampled_from(Action).map(lambda a: a.value), MESSAGE),
)
JAM: Sequence[Entry] = (
    MeterSet(0, 0.0, METERS[2]),
    TempoSet(0, 0.0, 120.0),
    Sounded(0, 0.0, None, Message("note_on", note=60, velocity=90)),
    Sounded(480, 0.5, None, Message("note_off", note=60)),
    Sounded(960, 1.0, Part.LEAD, Message("note_on", note=64, velocity=70)),
)


def names(path: Path) -> list[str]:
    """The tracks of a MIDI file that hold notes."""
    tracks = mido.MidiFile(path).tracks
    return [track.name for track in tracks if any(m.type == "note_on" for m in track)]


@given(st.lists(ENTRY, max_size=20), st.integers(0, 200))
def test_a_journal_is_read_as_it_was_written_up_to_where_it_was_cut(
    entries: list[Entry], lost: int
) -> None:
    text = "".join(map(to_line, entries))
    assert list(read_journal(text.splitlines())) == entries
    cut = text[: max(0, len(text) - lost)]
    found = list(read_journal(cut.splitlines()))
    assert found == entries[: len(found)]
    assert len(found) >= cut.count("\n")


def test_a_closed_take_is_a_midi_file_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "takes"
    recorder = Recorder(folder, "jam")
    for entry in JAM:
        recorder.write(entry)
    path = recorder.close()
    assert path == folder / "jam.mid"
    assert list(folder.iterdir()) == [path]
    assert names(path) == ["player", "jamd Lead"]


def test_a_take_without_a_note_is_not_kept(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "silence")
    recorder.write(JAM[0])
    assert recorder.close() is None
    assert not list(tmp_path.iterdir())


def test_a_name_is_used_once(tmp_path: Path) -> None:
    for name in ("jam.mid", "jam-2.mid"):
        recorder = Recorder(tmp_path, "jam")
        recorder.write(JAM[2])
        assert recorder.close() == tmp_path / name


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_killed_take_becomes_a_midi_file_at_the_next_start(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
from mido import Message
from jamd.daemon.events import Sounded
from jamd.daemon.recorder import Recorder
recorder = Recorder(Path({str(tmp_path)!r}), "jam")
recorder.write(Sounded(0, 0.0, None, Message("note_on", note=60)))
recorder.write(Sounded(480, 0.5, None, Message("note_off", note=60)))
journal = next(Path({str(tmp_path)!r}).glob("*.jamd-journal"))
while journal.read_text().count("\\n") < 2:
    time.sleep(0.001)
print("written", flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        assert recover(tmp_path) == [], "somebody still writes it"
        os.kill(process.pid, signal.SIGKILL)
    assert recover(tmp_path) == [tmp_path / "jam.mid"]
    assert names(tmp_path / "jam.mid") == ["player"]
    assert recover(tmp_path) == []


def test_a_folder_that_is_not_there_has_nothing_to_recover(tmp_path: Path) -> None:
    assert recover(tmp_path / "none") == []


def test_what_others_keep_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text('{"a": 1}\n')
    (tmp_path / "mine.mid").write_bytes(b"")
    assert recover(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.jsonl", "mine.mid"]
