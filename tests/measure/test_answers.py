"""What the shipped model answers to real phrases, and the measures themselves."""

from __future__ import annotations

import pytest

from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle
from jamd.config.config import Config
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.settings import settings_from
from jamd.harmony.key import Key
from jamd.measure.answers import (
    breathes,
    copied,
    density_ratio,
    endless_figures,
    ends_at_home,
    ends_in_time,
    longest_repeat,
    of_answers,
    overlap,
    register_distance,
    shuffled,
)
from jamd.measure.exchanges import Exchange, Phrase, ask, phrases_of
from jamd.measure.performances import shipped
from jamd.measure.report import Figure
from jamd.notes import Meter, Note, Tick

FOUR = Meter(4, 4)
BAR = FOUR.ticks_per_bar
SCALE = (60, 62, 64, 65, 67, 65, 64, 60)


def line(*pitches: int, at: int = 0, each: int = 240) -> tuple[Note, ...]:
    return tuple(
        Note(Tick(at + each * i), pitch, 80, Tick(each)) for i, pitch in enumerate(pitches)
    )


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    settings = settings_from(Config())
    improviser = Improviser(Bundle.read(bundles.resolve("default")))
    phrases = list(phrases_of(shipped()))
    found = [ask(improviser, phrase, seed, settings) for seed, phrase in enumerate(phrases)]
    endless = endless_figures(improviser, phrases[:1], settings)
    return {figure.name: figure for figure in (*of_answers(found), *endless)}


def test_the_shipped_model_keeps_what_is_promised_of_an_answer(
    figures: dict[str, Figure],
) -> None:
    assert figures["the last note ends before the downbeat"].of >= 40
    broken = [figure for figure in figures.values() if figure.ok is False]
    assert not broken


def test_what_loops_without_the_guard_does_not_with_it(figures: dict[str, Figure]) -> None:
    loose = figures["endless, argmax: longest repetition, without the guard"]
    assert loose.value > 16
    assert figures["endless, argmax: longest repetition"].value <= 4


def exchange(*answer: Note) -> Exchange:
    phrase = Phrase(line(*SCALE), FOUR, Key(0))
    return Exchange(phrase, answer, BAR, Tick(2 * BAR))


def test_an_ending_is_told_by_its_last_note() -> None:
    good = exchange(*line(67, 65, 64, at=BAR), Note(Tick(BAR + 960), 60, 80, Tick(900)))
    cut = exchange(*line(*SCALE[:7], 62, at=BAR))
    assert (ends_in_time(good), breathes(good), ends_at_home(good)) == (True, True, True)
    assert (ends_in_time(cut), breathes(cut), ends_at_home(cut)) == (False, False, False)


def test_register_and_density_are_the_phrase_s_or_not() -> None:
    same = exchange(*line(*SCALE, at=BAR))
    assert (register_distance(same), density_ratio(same)) == (0, 1)
    octave = exchange(*line(*(pitch + 12 for pitch in SCALE), at=BAR, each=120))
    assert (register_distance(octave), density_ratio(octave)) == (12, 1)


def test_a_motif_is_shared_in_any_key_and_copied_in_one() -> None:
    phrase = line(*SCALE)
    higher = line(*(pitch + 5 for pitch in SCALE[:5]), at=BAR)
    assert (overlap(higher, phrase), copied(higher, phrase)) == (1, 0)
    assert copied(line(*SCALE[1:6], at=BAR + 120), phrase) == 1
    assert copied(line(*SCALE[1:4], at=BAR), phrase) == 0
    assert sorted(n.pitch for n in shuffled(phrase, 1)) == sorted(SCALE)


def test_a_repetition_counts_as_long_as_it_is_the_same() -> None:
    twice = [*line(*SCALE), *line(*SCALE, at=BAR)]
    assert longest_repeat(twice, within=BAR) == 7 * 240
    assert longest_repeat(twice, within=BAR - 1) == 0
    assert longest_repeat(line(60, 62, 64, 65), within=BAR) == 0
