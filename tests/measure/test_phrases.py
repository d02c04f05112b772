"""Breaths and ends, on songs, piano rolls and made-up phrases."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from jamd.cli import main
from jamd.measure import phrases
from jamd.measure.performances import Performance, made_performances, shipped, written
from jamd.measure.phrases import Count, count, figures
from jamd.measure.report import Figure, as_table
from jamd.notes import Meter, Note, Tick

FOUR = Meter(4, 4)


def performed(*notes: tuple[int, int], ends: tuple[int, ...]) -> Performance:
    """(onset, length) in ticks at 120 bpm."""
    played = tuple(Note(Tick(at), 60 + i, duration=Tick(n)) for i, (at, n) in enumerate(notes))
    return Performance("test", "test", 120, FOUR, played, frozenset(map(Tick, ends)))


QUARTERS = tuple((beat * 480, 400) for beat in range(4))


@pytest.fixture(scope="module")
def measured() -> dict[str, Figure]:
    return {figure.name: figure for figure in figures()}


def test_at_most_5_percent_of_breaths_and_ends_are_taken_for_the_other(
    measured: dict[str, Figure],
) -> None:
    interrupted, missed = measured["all: breaths interrupted"], measured["all: ends missed"]
    assert interrupted.of > 1000
    assert missed.of >= 400
    assert interrupted.value <= 5
    assert missed.value <= 5
    for kind in ("song", "roll", "sung", "swing", "ballad", "bebop", "chords", "drone"):
        assert measured[f"{kind}: breaths interrupted"].value <= 10, kind
        assert measured[f"{kind}: ends missed"].value <= 5, kind


def test_a_breath_of_a_beat_is_none_of_two() -> None:
    going_on = (*QUARTERS, (5 * 480, 400), (6 * 480, 400))
    assert count(performed(*going_on, ends=(6 * 480 + 400,))) == Count(1, 0, 1, 0)
    late = (*QUARTERS, (7 * 480, 400))
    assert count(performed(*late, ends=(7 * 480 + 400,))) == Count(1, 1, 1, 0)


def test_an_end_too_short_to_be_known_is_missed() -> None:
    again = (*QUARTERS, (4 * 480, 400), (5 * 480, 400))
    assert count(performed(*again, ends=(3 * 480 + 400, 5 * 480 + 400))).missed == 1


def test_two_keys_that_never_come_up_miss_the_end() -> None:
    held = ((0, 9600), (1, 9600), *QUARTERS)
    assert count(performed(*held, ends=(3 * 480 + 400,))).missed == 1


def test_the_file_is_written_as_it_is_read() -> None:
    performances = shipped()
    assert {performance.kind for performance in performances} == {"song", "roll"}
    lines = [written(performance) for performance in performances]
    assert lines[0].startswith("song ")
    assert len(lines) == 100
    moved = replace(performances[0], bpm=93.5)
    assert " 93.5 " in written(moved)


def test_the_same_seed_makes_the_same_performances() -> None:
    assert made_performances(2, seed=1) == made_performances(2, seed=1)
    assert made_performances(2, seed=1) != made_performances(2, seed=2)


def test_the_command_prints_a_table_or_json(
    capsys: pytest.CaptureFixture[str], measured: dict[str, Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phrases, "figures", lambda: list(measured.values()))
    assert main(["measure", "phrases"]) == 0
    assert capsys.readouterr().out == as_table(list(measured.values())) + "\n"
    assert main(["measure", "phrases", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"name", "of", "value", "unit", "limit", "ok"} == rows[0].keys()
    assert main(["measure", "beets"]) == 2
    assert "expected one of phrases" in capsys.readouterr().err
