"""What comes in through OSC passes at once, unless it comes too fast; and nothing is lost."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from jamd.daemon.control.controls import BOUNCE_S
from jamd.daemon.control.osc_addresses import COMMANDS, STATE
from jamd.daemon.control.osc_pace import SPACING_S, Pace

PANICS = {"panic", "press panic"}


def drained(pace: Pace) -> list[tuple[float, str]]:
    """All that still waits, each with its moment."""
    passed = []
    while (at := pace.deadline) < math.inf:
        passed += [(at, command) for command in pace.take(at)]
    return passed


def test_a_press_a_setting_and_a_panic_pass_at_once() -> None:
    pace = Pace()
    assert pace.deadline == math.inf
    pace.offer("set bpm", "set bpm 90", 1.0)
    pace.offer("press tap", "press tap", 1.0)
    pace.offer("panic", "panic", 1.0)
    assert pace.deadline <= 1.0
    assert pace.take(1.0) == ["panic", "press tap", "set bpm 90"]
    assert pace.take(1.0) == []


def test_of_a_fader_that_is_pulled_the_newest_value_counts() -> None:
    pace, passed = Pace(), []
    for i in range(2000):  # in one second
        pace.offer("set memory", f"set memory {i}", i / 2000)
        passed += pace.take(i / 2000)
    assert len(passed) <= 1 / SPACING_S + 1
    assert (passed + [command for _, command in drained(pace)])[-1] == "set memory 1999"


def test_faders_that_move_at_once_pass_one_after_the_other() -> None:
    pace = Pace()
    asked = [command for command in COMMANDS.values() if command.startswith("set")]
    for each in asked:
        pace.offer(each, f"{each} 1", 0.0)
    passed = drained(pace)
    assert [command for _, command in passed] == [f"{each} 1" for each in asked]
    assert passed[-1][0] < 0.15


def test_a_press_that_bounces_counts_once_and_another_button_as_well() -> None:
    pace = Pace()
    for at in (0.0, 0.05, 0.12, 0.3):  # each within a tenth of a second of the one before, or not
        pace.offer("press again", "press again", at)
    pace.offer("press off", "press off", 0.3)
    assert pace.take(0.3) == ["press again", "press again", "press off"]


def test_a_panic_that_comes_too_soon_after_another_is_only_later() -> None:
    pace = Pace()
    for at in (0.0, 0.01, 0.02):
        pace.offer("panic", "panic", at)
        assert pace.take(at) == (["panic"] if at == 0.0 else [])
    assert drained(pace) == [(BOUNCE_S, "panic")]


@given(st.lists(st.tuples(st.sampled_from([*COMMANDS.values()]), st.floats(0, 0.01))))
def test_no_flood_passes_faster_than_is_good(asked: list[tuple[str, float]]) -> None:
    pace, now, passed = Pace(), 0.0, []
    for each, after in asked:
        now += after
        if each != STATE:
            pace.offer(each, each, now)
        passed += [(now, command) for command in pace.take(now)]
    passed += drained(pace)
    settings = [at for at, command in passed if command.startswith("set")]
    assert all(b - a >= SPACING_S - 1e-9 for a, b in itertools.pairwise(settings))
    wanted = {each for each, _ in asked if each != STATE}
    done = {command for _, command in passed}
    if done & PANICS:  # of two panics that wait, either does
        wanted, done = wanted - PANICS, done - PANICS
    assert done == wanted
