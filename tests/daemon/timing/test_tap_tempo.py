"""The tempo is as tapped, and the beat is where it was tapped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.events import Effect, Heard, Journal, Sounded, Tap, TempoSet
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.tap_tempo import TapTempo
from jamd.notes import TICKS_PER_BEAT, Meter


def taps(*moments: float) -> float | None:
    tempo = TapTempo()
    found = None
    for moment in moments:
        found = tempo.tap(moment)
    return found


def test_one_tap_is_no_tempo() -> None:
    assert taps(1.0) is None


def test_two_taps_are() -> None:
    assert taps(1.0, 1.5) == 0.5


def test_one_bad_tap_among_the_last_does_not_matter() -> None:
    assert taps(0.0, 0.5, 1.0, 1.6, 2.1) == pytest.approx(0.5)


def test_a_pause_begins_anew() -> None:
    assert taps(0.0, 0.5, 5.6) is None
    assert taps(0.0, 0.5, 2.6) is None
    assert taps(0.0, 0.5, 2.6, 3.4) == pytest.approx(0.8)


def test_a_slow_tempo_takes_three_taps() -> None:
    assert taps(0.0, 4.5) is None
    assert taps(0.0, 4.5, 9.0) == pytest.approx(4.5)  # 6/8 at its slowest


def test_a_jump_begins_anew() -> None:
    assert taps(0.0, 0.5, 1.0, 1.5, 2.5) == 1.0


def test_a_bouncing_pedal_taps_once() -> None:
    assert taps(0.0, 0.02, 0.5, 0.53, 1.0) == pytest.approx(0.5)


def heard(pitch: int) -> Heard:
    return Heard(Message("note_on", note=pitch, velocity=80))


def played_to(session: Session, moment: float) -> list[Effect]:
    effects = []
    while (due := session.next_deadline()) is not None and due < moment:
        effects += session.advance(due)
    return effects + session.advance(moment)


@pytest.mark.parametrize(("meter", "bpm"), [(Meter(4, 4), 90.0), (Meter(6, 8), 135.0)])
def test_a_tap_sets_the_tempo_and_the_beat(meter: Meter, bpm: float) -> None:
    session = Session(Settings(bpm=120, meter=meter))
    effects = session.handle(heard(60), 10.0)
    for moment in (10.7, 10.7 + 60 / 90, 10.7 + 120 / 90):
        effects += played_to(session, moment)
        effects += session.handle(Tap(), moment)
    beat = 10.7 + 3 * 60 / 90
    effects += played_to(session, beat)
    effects += session.handle(heard(62), beat)
    assert session.status(beat).bpm == pytest.approx(bpm)
    entries = [effect.entry for effect in effects if isinstance(effect, Journal)]
    onset = [e for e in entries if isinstance(e, Sounded)][-1].tick
    assert onset % (TICKS_PER_BEAT if meter.denominator == 4 else 720) == 0
    tempos = [e for e in entries if isinstance(e, TempoSet)]
    assert tempos[-1].bpm == pytest.approx(bpm)
    # The take's tempos lead to the same tick at the same moment.
    reckoned = 0.0
    for one, other in zip(tempos, [*tempos[1:], TempoSet(onset, beat, 0)], strict=True):
        reckoned += (other.seconds - one.seconds) * one.bpm * TICKS_PER_BEAT / 60
    assert reckoned == pytest.approx(onset, abs=1)


def test_taps_before_the_first_note_set_the_tempo() -> None:
    session = Session(Settings(bpm=120))
    for moment in (1.0, 1.5, 2.0):
        session.handle(Tap(), moment)
    assert session.status(2.0).bpm == pytest.approx(120)
    session.handle(Tap(), 2.4)
    assert session.status(2.4).bpm == pytest.approx(120)


@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=30))
def test_ticks_only_rise(gaps: list[float]) -> None:
    session = Session(Settings(bpm=120))
    session.handle(heard(60), 0.0)
    now, last = 0.0, 0
    for gap in gaps:
        now += gap
        entries = played_to(session, now) + session.handle(Tap(), now)
        entries += session.handle(heard(60), now)
        for effect in entries:
            if isinstance(effect, Journal) and not isinstance(effect.entry, TempoSet):
                assert effect.entry.tick >= last
                last = effect.entry.tick
