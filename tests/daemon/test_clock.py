from __future__ import annotations

import time

import pytest

from jamd.daemon.clock import MonotonicClock


def test_time_never_goes_back() -> None:
    clock = MonotonicClock()

    moments = [clock.now() for _ in range(1000)]

    assert moments == sorted(moments)


def test_a_deadline_is_never_left_early() -> None:
    clock = MonotonicClock()
    deadline = clock.now() + 0.002

    clock.sleep_until(deadline)

    assert clock.now() >= deadline


def test_a_deadline_that_has_passed_is_not_slept_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: 1 / 0)
    clock = MonotonicClock()

    clock.sleep_until(clock.now() - 1)
