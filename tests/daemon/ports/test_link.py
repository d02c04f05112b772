"""A session that plays in an Ableton Link session, as its events describe it."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.clock import MonotonicClock
from jamd.daemon.events import (
    Effect,
    Event,
    Heard,
    Journal,
    LinkState,
    Mode,
    Send,
    SetTempo,
    Sounded,
    TellLink,
    TempoSet,
    WorkerReady,
)
from jamd.daemon.ports.link import LinkPeer
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.errors import UserError
from jamd.notes import TICKS_PER_BEAT, Meter

LINK = Settings(source=BeatSource.LINK, bpm=100)
THEIRS = LinkState(peers=1, bpm=120, bar_line=0.0, playing=False, since=-1.0)  # a bar is 2 s
NOTE, OFF = Heard(Message("note_on", note=60)), Heard(Message("note_off", note=60))
START, STOP = Heard(Message("start")), Heard(Message("stop"))


class Jam:
    """A session that is given events, and polled whenever it wants to be."""

    def __init__(self, settings: Settings = LINK) -> None:
        self.session = Session(settings)
        self.effects: list[Effect] = []

    def hear(self, now: float, *happened: Event) -> Jam:
        self.pass_time(now)
        for event in happened:
            self.effects += self.session.handle(event, now)
        return self

    def pass_time(self, now: float) -> None:
        while (deadline := self.session.next_deadline()) is not None and deadline < now:
            self.effects += self.session.advance(deadline)
        self.effects += self.session.advance(now)

    def place(self, now: float) -> tuple[int, int]:
        self.pass_time(now)
        status = self.session.status(now)
        return status.bar, status.beat

    def beat(self, now: float) -> float:
        """Quarter notes into the bar."""
        self.pass_time(now)
        transport = self.session._transport
        return transport.exact_tick(now) % transport.meter.ticks_per_bar / TICKS_PER_BEAT

    @property
    def told(self) -> list[TellLink]:
        return [effect for effect in self.effects if isinstance(effect, TellLink)]


def test_alone_the_first_note_is_beat_one() -> None:
    jam = Jam().hear(0.3, replace(THEIRS, peers=0)).hear(0.9, NOTE)
    assert jam.place(0.9) == (1, 1)
    assert jam.told == [TellLink(0.9, playing=True, bar_line=True)]


def test_among_peers_the_first_note_is_where_they_are_in_the_bar() -> None:
    jam = Jam().hear(0.3, THEIRS).hear(7.1, NOTE)  # 1.1 s into their fourth bar
    assert jam.place(7.1) == (1, 3)
    assert jam.beat(7.9) == pytest.approx(3.8, abs=0.001)
    assert jam.place(8.001) == (2, 1)
    assert [wish.playing for wish in jam.told] == [True]


def test_a_bar_is_the_quantum() -> None:
    jam = Jam(replace(LINK, meter=Meter(6, 8))).hear(0.3, THEIRS).hear(4.6, NOTE)
    assert jam.place(4.6) == (1, 1)  # a bar is 1.5 s
    assert jam.place(5.3) == (1, 4)


@pytest.mark.parametrize("bpm", [50.0, 97.3, 220.0])
def test_a_peers_tempo_is_followed_from_there_on(bpm: float) -> None:
    jam = Jam().hear(0.3, THEIRS).hear(4.0, NOTE)
    jam.hear(9.005, replace(THEIRS, bpm=bpm, bar_line=9.0 - 1.0 * 120 / bpm))
    beat_s = 60 / bpm
    for beats in (2, 3, 50, 999):
        now = 9.0 + beats * beat_s
        off = (jam.beat(now) - (2 + beats) + 2) % 4 - 2
        assert abs(off) * beat_s < 0.001
    entries = [effect.entry for effect in jam.effects if isinstance(effect, Journal)]
    tempos = {entry.tick: entry.bpm for entry in entries if isinstance(entry, TempoSet)}
    first, *_, last = tempos.values()
    assert (first, last) == pytest.approx((120, bpm))
    assert len(tempos) <= 3  # it was heard of 5 ms late, and caught up with
    assert [wish.bpm for wish in jam.told] == [None]  # neither joining nor following sets one


def test_two_clocks_that_drift_stay_together() -> None:
    """100 ppm, as a bad crystal has; what is told is told when it matters, as `LinkPeer` does."""
    jam = Jam().hear(0.3, THEIRS).hear(4.0, NOTE)
    for i in range(1, 600):
        jam.hear(4.0 + i, replace(THEIRS, bar_line=4.0 + i * 1e-4))
        now = 4.5 + i
        assert abs((jam.beat(now) - (now - i * 1e-4) * 2 + 2) % 4 - 2) * 0.5 < 0.0002


def test_a_tempo_set_on_jamd_is_everybodys() -> None:
    jam = Jam().hear(0.3, THEIRS).hear(4.0, NOTE).hear(5.0, SetTempo(90))
    assert jam.told[1:] == [TellLink(5.0, bpm=90)]
    assert jam.session.status(5.0).bpm == 90


def test_a_peers_start_is_made_at_the_next_bar_line() -> None:
    jam = Jam().hear(0.3, THEIRS).hear(4.9, replace(THEIRS, playing=True, since=4.897))
    assert jam.place(5.9) == (0, 0)
    assert jam.place(6.0) == (1, 1)
    assert jam.beat(6.5) == pytest.approx(1.0, abs=0.002)
    assert jam.told == []  # they know


def test_a_start_on_the_bar_line_is_heard_a_little_later() -> None:
    jam = Jam().hear(0.3, THEIRS).hear(6.02, replace(THEIRS, playing=True, since=6.0))
    assert jam.place(6.02) == (1, 1)
    assert jam.beat(7.5) == pytest.approx(3.0, abs=0.002)


def test_a_peer_that_already_plays_does_not_start_jamd() -> None:
    jam = Jam().hear(0.3, replace(THEIRS, playing=True))
    assert jam.place(9.0) == (0, 0)


def test_a_peers_stop_stops_until_somebody_starts() -> None:
    jam = Jam(replace(LINK, thru=True)).hear(0.3, THEIRS).hear(4.0, NOTE)
    jam.hear(5.0, replace(THEIRS, playing=True, since=4.0))  # what jamd itself has told
    jam.hear(9.0, replace(THEIRS, since=8.99))
    assert jam.place(9.0) == (0, 0)
    assert [e.message.type for e in jam.effects if isinstance(e, Send)] == ["note_on", "note_off"]
    jam.hear(9.5, NOTE)
    assert jam.session.status(9.6).waits
    assert jam.place(9.6) == (0, 0)
    jam.hear(10.5, replace(THEIRS, playing=True, since=10.5))
    assert jam.place(12.01) == (1, 1)


def test_left_alone_nobody_is_waited_for() -> None:
    jam = Jam().hear(0.3, THEIRS).hear(4.0, NOTE)
    jam.hear(4.1, replace(THEIRS, playing=True)).hear(9.0, THEIRS)
    assert jam.session.status(9.0).waits
    jam.hear(9.5, replace(THEIRS, peers=0)).hear(9.6, NOTE)
    assert jam.place(9.6) == (1, 1)


def test_start_and_stop_keys_of_the_players_own_are_everybodys() -> None:
    jam = Jam().hear(0.3, THEIRS).hear(5.0, START)
    assert jam.told == [TellLink(5.0, playing=True, bar_line=True)]
    jam.hear(5.01, replace(THEIRS, playing=True, since=5.0))
    assert jam.place(5.9) == (0, 0)
    assert jam.place(6.0) == (1, 1)
    jam.hear(7.0, STOP)
    assert jam.told[1:] == [TellLink(7.0, playing=False)]
    assert jam.place(7.0) == (0, 0)


def test_starts_and_stops_are_ones_own_where_that_is_wanted() -> None:
    jam = Jam(replace(LINK, link_start_stop=False)).hear(0.3, THEIRS)
    jam.hear(4.0, replace(THEIRS, playing=True))
    assert jam.place(7.0) == (0, 0)
    jam.hear(8.0, NOTE).hear(8.5, THEIRS).hear(8.6, STOP)
    assert jam.place(9.0) == (1, 3)
    assert [wish.playing for wish in jam.told] == [None]


def test_who_joins_while_playing_begins_anew_at_their_place() -> None:
    jam = Jam().hear(0.3, replace(THEIRS, peers=0, bpm=100)).hear(4.3, NOTE)
    before = jam.session._transport.tick_at(7.0)
    jam.hear(7.0, THEIRS)
    assert jam.session._transport.tick_at(7.0) >= before
    assert jam.beat(7.2) == pytest.approx(2.4, abs=0.02)
    assert jam.beat(9.0) == pytest.approx(2.0, abs=0.001)
    assert jam.session.status(9.0).bpm == 120


def test_a_small_step_is_no_reason_to_begin_anew() -> None:
    jam = Jam().hear(0.3, THEIRS).hear(4.0, NOTE)
    jam.hear(5.0, replace(THEIRS, bar_line=0.05))
    assert jam.beat(5.01) == pytest.approx(2.02, abs=0.02)
    assert jam.beat(7.05) == pytest.approx(2.0, abs=0.001)


def test_a_tempo_out_of_reach_is_not_followed() -> None:
    jam = Jam().hear(0.3, THEIRS).hear(4.0, NOTE).hear(5.0, replace(THEIRS, bpm=600))
    assert jam.session.status(6.0).bpm == 120


STATES = st.builds(
    LinkState,
    peers=st.integers(0, 2),
    bpm=st.sampled_from([20.0, 97.5, 120.0, 400.0, 999.0]),
    bar_line=st.floats(-5, 60),
    playing=st.booleans(),
    since=st.floats(0, 60),
)
HAPPENED = st.one_of(
    st.just(NOTE), st.just(OFF), st.just(START), st.just(STOP), STATES, st.just(SetTempo(77))
)


@given(st.lists(st.tuples(st.floats(0, 3), HAPPENED), max_size=30), st.booleans())
def test_whatever_they_do_time_does_not_go_back_and_every_note_ends(
    story: list[tuple[float, Event]], at_once: bool
) -> None:
    settings = replace(LINK, mode=Mode.ENDLESS, start_at_once=at_once)
    now = 4.0
    happened: list[tuple[float, Event]] = [(0.0, WorkerReady())]
    happened += [(1.0 + i / 4, NOTE if i % 2 else OFF) for i in range(8)]
    for wait, event in story:
        now += wait
        happened.append((now, event))
    performance = VirtualJam(Session(settings), ScriptedImproviser(), happened)
    performance.run(now + 8)
    ticks = [e.tick for e in performance.entries if isinstance(e, Sounded)]
    assert ticks == sorted(ticks)
    sounding: set[int] = set()
    for _, send in performance.sent:
        message = send.message
        if message.type == "note_on" and message.velocity:
            assert message.note not in sounding
            sounding.add(message.note)
        else:
            sounding.discard(message.note)
    assert not sounding


def test_without_the_package_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "link", None)
    with pytest.raises(UserError, match=r"pip install 'jamd\[link\]'"):
        LinkPeer(120, Meter(4, 4), True, MonotonicClock())
