from __future__ import annotations

import pytest

from jamd.general_midi import NAMES, closest, name_of, named


def test_each_of_the_128_sounds_is_found_by_its_name_however_it_is_written() -> None:
    assert len(set(NAMES)) == 128
    for number in range(1, 129):
        assert named(name_of(number)) == named(name_of(number).title()) == [number]


def test_they_are_counted_as_the_specification_does() -> None:
    numbers = (1, 12, 17, 25, 33, 41, 49, 57, 65, 74, 81, 89, 97, 105, 113, 128)
    assert [name_of(number) for number in numbers] == [
        *("acoustic grand piano", "vibraphone", "drawbar organ", "acoustic guitar (nylon)"),
        *("acoustic bass", "violin", "string ensemble 1", "trumpet", "soprano sax", "flute"),
        *("lead 1 (square)", "pad 1 (new age)", "fx 1 (rain)", "sitar", "tinkle bell", "gunshot"),
    ]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Jazz guitar", [27]),
        ("tenor", [67]),
        ("honky tonk", [4]),
        ("slap bass", [37, 38]),
        ("rhodes", []),
        ("", []),
        ("!", []),
    ],
)
def test_some_words_of_a_name_may_mean_several(text: str, numbers: list[int]) -> None:
    assert named(text) == numbers


def test_a_slip_of_the_pen_is_understood() -> None:
    assert closest("Vibrafone") == "vibraphone"
    assert closest("rhodes") == ""
