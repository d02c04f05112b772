"""How much a sequence repeats itself."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.training.judging.repetition import distinct_share, longest_repeat

FEW_LETTERS = st.text("abc", max_size=40)


def occurs_twice_apart(text: str, length: int) -> bool:
    return any(
        text.find(text[at : at + length], at + length) >= 0 for at in range(len(text) - length + 1)
    )


@given(FEW_LETTERS)
def test_the_longest_repeat_is_what_trying_every_stretch_finds(text: str) -> None:
    tried = [length for length in range(1, len(text) + 1) if occurs_twice_apart(text, length)]
    assert longest_repeat(text) == max(tried, default=0)


@pytest.mark.parametrize(
    ("sequence", "length"),
    [("", 0), ("a", 0), ("abc", 0), ("aa", 1), ("aaa", 1), ("abcXabc", 3), ("abababab", 4)],
)
def test_a_repeat_does_not_overlap_itself(sequence: str, length: int) -> None:
    assert longest_repeat(sequence) == length


def test_a_loop_of_names_repeats_half_of_itself() -> None:
    assert longest_repeat(["C4", "0.4.7", "E4"] * 100) == 150


def test_a_long_sequence_takes_no_time_to_speak_of() -> None:
    began = time.process_time()
    assert longest_repeat([i * i % 1009 for i in range(20_000)]) == 9910  # ten periods apart
    assert time.process_time() - began < 5


@given(FEW_LETTERS, st.integers(1, 5))
def test_the_share_of_distinct_stretches_is_of_all_stretches(text: str, n: int) -> None:
    share = distinct_share(text, n)
    all_different = not any(
        text[i : i + n] == text[j : j + n]
        for i in range(len(text) - n + 1)
        for j in range(i + 1, len(text) - n + 1)
    )
    assert 0 < share <= 1
    assert (share == 1) == all_different


def test_distinct_n_of_a_loop_falls_with_its_length() -> None:
    assert distinct_share("abcabc", 1) == 0.5
    assert distinct_share("abcabc", 2) == 3 / 5
    assert distinct_share("ab", 3) == 1


def test_stretches_have_an_item_at_least() -> None:
    with pytest.raises(ValueError, match="1 item or more"):
        distinct_share("abc", 0)
