"""Which files are one piece, and what is held out."""

from __future__ import annotations

import struct
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jamd.notes import Meter, Tick
from jamd.training.preparing.parts import Table
from jamd.training.preparing.pieces import bars_of, group_of, join
from jamd.training.preparing.reading import Reading, Voice
from jamd.training.preparing.split import held_out_of, with_versions

pytestmark = pytest.mark.train

TRIADS = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 7, 10))

chord_lines = st.lists(st.tuples(st.integers(40, 60), st.sampled_from(TRIADS)), min_size=1)
tunes = st.lists(st.integers(48, 84), min_size=2, max_size=60)
keys = st.integers(-12, 12)


def progression(
    chords: list[tuple[int, tuple[int, ...]]], key: int = 0, beat: int = 480, times: int = 1
) -> NDArray[np.int32]:
    """Block chords, each struck so many times."""
    rows = [
        ((i * times + k) * beat, beat, root + tone + key, 80, 0)
        for i, (root, tones) in enumerate(chords)
        for k in range(times)
        for tone in tones
    ]
    return np.array(rows, np.int32)


def melody(pitches: list[int], key: int = 0, beat: int = 480, times: int = 1) -> NDArray[np.int32]:
    rows = [
        ((i * times + k) * beat, beat, pitch + key, 80, 0)
        for i, pitch in enumerate(pitches)
        for k in range(times)
    ]
    return np.array(rows, np.int32)


@given(chord_lines, keys, st.sampled_from([120, 240, 960]), st.integers(1, 4))
def test_a_progression_is_one_piece_in_every_key_tempo_and_pattern(
    chords: list[tuple[int, tuple[int, ...]]], key: int, beat: int, times: int
) -> None:
    assert group_of(progression(chords)) == group_of(progression(chords, key, beat, times))


@given(tunes, keys, st.sampled_from([120, 240, 960]), st.integers(1, 4))
def test_so_is_a_tune(pitches: list[int], key: int, beat: int, times: int) -> None:
    assert group_of(melody(pitches)) == group_of(melody(pitches, key, beat, times))


@given(st.lists(st.integers(48, 84), min_size=20, max_size=60, unique=True))
def test_a_tune_played_twice_is_the_same_tune(pitches: list[int]) -> None:
    # Unless the seam brings an even smaller hash, which is for chance to say: look at many.
    once, twice = group_of(melody(pitches))[0], group_of(melody(pitches * 2))[0]
    seam = group_of(melody(pitches[-12:] + pitches[:12]))[0]
    assert twice in (once, seam)


def test_versions_of_a_loop_are_one_piece() -> None:
    random = Random(1)
    for _ in range(200):
        tune = random.choices(range(60, 80), k=26)
        changed, half = [*tune[:9], 81, *tune[10:]], tune[:13]
        versions = [group_of(melody(each)) for each in (tune, changed, half)]
        assert len(set(with_versions(versions).values())) == 1


def test_pieces_that_share_a_phrase_now_and_then_stay_pieces_of_their_own() -> None:
    random = Random(1)
    lick = [60, 62, 64, 65, 67, 69, 71, 72]  # three of the other's phrases, but few of them all
    tunes = [[*random.choices(range(48, 84), k=40), *lick] for _ in range(50)]
    pieces = [group_of(melody(tune)) for tune in tunes]
    assert len(set(with_versions(pieces).values())) == 50


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sets(st.integers(0, 9)))), st.data())
def test_which_pieces_are_one_does_not_depend_on_their_order(
    found: list[tuple[str, set[int]]], data: st.DataObject
) -> None:
    pieces = [(name, struct.pack(f"<{len(has)}Q", *sorted(has))) for name, has in found]
    groups = with_versions(pieces)
    assert groups == with_versions(data.draw(st.permutations(pieces)))
    assert groups.keys() == set(pieces)
    assert all(groups[piece] <= piece[0] for piece in pieces)


@given(chord_lines, chord_lines)
def test_other_chords_are_another_piece(
    one: list[tuple[int, tuple[int, ...]]], other: list[tuple[int, tuple[int, ...]]]
) -> None:
    def spelt(chords: list[tuple[int, tuple[int, ...]]]) -> list[frozenset[int]]:
        first = chords[0][0]
        sets = [frozenset((root + tone - first) % 12 for tone in tones) for root, tones in chords]
        return [s for i, s in enumerate(sets) if i == 0 or s != sets[i - 1]]

    assume(spelt(one) != spelt(other))
    assert group_of(progression(one)) != group_of(progression(other))


@given(st.sets(st.text()), st.floats(0, 1), st.floats(0, 1))
def test_what_a_smaller_share_holds_out_a_larger_one_does_too(
    groups: set[str], one: float, other: float
) -> None:
    small, large = sorted((one, other))
    assert held_out_of(groups, small) <= held_out_of(groups, large) <= groups


def test_about_the_share_asked_for_is_held_out() -> None:
    assert 900 < len(held_out_of([str(group) for group in range(10_000)], 0.1)) < 1100


def test_a_small_folder_has_something_to_be_measured_on() -> None:
    assert held_out_of(["one", "two"], 1e-9) == held_out_of(["two", "one"], 1e-9)
    assert len(held_out_of(["one", "two"], 1e-9)) == 1
    assert not held_out_of(["one"], 1e-9), "there is nothing left to train on otherwise"
    assert not held_out_of(["one", "two"], 0)


def test_bars_are_counted_across_meters() -> None:
    notes = np.array([(0, 480, 60, 80, 0), (1920 + 1440, 481, 62, 80, 0)], np.int32)
    meters = ((Tick(0), Meter(4, 4)), (Tick(1920), Meter(3, 4)))
    assert bars_of(Reading(notes, (Voice(),), meters)) == 3


def test_joined_pieces_each_begin_on_a_bar_line() -> None:
    def table(rows: list[tuple[int, ...]], meter: Meter, has_velocity: bool) -> Table:
        lead = np.ones(len(rows), np.bool_)
        return Table(np.array(rows, np.int32), lead, ((Tick(0), meter),), has_velocity)

    loop = table([(0, 480, 60, 80, 0), (1900, 480, 62, 80, 0)], Meter(4, 4), True)
    waltz = table([(480, 480, 64, 80, 0)], Meter(3, 4), False)
    joined = join([loop, waltz, loop]).to_piece("chords")
    assert [note.onset for note in joined.notes] == [0, 1900, 3840 + 480, 5280, 7180]
    assert joined.meters == ((0, Meter(4, 4)), (3840, Meter(3, 4)), (5280, Meter(4, 4)))
    assert not joined.has_velocity
