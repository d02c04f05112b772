"""A message that waited to be polled is placed where it came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.daemon.ports.rtmidi_ports import STALL_S, Arrival


@given(st.lists(st.tuples(st.floats(0, 0.03), st.floats(0, 0.03)), min_size=1))
def test_messages_are_placed_when_they_came_and_not_when_they_were_polled(
    messages: list[tuple[float, float]],
) -> None:
    arrival = Arrival()
    came_at = polled_at = last = 100.0
    for number, (since_last, waited) in enumerate(messages):
        came_at += since_last
        polled_at = max(polled_at, came_at + (waited if number else 0.0))
        placed = arrival.place(since_last if number else 0.0, polled_at)
        if not number:
            came_at = polled_at
        assert last <= placed <= polled_at
        assert polled_at - placed <= STALL_S + 1e-9
        last = placed
    # The first was polled as it came, and none waited longer than a stall, so each is placed right.
    if polled_at - came_at < STALL_S:
        assert placed == pytest.approx(came_at, abs=1e-6)


def test_a_burst_polled_at_once_keeps_its_spacing() -> None:
    arrival = Arrival()
    arrival.place(0.0, 10.0)

    assert [arrival.place(0.01, 10.03) for _ in range(3)] == pytest.approx([10.01, 10.02, 10.03])


def test_after_lost_messages_the_clock_is_taken_anew() -> None:
    arrival = Arrival()
    arrival.place(0.0, 10.0)

    assert arrival.place(0.01, 12.0) == 12.0
    assert arrival.place(0.5, 12.501) == pytest.approx(12.5)
