"""Endless music stays like its first answer for long: with the model in the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

import pytest

from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle
from jamd.config.config import Config
from jamd.daemon.events import Mode
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.playing.click import When
from jamd.daemon.settings import settings_from
from jamd.grid.likeness import FIFTH
from jamd.measure.answers import MOST_NOTES
from jamd.notes import Note, Part
from readable_takes import FOUR, play

ENDLESS = replace(
    settings_from(Config()),
    seed=0,
    mode=Mode.ENDLESS,
    bpm=120.0,
    start_at_once=True,
    click=When.OFF,
)

FLUTE = (84, 86, 88, 89, 91, 88, 84, 86, 88, 89, 91, 93, 91, 89, 88, 84)
BASS = (36, 43, 36, 40, 41, 43, 45, 43, 36, 43, 36, 40, 41, 38, 36, 36)


@pytest.fixture(scope="module")
def improviser() -> Improviser:
    return Improviser(Bundle.read(bundles.resolve("default")))


def eighths(pitches: Sequence[int]) -> str:
    places = (f"{i // 8 + 1}.{i // 2 % 4 + 1}.{i % 2 * 6}" for i in range(len(pitches)))
    return "\n".join(
        f"{place} player {pitch} 80 5" for place, pitch in zip(places, pitches, strict=True)
    )


def within(notes: Sequence[Note], first: int, last: int) -> list[Note]:
    """What begins in these bars."""
    bar = FOUR.ticks_per_bar
    return [note for note in notes if (first - 1) * bar <= note.onset < last * bar]


@pytest.mark.parametrize("seed", range(2))
def test_a_note_of_the_players_does_not_starve_it(improviser: Improviser, seed: int) -> None:
    settings = replace(ENDLESS, seed=seed)
    text = eighths(FLUTE) + "\n14.1.0 player 88 80 5"
    notes = play(settings, text, bars=28, improviser=improviser).notes
    assert len(within(notes, 17, 28)) > 0.6 * len(within(notes, 3, 14))


@pytest.mark.parametrize("pitches", [FLUTE, BASS])
def test_it_keeps_the_register_and_the_pace_of_what_lies_too_far_back_to_be_read(
    improviser: Improviser, pitches: Sequence[int]
) -> None:
    notes = play(ENDLESS, eighths(pitches), bars=48, improviser=improviser).notes
    late = within(notes, 35, 48)
    tune = [note.pitch for note in late if note.part is Part.LEAD]
    assert abs(mean(tune) - mean(pitches)) <= FIFTH
    assert len(late) <= MOST_NOTES * len(pitches) / 2 * 14
