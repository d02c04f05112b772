"""A chord is named where the notes spell it, and only there."""

from __future__ import annotations

import pytest

from jamd.harmony.harmony import CHORDS, chord_of


@pytest.mark.parametrize(
    ("pitches", "name"),
    [
        ((48, 52, 55), "C:maj"),
        ((45, 48, 52, 55), "A:min7"),
        ((50, 53, 57, 60), "D:min7"),
        ((43, 47, 53), "G:7"),
        ((47, 50, 53, 56), "B:dim7"),
        ((50, 53, 56, 59), "D:dim7"),
        ((48, 53, 55), "C:sus4"),
    ],
)
def test_spelt_chords_have_their_names(pitches: tuple[int, ...], name: str) -> None:
    classes = sum({1 << p % 12 for p in pitches})
    chord = chord_of(classes, min(pitches) % 12)
    assert chord is not None
    assert CHORDS[chord] == name


def test_two_notes_spell_nothing() -> None:
    assert chord_of(0b10001, 0) is None
