"""Where the beat is: seconds to ticks and back, through every change of tempo.

The transport does not read a clock and does not know where its tempo comes from. The internal
source sets a tempo and leaves it; a source that follows something else (a MIDI clock) steers.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace

from jamd.notes import TICKS_PER_BEAT, Meter, Tick

SLOWEST_BPM, FASTEST_BPM = 20.0, 400.0

SIXTEENTH = Tick(TICKS_PER_BEAT // 4)

LONGEST_PICKUP = Tick(TICKS_PER_BEAT)
"""Notes at most this many ticks before a bar line belong to the bar that they lead to."""

CATCH_UP_BEATS = 0.25
"""A steered transport that is ahead or behind catches up in about this many beats."""

_ROUNDING = 1e-4  # ticks: far above a double's error after weeks of uptime, far below hearing


@dataclass(frozen=True, slots=True)
class TempoChange:
    """From `tick`, which falls at `seconds`, the tempo is `bpm` quarter notes a minute."""

    tick: float
    seconds: float
    bpm: float

    @property
    def ticks_per_second(self) -> float:
        return self.bpm * TICKS_PER_BEAT / 60


class TempoMap:
    """A piecewise constant tempo: a continuous, rising function from seconds to ticks.

    Only the last `LONGEST` changes are kept, so that a source that steers for hours stays cheap;
    times before the first one kept are computed with its tempo.
    """

    LONGEST = 1024

    def __init__(self, bpm: float, seconds: float = 0.0, tick: float = 0.0) -> None:
        """A map with `tick` at `seconds` and the tempo `bpm`."""
        self._changes = [TempoChange(tick, seconds, bpm)]

    @property
    def bpm(self) -> float:
        """The latest tempo, in quarter notes a minute."""
        return self._changes[-1].bpm

    def change(self, seconds: float, bpm: float) -> None:
        """Play on at `bpm` from `seconds`, without a jump in the beat.

        Raises:
            ValueError: `seconds` lies before the last change.
        """
        last = self._changes[-1]
        if seconds < last.seconds:
            raise ValueError(
                f"a tempo change at {seconds} s lies before the last, {last.seconds} s"
            )
        changed = TempoChange(self.tick_at(seconds), seconds, bpm)
        if seconds == last.seconds:
            self._changes[-1] = changed
        else:
            self._changes = [*self._changes[1 - self.LONGEST :], changed]

    def forget_after(self, seconds: float) -> None:
        """Keep the tempo of `seconds` from there on, dropping later changes."""
        count = bisect_right(self._changes, seconds, key=lambda change: change.seconds)
        self._changes = self._changes[: max(count, 1)]

    def shift(self, by: int) -> None:
        """Count every moment `by` ticks later."""
        self._changes = [replace(change, tick=change.tick + by) for change in self._changes]

    def tick_at(self, seconds: float) -> float:
        """The tick at `seconds`, with its fraction."""
        index = bisect_right(self._changes, seconds, key=lambda change: change.seconds)
        change = self._changes[max(index - 1, 0)]
        return change.tick + (seconds - change.seconds) * change.ticks_per_second

    def seconds_at(self, tick: float) -> float:
        """When `tick` falls, in seconds."""
        index = bisect_right(self._changes, tick, key=lambda change: change.tick)
        change = self._changes[max(index - 1, 0)]
        return change.seconds + (tick - change.tick) / change.ticks_per_second


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the music as a musician counts it.

    Attributes:
        bar: From 1.
        beat: From 1, in the meter's own denominator: 6/8 counts six.
        tick: Ticks since that beat, from 0.
    """

    bar: int
    beat: int
    tick: int

    def __str__(self) -> str:
        return f"{self.bar}.{self.beat}"


