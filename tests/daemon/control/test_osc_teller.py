"""What has changed is told once, a beat when it falls, and no fader is moved under the finger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from mido import Message

from jamd.daemon.control.osc_teller import HOLD_S, Teller
from jamd.daemon.events import Adjust, Event, Heard, Mode, SetMode, SetTempo, WorkerReady
from jamd.daemon.ports.connections import Connected
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.harmony.chart import Chart
from jamd.notes import Meter

NOTE = Heard(Message("note_on", note=60))
LOOK_S = 0.02


class Told:
    """A session at which a teller looks as in a real jam: each 20 ms, and at the beat announced."""

    def __init__(self, settings: Settings, events: Sequence[tuple[float, Event]] = ()) -> None:
        self.session = Session(settings)
        self.teller = Teller()
        self.rows: list[tuple[float, str, tuple[object, ...]]] = []
        self._events = [(0.0, WorkerReady()), *events]
        self._now = 0.0

    def until(self, end: float) -> Told:
        while self._now < end:
            while self._events and self._events[0][0] <= self._now:
                self.session.handle(self._events.pop(0)[1], self._now)
            self.session.advance(self._now)
            status = self.session.status(self._now)
            self._look(self._now)
            if status.next_beat is not None and status.next_beat[0] < self._now + LOOK_S:
                self._look(status.next_beat[0], status_at=self._now)
            self._now = round(self._now + LOOK_S, 6)
        return self

    def _look(self, now: float, status_at: float | None = None) -> None:
        status = self.session.status(now if status_at is None else status_at)
        for address, values in self.teller.news(status, Connected(), now):
            self.rows.append((now, address, values))

    def of(self, address: str) -> list[tuple[float, tuple[object, ...]]]:
        return [(round(at, 4), values) for at, told, values in self.rows if told == address]


@pytest.mark.parametrize(
    ("meter", "beats"),
    [
        (Meter(3, 4), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]),
        (Meter(6, 8), [*((1, beat) for beat in range(1, 7)), (2, 1), (2, 2), (2, 3), (2, 4)]),
    ],
)
def test_each_beat_is_told_when_it_falls(meter: Meter, beats: list[tuple[int, int]]) -> None:
    told = Told(Settings(bpm=90.0, meter=meter), [(0.1, NOTE)]).until(3.3)
    beat_s = 60 / 90 * 4 / meter.denominator
    expected = [(round(0.1 + i * beat_s, 4), each) for i, each in enumerate(beats)]
    assert told.of("/jamd/beat") == expected


def test_a_count_in_is_bar_0() -> None:
    told = Told(Settings(bpm=120.0, count_in=1)).until(3.0)
    rows = [values for _, values in told.of("/jamd/beat")]
    assert rows == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 1), (1, 2)]


def test_the_beat_of_another_tempo_is_told_when_it_falls() -> None:
    told = Told(Settings(bpm=120.0), [(0.0, NOTE), (1.25, SetTempo(60.0))]).until(3.3)
    assert told.of("/jamd/beat")[2:] == [(1.0, (1, 3)), (1.74, (1, 4)), (2.74, (2, 1))]
    assert told.of("/jamd/set/bpm") == [(0.0, (120.0,)), (1.26, (60.0,))]


def test_a_beat_that_comes_a_little_later_than_announced_is_told_once() -> None:
    teller, status = Teller(), Session(Settings()).status(0.0)
    before = replace(status, bar=1, beat=1, next_beat=(1.0, 1, 2))
    assert ("/jamd/beat", (1, 1)) in teller.news(before, Connected(), 0.9)
    assert teller.news(before, Connected(), 1.0) == [("/jamd/beat", (1, 2))]
    later = replace(before, next_beat=(1.004, 1, 2))
    assert teller.news(later, Connected(), 1.001) == []
    assert teller.news(later, Connected(), 1.004) == []
    jumped = replace(status, bar=7, beat=1, next_beat=(1.6, 7, 2))
    assert teller.news(jumped, Connected(), 1.05) == [("/jamd/beat", (7, 1))]


def test_turn_chord_mode_and_connections_are_told_when_they_change() -> None:
    chart = Chart.parse("Dm7 | G7")
    told = Told(Settings(bpm=120.0, chart=chart), [(0.0, NOTE), (1.0, SetMode(Mode.OFF))])
    told.until(2.1)
    assert told.of("/jamd/chord") == [(0.0, ("Dm7",)), (2.0, ("G7",))]
    assert told.of("/jamd/set/mode") == [(0.0, ("answer",)), (1.0, ("off",))]
    assert told.of("/jamd/turn") == [(0.0, (0,))]
    connected = Connected(("a keyboard",), ("a synthesiser",))
    news = told.teller.news(told.session.status(2.1), connected, 2.1)
    assert news == [("/jamd/input", (1,)), ("/jamd/output", (1,))]


def test_a_setting_that_came_in_is_told_when_the_finger_rests() -> None:
    teller, session = Teller(), Session(Settings())
    assert ("/jamd/set/density", (0.0,)) in teller.news(session.status(0.0), Connected(), 0.0)
    for i in range(50):  # of which a few at a time are in force
        teller.hear("/jamd/set/density", i * LOOK_S)
        session.handle(Adjust("density", 1 + i / 100), i * LOOK_S)
        assert teller.news(session.status(i * LOOK_S), Connected(), i * LOOK_S) == []
    rests = 49 * LOOK_S + HOLD_S
    assert teller.news(session.status(rests), Connected(), rests - 0.01) == []
    told = teller.news(session.status(rests), Connected(), rests)
    assert told == [("/jamd/set/density", (1.49,))]


def test_a_fader_whose_value_was_refused_is_told_the_one_in_force() -> None:
    teller, status = Teller(), Session(Settings()).status(0.0)
    teller.news(status, Connected(), 0.0)
    teller.hear("/jamd/set/bpm", 1.0)  # which a MIDI clock may have, for one
    assert teller.news(status, Connected(), 2.0) == [("/jamd/set/bpm", (120.0,))]


def test_who_comes_late_is_told_everything_when_they_ask() -> None:
    teller, status = Teller(), Session(Settings()).status(0.0)
    first = teller.news(status, Connected(), 0.0)
    assert teller.news(status, Connected(), 1.0) == []
    teller.forget()
    assert teller.news(status, Connected(), 2.0) == first
