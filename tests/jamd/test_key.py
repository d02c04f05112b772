"""The key is heard where there is one, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.grid import Grid
from jamd.grid_tokens import CHORD, COMP, LEAD, LOWEST, VOCABULARY
from jamd.harmony import CHORDS
from jamd.key import Key, key_of
from jamd.language import Constraints, Context
from jamd.notes import HELD, Note, Tick

TUNE = (67, 65, 64, 62, 60, 64, 67, 72, 71, 69, 67, 64, 62, 60)  # C major, ending at home


def notes(pitches: tuple[int, ...], duration: Tick = Tick(240)) -> list[Note]:
    return [Note(Tick(240 * i), pitch, 80, duration) for i, pitch in enumerate(pitches)]


@given(st.integers(-12, 12))
def test_a_tune_in_major_has_its_key_wherever_it_is_played(semitones: int) -> None:
    tune = tuple(pitch + semitones for pitch in TUNE)
    assert key_of(notes(tune)) == Key(semitones % 12)


def test_a_minor_cadence_is_minor() -> None:
    assert key_of(notes((57, 60, 64, 57, 62, 65, 69, 64, 68, 71, 57, 60, 64, 57))) == Key(9, True)


@pytest.mark.parametrize("pitches", [(), tuple(range(60, 72))])
def test_silence_and_a_chromatic_scale_have_no_key(pitches: tuple[int, ...]) -> None:
    assert key_of(notes(pitches)) is None


def test_held_notes_count() -> None:
    assert key_of(notes((60, 64, 67, 72), HELD)) == Key(0)


def test_what_is_outside_the_key_becomes_less_likely_and_stays_possible() -> None:
    context = Context(tuple(notes(TUNE)), Tick(0), Tick(3840))
    writing = Grid().begin(context, Constraints(in_key=0.9))
    assert writing.preference is not None
    outside = pytest.approx(np.log(0.1), abs=1e-6)
    assert writing.preference[LEAD + 60 - LOWEST] == 0
    assert writing.preference[COMP + 61 - LOWEST] == outside
    assert writing.preference[CHORD + CHORDS.index("G:7")] == 0
    assert writing.preference[CHORD + CHORDS.index("E:maj")] == outside
    assert writing.preference[VOCABULARY.id("Duration_12")] == 0


def test_without_a_wish_or_a_key_the_model_decides() -> None:
    heard = tuple(notes(TUNE))
    assert Grid().begin(Context(heard, Tick(0), Tick(3840)), Constraints()).preference is None
    silent = Grid().begin(Context((), Tick(0), Tick(0)), Constraints(in_key=0.9))
    assert silent.preference is None
