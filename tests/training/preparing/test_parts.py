"""Whose line a note is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.errors import SourceError
from jamd.notes import Meter, Part, Tick
from jamd.parts import parts_of
from jamd.training.preparing.parts import MOST_AT_ONCE, to_table
from jamd.training.preparing.reading import Reading, Voice, in_order

pytestmark = pytest.mark.train

LEAD, COMP = Part.LEAD, Part.COMP


def reading(*voices: tuple[Voice, Sequence[tuple[int, ...]]], velocities: bool = True) -> Reading:
    """Voices of moments a beat apart, each the pitches struck together."""
    table = [
        (beat * 480, 480, pitch, 60 + 7 * (beat % 5), index)
        for index, (_, line) in enumerate(voices)
        for beat, pitches in enumerate(line)
        for pitch in pitches
    ]
    return Reading(
        in_order(np.array(table, np.int32)),
        tuple(voice for voice, _ in voices),
        ((Tick(0), Meter(4, 4)),),
        has_velocity=velocities,
    )


def pitches(read: Reading, part: Part) -> list[int]:
    return [note.pitch for note in to_table(read).to_piece("other").notes if note.part is part]


TUNE = [(72,), (74,), (76,), (77,)]
BASS = [(48,), (43,), (48,), (41,)]
CHORDS = [(48, 52, 55), (43, 47, 50), (48, 52, 55), (41, 45, 48)]


@given(st.lists(st.integers(0, 127), min_size=1, max_size=10, unique=True))
def test_of_a_chord_only_the_top_is_lead(struck: list[int]) -> None:
    parts = parts_of(struck)
    lead = [pitch for pitch, part in zip(struck, parts, strict=True) if part is LEAD]
    if len(struck) >= 3:
        assert lead == [max(struck)]
    else:
        assert lead == [p for p in struck if p >= 55 or max(struck) - p <= 12]


def test_a_low_line_is_a_tune_until_something_is_played_high_above_it() -> None:
    low = [(pitch,) for pitch in (45, 48, 50, 52, 50, 48, 57, 45)]
    assert pitches(reading((Voice(), low)), COMP) == []
    hands = reading((Voice(), [*low, (72,), (45,), (76,), (48,)]))
    assert pitches(hands, COMP) == [45, 48]


def test_one_voice_goes_by_the_rule_for_a_player() -> None:
    one = reading((Voice(), [(72,), (48,), (48, 72), (48, 52, 55, 79)]))
    assert pitches(one, LEAD) == [72, 72, 79]
    assert pitches(one, COMP) == [48, 48, 48, 52, 55]


def test_nothing_but_chords_is_all_comp() -> None:
    assert pitches(reading((Voice(), CHORDS)), LEAD) == []


def test_of_two_voices_the_higher_is_lead() -> None:
    assert pitches(reading((Voice(), BASS), (Voice(), TUNE)), LEAD) == [72, 74, 76, 77]


def test_a_voice_named_melody_is_lead_even_below() -> None:
    low = reading((Voice("chords"), [(80,)] * 4), (Voice("Melody"), TUNE))
    assert pitches(low, LEAD) == [72, 74, 76, 77]


def test_a_voice_named_after_a_sound_is_lead_only_if_it_plays_as_one() -> None:
    oohs = reading((Voice("Flute"), TUNE), (Voice("Voice Oohs"), CHORDS), (Voice("Bass"), BASS))
    assert pitches(oohs, LEAD) == [72, 74, 76, 77]
    once = reading((Voice("Flute"), TUNE * 4), (Voice("Square Lead"), [(90,)]), (Voice(), BASS * 4))
    assert pitches(once, LEAD) == [72, 74, 76, 77] * 4


def test_a_singer_is_lead_over_a_piano_on_two_staves() -> None:
    song = reading(
        (Voice("Tenor"), [(50,), (52,), (53,), (55,)]),
        (Voice("Piano", staves=2), TUNE),
        (Voice("Piano", staves=2), BASS),
    )
    assert pitches(song, LEAD) == [50, 52, 53, 55]


def test_of_many_voices_the_highest_that_plays_single_notes_is_lead() -> None:
    band = reading(
        (Voice("Strings"), [(84, 88)] * 4), (Voice("Brass"), TUNE), (Voice("Bass"), BASS)
    )
    assert pitches(band, LEAD) == [72, 74, 76, 77]


def test_drums_are_left_aside() -> None:
    drums = (Voice("Drums", drums=True), [(36, 42)] * 4)
    assert pitches(reading(drums, (Voice(), TUNE)), COMP) == []
    with pytest.raises(SourceError, match="only drums"):
        to_table(reading(drums))


def test_velocities_that_say_nothing_are_told() -> None:
    assert to_table(reading((Voice(), TUNE * 3))).has_velocity
    assert not to_table(reading((Voice(), TUNE * 3), velocities=False)).has_velocity
    one_each = reading((Voice(), TUNE), (Voice(), BASS))
    one_each.notes[:, 3] = 64 + one_each.notes[:, 4]
    assert not to_table(one_each).has_velocity


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 127)), min_size=1, max_size=200))
def test_no_pitch_twice_and_never_too_many(struck: list[tuple[int, int]]) -> None:
    moments: list[list[int]] = [[], [], [], []]
    for beat, pitch in struck:
        moments[beat].append(pitch)
    read = reading((Voice(), [tuple(moment) for moment in moments]))
    piece = to_table(read).to_piece("other")
    places = [(note.onset, note.part, note.pitch) for note in piece.notes]
    assert places == sorted(set(places))
    for part in Part:
        for beat, moment in enumerate(moments):
            at = [n.pitch for n in piece.notes if n.part is part and n.onset == beat * 480]
            assert len(at) <= MOST_AT_ONCE
            assert set(at) <= set(moment)
