"""What is drawn ahead is what would have been drawn."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.training.learning.prefetch import prefetched


@given(st.lists(st.none() | st.integers(), max_size=20), st.integers(1, 4))
def test_items_come_in_their_order(items: list[int | None], count: int) -> None:
    assert list(prefetched(iter(items), count)) == items


def test_the_next_ones_are_drawn_meanwhile_and_no_more() -> None:
    drawn = []
    third = threading.Event()

    def items() -> Iterator[int]:
        for number in range(10):
            drawn.append(number)
            if number == 2:
                third.set()
            yield number

    before = set(threading.enumerate())
    coming = prefetched(items(), 2)
    assert next(coming) == 0
    assert third.wait(10)
    assert drawn == [0, 1, 2]
    coming.close()  # type: ignore[attr-defined]
    assert set(threading.enumerate()) <= before


def test_an_error_is_raised_when_its_turn_comes() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    coming = prefetched(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="no more"):
        next(coming)
