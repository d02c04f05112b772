"""Human timing lands where it was meant: a fixed set of bars, played as people play."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jamd.notes import TICKS_PER_STEP, Meter, Tick
from jamd.placing import Onset, Placer

FOUR = Meter(4, 4)
BAR = 48  # steps

# A beat, in steps of which there are 12.
EIGHTHS = ((0, 6), (0, 6), (0,), (6,))
SIXTEENTHS = ((0, 3, 6, 9), (0, 6, 9), (0, 3, 6), (0, 6), (0,), (0, 9), (0, 3, 9), (6,))
TRIPLETS = ((0, 4, 8), (0, 4, 8), (0, 8), (0, 4), (4, 8), (0,))

PIECES = 40
BARS = 8


def tune(bars: Sequence[Sequence[tuple[int, ...]]], rng: random.Random) -> list[int]:
    """Steps: for each bar, four beats of its kind."""
    return [
        BAR * bar + 12 * beat + step
        for bar, kind in enumerate(bars)
        for beat in range(4)
        for step in rng.choice(kind)
    ]


def landed(kinds: Sequence[Sequence[tuple[int, ...]]], bpm: int, late: float = 0.0) -> float:
    """Of the onsets of the fixed set, the share that lands on its step.

    Args:
        kinds: What each bar is drawn from.
        bpm: The tempo.
        late: How many seconds the player is late all along.
    """
    rng = random.Random(0)
    rate = bpm * 8
    right = total = 0
    for _ in range(PIECES):
        steps = tune([rng.choice(kinds) for _ in range(BARS)], rng)
        played = sorted((step * 5 / bpm + late + rng.gauss(0, 0.020), step) for step in steps)
        placer = Placer(FOUR)
        onsets = [
            placer.hear(Tick(max(0, round(BAR * TICKS_PER_STEP + at * rate))), at, 60 + i % 5, rate)
            for i, (at, _) in enumerate(played)
        ]
        places = [onset.place // TICKS_PER_STEP - BAR for onset in onsets]
        right += sum(a == b for a, (_, b) in zip(places, played, strict=True))
        total += len(played)
    return right / total


@pytest.mark.parametrize(
    "kinds",
    [(EIGHTHS,), (SIXTEENTHS,), (((0, 3, 6, 9),),), (TRIPLETS,), (SIXTEENTHS, TRIPLETS)],
    ids=["eighths", "sixteenths", "all sixteenths", "triplets", "bars of either"],
)
def test_at_160_bpm_19_of_20_onsets_land_where_they_were_meant(
    kinds: Sequence[Sequence[tuple[int, ...]]],
) -> None:
    assert landed(kinds, bpm=160) >= 0.95


@pytest.mark.parametrize("uneven", [0.0, 0.010, 0.020])
def test_a_fast_run_of_notes_of_one_length_is_no_chords(uneven: float) -> None:
    """Each key is released as long after the last as it was struck, give or take `uneven` s."""
    rng = random.Random(1)
    rate = 160 * 8
    right = total = 0
    for _ in range(PIECES):
        steps = range(0, BARS * BAR, 3)
        struck = sorted((step * 5 / 160 + rng.gauss(0, 0.020), step) for step in steps)
        released = [(at + 0.080 + rng.gauss(0, uneven), step) for at, step in struck]
        placer = Placer(FOUR)
        onsets: dict[int, Onset] = {}
        for at, step, down in sorted(
            [(at, step, True) for at, step in struck] + [(at, step, False) for at, step in released]
        ):
            tick = Tick(round(BAR * TICKS_PER_STEP + at * rate))
            if down:
                onsets[step] = placer.hear(tick, at, 60 + step // 3 % 5, rate)
            else:
                placer.release(onsets[step], tick)
        right += sum(each.place // TICKS_PER_STEP - BAR == step for step, each in onsets.items())
        total += len(steps)
    assert right / total >= 0.96


@pytest.mark.parametrize(("bpm", "share"), [(60, 0.995), (90, 0.99), (120, 0.985)])
def test_slower_is_surer(bpm: int, share: float) -> None:
    assert landed((EIGHTHS, SIXTEENTHS, TRIPLETS), bpm) >= share


@pytest.mark.parametrize("late", [0.015, -0.015])
def test_who_is_always_late_or_early_is_understood(late: float) -> None:
    assert landed((EIGHTHS, SIXTEENTHS, TRIPLETS), bpm=160, late=late) >= 0.95


def places(ticks: Sequence[int], rate: float = 960.0, meter: Meter = FOUR) -> list[int]:
    placer = Placer(meter)
    pitches = range(40, 40 + len(ticks))
    onsets = [placer.hear(Tick(t), t / rate, p, rate) for t, p in zip(ticks, pitches, strict=True)]
    return [onset.place for onset in onsets]


def test_a_bar_is_read_straight_or_as_triplets() -> None:
    assert places([5, 110, 251, 352, 490]) == [0, 120, 240, 360, 480]
    assert places([3, 155, 327, 484, 641, 795]) == [0, 160, 320, 480, 640, 800]


def test_what_comes_later_revises_what_came_before() -> None:
    placer = Placer(FOUR)
    played = [480, 603, 815, 960, 1120, 1280, 1440, 1600, 1760]
    onsets = [placer.hear(Tick(t), t / 960, 60 + i, 960) for i, t in enumerate(played[:2])]
    assert onsets[1].place == 600  # a sixteenth, or so it seems
    for i, tick in enumerate(played[2:]):
        placer.hear(Tick(tick), tick / 960, 62 + i, 960)
    assert onsets[1].place == 640


def test_in_six_eight_three_in_a_beat_are_straight() -> None:
    assert places([0, 235, 484, 715, 966, 1195], meter=Meter(6, 8)) == [
        0, 240, 480, 720, 960, 1200
    ]  # fmt: skip


def test_a_quick_run_is_placed_finer_where_nothing_else_fits() -> None:
    sextuplets = [80 * i + (7, -6, 3)[i % 3] for i in range(1, 13)]
    assert places(sextuplets, rate=480) == [80 * i for i in range(1, 13)]


@pytest.mark.parametrize("bpm", [50, 80, 120, 160, 220])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_roll_of_40_ms_is_one_chord_at_every_tempo(bpm: int, size: int) -> None:
    rng = random.Random(bpm * size)
    rate = bpm * 8
    placer = Placer(FOUR)
    step = BAR
    for _ in range(40):
        step += rng.choice((6, 12, 12, 24))
        at = step * TICKS_PER_STEP / rate + rng.gauss(0, 0.015)
        chord = []
        for i in range(size):
            moment = at + 0.040 * i / (size - 1)
            chord.append(placer.hear(Tick(round(moment * rate)), moment, 60 + 4 * i, rate))
        assert len({onset.place for onset in chord}) == 1


def test_a_roll_across_a_grid_step_is_one_chord() -> None:
    placer = Placer(FOUR)
    chord = [placer.hear(Tick(t), t / 1280, p, 1280) for t, p in ((450, 60), (475, 64), (501, 67))]
    assert {onset.place for onset in chord} == {480}


def test_in_a_run_two_notes_may_come_close_but_three_are_a_chord() -> None:
    # Sixteenths at 160 bpm, 94 ms apart; the fourth is late and the fifth early.
    run = [0, 120, 240, 390, 452, 600, 720]
    assert places(run, rate=1280) == [0, 120, 240, 360, 480, 600, 720]
    chord = [0, 120, 240, 360, 400, 416, 600]
    assert places(chord, rate=1280) == [0, 120, 240, 360, 360, 360, 600]


def test_a_note_struck_again_is_no_chord() -> None:
    placer = Placer(FOUR)
    first, second = (placer.hear(Tick(t), t / 1280, 60, 1280) for t in (475, 535))
    assert first.place < second.place


def test_what_lies_later_in_its_bar_is_placed_anew() -> None:
    placer = Placer(FOUR)
    # Triplets from a pickup of two thirds of a beat on.
    played = [0, 160, 320, 480, 640, 800, 960, 1120, 1280]
    onsets = [placer.hear(Tick(t), t / 960, 60 + i, 960) for i, t in enumerate(played)]
    placer.move(Tick(0), lambda tick: Tick(tick + 1600))
    assert [onset.place for onset in onsets] == [1600 + tick for tick in played]


@example([0, 50, 30, 60, 16, 60, 20, 60, 0], 1)  # the third is as likely in either of two places
@given(st.lists(st.integers(0, 60), min_size=1, max_size=50), st.integers(1, 3))
def test_a_shift_by_bars_changes_nothing_else(gaps: list[int], bars: int) -> None:
    ticks = [1920 + sum(gaps[:i]) for i in range(len(gaps))]
    placer = Placer(FOUR)
    onsets = [placer.hear(Tick(t), t / 960, 40 + i % 20, 960) for i, t in enumerate(ticks)]
    before = [onset.place for onset in onsets]
    placer.move(Tick(0), lambda tick: Tick(tick + 1920 * bars))
    assert [onset.place - 1920 * bars for onset in onsets] == before


@given(
    st.lists(st.integers(0, 20_000), max_size=90).map(sorted),
    st.sampled_from([200.0, 960.0, 1600.0]),
)
def test_order_is_kept_and_nothing_moves_far(ticks: list[int], rate: float) -> None:
    found = places(ticks, rate)
    assert found == sorted(found)
    longest = 160 + 0.050 * rate + 0.030 * rate  # a triplet, a chord's length and a lag
    assert all(abs(a - b) <= longest for a, b in zip(ticks, found, strict=True))
    assert all(place % TICKS_PER_STEP == 0 for place in found)


@pytest.mark.parametrize("bpm", [120, 160, 180, 200])
def test_a_roll_in_a_run_is_one_chord_when_it_was_let_go_as_one(bpm: int) -> None:
    """And what came so close by chance is two notes, for they are let go one after the other."""
    rng = random.Random(bpm)
    rate = bpm * 8
    sixteenth = 15 / bpm
    placer = Placer(FOUR)
    onsets: dict[int, list[Onset]] = {}
    moves: list[tuple[float, bool, int, int]] = []  # (seconds, down, pitch, step)
    is_roll = False
    for step in range(BAR, BAR + 400 * 3, 3):
        at = step / 12 * 60 / bpm + rng.gauss(0, 0.008)
        end = at + sixteenth * rng.uniform(0.6, 1.1)
        is_roll = rng.random() < 0.25 and not is_roll
        for pitch, late in ((60, 0.0), (64, 0.040)) if is_roll else ((52 + step % 7, 0.0),):
            moves += [(at + late, True, pitch, step), (end + late / 2, False, pitch, step)]
    for seconds, down, pitch, step in sorted(moves):
        tick = Tick(round(seconds * rate))
        if down:
            onsets.setdefault(step, []).append(placer.hear(tick, seconds, pitch, rate))
        else:
            placer.release(onsets[step][pitch == 64], tick)
    places = [{onset.place // TICKS_PER_STEP for onset in struck} for struck in onsets.values()]
    assert sum(len(struck) > 1 for struck in onsets.values()) > 50
    assert all(len(place) == 1 for place in places)
    assert sum(p == {step} for p, step in zip(places, onsets, strict=True)) >= 0.98 * len(onsets)
