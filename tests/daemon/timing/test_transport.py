from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.daemon.timing.transport import Position, TempoMap, Transport, position
from jamd.notes import METERS, Meter, Tick

bpms = st.floats(20, 400)
changes = st.lists(st.tuples(st.floats(0, 100), bpms), max_size=20)
origins = st.floats(-1e6, 1e6)


def tempo_map(bpm: float, origin: float, waits: list[tuple[float, float]]) -> TempoMap:
    tempo = TempoMap(bpm, origin)
    now = origin
    for wait, changed in waits:
        now += wait
        tempo.change(now, changed)
    return tempo


@given(bpms, origins, changes, st.integers(0, 10**6))
def test_a_tick_comes_back_from_its_second(
    bpm: float, origin: float, waits: list[tuple[float, float]], tick: int
) -> None:
    tempo = tempo_map(bpm, origin, waits)
    assert tempo.tick_at(tempo.seconds_at(tick)) == pytest.approx(tick, abs=1e-4)


@given(bpms, origins, changes, st.lists(st.floats(0, 2000), min_size=2))
def test_time_never_runs_backwards(
    bpm: float, origin: float, waits: list[tuple[float, float]], moments: list[float]
) -> None:
    tempo = tempo_map(bpm, origin, waits)
    ticks = [tempo.tick_at(origin + moment) for moment in sorted(moments)]
    assert ticks == sorted(ticks)


@given(bpms, changes, bpms)
def test_a_change_of_tempo_does_not_move_the_beat(
    bpm: float, waits: list[tuple[float, float]], changed: float
) -> None:
    tempo = tempo_map(bpm, 0.0, waits)
    now = sum(wait for wait, _ in waits) + 1
    before = tempo.tick_at(now)
    tempo.change(now, changed)
    assert tempo.tick_at(now) == pytest.approx(before)
    assert tempo.tick_at(now + 60 / changed) == pytest.approx(before + 480)


def test_a_change_in_the_past_is_refused() -> None:
    tempo = TempoMap(120, 10.0)
    with pytest.raises(ValueError, match=r"at 9\.0 s lies before the last, 10\.0 s"):
        tempo.change(9.0, 100)


def test_hours_of_steering_cost_no_memory_and_keep_the_latest_tempo() -> None:
    tempo = TempoMap(120, 0.0)
    for i in range(1, 3 * TempoMap.LONGEST):
        tempo.change(i / 2, 120)
    assert len(tempo._changes) <= TempoMap.LONGEST
    assert tempo.tick_at(0.0) == pytest.approx(0)
    assert tempo.seconds_at(960) == pytest.approx(1.0)


@given(bpms, st.sampled_from(METERS), origins, st.integers(0, 10**6))
def test_a_tick_has_passed_exactly_at_its_second(
    bpm: float, meter: Meter, origin: float, tick: int
) -> None:
    transport = Transport(bpm, meter)
    transport.start(origin)
    assert transport.passed(transport.seconds_at(tick)) == tick
    assert transport.passed(transport.seconds_at(tick) - 0.001 * 60 / bpm) == tick - 1


@pytest.mark.parametrize(
    ("tick", "meter", "expected"),
    [
        (0, "4/4", Position(1, 1, 0)),
        (1919, "4/4", Position(1, 4, 479)),
        (1920, "4/4", Position(2, 1, 0)),
        (1440, "3/4", Position(2, 1, 0)),
        (1300, "6/8", Position(1, 6, 100)),
    ],
)
def test_places_are_counted_as_musicians_count(tick: int, meter: str, expected: Position) -> None:
    assert position(tick, Meter.parse(meter)) == expected


def test_the_tapped_beat_of_six_eight_is_a_dotted_quarter() -> None:
    assert Transport(120, Meter(6, 8)).next_pulse(1) == 720
    assert Transport(120, Meter(3, 4)).next_pulse(1) == 480
    assert Transport(120, Meter(3, 4)).next_bar_line(1440) == 1440


def test_before_the_start_a_change_of_tempo_is_the_tempo() -> None:
    transport = Transport(120, Meter(4, 4))
    transport.set_tempo(1000, 5.0)
    transport.start(7.0)
    assert transport.bpm == 400
    assert transport.tick_at(7.15) == 480


@given(
    bpms,
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(-500, 500), st.floats(10, 5000), bpms), max_size=30
    ),
)
def test_however_it_is_steered_time_never_runs_backwards(
    bpm: float, steers: list[tuple[float, float, float, float]]
) -> None:
    transport = Transport(bpm, Meter(4, 4))
    transport.start(0.0)
    now, ticks = 0.0, [0.0]
    for wait, off, rate, told in steers:
        now += wait
        ticks.append(transport.exact_tick(now))
        transport.steer(ticks[-1] + off, now, rate, told, now)
        ticks.append(transport.exact_tick(now))
    assert all(later >= earlier - 1e-6 for earlier, later in itertools.pairwise(ticks))


def test_a_halted_transport_goes_on_later_at_the_songs_place_in_the_bar() -> None:
    transport = Transport(120, Meter(4, 4))
    transport.start(0.0)
    transport.halt(1.1)
    assert transport.tick_at(5.0) == 1056
    assert transport.start(9.0, edge=Tick(1200), song=Tick(16 * 1920 + 480)) == 2400
    assert transport.tick_at(9.5) == 2880
    assert transport.song_tick(Tick(2400)) == 16 * 1920 + 480
