from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mido import Message, MetaMessage, MidiFile, MidiTrack, merge_tracks, tick2second

from jamd.cli import main
from jamd.daemon.events import Mode
from jamd.daemon.freewheel import freewheel
from jamd.daemon.settings import Settings
from jamd.daemon.takes.take import MidiSong, to_midi
from jamd.daemon.virtual import ScriptedImproviser
from jamd.notes import METERS, Tick

TINY_BUNDLE = Path(__file__).parents[1] / "fixtures" / "tiny-bundle"


def write(path: Path, *metas: MetaMessage) -> Path:
    """A bar of quarter notes, 100 ticks a beat."""
    track = MidiTrack(metas)
    for pitch in (60, 64, 67, 65):
        track.append(Message("note_on", note=pitch, velocity=80))
        track.append(Message("note_off", note=pitch, time=75))
        track.append(Message("control_change", control=1, time=25))
    MidiFile(type=0, ticks_per_beat=100, tracks=[track]).save(path)
    return path


def rows(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    assert main(["freewheel", *map(str, arguments), "--scripted", "--rows"]) == 0
    return capsys.readouterr().out.splitlines()


ANSWER = [
    "2.2.0 Lead 60 80 9",
    "2.3.0 Lead 56 80 9",
    "2.4.0 Lead 53 80 9",
    "3.1.0 Lead 55 86 9",
]


def test_a_file_has_no_clock_to_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    song = write(tmp_path / "in.mid", MetaMessage("set_tempo", tempo=1_000_000))
    monkeypatch.chdir(tmp_path)
    Path("config.toml").write_text("[transport]\nsource = 'midi'\n")
    assert rows(capsys, song, "-o", "out.mid")[4:] == ANSWER


def test_a_file_is_not_counted_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    song = write(tmp_path / "in.mid")
    monkeypatch.chdir(tmp_path)
    Path("config.toml").write_text("[transport]\ncount_in = 1\n[play]\nchanges = 'C | F'\n")
    assert rows(capsys, song, "-o", "out.mid")[0] == "1.1.0 player 60 80 9"
    passed, chords = 0, []
    for message in MidiFile("out.mid").tracks[0]:
        passed += message.time
        if message.type == "marker" and message.text.startswith("chord: "):
            chords.append((passed, message.text))
    assert chords[:2] == [(0, "chord: C"), (1920, "chord: F")]


def test_a_file_in_a_jam_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = write(tmp_path / "in.mid", MetaMessage("set_tempo", tempo=1_000_000))
    out = tmp_path / "out.mid"
    assert rows(capsys, song, "-o", out) == [
        "1.1.0 player 60 80 9",
        "1.2.0 player 64 80 9",
        "1.3.0 player 67 80 9",
        "1.4.0 player 65 80 9",
        *ANSWER,
    ]
    taken = MidiFile(out)
    assert [m.tempo for m in taken.tracks[0] if m.type == "set_tempo"] == [1_000_000]
    assert sum(m.type == "control_change" for m in taken.tracks[1]) == 4


def test_options_go_before_what_the_file_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = write(
        tmp_path / "in.mid",
        MetaMessage("set_tempo", tempo=1_000_000),
        MetaMessage("time_signature", numerator=5, denominator=4),
    )
    out = tmp_path / "out.mid"
    assert main(["freewheel", str(song), "-o", str(out), "--scripted"]) == 2
    assert "found 5/4: set --meter" in capsys.readouterr().err
    assert rows(capsys, song, "-o", out, "--meter", "2/4", "--bpm", "90")[-1].startswith("5.1.0 ")
    assert [m.tempo for m in MidiFile(out).tracks[0] if m.type == "set_tempo"] == [666667]


def test_a_change_of_meter_is_refused_and_can_be_counted_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = write(
        tmp_path / "in.mid",
        MetaMessage("time_signature", numerator=4, denominator=4),
        MetaMessage("time_signature", numerator=4, denominator=4, time=100),
        MetaMessage("time_signature", numerator=7, denominator=8, time=100),
    )
    out = tmp_path / "out.mid"
    assert main(["freewheel", str(song), "-o", str(out), "--scripted"]) == 2
    assert "found 4/4, and 7/8 after 2 quarter notes: set --meter" in capsys.readouterr().err
    assert rows(capsys, song, "-o", out, "--meter", "4/4")


def test_a_tempo_in_mid_bar_is_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = write(tmp_path / "in.mid")
    file = MidiFile(song)
    file.tracks.append(MidiTrack([MetaMessage("set_tempo", tempo=900_000, time=250)]))
    file.type = 1
    file.save(song)
    played = rows(capsys, song, "-o", tmp_path / "out.mid")
    assert played[4:] == ANSWER


def onsets(path: Path) -> list[tuple[int, float]]:
    """The ticks of 480 a quarter note and the seconds at which the player's notes begin."""
    file = MidiFile(path)
    tempo, tick, seconds = 500_000, 0, 0.0
    found = []
    for message in merge_tracks(file.tracks[:2]):
        tick += message.time
        seconds += tick2second(message.time, file.ticks_per_beat, tempo)
        if message.type == "set_tempo":
            tempo = message.tempo
        elif message.type == "note_on" and message.velocity:
            found.append((tick * 480 // file.ticks_per_beat, round(seconds, 4)))
    return found


@pytest.mark.parametrize(
    "tempos",
    [
        [(150, 900_000)],  # a MIDI file's own 120 before
        [(0, 900_000), (0, 400_000)],
        [(0, 900_000), (100, 250_000), (250, 700_000), (333, 151_000)],
    ],
)
def test_the_take_keeps_the_files_places_and_its_seconds(
    tempos: list[tuple[int, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song, out = write(tmp_path / "in.mid"), tmp_path / "out.mid"
    file, passed = MidiFile(song), 0
    conductor = MidiTrack()
    for tick, tempo in tempos:
        conductor.append(MetaMessage("set_tempo", tempo=tempo, time=tick - passed))
        passed = tick
    MidiFile(type=1, ticks_per_beat=100, tracks=[conductor, *file.tracks]).save(song)
    assert rows(capsys, song, "-o", out)[4:] == ANSWER
    assert len(onsets(song)) == 4
    assert onsets(out) == onsets(song)


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["freewheel", *map(str, arguments), "--scripted"]) == 0
    return capsys.readouterr().out


def test_it_says_what_it_did_or_why_it_did_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song, out, none = write(tmp_path / "in.mid"), tmp_path / "out.mid", tmp_path / "none.mid"
    MidiFile(tracks=[MidiTrack()]).save(none)
    assert told(capsys, song, "-o", out) == f"{out}: 4 notes heard, 4 played, in 3 bars\n"
    for arguments, why in (
        ([none], "expected 3 notes or more"),
        ([song, "--mode", "off"], "the mode is off"),
        ([song, "--bars", "1"], "no pause was long enough before the last bar"),
    ):
        assert told(capsys, *arguments, "-o", out).endswith(f"nothing was answered: {why}\n")


def test_drums_are_no_pitches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song, out = write(tmp_path / "in.mid"), tmp_path / "out.mid"
    before = rows(capsys, song, "-o", out)
    file = MidiFile(song)
    beat = [
        Message("note_on", channel=9, note=36, time=50),
        Message("note_off", channel=9, note=36),
    ]
    file.tracks.append(MidiTrack(beat * 16))
    file.type = 1
    file.save(song)
    assert rows(capsys, song, "-o", out, "--bars", "9") == before
    assert "4 notes heard, 4 played, in 3 bars; drums left out" in told(capsys, song, "-o", out)


def test_it_plays_as_many_bars_as_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = write(tmp_path / "in.mid")
    played = rows(capsys, song, "-o", tmp_path / "o.mid", "--mode", "endless", "--bars", "20")
    assert played[-1].startswith("20.")
    assert main(["freewheel", str(song), "-o", "o.mid", "--bars", "0"]) == 2
    assert "expected 1..10000 bars; found '0'" in capsys.readouterr().err


def test_a_file_that_claims_hours_of_rest_is_played_only_as_far_as_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song, out = write(tmp_path / "in.mid"), tmp_path / "out.mid"
    file = MidiFile(song)
    file.tracks[0].append(Message("note_on", note=60, time=0xFFFFFFF))
    file.save(song)
    assert main(["freewheel", str(song), "-o", str(out), "--scripted"]) == 2
    assert capsys.readouterr().err == (
        f"jamd: {song}: expected at most 1000 bars, found more: say with --bars how many to play\n"
    )
    assert not out.exists()
    assert rows(capsys, song, "-o", out, "--bars", "3")[4:] == ANSWER


def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in (("none.mid", None), ("text.mid", b"hello")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        assert main(["freewheel", str(tmp_path / name), "-o", "out.mid", "--scripted"]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert name in error


def test_a_model_plays_the_same_with_the_same_seed_and_something_else_with_another(
    tmp_path: Path,
) -> None:
    song = write(tmp_path / "in.mid")

    def taken(seed: int) -> bytes:
        out = tmp_path / "out.mid"
        options = ["--bundle", str(TINY_BUNDLE), "--bars", "6", "--seed", str(seed)]
        assert main(["freewheel", str(song), "-o", str(out), *options]) == 0
        return out.read_bytes()

    first = taken(1)
    assert len(MidiFile(file=BytesIO(first)).tracks[2]) > 4
    assert taken(1) == first
    assert taken(2) != first


note_ons = st.builds(
    Message,
    st.sampled_from(["note_on", "note_off"]),
    note=st.integers(48, 72),
    velocity=st.integers(0, 127),
)
songs = st.builds(
    lambda placed, tempos, meter: MidiSong(
        tuple(sorted(placed, key=lambda each: each[0])),
        tuple(sorted(tempos)),
        ((Tick(0), meter),),
        max((tick for tick, _ in placed), default=Tick(0)),
    ),
    st.lists(st.tuples(st.integers(0, 8000).map(Tick), note_ons), max_size=40),
    st.lists(st.tuples(st.integers(0, 8000).map(Tick), st.floats(20, 400)), max_size=4),
    st.sampled_from(METERS),
)


@settings(deadline=None)
@given(songs, st.sampled_from([Mode.ANSWER, Mode.ENDLESS]), st.integers(0, 2**63 - 1))
def test_the_same_arguments_give_the_same_bytes(song: MidiSong, mode: Mode, seed: int) -> None:
    def taken() -> bytes:
        chosen = Settings(mode=mode, meter=song.meters[0][1], start_at_once=True, seed=seed)
        stream = BytesIO()
        to_midi(freewheel(song, chosen, ScriptedImproviser(), bars=8)).save(file=stream)
        return stream.getvalue()

    assert taken() == taken()


def test_nothing_begins_after_the_last_bar() -> None:
    struck = tuple((Tick(480 * i), Message("note_on", note=60 + i)) for i in range(4))
    ended = tuple((Tick(480 * i + 400), Message("note_off", note=60 + i)) for i in range(4))
    song = MidiSong(tuple(sorted(struck + ended, key=lambda m: m[0])), (), (), Tick(1840))
    jam = Settings(mode=Mode.ENDLESS, start_at_once=True, bars=3)
    take = freewheel(song, jam, ScriptedImproviser(), bars=6)
    tracks = to_midi(take).tracks[2:]
    onsets = [
        sum(m.time for m in track[: i + 1])
        for track in tracks
        for i, message in enumerate(track)
        if message.type == "note_on"
    ]
    assert onsets
    assert max(onsets) < 3 * METERS[2].ticks_per_bar
