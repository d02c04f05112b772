"""A session goes on from another while somebody else has the beat, or goes by jamd's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mido import Message
from relay import Relay, note, told

from jamd.daemon.events import (
    Event,
    Heard,
    Leave,
    WorkerReady,
)
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource
from jamd.notes import Meter

THRU = Settings(thru=True)


def moment(said: tuple[float, Event]) -> float:
    return said[0]


def clocks(first: int, last: int, bpm: float = 120) -> list[tuple[float, Event]]:
    """Pulses of a clock, by their numbers: pulse 0 is at 10 s."""
    return [(10 + i * 2.5 / bpm, Heard(Message("clock"))) for i in range(first, last)]


START, STOP, CONTINUE = (Heard(Message(kind)) for kind in ("start", "stop", "continue"))


def test_a_sequencer_that_rolls_goes_on_to_lead_in_the_meter_of_the_next() -> None:
    waltz = replace(Settings(), meter=Meter(3, 4))
    relay = Relay(Settings(), waltz)
    told(relay, *clocks(-48, 0), (9.99, START), *clocks(0, 24 * 9 + 7))
    assert (relay.status(14.6).bar, relay.status(14.6).beat) == (3, 2)
    told(relay, (14.63, Leave()), *clocks(24 * 9 + 7, 24 * 9 + 8))
    status = relay.status(14.67)
    assert status.from_clock, "at once, not after some pulses"
    assert status.bpm == pytest.approx(120)
    assert (status.bar, status.beat) == (4, 1), "nine beats are three bars of a waltz"
    told(relay, *clocks(24 * 9 + 8, 24 * 15))
    assert relay.status(17.49).bar == 5
    assert relay.status(17.51).bar == 6


@pytest.mark.parametrize("ticks_on", [True, False])  # some send a clock only while they play
def test_a_sequencer_that_is_stopped_goes_on_where_it_is_in_the_next_song(ticks_on: bool) -> None:
    pulse_s = 0.5 / 24
    stopped, left, goes_on = 6 * 24, 8 * 24, 9 * 24
    located = Heard(Message("songpos", pos=4 * 4 + 1))
    for said, place in (([], (2, 3)), ([(14.2, located)], (2, 1))):
        for leaves in ([], [(14.0, Leave())]):
            relay = Relay(Settings(), Settings())
            told(relay, *clocks(-48, 0), (9.99, START), *clocks(0, stopped), (12.999, STOP))
            told(relay, *(clocks(stopped, left) if ticks_on else ()), *leaves)
            told(relay, *sorted([*(clocks(left, goes_on) if ticks_on else ()), *said], key=moment))
            told(relay, (14.495, CONTINUE), *clocks(goes_on, goes_on + 24))
            status = relay.status(14.5 + 13 * pulse_s)
            assert (status.bar, status.beat) == place, leaves


def test_a_sequencer_without_a_clock_that_has_just_said_start_begins_in_the_next_song() -> None:
    relay = Relay(Settings(), Settings())
    told(relay, (9.9, START), (9.95, Leave()), *clocks(0, 12))
    assert relay.status(10.2).bar == 1


def test_after_a_loop_the_next_song_begins_at_the_place_of_the_sequencers() -> None:
    back = Heard(Message("songpos", pos=0))
    relay = Relay(Settings(), Settings())
    told(relay, *clocks(-48, 0), (9.99, START), *clocks(0, 192), (13.999, back))  # two bars
    told(relay, *clocks(192, 216), (14.49, Leave()), *clocks(216, 228))
    assert (relay.status(14.6).bar, relay.status(14.6).beat) == (1, 2)


def test_a_sequencer_that_stands_is_waited_for() -> None:
    relay = Relay(Settings(), Settings())
    told(relay, *clocks(-48, 0), (9.99, START), *clocks(0, 24), (10.5, STOP), *clocks(25, 96))
    assert relay.status(12.0).waits
    told(relay, (12.0, Leave()), (12.1, note(60)))
    assert relay.status(12.1).waits
    assert relay.status(12.1).bar == 0
    told(relay, *clocks(97, 120), (12.495, START), *clocks(120, 122))
    assert relay.status(12.53).bar == 1


def test_a_clock_that_only_ticks_sets_the_tempo_from_the_first_note_on() -> None:
    relay = Relay(Settings(), Settings(bpm=90))
    told(relay, *clocks(-96, 0, bpm=140), (10.0, Leave()), (10.005, note(60)))
    assert relay.status(10.01).bpm == pytest.approx(140)
    kept = Relay(Settings(), Settings(bpm=90, own_tempo=True))
    told(kept, *clocks(-96, 0, bpm=140), (10.0, Leave()), (10.005, note(60)))
    assert kept.status(10.01).bpm == 90


def test_who_goes_by_jamds_clock_is_stopped_and_hears_the_next_tempo_at_once() -> None:
    leads = Settings(bpm=120, send_clock=True, start_at_once=True)
    second = replace(leads, bpm=60, start_at_once=False)
    relay = Relay(leads, second, second)
    told(relay, (1.0, WorkerReady()))
    changed = told(relay, (3.01, Leave()))
    assert [message.type for message in changed if message.type != "clock"][-1:] == ["stop"]
    waiting = told(relay, (5.01, Leave()))
    assert {message.type for message in waiting} == {"clock"}
    assert len(waiting) in (47, 48), "two seconds at 60 bpm"
    sent = told(relay, (5.02, note(60)))
    assert "start" in [message.type for message in sent]


@pytest.mark.parametrize("source", [BeatSource.INTERNAL, BeatSource.PLAYER])
def test_who_keeps_a_beat_of_their_own_goes_by_no_clock(source: BeatSource) -> None:
    relay = Relay(Settings(), Settings(bpm=90, source=source))
    told(relay, *clocks(-48, 0), (9.99, START), *clocks(0, 50), (11.05, Leave()), *clocks(50, 60))
    assert not relay.status(11.3).from_clock
    assert relay.status(11.3).bar == 0
    assert relay.status(11.3).bpm == 90
