"""Tapping the tempo."""

from __future__ import annotations

import math
import statistics
from collections import deque

FORGOTTEN_S = 5.0
"""After so long without a tap, the next one begins anew: in 6/8 the slowest beat lasts 4.5 s."""

SLOW_S = 2.0
"""What is longer may be the pause between two tries: only a second one like it is a tempo."""

INTERVALS = 4
"""The tempo is the median of no more than the last ones."""

_BOUNCE_S = 0.1  # a pedal that bounces taps once
_JUMP = 1.4  # an interval so many times as long or as short as the others begins anew


class TapTempo:
    """Makes a tempo of taps."""

    def __init__(self) -> None:
        self._last_s = -math.inf
        self._intervals: deque[float] = deque(maxlen=INTERVALS)

    def tap(self, seconds: float) -> float | None:
        """A tap on the beat; the seconds from one beat to the next, or None where none is known."""
        interval = seconds - self._last_s
        if interval < _BOUNCE_S:
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
