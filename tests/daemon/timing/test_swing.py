"""Swing is measured, removed and added; a triplet is not swing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.daemon.timing.feel import Feel
from jamd.daemon.timing.swing import STRAIGHT, is_swung, measure, straight_tick, swung
from jamd.notes import Meter, Note, Tick

FOUR = Meter(4, 4)

EIGHTHS = [beat + half for beat in range(8) for half in (0, 0.5)]


def played(places: list[float], amount: float, sd_ticks: float = 0, seed: int = 0) -> list[float]:
    """Straight eighths in beats -> swung, in ticks, by a person."""
    rng = random.Random(seed)
    return [
        480 * (place // 1 + (amount if place % 1 == 0.5 else place % 1)) + rng.gauss(0, sd_ticks)
        for place in places
    ]


def listen(feel: Feel, onsets: list[float]) -> None:
    feel.begin_phrase()
    for onset in onsets:
        feel.hear(Tick(round(onset)))
    feel.learn()


@pytest.mark.parametrize("amount", [0.58, 0.62, 0.66, 0.70])
def test_a_swing_is_measured(amount: float) -> None:
    measured = measure(played(EIGHTHS, amount))
    assert measured is not None
    assert measured[0] == pytest.approx(amount, abs=0.005)
    assert measured[1] == 8


def test_a_player_who_is_late_swings_no_more_for_that() -> None:
    measured = measure([onset + 15 for onset in played(EIGHTHS * 1, 0.6)])
    assert measured is not None
    assert measured[0] == pytest.approx(0.6, abs=0.004)


def test_straight_eighths_do_not_swing() -> None:
    assert measure(played(EIGHTHS, 0.5)) == (STRAIGHT, 8)


@pytest.mark.parametrize(
    "places",
    [
        [beat + third / 3 for beat in range(8) for third in range(3)],  # triplets
        [beat + part / 4 for beat in range(8) for part in range(4)],  # sixteenths
        [beat + part for beat in range(8) for part in (0, 0.75)],  # dotted
        [float(beat) for beat in range(8)],  # quarters
        [beat + part for beat in range(8) for part in (0, 0.5 + beat % 2 / 6)],  # now so, now so
    ],
)
def test_other_rhythms_tell_no_swing(places: list[float]) -> None:
    assert measure([480 * place for place in places]) is None


def test_people_s_timing_does_not_hide_it() -> None:
    """20 ms at 100 bpm, 16 onsets: within three hundredths in nine phrases of ten."""
    found = [measure(played(EIGHTHS, 0.66, sd_ticks=16, seed=seed)) for seed in range(200)]
    good = sum(each is not None and 0.63 <= each[0] <= 0.69 for each in found)
    assert good >= 180  # measured: 193


def test_swung_eighths_are_heard_straight_and_triplets_as_they_are() -> None:
    feel = Feel(FOUR, None, 0.0, 0)
    feel.swing = 0.66  # as is known of the player
    onsets = [0, 317, 480, 640, 800, 960, 1277, 1440 - 20, 1440 + 317]
    heard = []
    for onset in onsets:
        feel.hear(Tick(onset))
        heard.append(feel.straight(Tick(onset)))
    assert heard == [0, 240, 480, 640, 800, 960, 1200, 1420, 1680]


def test_a_first_phrase_is_heard_straight_once_its_swing_is_known() -> None:
    feel = Feel(FOUR, None, 0.0, 0)
    onsets = [Tick(round(onset)) for onset in played(EIGHTHS, 0.66)]
    for onset in onsets:
        feel.hear(onset)
        assert feel.straight(onset) == onset
    assert feel.learn()
    assert [feel.straight(onset) for onset in onsets] == [240 * n for n in range(16)]
    assert not feel.learn()


def test_what_lies_on_a_triplet_is_not_swung() -> None:
    notes = [Note(Tick(tick), 60, duration=Tick(40)) for tick in (0, 160, 240, 320, 360, 480)]
    assert [note.onset for note in swung(notes, 2 / 3)] == [0, 160, 320, 320, 400, 480]


def test_a_short_note_stays_as_long_and_one_to_the_next_sixteenth_or_beat_reaches_it() -> None:
    lengths = {40: 40, 80: 79, 120: 80, 160: 159, 200: 159, 240: 160, 280: 280, 480: 480}
    notes = [Note(Tick(240), 60, duration=Tick(length)) for length in lengths]
    assert [note.duration for note in swung(notes, 2 / 3)] == list(lengths.values())


@given(st.integers(0, 12), st.integers(1, 13), st.floats(0.5, 0.75))
def test_no_note_becomes_a_blip(step: int, steps: int, amount: float) -> None:
    note = Note(Tick(40 * step), 60, duration=Tick(40 * steps))
    (played,) = swung([note], amount)
    assert played.duration >= min(note.duration, 59)  # the last sixteenth, at 0.75, is 60 long


@given(st.lists(st.integers(0, 200), max_size=30), st.floats(0.5, 0.75))
def test_there_and_back(steps: list[int], amount: float) -> None:
    notes = [Note(Tick(240 * step), 60) for step in sorted(set(steps))]
    for note, other in zip(notes, swung(notes, amount), strict=True):
        place = other.onset / 480 % 1
        onset = straight_tick(other.onset, amount) if is_swung(place, amount) else other.onset
        assert onset == pytest.approx(note.onset, abs=1)


def test_nothing_swings_in_six_eight() -> None:
    feel = Feel(Meter(6, 8), None, 0.0, 0)
    listen(feel, played(EIGHTHS, 0.66))
    assert feel.swing == STRAIGHT


def test_a_swing_grows_surer_with_every_phrase() -> None:
    feel = Feel(FOUR, None, 0.0, 0)
    for seed in range(6):
        listen(feel, played(EIGHTHS, 0.66, sd_ticks=25, seed=seed))
    assert feel.swing == pytest.approx(0.66, abs=0.015)
    listen(feel, played(EIGHTHS, 0.5))
    assert feel.swing == STRAIGHT


@given(st.sampled_from([0.5, 0.58, 0.6, 2 / 3]), st.sampled_from([0.5, 0.58, 0.66, 0.7]))
def test_a_fixed_swing_is_how_jamd_plays_and_not_how_it_hears(fixed: float, own: float) -> None:
    feel = Feel(FOUR, fixed, 0.0, 0)
    onsets = played(EIGHTHS, own)
    listen(feel, onsets)
    assert [feel.straight(Tick(round(onset))) for onset in onsets] == [240 * n for n in range(16)]
    eighth = Note(Tick(240), 60)
    assert feel.perform([eighth], ticks_per_second=960)[0].onset == round(480 * fixed)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40, unique=True), st.integers(1, 30))
def test_humanised_notes_keep_their_order_and_stay_near(steps: list[int], ms: int) -> None:
    notes = [Note(Tick(40 * step), 60) for step in sorted(steps)]
    feel = Feel(FOUR, 0.5, ms / 1000, seed=7)
    human = feel.perform(notes, ticks_per_second=960)
    assert human == feel.perform(notes, ticks_per_second=960)
    onsets = [note.onset for note in human]
    assert onsets == sorted(onsets)
    off = [abs(a.onset - b.onset) / 960 for a, b in zip(human, notes, strict=True)]
    assert max(off) <= 2 * ms / 1000 + 0.001


def test_humanised_timing_spreads_as_asked() -> None:
    notes = [Note(Tick(120 * step), 60) for step in range(1, 2000)]
    human = Feel(FOUR, 0.5, 0.010, seed=1).perform(notes, ticks_per_second=960)
    off = [(a.onset - b.onset) / 960 for a, b in zip(human, notes, strict=True)]
    sd = (sum(x * x for x in off) / len(off)) ** 0.5
    assert 0.007 <= sd <= 0.011
