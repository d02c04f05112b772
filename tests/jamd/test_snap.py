"""Human timing lands where it was meant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jamd.notes import Meter, Note, Tick
from jamd.snap import snap

BAR = Meter(4, 4)


def played(onsets: list[int]) -> list[Note]:
    return [Note(Tick(onset), 60) for onset in onsets]


def onsets(notes: list[Note]) -> list[int]:
    return [note.onset for note in notes]


def test_early_and_late_sixteenths_are_put_right() -> None:
    assert onsets(snap(played([5, 110, 251, 352, 490]), BAR)) == [0, 120, 240, 360, 480]


def test_triplets_are_heard_as_triplets() -> None:
    assert onsets(snap(played([3, 155, 327, 484, 641, 795]), BAR)) == [0, 160, 320, 480, 640, 800]


def test_a_note_just_before_the_bar_line_belongs_to_the_next_bar() -> None:
    assert onsets(snap(played([1, 1905]), BAR)) == [0, 1920]


def test_what_stands_on_the_grid_stays() -> None:
    exact = played([0, 40, 120, 200, 480])
    assert snap(exact, BAR) == exact


@given(st.lists(st.integers(0, 20_000), max_size=40).map(sorted))
def test_order_and_number_are_kept_and_nothing_moves_far(at: list[int]) -> None:
    snapped = onsets(snap(played(at), BAR))
    assert len(snapped) == len(at)
    assert snapped == sorted(snapped)
    assert all(abs(a - b) <= 80 for a, b in zip(at, snapped, strict=True))
