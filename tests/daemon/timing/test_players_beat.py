"""The player leads: jamd answers in their tempo, on their beat, and with their swing."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.events import Event, Heard, Sounded, Tap, TempoSet, WorkerReady
from jamd.daemon.model.requests import Planned, PlanRequest
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.virtual import VirtualJam
from jamd.notes import TICKS_PER_BEAT, Note, Tick

EVEN = (0, 0.5, 1, 2, 2.5, 3, 4, 4.5, 5, 6, 7, 7.5, 8)
LINE = (0, 1, 1.5, 2, 3, 3.5, 4, 5, 5.5, 6)  # a tune, in beats


class Eighths:
    """An improviser that plays straight eighths, and records its requests."""

    def __init__(self) -> None:
        self.asked: list[PlanRequest] = []

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        self.asked.append(request)
        onsets = range(request.context.until, request.through, TICKS_PER_BEAT // 2)
        notes = tuple(Note(Tick(onset), 72, duration=Tick(200)) for onset in onsets)
        yield Planned(request.id, notes, request.through, done=True)


class Jam:
    """The results of some phrases."""

    def __init__(
        self, settings: Settings, *phrases: Sequence[float], taps: Sequence[float] = ()
    ) -> None:
        self.improviser = Eighths()
        self.session = Session(settings)
        events = [*_events(phrases), *((moment, Tap()) for moment in taps)]
        self.performance = VirtualJam(self.session, self.improviser, events)
        self.performance.run(phrases[-1][-1] + 4)

    @property
    def answer(self) -> list[float]:
        """When jamd's notes begin, in seconds."""
        sent = self.performance.sent
        return [each.due for _, each in sent if each.message.type == "note_on"]

    @property
    def heard(self) -> list[int]:
        """Where the model heard the player's notes, when it was asked last, in ticks."""
        context = self.improviser.asked[-1].context
        return [note.onset for note in context.heard]

    def told_by(self) -> str | None:
        return self.session.status(self.answer[-1]).told_by


def _events(phrases: Sequence[Sequence[float]]) -> Iterator[tuple[float, Event]]:
    yield 0.0, WorkerReady()
    for phrase in phrases:
        for number, moment in enumerate(phrase):
            yield moment, Heard(Message("note_on", note=55 + number % 12, velocity=80))
            yield moment + 0.1, Heard(Message("note_off", note=55 + number % 12))


def at(bpm: float, beats: Sequence[float], start: float = 1.0) -> list[float]:
    return [start + beat * 60 / bpm for beat in beats]


def off_beat(moment: float, bpm: float, start: float = 1.0) -> float:
    """How far `moment` lies from the nearest beat, in seconds."""
    beats = (moment - start) * bpm / 60
    return (beats - round(beats)) * 60 / bpm


FOLLOWING = Settings(source=BeatSource.PLAYER, bpm=100)


@pytest.mark.parametrize("bpm", [72, 90, 118, 150])
def test_the_answer_is_in_the_player_s_tempo_and_on_his_beat(bpm: float) -> None:
    jam = Jam(FOLLOWING, at(bpm, LINE))
    assert jam.session.status(0).bpm == pytest.approx(bpm, rel=0.01)
    assert abs(off_beat(jam.answer[0], bpm)) < 0.010
    assert 60 / bpm <= jam.answer[0] - at(bpm, LINE)[-1] <= 3 * 60 / bpm
    told_by = jam.told_by()
    assert told_by is not None
    assert told_by.startswith("yours, ")


@pytest.mark.parametrize("bpm", [240, 280, 320])
@pytest.mark.parametrize("off", [0.9, 1, 1.1])
def test_a_tempo_faster_than_any_expected_is_found_if_it_was_told(bpm: float, off: float) -> None:
    jam = Jam(replace(FOLLOWING, bpm=off * bpm, own_tempo=True), at(bpm, EVEN))
    assert jam.session.status(0).bpm == pytest.approx(bpm, rel=0.01)


@pytest.mark.parametrize("bpm", [45, 60, 120, 200, 240])
def test_a_phrase_after_taps_is_in_the_tempo_tapped(bpm: float) -> None:
    """Also where few tunes are that slow or that fast, and half or double would be likelier."""
    count_in, phrase = (-4, -3, -2, -1), at(bpm, EVEN, start=8.0)
    before = Jam(FOLLOWING, phrase, taps=at(bpm, count_in, start=8.0))
    assert before.session.status(0).bpm == pytest.approx(bpm, rel=0.01)
    assert abs(off_beat(before.answer[0], bpm, start=8.0)) < 0.010
    again = at(bpm, EVEN, start=30.0)
    after = Jam(FOLLOWING, at(100, LINE), again, taps=at(bpm, count_in, start=30.0))
    assert after.session.status(0).bpm == pytest.approx(bpm, rel=0.01)
    answer = next(moment for moment in after.answer if moment > again[-1])
    assert abs(off_beat(answer, bpm, start=30.0)) < 0.010


@pytest.mark.parametrize("bpm", [45, 60])
def test_a_slow_tempo_that_was_told_is_kept_through_a_long_third_note(bpm: float) -> None:
    phrase = at(bpm, EVEN)
    jam = Jam(replace(FOLLOWING, bpm=bpm, own_tempo=True), phrase)
    assert jam.answer[0] > phrase[-1]
    assert jam.session.status(0).bpm == pytest.approx(bpm, rel=0.01)


def test_the_model_hears_the_phrase_in_its_place() -> None:
    jam = Jam(FOLLOWING, at(118, LINE))
    bar = jam.heard[0]
    assert bar % (4 * TICKS_PER_BEAT) == 0
    assert jam.heard == [bar + beat * TICKS_PER_BEAT for beat in LINE]


