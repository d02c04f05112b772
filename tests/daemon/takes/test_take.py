from __future__ import annotations

from pathlib import Path

import mido
import pytest
from mido import Message, MetaMessage, MidiFile, MidiTrack

from jamd.daemon.events import (
    Entry,
    Event,
    Heard,
    MeterSet,
    Mode,
    Sounded,
    TempoSet,
    Turn,
    TurnTaken,
    WorkerReady,
)
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes.take import notes, read_song, rows, to_midi
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.errors import SourceError
from jamd.notes import Meter, Part


def sounded(tick: int, kind: str, pitch: int, part: Part | None = None) -> Sounded:
    return Sounded(tick, tick / 960, part, Message(kind, note=pitch, velocity=64))


TAKE: list[Entry] = [
    MeterSet(0, 0.0, Meter(3, 4)),
    TempoSet(0, 0.0, 120.0),
    sounded(0, "note_on", 60),
    sounded(470, "note_off", 60),
    TurnTaken(900, 0.9, Turn.JAMD),
    sounded(1440, "note_on", 72, Part.LEAD),
    sounded(1440, "note_on", 48, Part.COMP),
    TempoSet(1500, 1.5, 90.0),
    sounded(1920, "note_off", 72, Part.LEAD),
]


def test_a_take_is_a_midi_file_on_the_transports_bar_lines(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    to_midi(TAKE).save(path)
    file = MidiFile(path)
    assert file.ticks_per_beat == 480
    assert [track.name for track in file.tracks] == ["jamd", "player", "jamd Lead", "jamd Comp"]
    conductor = [message.dict() for message in file.tracks[0]]
    assert [(m["type"], m["time"]) for m in conductor] == [
        ("track_name", 0),
        ("time_signature", 0),
        ("set_tempo", 0),
        ("marker", 900),
        ("set_tempo", 600),
        ("end_of_track", 420 + 480),
    ]
    assert conductor[3]["text"] == "turn: jamd"
    assert conductor[4]["tempo"] == mido.bpm2tempo(90)


def test_each_track_chooses_its_sound_on_the_channels_that_it_has() -> None:
    layer, drum = (
        Sounded(480, 0.5, None, Message("note_on", note=60, channel=channel)) for channel in (4, 9)
    )
    file = to_midi([*TAKE, layer, drum], {None: 0, Part.LEAD: 11})
    _, player, lead, comp = (
        [(m.channel, m.program) for m in track if m.type == "program_change"]
        for track in file.tracks
    )
    assert player == [(0, 0), (4, 0)], "but not on channel 10, where drums have one of their own"
    assert lead == [(0, 11)]
    assert comp == []
    assert [m.type for m in file.tracks[2][:3]] == ["track_name", "program_change", "note_on"]


def test_a_note_cut_off_by_a_crash_ends_with_the_take() -> None:
    comp = to_midi(TAKE).tracks[3]
    assert comp[-2] == Message("note_off", note=48, time=480 + 480)
    player = to_midi([*TAKE, sounded(2000, "note_on", 64)]).tracks[1]
    assert player[-2] == Message("note_off", note=64, time=480), "also where nothing came after it"


def test_what_the_player_holds_at_the_end_lasts_until_then() -> None:
    story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
    story += [(at, Heard(Message("note_on", note=60 + round(2 * at)))) for at in (0.0, 0.5, 1.0)]
    performance = VirtualJam(Session(Settings(bpm=120, mode=Mode.OFF)), ScriptedImproviser(), story)
    performance.run(3.0)
    assert list(rows(performance.entries)) == [
        "1.1.0 player 60 64 72",
        "1.2.0 player 61 64 60",
        "1.3.0 player 62 64 48",
    ]


def test_a_take_reads_as_rows() -> None:
    assert list(rows(TAKE)) == ["1.1.0 player 60 64 11.75", "2.1.0 Lead 72 64 12"]
    assert [note.pitch for note in notes(TAKE)[Part.LEAD]] == [72]


def test_an_empty_take_is_a_file(tmp_path: Path) -> None:
    to_midi([]).save(tmp_path / "empty.mid")
    assert read_song(tmp_path / "empty.mid").messages == ()


def test_a_take_can_be_played_again(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    to_midi(TAKE).save(path)
    song = read_song(path)
    assert song.meters == ((0, Meter(3, 4)),)
    assert [(tick, round(bpm, 3)) for tick, bpm in song.tempos] == [(0, 120), (1500, 90)]
    assert [tick for tick, _ in song.messages] == [0, 470, 1440, 1440, 1920, 2400]
    assert song.end == 1920 + 480


def test_a_song_is_brought_to_480_ticks_a_beat(tmp_path: Path) -> None:
    file = MidiFile(type=0, ticks_per_beat=96)
    file.tracks.append(
        MidiTrack(
            [
                MetaMessage("set_tempo", tempo=1),  # 60,000,000 bpm
                Message("sysex", data=[1]),
                Message("note_on", note=60, time=96),
            ]
        )
    )
    file.save(tmp_path / "song.mid")
    song = read_song(tmp_path / "song.mid")
    assert song.tempos == ((0, 400.0),)
    assert song.messages == ((480, Message("note_on", note=60)),)


@pytest.mark.parametrize(
    "content",
    [b"", b"not MIDI", b"MThd\0\0\0\6\0\1\0\1\0\0", b"MThd\0\0\0\6\0\2\0\1\1\xe0", b"MThd\0\0\0\6"],
)
def test_what_is_not_a_song_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mid"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"^.*x\.mid: expected a MIDI file.*$") as refused:
        read_song(path)
    assert "\n" not in str(refused.value)
