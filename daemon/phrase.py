"""The player's phrase: when it is over, and how long the answer to it should be."""

from __future__ import annotations

import statistics
from collections import deque

from jamd.daemon.placing import CHORD_SECONDS
from jamd.daemon.schedule import Key
from jamd.daemon.transport import SIXTEENTH, pulse
from jamd.notes import Meter, Tick

ANSWER_BARS = (1, 2, 4, 8)

DRONE_BEATS = 2
"""A key held alone for so long is a drone: it need not come up for the phrase to be over."""

_GAP_FACTOR = 1.5
_LONGEST_PAUSE_BEATS = 2
_GAPS = 64  # the median looks at no more than the phrase's last ones


class Phrase:
    """What the player plays between two pauses.

    Attributes:
        first: Tick of its first onset; None while nothing has been played.
        last: Tick of its last onset or release.
        handed_over: When the player said that it is over, in seconds; None: he did not.
    """

    def __init__(self) -> None:
        self.first: Tick | None = None
        self.last = Tick(0)
        self.handed_over: float | None = None
        self._down: dict[Key, float] = {}  # when each key that is down was struck
        self._last_onset = 0.0
        self._last_release = 0.0
        self._gaps: deque[float] = deque(maxlen=_GAPS)

    def press(self, key: Key, tick: Tick, now: float) -> None:
        """A key goes down at `tick`, which is `now` in seconds."""
        gap = now - self._last_onset
        if self.first is None:
            self.first, self._last_onset = tick, now
        elif gap > CHORD_SECONDS:
            self._gaps.append(gap)
            self._last_onset = now
        self.last = tick
        self.handed_over = None
        self._down[key] = now

    def release(self, key: Key, tick: Tick, now: float) -> None:
        """A key goes up. One that this phrase did not press is ignored."""
        if self._down.pop(key, None) is not None:
            self.last, self._last_release = tick, now

    def shift(self, by: int) -> None:
        """It lies `by` ticks later."""
        if self.first is not None:
            self.first, self.last = Tick(self.first + by), Tick(self.last + by)

    def hand_over(self, now: float) -> None:
        """The player says that it is over, whatever keys are down."""
        if self.first is not None:
            self.handed_over = now

    def pause(self, beat_seconds: float) -> float:
        """How long a silence ends the phrase, in seconds.

        The longer of a beat and 1.5 times the median time between its onsets, at most two beats:
        someone who plays slowly also breathes slowly. A first onset alone says nothing about the
        pace and is given the longest pause.
        """
        longest = _LONGEST_PAUSE_BEATS * beat_seconds
        if not self._gaps:
            return longest
        return min(max(beat_seconds, _GAP_FACTOR * statistics.median(self._gaps)), longest)

    def ends(self, beat_seconds: float) -> float | None:
        """When it is over unless another key goes down; None: that depends on the keys down."""
        return self._over(beat_seconds, self.pause(beat_seconds))

    def pauses(self, beat_seconds: float) -> float | None:
        """When it looks as if it were over: the moment to begin thinking of an answer."""
        return self._over(beat_seconds, self.pause(beat_seconds) / 2)

    def _over(self, beat_seconds: float, pause: float) -> float | None:
        if self.first is None or self.handed_over is not None:
            return self.handed_over
        struck = list(self._down.values())
        if len(struck) > 1:
            return None
        free = struck[0] + DRONE_BEATS * beat_seconds if struck else self._last_release
        return max(self._last_onset + pause, self._last_release, free)

    def answer_ticks(self, meter: Meter) -> Tick:
        """The length of an answer: the phrase's own, rounded up to whole bars, 1, 2, 4 or 8.

        It counts from its first bar line: a pickup of up to a beat belongs to the next bar. A last
        note that rings a sixteenth into the next bar does not make the phrase a bar longer.
        """
        first = self.first or 0
        before = -first % meter.ticks_per_bar
        begins = first + (before if before < pulse(meter) + SIXTEENTH else 0)  # or a little early
        length = self.last - begins - SIXTEENTH
        bars = (bars for bars in ANSWER_BARS if length <= bars * meter.ticks_per_bar)
        return Tick(next(bars, ANSWER_BARS[-1]) * meter.ticks_per_bar)
