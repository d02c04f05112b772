"""After a long rest the jam is over: its take is saved, and the next note begins a new one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mido import Message
from turn_taking import jam

from jamd.config.config import Config
from jamd.daemon.events import (
    Adjust,
    Event,
    Heard,
    LinkState,
    Mode,
    SetMode,
    SetTempo,
    WorkerReady,
)
from jamd.daemon.playing.click import When
from jamd.daemon.playing.yielding import Yield
from jamd.daemon.programme import after_a_rest
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.status import Status
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.notes import Part
from readable_takes import ONE_BAR, heard

ALONE = replace(jam(), start_at_once=False)  # 120 bpm: the answer to a bar ends at 3.1, at 4 s
HOUR_S = 3600.0
TICKS = [(i / 48, Heard(Message("clock"))) for i in range(60 * 48)]


def status(settings: Settings, *story: tuple[float, Event], at: float) -> Status:
    session = Session(settings)
    events: list[tuple[float, Event]] = [(0.0, WorkerReady()), *story]
    VirtualJam(session, ScriptedImproviser(), sorted(events, key=lambda one: one[0])).run(at)
    return session.status(at)


def rested_s(settings: Settings, *story: tuple[float, Event], at: float = HOUR_S) -> float:
    return status(settings, *story, at=at).rested_s


def test_it_counts_from_the_last_that_anybody_played() -> None:
    assert rested_s(ALONE) == 0, "nobody has played yet"
    assert rested_s(ALONE, *heard(ONE_BAR), at=1.9) == pytest.approx(0.15)
    assert rested_s(ALONE, *heard(ONE_BAR)) == pytest.approx(HOUR_S - 4.0, abs=0.5)
    wheel = Heard(Message("control_change", control=1, value=9))
    drum = Heard(Message("note_on", channel=9, note=36))
    for moved in (wheel, drum):
        assert rested_s(ALONE, *heard(ONE_BAR), (3000.0, moved)) == pytest.approx(600.0)


@pytest.mark.parametrize(
    ("down", "up"),
    [
        (Message("note_on", note=60), Message("note_off", note=60)),
        (Message("control_change", control=64, value=127), Message("control_change", control=64)),
    ],
)
def test_whoever_holds_a_key_or_a_pedal_does_not_rest(down: Message, up: Message) -> None:
    session = Session(ALONE)
    session.handle(Heard(down), 1.0)
    assert session.status(HOUR_S).rested_s == 0
    session.handle(Heard(up), HOUR_S)
    assert session.status(HOUR_S + 60).rested_s == 60


@pytest.mark.parametrize(("thru", "rests"), [(False, True), (True, False)])
def test_a_wheel_that_is_sent_on_stays_where_the_player_left_it(thru: bool, rests: bool) -> None:
    session = Session(replace(ALONE, thru=thru))
    wheel = Message("control_change", control=1, value=64)
    session.handle(Heard(wheel), 1.0)
    assert (session.status(HOUR_S).rested_s > 0) is rests
    session.handle(Heard(wheel.copy(value=0)), HOUR_S)
    assert session.status(HOUR_S + 60).rested_s == 60


@pytest.mark.parametrize(("value", "rests"), [(1, True), (63, True), (64, False)])
def test_a_pedal_that_idles_a_little_above_its_rest_is_not_down(value: int, rests: bool) -> None:
    session = Session(replace(ALONE, thru=True))
    session.handle(Heard(Message("control_change", control=64, value=value)), 1.0)
    assert (session.status(HOUR_S).rested_s > 0) is rests


def test_a_jam_of_so_many_bars_is_one_take() -> None:
    assert rested_s(replace(ALONE, bars=10_000), *heard(ONE_BAR)) == 0


def test_endless_music_is_no_rest() -> None:
    assert rested_s(replace(ALONE, mode=Mode.ENDLESS), *heard(ONE_BAR), at=300.0) == 0


@pytest.mark.parametrize(
    "shared",
    [
        {"send_clock": True},
        {"click": When.ON},
        {"source": BeatSource.LINK},
        {"source": BeatSource.MIDI},
    ],
)
def test_a_beat_that_others_hear_goes_on(shared: dict[str, object]) -> None:
    settings = replace(ALONE, **shared)  # type: ignore[arg-type]
    joined = LinkState(peers=1, bpm=120, bar_line=0.0, playing=False, since=-1.0)
    assert rested_s(settings, (0.1, joined), *heard(ONE_BAR)) == 0


@pytest.mark.parametrize(("started", "rests"), [(True, False), (False, True)])
def test_a_clock_that_merely_ticks_keeps_nobody_awake(started: bool, rests: bool) -> None:
    start = [(0.001, Heard(Message("start")))] if started else []
    settings = replace(ALONE, source=BeatSource.AUTO)
    waited = rested_s(settings, *start, *TICKS, *heard(ONE_BAR), at=59.0)
    assert (waited > 50) is rests


@pytest.mark.parametrize("source", [BeatSource.AUTO, BeatSource.INTERNAL])
def test_a_clock_that_ticks_while_nobody_plays_fills_no_take(source: BeatSource) -> None:
    """Each pulse is in the journal: 15 MB an hour."""
    assert rested_s(replace(ALONE, source=source), *TICKS, at=59.0) == pytest.approx(59.0)


@pytest.mark.parametrize(("asked", "bpm"), [([], 120), ([(20.0, SetTempo(90.0))], 90)])
def test_the_next_jam_goes_on_in_the_mode_and_at_the_tempo_that_the_player_left(
    asked: list[tuple[float, Event]], bpm: float
) -> None:
    settings = replace(ALONE, source=BeatSource.AUTO, bpm=100, start_at_once=True, count_in=1)
    change: list[tuple[float, Event]] = [(21.0, SetMode(Mode.OFF)), *asked]
    left = status(settings, *TICKS, *heard(ONE_BAR), *change, at=59.0)
    following = after_a_rest(settings, Config(), left)
    assert status(following, *TICKS, at=10.0).bar == 0, "it waits for the player"
    goes_on = status(following, *TICKS, *heard(ONE_BAR), at=10.0)
    assert goes_on.mode is Mode.OFF
    assert goes_on.bpm == pytest.approx(bpm)


def test_after_a_rest_a_player_who_is_followed_begins_at_the_tempo_told_or_at_any() -> None:
    left = Session(Settings(bpm=90)).status(0.0)
    for own_tempo in (False, True):
        told = Settings(source=BeatSource.PLAYER, bpm=180, own_tempo=own_tempo)
        following = after_a_rest(told, Config(), replace(left, own_tempo=True))
        assert (following.bpm, following.own_tempo) == (180, own_tempo)


def test_the_next_jam_goes_on_with_what_was_adjusted() -> None:
    session = Session(jam())
    session.handle(Adjust("temperature", 0.7), 1.0)
    session.handle(Adjust("parts", "lead"), 2.0)
    session.handle(Adjust("trade", 8), 3.0)
    session.handle(Adjust("yield", "never"), 4.0)
    following = after_a_rest(jam(), Config(), session.status(3600.0))
    assert following.sampling.temperature == 0.7
    assert following.constraints.parts == {Part.LEAD}
    assert (following.trade_bars, following.yields) == (8, Yield.NEVER)
    assert Session(following).status(0.0).adjusted is None
