"""The tempo of a phrase, and where its beats are, are found from the phrase alone."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.daemon.timing.beat_finding import BeatFinder, FoundPulse
from jamd.daemon.timing.rhythm import COMPOUND, SIMPLE, Rhythm
from jamd.measure.rhythms import PlayedPhrase, phrases


def found(
    seconds: Iterable[float], rhythm: Rhythm = SIMPLE, known: FoundPulse | None = None
) -> FoundPulse:
    finder = BeatFinder(rhythm, known)
    for moment in seconds:
        finder.hear(moment, 80)
    beat = finder.found(over=True)
    assert beat is not None
    return beat


def beside(beat: FoundPulse, seconds: float) -> float:
    """How far `seconds` lies from the nearest beat, in seconds."""
    beats = (seconds - beat.seconds) / beat.period_s
    return abs(beats - round(beats)) * beat.period_s


def at(bpm: float, *beats: float, start: float = 3.0) -> list[float]:
    return [start + beat * 60 / bpm for beat in beats]


def test_three_onsets_tell_nothing() -> None:
    finder = BeatFinder(SIMPLE)
    for moment in (0.0, 0.5, 1.0):
        finder.hear(moment, 80)
    assert finder.found() is None


@pytest.mark.parametrize(
    ("bpm", "beats"),
    [
        (92, (0, 1, 2, 2.5, 3, 4, 5, 6, 6.5, 7, 8)),
        (132, (0, 0.5, 1, 2, 2.5, 3, 4, 4.5, 5, 6)),
        (80, (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.25, 2.5, 2.75, 3, 4)),
        (110, (0, 1, 1 + 1 / 3, 1 + 2 / 3, 2, 3, 3 + 1 / 3, 3 + 2 / 3, 4)),
        (120, (0, 0.75, 1, 1.75, 2, 3, 4, 4.75, 5, 6)),
        (100, (-0.5, 0, 1, 1.5, 2, 3, 3.5, 4, 5, 5.5, 6)),  # a pickup
        (96, (0, 0.66, 1, 1.66, 2, 3, 3.66, 4, 4.66, 5, 6)),  # swung
    ],
)
def test_rhythms_are_understood(bpm: float, beats: tuple[float, ...]) -> None:
    beat = found(at(bpm, *beats))
    assert 60 / beat.period_s == pytest.approx(bpm, rel=0.01)
    assert beside(beat, 3.0) < 0.015
    assert beat.confidence > 0.5


def test_six_eight_has_dotted_beats() -> None:
    beat = found(at(90, 0, 1 / 3, 2 / 3, 1, 5 / 3, 2, 7 / 3, 8 / 3, 3, 11 / 3, 4, 5), COMPOUND)
    assert 60 / beat.period_s == pytest.approx(90, rel=0.01)
    assert beside(beat, 3.0) < 0.015


def test_the_notes_of_a_chord_are_one_onset() -> None:
    finder = BeatFinder(SIMPLE)
    for moment in at(100, 0, 1, 2, 3):
        for late in (0, 0.012, 0.024):
            finder.hear(moment + late, 80)
    assert finder.onsets == 4


def test_accents_tell_the_beat_where_rhythm_does_not() -> None:
    finder = BeatFinder(SIMPLE)
    for number, moment in enumerate(at(120, *(0.5 * n for n in range(16)))):
        finder.hear(moment, 96 if number % 2 else 70)
    beat = finder.found()
    assert beat is not None
    assert 60 / beat.period_s == pytest.approx(120, rel=0.01)
    assert beside(beat, 3.25) < 0.015


def test_the_beat_that_was_there_is_kept_where_the_phrase_leaves_it_open() -> None:
    eighths = at(120, *(0.5 * n for n in range(8)))
    before = FoundPulse(1.25, 0.5, 1.0)  # the phrase begins on its off-beat
    assert beside(found(eighths, known=before), 3.25) < 0.015


def test_irregular_onsets_are_not_believed() -> None:
    gaps = (0.31, 0.83, 0.47, 0.22, 0.71, 0.39, 0.97, 0.27, 0.59)
    moments = [sum(gaps[:count]) for count in range(len(gaps) + 1)]
    assert found(moments).confidence < 0.35


def right(phrase: PlayedPhrase) -> tuple[bool, bool]:
    """Whether the tempo is found, half and double allowed; and the beat after the phrase."""
    finder = BeatFinder(SIMPLE)
    for note in phrase.notes:
        finder.hear(note.seconds, note.velocity)
    beat = finder.found(over=True)
    assert beat is not None
    times = beat.period_s * phrase.bpm / 60
    tempo = any(abs(times / each - 1) <= 0.03 for each in (0.5, 1, 2))
    answer = phrase.notes[-1].seconds + 2 * 60 / phrase.bpm
    ours = beat.seconds + math.ceil((answer - beat.seconds) / beat.period_s) * beat.period_s
    theirs = FoundPulse(phrase.beat_s, 60 / phrase.bpm, 1.0)
    return tempo, tempo and beside(theirs, ours) <= 0.040


def test_people_s_phrases_tell_their_beat() -> None:
    """Made-up phrases of 8 to 24 onsets, 70 to 160 bpm, 20 ms, unknown phase."""
    outcomes = [right(phrase) for phrase in phrases(150, seed=1)]
    assert sum(tempo for tempo, _ in outcomes) >= 0.95 * len(outcomes)  # measured: 98.0 %
    assert sum(beat for _, beat in outcomes) >= 0.90 * len(outcomes)  # measured: 93.3 %


def test_after_a_gap_that_no_rhythm_spans_there_is_a_beat_however_long_it_goes_on() -> None:
    finder = BeatFinder(SIMPLE)
    for moment in (0.0, 0.5, 1.0, 1.5, *(20 + i / 4 for i in range(400))):
        finder.hear(moment, 80)
    found = finder.found(over=True)
    assert found is not None
    assert 0 <= found.confidence <= 1
    assert finder.onsets == 404
    assert len(finder.gaps) < 100, "an evening costs no more than a phrase"


@given(st.lists(st.tuples(st.floats(0.0, 4.0), st.integers(1, 127)), max_size=40), st.booleans())
def test_whatever_is_played_there_is_a_beat_or_none(
    played: list[tuple[float, int]], over: bool
) -> None:
    finder, again = BeatFinder(SIMPLE), BeatFinder(SIMPLE)
    moment = 0.0
    for gap, velocity in played:
        moment += gap
        finder.hear(moment, velocity)
        again.hear(moment, velocity)
    beat = finder.found(over)
    assert beat == again.found(over)
    if beat is not None:
        assert 60 / 230 <= beat.period_s <= 60 / 52
        assert 0 <= beat.confidence <= 1
