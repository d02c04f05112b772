"""jamd does not follow its own clock when it comes back, but any other clock."""

from __future__ import annotations

import heapq
import itertools
import random

import pytest
from mido import Message

from jamd.daemon.events import Effect, Heard, Output, Send, SetTempo
from jamd.daemon.listening.clock_echo import ClockEcho
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings

PULSE = Message("clock")


class Routed:
    """A session whose clock comes back into its input, `delay` seconds later, in virtual time."""

    def __init__(self, settings: Settings, delay: float, jitter: float = 0.0) -> None:
        self.session = Session(settings)
        self.followed = False
        self.pulses: list[float] = []
        self._delay, self._jitter = delay, jitter
        self._random = random.Random(1)
        self._count = itertools.count()
        self._coming: list[tuple[float, int, Heard | SetTempo]] = []

    def add(self, seconds: float, event: Heard | SetTempo) -> None:
        heapq.heappush(self._coming, (seconds, next(self._count), event))

    def run(self, until: float) -> None:
        now = 0.0
        while True:
            due = self.session.next_deadline()
            comes = self._coming[0][0] if self._coming else until
            now = max(now, min(comes, until if due is None else due))
            if now >= until:
                return
            if comes <= now:
                self._do(self.session.handle(heapq.heappop(self._coming)[2], now), now)
            else:
                self._do(self.session.advance(now), now)
            self.followed |= self.session.status(now).from_clock

    def _do(self, effects: list[Effect], now: float) -> None:
        for effect in effects:
            if isinstance(effect, Send) and effect.output is Output.CLOCK:
                late = self._delay + self._random.uniform(-self._jitter, self._jitter)
                self.add(now + max(late, 0.0), Heard(effect.message))
                if effect.message.type == "clock":
                    self.pulses.append(now)


@pytest.mark.parametrize("delay", [0.001, 0.010, 0.100, 0.200])
@pytest.mark.parametrize("bpm", [50, 120, 220])
def test_its_own_clock_is_not_followed_wherever_it_has_been(bpm: float, delay: float) -> None:
    routed = Routed(Settings(bpm=bpm, send_clock=True), delay, jitter=min(delay, 0.003))
    routed.add(2.0, Heard(Message("note_on", note=60)))
    routed.add(2.3, Heard(Message("note_off", note=60)))
    routed.add(8.0, SetTempo(bpm * 1.2))
    routed.run(16.0)
    assert not routed.followed
    assert routed.session.status(16.0).bpm == pytest.approx(bpm * 1.2)
    gaps = [b - a for a, b in itertools.pairwise(routed.pulses)]
    assert max(gaps) < 1.5 * 60 / bpm / 24  # it was never silent


def pulses_of(echo: ClockEcho, ours: float, theirs: float, beats: int) -> list[bool]:
    """Which pulses of a clock are taken for jamd's; both tempos in beats per minute."""
    sent = [(i * 60 / ours / 24, True) for i in range(24 * beats)]
    came = [(0.004 + i * 60 / theirs / 24, False) for i in range(24 * beats)]
    own = []
    for seconds, is_sent in sorted(sent + came):
        if is_sent:
            echo.sent(PULSE, seconds)
        else:
            own.append(echo.is_own(PULSE, seconds))
    return own


@pytest.mark.parametrize("theirs", [60, 100, 115, 118, 122, 125, 160])
def test_a_clock_of_another_tempo_is_somebody_elses_within_four_beats(theirs: float) -> None:
    own = pulses_of(ClockEcho(), 120, theirs, 8)
    assert not any(own[96:])


def test_a_start_that_jamd_did_not_send_brings_a_clock_with_it() -> None:
    echo = ClockEcho()
    assert all(pulses_of(echo, 120, 120, 4))
    echo.sent(Message("start"), 2.0)
    assert [echo.is_own(Message("start"), at) for at in (2.05, 2.06)] == [True, False]
    echo.sent(PULSE, 2.07)
    assert not echo.is_own(PULSE, 2.08)


def test_who_sends_no_clock_hears_every_clock() -> None:
    echo = ClockEcho()
    assert not any(echo.is_own(PULSE, i / 48) for i in range(96))
    assert not echo.is_own(Message("start"), 3.0)
