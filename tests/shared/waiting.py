"""Waiting for what other processes do: for an event, up to a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(
    wanted: Callable[[], object],
    limit_s: float,
    what: str = "an event",
    doing: Callable[[], object] = lambda: None,
) -> float:
    """Look again and again until `wanted` is true, doing `doing` before; the seconds it took."""
    began = time.monotonic()
    doing()
    while not wanted():
        assert time.monotonic() < began + limit_s, f"waited {limit_s} s for {what}"
        time.sleep(0.001)
        doing()
    return time.monotonic() - began