def test_a_tempo_that_was_nearly_right_moves_no_bar_line() -> None:
    jam = Jam(FOLLOWING, at(102, LINE))
    assert jam.heard == [beat * TICKS_PER_BEAT for beat in LINE]


def test_a_pickup_lies_before_the_bar_line() -> None:
    jam = Jam(FOLLOWING, at(104, (-0.5, *LINE)))
    assert jam.heard[1] % (4 * TICKS_PER_BEAT) == 0
    assert jam.heard[1] - jam.heard[0] == TICKS_PER_BEAT // 2


def test_a_second_phrase_in_another_tempo_is_followed() -> None:
    jam = Jam(FOLLOWING, at(90, LINE), at(126, LINE, start=14.3))
    assert jam.session.status(0).bpm == pytest.approx(126, rel=0.01)
    answer = next(moment for moment in jam.answer if moment > 14.3 + 6 * 60 / 126)
    assert abs(off_beat(answer, 126, 14.3)) < 0.010


def test_a_second_phrase_that_drifts_a_little_keeps_the_bar_lines() -> None:
    first = at(100, LINE)
    second = at(103, LINE, start=first[0] + 16 * 0.6)
    jam = Jam(FOLLOWING, first, second)
    assert jam.session.status(0).bpm == pytest.approx(103, rel=0.01)
    answer = next(moment for moment in jam.answer if moment > second[-1])
    assert abs(off_beat(answer, 103, second[0])) < 0.015
    entries = jam.performance.entries
    onset = next(e for e in entries if isinstance(e, Sounded) and e.seconds == second[0])
    bars = onset.tick / (4 * TICKS_PER_BEAT)
    assert bars == pytest.approx(round(bars), abs=0.005)


def test_where_there_is_no_beat_the_median_gap_stands_for_it() -> None:
    gaps = (0.31, 0.66, 0.47, 0.22, 0.71, 0.39, 0.62, 0.27, 0.59)
    moments = [1 + sum(gaps[:count]) for count in range(len(gaps) + 1)]
    jam = Jam(FOLLOWING, moments)
    assert jam.told_by() == "your median gap"
    assert jam.session.status(0).bpm == pytest.approx(60 / 0.47, rel=0.001)
    assert abs(off_beat(jam.answer[0], 60 / 0.47, moments[-1])) < 0.002


def test_the_take_s_tempos_lead_to_where_it_was_played() -> None:
    jam = Jam(FOLLOWING, at(126, LINE), at(84, LINE, start=12.0))
    entries = jam.performance.entries
    tempos = sorted((e for e in entries if isinstance(e, TempoSet)), key=lambda e: e.tick)
    sounded = [e for e in entries if isinstance(e, Sounded)]
    for entry in sounded:
        before = [tempo for tempo in tempos if tempo.tick <= entry.tick]
        seconds = before[0].seconds
        until = [*(tempo.tick for tempo in before[1:]), entry.tick]
        for tempo, tick in zip(before, until, strict=True):
            seconds += (tick - tempo.tick) * 60 / tempo.bpm / TICKS_PER_BEAT
        assert seconds == pytest.approx(entry.seconds, abs=0.006)


@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=30))
def test_ticks_only_rise(gaps: list[float]) -> None:
    moments = [1 + sum(gaps[:count]) for count in range(len(gaps) + 1)]
    entries = Jam(FOLLOWING, moments).performance.entries
    ticks = [entry.tick for entry in entries if isinstance(entry, Sounded) and entry.part is None]
    assert ticks == sorted(ticks)


SWUNG = [beat + place for beat in range(8) for place in (0, 0.66)]


@pytest.mark.parametrize("source", [BeatSource.PLAYER, BeatSource.INTERNAL])
def test_the_answer_swings_as_the_player_does(source: BeatSource) -> None:
    jam = Jam(Settings(source=source, bpm=108), at(108, SWUNG))
    off = [place for place in places(jam) if place > 0.2]
    assert len(off) >= 6
    assert all(0.64 <= place <= 0.68 for place in off)
    assert jam.heard == [jam.heard[0] + 240 * number for number in range(16)]


def test_people_s_swing_comes_back_within_three_hundredths() -> None:
    """Four bars at 66 % with 20 ms; the off-beats out, on the average of each answer."""
    four_bars = [beat + place for beat in range(16) for place in (0, 0.66)]
    good = 0
    for seed in range(30):
        rng = random.Random(seed)
        played = [moment + rng.gauss(0, 0.020) for moment in at(108, four_bars)]
        off = [place for place in places(Jam(Settings(bpm=108), played)) if place > 0.2]
        good += 0.63 <= sum(off) / len(off) <= 0.69
    assert good >= 27


def test_straight_eighths_are_answered_straight() -> None:
    straight = [beat + place for beat in range(8) for place in (0, 0.5)]
    off = [place for place in places(Jam(Settings(bpm=108), at(108, straight))) if place > 0.2]
    assert off == pytest.approx([0.5] * len(off), abs=0.003)


@pytest.mark.parametrize(("swing", "place"), [(0.5, 0.5), (0.6, 0.6)])
def test_a_fixed_swing_is_played_whatever_the_player_does(swing: float, place: float) -> None:
    jam = Jam(Settings(bpm=108, swing=swing), at(108, SWUNG))
    off = [each for each in places(jam) if each > 0.2]
    assert off == pytest.approx([place] * len(off), abs=0.003)


def places(jam: Jam) -> list[float]:
    """Where in its beat each note of the answer lies, on the transport."""
    entries = jam.performance.entries
    onsets = [e for e in entries if isinstance(e, Sounded) and e.part and e.message.velocity]
    return [e.tick / TICKS_PER_BEAT % 1 for e in onsets if e.message.type == "note_on"]
