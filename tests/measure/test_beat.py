"""The player's tempo and beat, from the first note heard to the first note handed to the port."""

from __future__ import annotations

import random

import pytest

from jamd.measure.beat import FollowedPhrase, figures, follow
from jamd.measure.report import Figure
from jamd.measure.rhythms import FEWEST, phrases, played


@pytest.fixture(scope="module")
def measured() -> dict[str, Figure]:
    return {figure.name: figure for figure in figures()}


def test_90_percent_are_answered_in_tempo_and_on_the_beat(measured: dict[str, Figure]) -> None:
    in_tempo = measured["answered in the player's tempo"]
    assert in_tempo.of == 200
    assert in_tempo.ok
    assert in_tempo.value >= 96  # 98.0; other seeds: from 97
    assert measured["answered on the player's beat"].value >= 90  # 93.0; other seeds: from 88


def test_who_is_told_what_was_meant_misses_none(measured: dict[str, Figure]) -> None:
    """So what is missing is not for want of exactness in the player."""
    assert measured["the same, told what was meant"].value >= 97


def test_without_jitter_the_answer_is_on_the_beat() -> None:
    places = [12 * beat for beat in range(8)] + [84 + 6, 96]
    exact = follow(played(places, 120, 0.5, random.Random(1), timing_s=0.0))
    assert exact.on_beat
    assert abs(exact.off_s) < 0.003


def test_half_the_tempo_counts_and_two_thirds_do_not() -> None:
    assert FollowedPhrase(0.5, 0.0, 0.0).in_tempo
    assert not FollowedPhrase(2 / 3, 0.0, 0.0).in_tempo
    assert not FollowedPhrase(None, 0.0, 0.0).in_tempo


def test_the_same_seed_makes_the_same_phrases() -> None:
    first = list(phrases(5, 3))
    assert first == list(phrases(5, 3))
    for phrase in first:
        assert len({note.beat for note in phrase.notes}) >= FEWEST
        assert 70 <= phrase.bpm <= 160
