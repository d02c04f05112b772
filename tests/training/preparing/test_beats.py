"""The beat of a performance without one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jamd.training.preparing.beats import keeps_beat, to_beat
from jamd.training.preparing.reading import DURATION, ONSET, PITCH

pytestmark = pytest.mark.train

# A stride bass and a tune in eighths: (beat, pitch).
PLAYED = [(float(beat), 40 + 12 * (beat % 2)) for beat in range(200)]
PLAYED += [(beat + 0.5, 72 + beat % 5) for beat in range(200)]


def table(onsets: NDArray[np.float64], pitches: list[int]) -> NDArray[np.int64]:
    rows = [(round(onset), 100, pitch, 80, 0) for onset, pitch in zip(onsets, pitches, strict=True)]
    return np.array(sorted(rows), np.int64)


def drifting(seconds_a_beat: float, drift: float) -> NDArray[np.int64]:
    """`PLAYED` in ticks of 1/960 s (480 a quarter at 120), the tempo swaying by `drift`."""
    lengths = seconds_a_beat * (1 + drift * np.sin(np.arange(202) / 15))
    moments = np.concatenate(([0], np.cumsum(lengths)))
    onsets = np.interp([beat for beat, _ in PLAYED], np.arange(len(moments)), moments)
    return table(onsets * 960, [pitch for _, pitch in PLAYED])


def test_what_is_quantised_or_played_to_a_click_keeps_a_beat() -> None:
    exact = np.array([beat * 480 for beat, _ in PLAYED])
    pitches = [pitch for _, pitch in PLAYED]
    assert keeps_beat(table(exact, pitches))
    human = exact + np.random.default_rng(1).normal(0, 20, len(exact)) + 100
    assert keeps_beat(table(human, pitches))


def test_what_is_played_freely_does_not() -> None:
    assert not keeps_beat(drifting(0.57, 0.05))


@pytest.mark.parametrize(
    ("count", "share", "keeps"), [(64, 0.3, False), (640, 0.3, True), (640, 0.2, False)]
)
def test_a_crowd_is_a_quarter_of_the_onsets_and_more_than_chance(
    count: int, share: float, keeps: bool
) -> None:
    crowd = round(share * count)  # on the beat; the others are all round it alike
    places = np.concatenate((np.zeros(crowd), np.linspace(0, 480, count - crowd, endpoint=False)))
    assert keeps_beat(table(480.0 * np.arange(count) + places, [60] * count)) is keeps


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bpm", [83, 93, 107, 133])
def test_a_short_recording_without_a_click_does_not(bpm: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    beats = np.cumsum(random.choice([0.25, 0.5, 1], 80))
    seconds = 0.6 + beats * 60 / bpm + random.normal(0, 0.012, 80)
    assert not keeps_beat(table(seconds * 960, [60] * 80))  # in a file of 120 bpm
    assert keeps_beat(table(seconds * bpm * 8, [60] * 80))  # recorded to the click


@settings(deadline=None, max_examples=10)
@given(st.floats(0.45, 0.6), st.floats(0.01, 0.05))
def test_a_swaying_beat_is_found(seconds_a_beat: float, drift: float) -> None:
    notes = to_beat(drifting(seconds_a_beat, drift), 120)
    assert notes is not None
    bass = notes[notes[:, PITCH] < 60, ONSET]
    places = bass[2:-2] % 240  # a beat, or half or twice of it: all are the music's own
    assert np.median(np.minimum(places, 240 - places)) < 20
    assert notes[:, DURATION].min() >= 1


def test_noise_has_no_beat() -> None:
    random = np.random.default_rng(1)
    onsets = np.cumsum(random.exponential(150, 1000))
    assert to_beat(table(onsets, [60] * 1000), 120) is None
