"""A jam over given chord changes: which bar is which, and what the shipped model makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest
from mido import Message, MetaMessage, MidiFile, MidiTrack

from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle
from jamd.cli import main
from jamd.config.config import Config
from jamd.daemon.events import Adjust, Entry, Event, Heard, LinkState, Mode, WorkerReady
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import LikelihoodRequest, Likelihoods, Planned, PlanRequest
from jamd.daemon.playing.click import When
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings, expect_chords, settings_from
from jamd.daemon.takes.plain_json import from_plain, to_plain
from jamd.daemon.takes.take import notes, to_midi
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.timing.pickup import candidates
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.errors import UserError
from jamd.harmony.chart import Chart
from jamd.harmony.harmony import CHORDS, tones_of, triad_of
from jamd.notes import Note, Part, Tick
from readable_takes import FOUR, play

CHART = Chart.parse("Dm7 | G7 | Cmaj7 | A7")
SCALE = Chart.parse("C | Db | D | Eb | E | F | Gb | G | Ab | A | Bb | B")
JAM = Settings(bpm=120, chart=CHART)  # a bar is 2 s
BAR = FOUR.ticks_per_bar


class Watched(ScriptedImproviser):
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[PlanRequest] = []

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        self.asked.append(request)
        return super().plan(request)


def phrase(start: float, beats: int = 8) -> Iterator[tuple[float, Event]]:
    """Quarters from `start` on."""
    for beat in range(beats):
        at = start + beat / 2
        yield at, Heard(Message("note_on", note=60 + 2 * (beat % 4), velocity=80))
        yield at + 0.45, Heard(Message("note_off", note=60 + 2 * (beat % 4)))


def over(settings: Settings, *events: tuple[float, Event], until: float) -> PlanRequest:
    """The last request of a jam."""
    improviser = Watched()
    VirtualJam(Session(settings), improviser, [(0.0, WorkerReady()), *events]).run(until)
    return improviser.asked[-1]


def chord_after(settings: Settings, *events: tuple[float, Event], seconds: float) -> str | None:
    """The chord in force, by the status, after so many seconds."""
    session = Session(settings)
    VirtualJam(session, ScriptedImproviser(), [(0.0, WorkerReady()), *events]).run(seconds)
    return session.status(seconds).chord


def chord_markers(entries: Sequence[Entry]) -> list[tuple[int, str]]:
    """(tick, text) of the markers of chords in a take."""
    track = to_midi(entries).tracks[0]
    return [
        (tick, message.text)
        for tick, message in zip(accumulate(m.time for m in track), track, strict=True)
        if message.type == "marker" and message.text.startswith("chord")
    ]


def chord_at(request: PlanRequest, tick: int) -> str:
    assert request.context.changes is not None
    return CHORDS[request.context.changes.at(Tick(tick))]


def test_without_a_chart_there_are_no_changes() -> None:
    assert over(replace(JAM, chart=None), *phrase(1.0), until=7).context.changes is None


def test_the_chart_begins_with_the_first_note() -> None:
    request = over(JAM, *phrase(1.0), until=7)
    assert [chord_at(request, bar * BAR) for bar in range(5)] == [
        *("D:min7", "G:7", "C:maj7", "A:7", "D:min7")
    ]


def test_the_chart_begins_after_a_count_in() -> None:
    request = over(replace(JAM, count_in=1), *phrase(2.0), until=8)
    assert chord_at(request, BAR) == "D:min7"


def test_a_chart_may_be_given_and_taken_away_while_jamd_plays() -> None:
    given = (7.6, Adjust("changes", "Em7 | A7"))  # 7.6 s is in bar 4: the first of the chart
    taken = (11.6, Adjust("changes", ""))
    assert chord_after(JAM, *phrase(1.0), given, seconds=8.0) == "Em7"
    assert chord_after(JAM, *phrase(1.0), given, seconds=9.1) == "A7"
    assert chord_after(JAM, *phrase(1.0), given, seconds=11.1) == "Em7"
    assert chord_after(JAM, *phrase(1.0), given, taken, seconds=11.7) is None
    jam = VirtualJam(
        Session(replace(JAM, chart=None)),
        ScriptedImproviser(),
        [(0.0, WorkerReady()), *phrase(1.0), given, taken],
    )
    jam.run(16)
    (at, first), *later = chord_markers(jam.entries)
    assert (at // BAR, first) == (3, "chord: Em7")
    assert later == [(4 * BAR, "chord: A7"), (5 * BAR, "chord: Em7")]
    before = (0.5, Adjust("changes", "Em7 | A7"))  # and it begins with the first note
    assert chord_after(JAM, before, *phrase(1.0), seconds=3.1) == "A7"


def test_no_chord_is_in_force_in_a_count_in() -> None:
    assert chord_after(replace(JAM, count_in=1), seconds=1.5) is None
    assert chord_after(replace(JAM, count_in=1), seconds=2.6) == CHART.bars[0][0]


def test_a_chart_given_in_a_count_in_begins_after_it() -> None:
    given = (1.0, Adjust("changes", "Em7 | A7"))
    assert chord_after(replace(JAM, count_in=1), given, *phrase(2.0), seconds=2.6) == "Em7"


def test_a_chart_given_while_a_sequencer_plays_lies_where_its_song_has_bar_1() -> None:
    given = (3.5, Adjust("changes", "Em7 | A7 | D | D"))  # in bar 2
    story: list[tuple[float, Event]] = [
        (0.95, Heard(Message("start"))),
        *((1.0 + i / 48, Heard(Message("clock"))) for i in range(400)),
        given,
    ]
    settings = replace(JAM, source=BeatSource.MIDI, chart=None)
    assert chord_after(settings, *story, seconds=3.6) == "A7"
    jump = (6.98, Heard(Message("songpos", pos=0)))
    assert chord_after(settings, *story, jump, seconds=7.5) == "Em7"


def test_a_chart_taken_away_while_the_song_is_stopped_is_in_the_take_no_more() -> None:
    story: list[tuple[float, Event]] = [
        (0.95, Heard(Message("start"))),
        *((1.0 + i / 48, Heard(Message("clock"))) for i in range(200)),
        *phrase(1.01),
        (5.2, Heard(Message("stop"))),
        (5.5, Adjust("changes", "")),
        (5.95, Heard(Message("continue"))),
        *((6.0 + i / 48, Heard(Message("clock"))) for i in range(400)),
    ]
    session = Session(replace(JAM, source=BeatSource.MIDI))
    jam = VirtualJam(session, ScriptedImproviser(), [(0.0, WorkerReady()), *story])
    jam.run(13)
    assert session.status(13).chord is None
    assert max(tick for tick, _ in chord_markers(jam.entries)) <= 2 * BAR


def sure(request: LikelihoodRequest) -> list[Likelihoods]:
    """A judge who hears a pickup of a beat."""
    nats = tuple(50.0 * (each == 480) for each in candidates(FOUR))
    return [Likelihoods(request.id, nats)]


@pytest.mark.parametrize("seconds", [1.2, 3.2])
@pytest.mark.parametrize("chart", [None, CHART])
def test_a_chart_given_before_the_bar_line_is_found_lies_on_bars_in_the_take_too(
    seconds: float, chart: Chart | None
) -> None:
    session = Session(replace(JAM, chart=chart))
    given = (seconds, Adjust("changes", str(SCALE)))
    jam = VirtualJam(
        session, ScriptedImproviser(), [(0.0, WorkerReady()), given, *phrase(1.0)], sure
    )
    jam.run(15)
    markers = chord_markers(jam.entries)
    assert all(tick % BAR == 0 for tick, _ in markers[1:])
    tick, last = markers[-1]
    symbols = [f"chord: {symbol}" for (symbol,) in SCALE.bars]  # one a bar
    status = session.status(15)
    later = status.bar - 1 - tick // BAR
    assert f"chord: {status.chord}" == symbols[(symbols.index(last) + later) % len(symbols)]


def test_a_pickup_is_not_the_charts_first_bar() -> None:
    improviser = Watched()
    jam = VirtualJam(Session(JAM), improviser, [(0.0, WorkerReady()), *phrase(1.0)], sure)
    jam.run(7)
    request = improviser.asked[-1]
    assert request.context.heard[0].onset == BAR - 480  # beat four of bar 1
    assert chord_at(request, BAR) == "D:min7"
    assert chord_markers(jam.entries)[:2] == [(BAR, "chord: Dm7"), (2 * BAR, "chord: G7")]


def test_the_chart_goes_with_a_sequencers_song() -> None:
    pulses = [(1.0 + i / 48, Heard(Message("clock"))) for i in range(400)]
    story: list[tuple[float, Event]] = [
        (0.9, Heard(Message("songpos", pos=2 * 16))),  # bar 3
        (0.95, Heard(Message("continue"))),
        *pulses,
        *phrase(1.01),
    ]
    request = over(JAM, *story, until=8)
    first = request.context.heard[0].onset
    assert chord_at(request, first // BAR * BAR) == "C:maj7"


FOLLOWING = Settings(bpm=100, source=BeatSource.PLAYER, chart=SCALE)


def bars_of(player_bpm: float, bars: int, start: float = 1.0) -> Iterator[tuple[float, Event]]:
    """Whole bars with their accents, each note the bar's number in the phrase."""
    beat_s = 60 / player_bpm
    for eighth in range(bars * 8):
        if eighth % 8 not in (1, 5):
            key = {"note": 60 + eighth // 8}
            at, velocity = start + eighth * beat_s / 2, 100 if eighth % 8 == 0 else 70
            yield at, Heard(Message("note_on", velocity=velocity, **key))
            yield at + beat_s / 3, Heard(Message("note_off", **key))


def chart_bars(request: PlanRequest) -> dict[int, str]:
    """The chord under the notes of each bar that the player played, by their pitch."""
    return {note.pitch: chord_at(request, note.onset + 60) for note in request.context.heard}


@pytest.mark.parametrize("bpm", [66, 80, 90, 96, 100, 104])
def test_the_chart_begins_with_the_first_note_whatever_the_players_tempo(bpm: float) -> None:
    request = over(FOLLOWING, *bars_of(bpm, 4), until=1 + 18 * 60 / bpm)
    expected = {60: "C:maj", 61: "Db:maj", 62: "D:maj", 63: "Eb:maj"}
    assert chart_bars(request) == expected


@pytest.mark.parametrize("told", [150.0, 180.0])
def test_a_fast_tune_is_not_heard_at_half_its_tempo_if_the_tempo_was_told(told: float) -> None:
    jam = replace(FOLLOWING, bpm=told, own_tempo=True)
    request = over(jam, *bars_of(170, 4), until=1 + 18 * 60 / 170)
    assert chart_bars(request) == {60: "C:maj", 61: "Db:maj", 62: "D:maj", 63: "Eb:maj"}
    slow = bars_of(80, 4, start=10.0)
    session, until = Session(jam), 10 + 18 * 60 / 80
    story = [(0.0, WorkerReady()), *bars_of(170, 2), *slow]
    VirtualJam(session, ScriptedImproviser(), story).run(until)
    assert session.status(until).bpm == pytest.approx(80, rel=0.03), "the next may be of any"


@pytest.mark.parametrize("bpm", [84, 96, 104])
@pytest.mark.parametrize("late_beats", [-0.15, 0.0, 0.15])
def test_the_chart_goes_on_where_the_player_comes_in_at_another_tempo(
    bpm: float, late_beats: float
) -> None:
    again = 1.0 + (32 + late_beats) * 0.6  # after jamd's four bars
    second = [
        (at, replace(event, message=event.message.copy(note=event.message.note + 8)))
        for at, event in bars_of(bpm, 4, again)
        if isinstance(event, Heard)
    ]
    request = over(FOLLOWING, *bars_of(100, 4), *second, until=again + 18 * 60 / bpm)
    found = {pitch: chord for pitch, chord in chart_bars(request).items() if pitch >= 68}
    assert found == {68: "Ab:maj", 69: "A:maj", 70: "Bb:maj", 71: "B:maj"}


@pytest.mark.parametrize("early_s", [-0.02, 0.0, 0.02, 0.25, 0.5])
def test_in_a_link_session_too_a_pickup_is_not_the_charts_first_bar(early_s: float) -> None:
    link = LinkState(peers=1, bpm=120.0, bar_line=0.0, playing=True, since=0.0)
    moved = replace(link, bar_line=0.3)  # its bars lie elsewhere from now on
    jam = replace(JAM, source=BeatSource.LINK, chart=SCALE)
    story: list[tuple[float, Event]] = [(0.1, link), (14.1, moved), *phrase(10.0 - early_s, 12)]
    for moment, chord in ((11.0, "C"), (13.0, "Db"), (15.0, "D"), (17.0, "Eb")):
        assert chord_after(jam, *story, seconds=moment) == chord


def test_settings_with_a_chart_are_kept_in_the_journal() -> None:
    assert from_plain(Settings, to_plain(JAM)) == JAM


LINE = """
    1.1.0 player 65 80 5
    1.1.6 player 69 80 5
    1.2.0 player 72 80 5
    1.2.6 player 69 80 5
    1.3.0 player 74 80 11
    1.4.0 player 72 80 11
    2.1.0 player 71 80 5
    2.1.6 player 74 80 5
    2.2.0 player 77 80 5
    2.2.6 player 74 80 5
    2.3.0 player 71 80 20
"""


@pytest.fixture(scope="module")
def improviser() -> Improviser:
    return Improviser(Bundle.read(bundles.resolve("default")))


CHARTS = ("Dm7 | G7 | Cmaj7 | A7", "Dm7 | G7 | Ebm7 | Ab7", "F | Bb | F# | B")


def settings_over(text: str, mode: Mode, seed: int) -> Settings:
    fresh = settings_from(Config())
    quiet = replace(fresh, mode=mode, bpm=120.0, start_at_once=True, click=When.OFF, seed=seed)
    return replace(quiet, chart=Chart.parse(text))


def chord_under(note: Note, settings: Settings) -> str:
    assert settings.changes is not None
    return CHORDS[settings.changes.at(note.onset)]


def is_in_chord(note: Note, settings: Settings) -> bool:
    return note.pitch % 12 in tones_of(chord_under(note, settings))


@pytest.mark.parametrize("text", CHARTS)
def test_the_shipped_model_answers_over_the_changes(improviser: Improviser, text: str) -> None:
    tune: list[bool] = []
    for seed in range(4):
        settings = settings_over(text, Mode.ANSWER, seed)
        played = notes(play(settings, LINE, bars=7, improviser=improviser).entries)
        assert all(is_in_chord(note, settings) for note in played[Part.COMP])
        last = played[Part.LEAD][-1]
        assert last.pitch % 12 in triad_of(chord_under(last, settings))
        tune += [is_in_chord(note, settings) for note in played[Part.LEAD]]
    assert sum(tune) / len(tune) > 0.6


def test_endless_goes_round_the_changes(improviser: Improviser) -> None:
    settings = settings_over(CHARTS[1], Mode.ENDLESS, seed=1)
    played = notes(play(settings, LINE, bars=20, improviser=improviser).entries)
    comp = [note for note in played[Part.COMP] if note.onset >= 12 * BAR]
    assert comp
    assert all(is_in_chord(note, settings) for note in comp)


def test_a_model_that_knows_no_chords_is_refused() -> None:
    expect_chords(None, "article")
    expect_chords(CHART, "grid")
    with pytest.raises(UserError, match=r"found one of the language article: leave the changes"):
        expect_chords(CHART, "article")


def test_a_song_in_a_meter_too_short_for_the_chart_is_refused(tmp_path: Path) -> None:
    file = MidiFile()
    file.tracks.append(MidiTrack([MetaMessage("time_signature", numerator=3, denominator=4)]))
    file.save(tmp_path / "waltz.mid")
    words = [str(tmp_path / "waltz.mid"), "-o", str(tmp_path / "out.mid"), "--scripted"]
    assert main(["freewheel", *words, "--changes", "C F G"]) == 0
    assert main(["freewheel", *words, "--changes", "C F G C"]) == 2
