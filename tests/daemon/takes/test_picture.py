"""`jamd roll` reads takes, and any other MIDI file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from mido import Message, MetaMessage, MidiFile, MidiTrack

from jamd.cli import main
from jamd.daemon.events import ChangesLaid, Entry, MeterSet, Sounded, Turn, TurnTaken
from jamd.daemon.takes.picture import picture_of
from jamd.daemon.takes.take import MOST_BARS, to_midi
from jamd.errors import SourceError
from jamd.harmony.chart import Changes, Chart
from jamd.notes import Meter, Note, Part, Tick
from jamd.roll import LEAD, PLAYER, Picture, Voice, draw

HOSTILE = Path(__file__).parents[2] / "training" / "hostile"

TAKE: tuple[Entry, ...] = (
    MeterSet(0, 0.0, Meter(3, 4)),
    TurnTaken(0, 0.0, Turn.PLAYER),
    Sounded(0, 0.0, None, Message("note_on", note=60, velocity=90)),
    Sounded(480, 0.5, None, Message("note_off", note=60)),
    TurnTaken(1440, 1.5, Turn.JAMD),
    Sounded(1440, 1.5, Part.LEAD, Message("note_on", note=64, velocity=70)),
    Sounded(1920, 2.0, Part.LEAD, Message("note_off", note=64)),
)


def test_a_take_has_its_voices_turns_and_meter(tmp_path: Path) -> None:
    path = tmp_path / "jam.mid"
    to_midi(TAKE).save(path)
    assert picture_of(path) == Picture(
        "jam",
        (
            Voice("player", PLAYER, (Note(Tick(0), 60, 90, Tick(480)),)),
            Voice("jamd Lead", LEAD, (Note(Tick(1440), 64, 70, Tick(480)),)),
        ),
        ((Tick(0), Meter(3, 4)),),
        ((Tick(0), PLAYER), (Tick(1440), LEAD)),
    )


def test_the_chords_that_were_given_stand_above(tmp_path: Path) -> None:
    chart = Changes.of(Chart.parse("F#m7b5 | B7 | Em"), Meter(3, 4))
    given = ChangesLaid(0, 0.0, replace(chart, start=Tick(1440)))
    to_midi([given, *TAKE, Sounded(4320, 4.0, None, Message("note_on", note=60))]).save(
        path := tmp_path / "jam.mid"
    )
    assert picture_of(path).chords == (
        (Tick(1440), "F#m7b5"),
        (Tick(2880), "B7"),
        (Tick(4320), "Em"),
    )
    assert ">F#m7b5</text>" in draw(picture_of(path))


def test_any_file_is_drawn_a_voice_for_each_track_with_notes(tmp_path: Path) -> None:
    file = MidiFile(ticks_per_beat=96)
    file.tracks += [
        MidiTrack([MetaMessage("set_tempo")]),
        MidiTrack([Message("note_on", note=50, time=96), Message("note_on", note=50, time=96)]),
        MidiTrack([Message("note_on", note=51), MetaMessage("end_of_track", time=48)]),
    ]
    file.save(tmp_path / "song.mid")
    one, other = picture_of(tmp_path / "song.mid").voices
    assert [one.name, other.name] == ["track 1", "track 2"]
    assert one.notes == (Note(Tick(480), 50, 64, Tick(480)), Note(Tick(960), 50, 64, Tick(1)))
    assert other.notes == (Note(Tick(0), 51, 64, Tick(240)),), "it rings until its track ends"
    assert one.colour != other.colour


def test_a_file_too_long_for_a_picture_is_refused(tmp_path: Path) -> None:
    long = MidiTrack([Message("note_on", note=50), Message("note_off", note=50, time=2**27)])
    MidiFile(tracks=[long]).save(tmp_path / "long.mid")
    with pytest.raises(SourceError, match=f"at most {MOST_BARS} bars"):
        picture_of(tmp_path / "long.mid")


@pytest.mark.parametrize("denominator", [64, 2048, 2**20])
def test_a_meter_that_makes_no_sense_is_ignored(tmp_path: Path, denominator: int) -> None:
    meter = MetaMessage("time_signature", numerator=255, denominator=denominator)
    notes = [Message("note_on", note=50), Message("note_off", note=50, time=1920)]
    MidiFile(tracks=[MidiTrack([meter, *notes])]).save(tmp_path / "odd.mid")
    assert picture_of(tmp_path / "odd.mid").meters == ((Tick(0), Meter(4, 4)),)


@pytest.mark.parametrize(
    "name", ["alien_chunk", "keysig_out_of_range", "header_says_2_tracks_has_1", "riff_rmid"]
)
def test_what_others_read_is_read(name: str) -> None:
    assert any(voice.notes for voice in picture_of(HOSTILE / f"{name}.mid").voices)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("not_midi_text", "found something else"),
        ("crlf_mangled", "but it ends too early"),
        ("truncated_half", "but it ends too early"),
        ("tempo_len_2", "but an event in it is damaged"),
        ("running_status_at_start", "but an event in it is damaged"),
    ],
)
def test_what_is_damaged_is_refused_in_plain_words(name: str, found: str) -> None:
    path = HOSTILE / f"{name}.mid"
    with pytest.raises(SourceError) as refused:
        picture_of(path)
    assert str(refused.value) == f"{path}: expected a MIDI file, {found}"


def test_the_command_writes_beside_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "jam.mid"
    to_midi(TAKE).save(path)
    assert main(["roll", str(path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'jam.svg'}\n"
    assert ET.parse(tmp_path / "jam.svg").getroot().tag.endswith("svg")
    assert main(["roll", str(tmp_path / "none.mid")]) == 2


def test_the_first_turn_is_the_players(tmp_path: Path) -> None:
    path = tmp_path / "jam.mid"
    to_midi([entry for entry in TAKE if entry != TurnTaken(0, 0.0, Turn.PLAYER)]).save(path)
    assert picture_of(path).turns == ((Tick(0), PLAYER), (Tick(1440), LEAD))


def test_a_picture_is_an_svg_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "jam.mid"
    to_midi(TAKE).save(path)
    assert main(["roll", str(path), "-o", str(tmp_path / "jam.png")]) == 2
    assert "expected the name of an SVG file" in capsys.readouterr().err
    assert not (tmp_path / "jam.png").exists()
