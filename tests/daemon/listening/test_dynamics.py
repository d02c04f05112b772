"""The answer is as loud as the player, and its downbeats stand out."""

from __future__ import annotations

import random
from statistics import fmean

import pytest

from jamd.daemon.listening.dynamics import Dynamics
from jamd.daemon.timing.transport import Transport
from jamd.notes import METERS, TICKS_PER_BEAT, Meter, Note, Tick

SIXTEENTH = TICKS_PER_BEAT // 4


def heard(dynamics: Dynamics, velocities: list[int]) -> None:
    for velocity in velocities:
        dynamics.hear(velocity)


def around(level: float, spread: float, rng: random.Random) -> int:
    return min(max(round(rng.gauss(level, spread)), 1), 127)


@pytest.mark.parametrize("meter", METERS, ids=str)
def test_over_many_phrases_the_mean_is_the_players_and_downbeats_are_above_off_beats(
    meter: Meter,
) -> None:
    rng = random.Random(0)
    bar = meter.ticks_per_bar
    dynamics = Dynamics(Transport(120, meter))
    apart: list[float] = []
    for _ in range(200):
        # Whoever plays, however loud, and a model of any other mind.
        loudness = rng.uniform(25, 115)
        phrase = [around(loudness, 10, rng) for _ in range(rng.randint(3, 40))]
        dynamics.begin_phrase()
        heard(dynamics, phrase)
        dynamics.begin()
        level, spread = rng.uniform(30, 110), rng.uniform(0, 25)
        places = sorted(rng.sample(range(0, 2 * bar, SIXTEENTH), 2 * bar // SIXTEENTH - 4))
        answer = [
            note
            for place in places
            for note in dynamics.shape([Note(Tick(place), 60, around(level, spread, rng))])
        ]
        assert abs(fmean(n.velocity for n in answer) - fmean(phrase[-32:])) <= 10
        on_one = [n.velocity for n in answer if n.onset % bar == 0]
        off_beat = [n.velocity for n in answer if n.onset % TICKS_PER_BEAT == SIXTEENTH]
        if on_one and off_beat:
            apart.append(fmean(on_one) - fmean(off_beat))
    assert fmean(apart) > 8
    assert sum(gap > 0 for gap in apart) / len(apart) >= 0.85


def test_the_mean_of_a_short_answer_is_the_player_s_even_if_the_model_gets_ever_louder() -> None:
    dynamics = Dynamics(Transport(120, Meter(2, 4)))
    heard(dynamics, [64] * 8)
    for length in range(3, 9):
        dynamics.begin()
        written = [Note(Tick(960 * bar), 60, 10 + 15 * bar) for bar in range(length)]
        answer = [note for each in written for note in dynamics.shape([each])]
        assert abs(fmean(note.velocity for note in answer) - 64) <= 10


def test_a_soft_phrase_after_a_loud_one_is_answered_softly() -> None:
    dynamics = Dynamics(Transport(120, Meter(4, 4)))
    for loudness in (115, 30, 115):
        dynamics.begin_phrase()
        heard(dynamics, [loudness] * 6)
        dynamics.begin()
        answer = dynamics.shape([Note(Tick(480 + 480 * beat), 60, 50) for beat in range(3)])
        assert [note.velocity for note in answer] == [loudness] * 3


def test_one_stray_note_does_not_set_the_level() -> None:
    dynamics = Dynamics(Transport(120, Meter(4, 4)))
    heard(dynamics, [60] * 8)
    dynamics.begin_phrase()
    heard(dynamics, [90])
    assert [note.velocity for note in dynamics.shape([Note(Tick(480), 60, 50)])] == [70]


def test_an_even_answer_has_the_accents_of_the_meter() -> None:
    dynamics = Dynamics(Transport(120, Meter(4, 4)))
    heard(dynamics, [70, 80, 90])
    places = [0, 240, 480, 600, 960, 1920]
    shaped = [n.velocity for n in dynamics.shape([Note(Tick(place), 60, 50) for place in places])]
    assert shaped == [86, 75, 80, 75, 80, 86]


def test_what_the_model_brings_out_stands_out_within_bounds() -> None:
    dynamics = Dynamics(Transport(120, Meter(4, 4)))
    heard(dynamics, [64] * 8)
    notes = [Note(Tick(480 * beat), 60, 50) for beat in range(1, 12)]
    notes += [Note(Tick(480 * 13), 60, 60), Note(Tick(480 * 14), 60, 127)]
    louder, much_louder = (note.velocity for note in dynamics.shape(notes)[-2:])
    assert 64 < louder < much_louder <= 64 + 12


@pytest.mark.parametrize(("played", "least", "most"), [(127, 120, 127), (1, 1, 8)])
def test_the_loudest_and_the_softest_player_are_followed(
    played: int, least: int, most: int
) -> None:
    dynamics = Dynamics(Transport(120, Meter(4, 4)))
    heard(dynamics, [played] * 8)
    answer = dynamics.shape([Note(Tick(place), 60, 64) for place in range(0, 1920, 240)])
    assert all(least <= note.velocity <= most for note in answer)


def test_soft_notes_stay_near_a_soft_player() -> None:
    rng = random.Random(0)
    dynamics = Dynamics(Transport(120, Meter(4, 4)))
    heard(dynamics, [18] * 12)
    notes = [
        Note(Tick(SIXTEENTH * n), 60, rng.choice((40, 60, 80, 100)), Tick(SIXTEENTH))
        for n in range(64)
    ]
    played = [note.velocity for note in dynamics.shape(notes)]
    assert min(played) >= 10
    assert max(played) <= 26


def test_a_chord_keeps_its_balance() -> None:
    dynamics = Dynamics(Transport(120, Meter(4, 4)))
    heard(dynamics, [80] * 8)
    chord = [Note(Tick(480), pitch, velocity) for pitch, velocity in ((48, 60), (64, 60), (67, 75))]
    assert [note.velocity for note in dynamics.shape(chord)] == [75, 75, 90]
