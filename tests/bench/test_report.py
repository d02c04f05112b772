"""Rows: their statistics, and how they look."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.bench.report import (
    COLUMNS,
    Row,
    absolute,
    as_json,
    as_table,
    blocks_as_late,
    greatest,
    left_out,
    percentile,
    times_as_much,
    times_faster,
)

FIGURES = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50)


@given(FIGURES, st.integers(1, 99))
def test_a_percentile_lies_among_the_values(values: list[float], percent: int) -> None:
    slack = 1e-9 * max(values)
    assert min(values) - slack <= percentile(values, percent) <= max(values) + slack


def test_percentiles_of_a_hundred_and_one_values_are_the_values_themselves() -> None:
    values = [float(i) for i in range(101)]
    assert [percentile(values[::-1], percent) for percent in (1, 50, 99)] == [1, 50, 99]


@pytest.mark.parametrize(("theirs", "ok"), [(200.0, True), (199.0, False)])
def test_faster_is_how_often_ours_fits_into_theirs(theirs: float, ok: bool) -> None:
    row = times_faster("ours", "us", [1.0, 1.0], "theirs", [theirs], 200)
    assert row == Row("ours", 1.0, 1.0, "us", "theirs", theirs, ">= 200", ok)


@pytest.mark.parametrize(("ours", "ok"), [(3.0, True), (3.1, False)])
def test_as_much_is_how_often_theirs_fits_into_ours(ours: float, ok: bool) -> None:
    row = times_as_much("ours", "us", [ours], "theirs", [2.0], 1.5)
    assert row == Row("ours", ours, None, "us", "theirs", ours / 2, "<= 1.5", ok)


def test_one_noisy_block_does_not_decide_over_lateness() -> None:
    ours = [[1.0] * 9, [900.0] * 9, [1.2] * 9]
    theirs = [[1.0] * 9, [1.0] * 9, [1.0] * 9]
    row = blocks_as_late("late", "ms", ours, "sleeper", theirs, 1.5)
    assert row.ratio == pytest.approx(1.2)
    assert row.ok
    assert row.p99 == 900, "but the row shows it"


@pytest.mark.parametrize(("most", "ok"), [(2.0, True), (1.0, False)])
def test_an_absolute_limit_names_its_percentile_and_unit(most: float, ok: bool) -> None:
    row = absolute("start", "s", [1.0, 1.5, 9.0], most)
    assert (row.p50, row.limit, row.ok) == (1.5, f"p50 <= {most:g} s", ok)


@pytest.mark.parametrize(("most", "ok"), [(17.0, True), (16.9, False)])
def test_the_greatest_is_judged_however_seldom_it_is(most: float, ok: bool) -> None:
    ours = [*(0.1,) * 2000, 17.0, *(0.1,) * 2000]
    row = greatest("latest", "ms", ours, "sleeper", [0.1, 8.5], most)
    assert row == Row("latest", 17.0, None, "ms", "sleeper", 2.0, f"max <= {most:g} ms", ok)


ROWS = [
    Row("one token", 95.25, 700.0, "us", "predict", 432.1, ">= 200", ok=True),
    Row("late", 0.1234, None, "ms", None, None, "p99 <= 3 ms", ok=False),
    left_out("memory", "it needs psutil"),
]


def test_json_has_every_key_in_every_object() -> None:
    objects = json.loads(as_json(ROWS))
    assert [tuple(one) for one in objects] == [COLUMNS] * 3
    assert objects[0]["ok"] is True
    assert objects[2]["ok"] is None


def test_the_table_is_aligned_and_a_line_left_out_runs_across() -> None:
    assert as_table(ROWS).splitlines() == [
        "name         p50  p99  unit  beside   ratio  limit        ok",
        "one token   95.2  700  us    predict    432  >= 200       yes",
        "late       0.123       ms                    p99 <= 3 ms  NO",
        "memory: left out, it needs psutil",
    ]
