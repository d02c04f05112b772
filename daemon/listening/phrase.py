"""The player's phrase: when it is over, and how long the answer to it should be."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Callable

from jamd.daemon.midi.terms import NoteKey
from jamd.daemon.timing.transport import SIXTEENTH
from jamd.notes import Meter, Tick
from jamd.placing import CHORD_SECONDS

ANSWER_BARS = (1, 2, 4, 8)

DRONE_BEATS = 2
"""A key held alone for this long is a drone: it need not come up for the phrase to be over."""

PAD_BEATS = 8
"""Keys held together for this long, two bars of 4/4, are a pad, and need not come up either. So
keys whose note-off never came, as when a cable was pulled, do not silence jamd for good."""

KEYS_UP_BEATS = 7 / 8
"""How long the keys must have been up for a phrase to end: a rest of a beat is a breath, and hands
leave a little early. Without this a long note would end its phrase at the moment of its release;
with it 4 of 100 breaths are interrupted, not 12 (`jamd measure phrases`)."""

_GAP_FACTOR = 1.5
_LONGEST_PAUSE_BEATS = 2
_GAPS = 64  # the median is over at most this many of the phrase's last gaps


class Phrase:
    """What the player plays between two pauses.

    Attributes:
        first: Tick of its first onset; None while nothing has been played.
        last: Tick of its last onset or release.
        notes: Number of its notes.
        loudness: Mean velocity of its notes, 1..127; 96, loud, while nothing has been played.
        handed_over: When the player handed over the turn, in seconds; None if they did not.
    """

    def __init__(self) -> None:
        self.first: Tick | None = None
        self.last = Tick(0)
        self.loudness = 96.0
        self.handed_over: float | None = None
        self.notes = 0
        self._chord = -math.inf  # when the chord with which it was handed over began
        self._down: dict[NoteKey, float] = {}  # when each key that is down was struck
        self._last_onset = 0.0
        self._last_release = 0.0
        self._gaps: deque[float] = deque(maxlen=_GAPS)

    @property
    def keys_down(self) -> int:
        """Number of its keys that are down."""
        return len(self._down)

    def press(self, key: NoteKey, velocity: int, tick: Tick, now: float) -> None:
        """A key goes down at `tick`, which is `now` in seconds."""
        self.notes += 1
        self.loudness += (velocity - self.loudness) / self.notes
        gap = now - self._last_onset
        if self.first is None:
            self.first, self._last_onset = tick, now
        elif gap > CHORD_SECONDS:
            self._gaps.append(gap)
            self._last_onset = now
        self.last = tick
        if not self.is_handed_over_with(now):
            self.handed_over = None
        self._down[key] = now

    def release(self, key: NoteKey, tick: Tick, now: float) -> None:
        """A key goes up. One that this phrase did not press is ignored."""
        if self._down.pop(key, None) is not None:
            self.last, self._last_release = tick, now

    def move(self, remap: Callable[[Tick], Tick]) -> None:
        """Move what was heard at a tick to `remap(tick)`, where it was played."""
        if self.first is not None:
            self.first, self.last = remap(self.first), remap(self.last)

    def hand_over(self, now: float) -> None:
        """End it because the player says so, whatever keys are down."""
        if self.first is not None:
            if not self.is_handed_over_with(now):
                self._chord = now
            self.handed_over = now

    def is_handed_over_with(self, now: float) -> bool:
        """Whether a key struck at `now` belongs to the chord with which it was handed over.

        A foot and ten fingers meant to act at one moment come in any order.
        """
        return self.handed_over is not None and now - self._chord <= CHORD_SECONDS

    @property
    def is_handed_over_in_a_chord(self) -> bool:
        """Whether it was handed over at the moment of its last onset, before or after it."""
        over = self.handed_over
        return over is not None and over - self._last_onset <= CHORD_SECONDS

    def pause(self, beat_seconds: float) -> float:
        """How long a silence must be to end the phrase, in seconds.

        The longer of a beat and 1.5 times the median time between its onsets, at most two beats:
        someone who plays slowly also breathes slowly. A single onset says nothing about the pace
        and gets the longest pause.
        """
        longest = _LONGEST_PAUSE_BEATS * beat_seconds
        if not self._gaps:
            return longest
        return min(max(beat_seconds, _GAP_FACTOR * statistics.median(self._gaps)), longest)

    def ends(self, beat_seconds: float) -> float | None:
        """When it is over unless a key moves before; None if nothing has been played."""
        return self._over(beat_seconds)

    def pauses(self, beat_seconds: float) -> float | None:
        """When it begins to look over, which is the moment to begin planning an answer."""
        return self._over(beat_seconds, share=0.5)

    def _over(self, beat_seconds: float, share: float = 1.0) -> float | None:
        """When `share` of the silence that ends it has passed."""
        if self.first is None or self.handed_over is not None:
            return self.handed_over
        # A drone or pad counts as up from the moment it becomes one.
        held = (DRONE_BEATS if len(self._down) == 1 else PAD_BEATS) * beat_seconds
        up = max([self._last_release, *(struck + held for struck in self._down.values())])
        pause, rest = self.pause(beat_seconds), KEYS_UP_BEATS * beat_seconds
        return max(self._last_onset + share * pause, up + share * rest)

    def answer_ticks(self, meter: Meter) -> Tick:
        """The length of an answer in ticks: the phrase's own, in whole bars.

        The phrase counts from its first bar line: a pickup of up to a beat belongs to the next bar.
        """
        first = self.first or 0
        before = -first % meter.ticks_per_bar
        longest = meter.ticks_per_pulse + SIXTEENTH  # a pickup played a little early
        begins = first + (before if before < longest else 0)
        return Tick(answer_bars(Tick(self.last - begins), meter) * meter.ticks_per_bar)


def answer_bars(length: Tick, meter: Meter) -> int:
    """Bars in an answer to a phrase of `length`: the nearest of `ANSWER_BARS`, the longer if tied.

    So a phrase of four bars that comes to rest on the next downbeat is answered by four. Whole
    pulses count: few people hold the last note of three bars to the very end.
    """
    pulses = (2 * length + meter.ticks_per_pulse) // (2 * meter.ticks_per_pulse)
    bars = pulses * meter.ticks_per_pulse / meter.ticks_per_bar
    return min(ANSWER_BARS, key=lambda count: (abs(count - bars), -count))
