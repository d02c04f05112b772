"""Notes are read as long as they were meant: until the next one, where they end near it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.columns import Columns
from jamd.grid.grid import Grid
from jamd.language import Constraints, Context
from jamd.lengths import meant_lengths
from jamd.notes import HELD, Note, Part, Tick

FIRST = Note(Tick(480), 60)


def lengths_of(*notes: Note) -> list[int]:
    """How long each of `notes` is read."""
    lengths: list[int] = meant_lengths(Columns.of(notes)).tolist()
    return lengths


def meant(length: int, following: int, part: Part = Part.LEAD) -> int:
    """How long a note is read that sounds for `length` where the next begins at `following`."""
    first = FIRST._replace(duration=Tick(length))
    return lengths_of(first, Note(Tick(FIRST.onset + following), 64, part=part))[0]


@pytest.mark.parametrize("part", Part)
@pytest.mark.parametrize("length", [310, 430, 479, 480, 500, 530])
def test_a_note_that_ends_near_the_next_one_lasts_until_there(length: int, part: Part) -> None:
    assert meant(length, 480, part) == 480


@pytest.mark.parametrize(("length", "following"), [(100, 480), (960, 1920), (480, 720)])
def test_what_ends_sooner_was_meant_to(length: int, following: int) -> None:
    assert meant(length, following) == length


def test_a_note_may_sound_on_into_others_of_its_part() -> None:
    assert meant(1900, 480) == 1920


@pytest.mark.parametrize(("length", "lasts"), [(440, 480), (930, 960), (330, 480), (100, 100)])
def test_before_a_rest_a_note_lasts_until_the_next_eighth(length: int, lasts: int) -> None:
    assert meant(length, 9600) == lasts


def test_a_chord_lasts_until_the_next_of_its_part_whatever_the_tune_does() -> None:
    notes = [
        Note(Tick(0), 48, duration=Tick(1750), part=Part.COMP),
        Note(Tick(0), 72, duration=Tick(440)),
        Note(Tick(1800), 74, duration=Tick(110)),
        Note(Tick(1920), 50, duration=Tick(1750), part=Part.COMP),
        Note(Tick(1920), 76, duration=HELD),
    ]
    assert lengths_of(*notes) == [1920, 480, 120, 1920, HELD]


written = st.lists(st.sampled_from([40, 80, 120, 160, 240, 360, 480, 720, 960]), max_size=24)


@given(lengths=written, gaps=st.lists(st.floats(0, 0.39), min_size=24, max_size=24))
def test_a_line_is_read_as_it_is_written_however_a_person_lets_go(
    lengths: list[int], gaps: list[float]
) -> None:
    onset, notes = 0, []
    for length, gap in zip(lengths, gaps, strict=False):
        silent = min(int(gap * length), 239)
        notes.append(Note(Tick(onset), 60, duration=Tick(length - silent)))
        onset += length
    assert lengths_of(*notes)[:-1] == lengths[:-1]


def test_only_the_players_notes_are_read_so() -> None:
    def tokens(length: int, played: bool) -> list[int]:
        notes = tuple(Note(Tick(480 * i), 60 + i, duration=Tick(length)) for i in range(4))
        heard, own = ((), notes) if played else (notes, ())
        context = Context(heard, Tick(0), Tick(1920), "jazz", played=own)
        return Grid().begin(context, Constraints()).tokens

    assert tokens(420, played=False) == tokens(480, played=False)
    assert tokens(420, played=True) != tokens(480, played=True)