def position(tick: int, meter: Meter) -> Position:
    """The place of `tick` if bar 1 begins at tick 0; before that come bar 0, bar -1 and so on."""
    bar, in_bar = divmod(tick, meter.ticks_per_bar)
    beat, rest = divmod(in_bar, TICKS_PER_BEAT * 4 // meter.denominator)
    return Position(bar + 1, beat + 1, rest)


_TWO_HALVES = (Meter(4, 4), Meter(6, 8))


class Transport:
    """The session's one beat: not started at first, then rolling from tick 0, bar 1 beat 1.

    It can be halted and roll again, from a later tick: ticks only ever rise.

    Args:
        bpm: Tempo in quarter notes a minute.
        meter: One of `jamd.notes.METERS`.

    Attributes:
        rolling: Whether ticks pass.
        begun: Whether it has ever rolled.
    """

    def __init__(self, bpm: float, meter: Meter) -> None:
        self.meter = meter
        self._map = TempoMap(bpm)
        self._bpm = bpm
        self._halted = Tick(0)
        self._bar_one = Tick(0)  # the tick at which the song's bar 1 lies, or would
        self.rolling = False
        self.begun = False

    @property
    def bpm(self) -> float:
        return self._bpm

    @property
    def tempo_map(self) -> TempoMap:
        """The present mapping of seconds to ticks. It must not be changed."""
        return self._map

    @property
    def ticks_per_second(self) -> float:
        """Ticks a second at `bpm`."""
        return self.bpm * TICKS_PER_BEAT / 60

    @property
    def beat_seconds(self) -> float:
        """Seconds that a quarter note lasts now."""
        return 60 / self.bpm

    @property
    def bar_one(self) -> Tick:
        """The tick at which the song's bar 1 lies, or would; still to come during a count-in."""
        return self._bar_one

    def start(self, now: float, edge: Tick = Tick(0), song: int = 0) -> Tick:
        """Roll: the first tick from `edge` on at `song`'s place in the bar falls at `now`.

        Args:
            now: The present, in seconds.
            edge: No tick before it may come again.
            song: Ticks from the song's beginning; below 0 if that is still to come.

        Returns:
            The tick at `now`.
        """
        bar = self.meter.ticks_per_bar
        after = max(edge, self._halted)
        tick = Tick(after + (song - after) % bar)
        self._map = TempoMap(self.bpm, now, tick)
        self._bar_one = Tick(tick - song)
        self.rolling = self.begun = True
        return tick

    def halt(self, now: float) -> None:
        """Stop: no more ticks pass."""
        self._halted = self.tick_at(now)
        self.rolling = False

    def set_tempo(self, bpm: float, now: float) -> None:
        """Play on at `bpm`, held within `SLOWEST_BPM` and `FASTEST_BPM`, from `now` on."""
        self._bpm = min(max(bpm, SLOWEST_BPM), FASTEST_BPM)
        if self.rolling:
            self._map.forget_after(now)
            self._map.change(now, self._bpm)

    def steer(self, tick: float, seconds: float, rate: float, bpm: float, now: float) -> None:
        """Catch up to where `tick` falls at `seconds`, without a jump and never backwards.

        Args:
            tick: A tick near the present.
            seconds: When it should fall.
            rate: The rate to follow, in ticks a second, at this moment.
            bpm: The tempo that `bpm` reports from now on.
            now: The present, in seconds. The transport must be rolling.
        """
        behind = tick + (now - seconds) * rate - self._map.tick_at(now)
        catch_up = behind * rate / (CATCH_UP_BEATS * TICKS_PER_BEAT)
        rate = min(max(rate + catch_up, rate / 4), rate * 4)
        self._map.forget_after(now)
        self._map.change(now, rate * 60 / TICKS_PER_BEAT)
        self._bpm = bpm

    def bend(self, tick: float, seconds: float, bpm: float, now: float) -> float:
        """Reach `tick` at `seconds` exactly, and play on from there at `bpm`.

        Args:
            tick: A tick still to come.
            seconds: A moment still to come.
            bpm: The tempo that `bpm` reports from now on; held within the bounds of `set_tempo`.
            now: The present, in seconds. The transport must be rolling.

        Returns:
            The tempo until then, in quarter notes a minute.
        """
        self._bpm = min(max(bpm, SLOWEST_BPM), FASTEST_BPM)
        self._map.forget_after(now)
        until = (tick - self._map.tick_at(now)) / (seconds - now) * 60 / TICKS_PER_BEAT
        self._map.change(now, until)
        self._map.change(seconds, self._bpm)
        return until

    def shift(self, by: int) -> None:
        """Count every moment `by` ticks later, 0 or more, as it lies later in its bar."""
        self._map.shift(by)

    def rebase(self, tick: float, seconds: float, bpm: float) -> None:
        """Let `tick` fall at `seconds` with the tempo `bpm`, as if it had always been so.

        The caller must ensure that time does not run backwards.
        """
        self._bpm = min(max(bpm, SLOWEST_BPM), FASTEST_BPM)
        self._map = TempoMap(self._bpm, seconds, tick)

    def song_tick(self, tick: Tick) -> Tick:
        """How far `tick` lies after the song's beginning, at least 0."""
        return Tick(max(0, tick - self._bar_one))

    def exact_tick(self, seconds: float) -> float:
        """The tick at `seconds`, with its fraction. Valid only while rolling."""
        return self._map.tick_at(seconds)

    def tick_at(self, seconds: float) -> Tick:
        """The tick nearest to `seconds`; if the transport is not rolling, where it stands."""
        return Tick(max(0, round(self._map.tick_at(seconds)))) if self.rolling else self._halted

    def passed(self, seconds: float) -> Tick:
        """The last tick at or before `seconds`. Valid only while rolling.

        `passed(seconds_at(tick))` is `tick`, whatever the rounding in between.
        """
        return Tick(math.floor(self._map.tick_at(seconds) + _ROUNDING))

    def seconds_at(self, tick: float) -> float:
        """When `tick` falls, in seconds. Valid only while rolling."""
        return self._map.seconds_at(tick)

    def next_pulse(self, tick: float) -> Tick:
        """The first pulse at or after `tick`."""
        length = self.meter.ticks_per_pulse
        return Tick(math.ceil(tick / length) * length)

    def next_eighth(self, tick: float) -> Tick:
        """The first eighth at or after `tick`."""
        return Tick(math.ceil(tick / (2 * SIXTEENTH)) * 2 * SIXTEENTH)

    def last_eighth(self, tick: float) -> Tick:
        """The last eighth at or before `tick`."""
        return Tick(math.floor(tick / (2 * SIXTEENTH)) * 2 * SIXTEENTH)

    def next_sixteenth(self, tick: float) -> Tick:
        """The first sixteenth at or after `tick`."""
        return Tick(math.ceil(tick / SIXTEENTH) * SIXTEENTH)

    def next_strong_beat(self, tick: float) -> Tick:
        """The first strong beat at or after `tick`: beat one, or the middle of a 4/4 or 6/8 bar."""
        bar = self.meter.ticks_per_bar
        length = bar // 2 if self.meter in _TWO_HALVES else bar
        return Tick(math.ceil(tick / length) * length)

    def next_bar_line(self, tick: float) -> Tick:
        """The first bar line at or after `tick`."""
        length = self.meter.ticks_per_bar
        return Tick(math.ceil(tick / length) * length)
