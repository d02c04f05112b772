"""Tap tempo."""

from __future__ import annotations

import math
import statistics
from collections import deque

from jamd.daemon.control.controls import BOUNCE_S

FORGOTTEN_S = 5.0
"""After this long without a tap, the next one starts over: in 6/8 the slowest beat lasts 4.5 s."""

SLOW_S = 2.0
"""A longer interval may be the pause between two attempts: only a second one like it makes a
tempo."""

INTERVALS = 4
"""The tempo is the median of at most this many intervals, the last ones."""

_JUMP = 1.4  # an interval this many times longer or shorter than the others starts over


class TapTempo:
    """Turns taps into a tempo."""

    def __init__(self) -> None:
        self._last_s = -math.inf
        self._intervals: deque[float] = deque(maxlen=INTERVALS)

    def tap(self, seconds: float) -> float | None:
        """Take in a tap on the beat. Returns seconds from beat to beat, or None if not known."""
        interval = seconds - self._last_s
        if interval < BOUNCE_S:
            return None
        self._last_s = seconds
        if interval > FORGOTTEN_S:
            self._intervals.clear()
            return None
        usual = statistics.median(self._intervals) if self._intervals else interval
        if not usual / _JUMP < interval < usual * _JUMP:
            self._intervals.clear()
        self._intervals.append(interval)
        if interval > SLOW_S and len(self._intervals) == 1:
            return None
        return statistics.median(self._intervals)
