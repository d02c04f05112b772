"""The tempo map of a take, written while the tempo is still being followed.

A transport that follows somebody is steered at every pulse. Its function from seconds to ticks has
many short linear pieces. The take's tempo map has few long ones and stays within `APART_S` of it:
this is a swing filter (Elmeleegy and others, "Online Piece-wise Linear Approximation of Numerical
Streams with Precision Guarantees", VLDB 2009). Each piece begins where the one before it ends, so
errors do not add up. For the current piece, the range of tempos that would have kept it within
`GOAL_S` so far is known; when that becomes empty, the piece ends, and another begins. A piece that
begins away from a jittering transport is soon over, so the piece before it may bend a little
further, within `APART_S`, to end closer.

A file's pieces begin on whole ticks, and where the transport waits for a clock, a tick takes up to
10 ms. So the transport is followed to each whole tick beside a change of its tempo, and a piece
begins at the last one passed.

What is written is correct at every moment, so that a take cut off by a crash is too: if the tempo
written for a piece no longer keeps it close enough, a better one is written for the same tick.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from jamd.daemon.events import TempoSet
from jamd.notes import TICKS_PER_BEAT, Tick

GOAL_S, APART_S = 0.00275, 0.00375
"""The aimed-for and the actual limit of the difference between the file's time and the transport's,
in seconds. With half a tick for the rounding of a note, that is within 5 ms from 50 quarter notes a
minute on."""

_NEWS = 0.05  # when the reported tempo changes by this share, another piece begins
_NEAR_S = 0.001  # a piece that ends within this of where it should is left as it is
_HALFWAY = 0.5  # how far an end is moved; further would overshoot beside a jittering transport
_MARGIN = 0.25  # how far inside the range left a tempo is chosen, as a share of that range
_SKIP_S = 0.001  # how long ticks that the transport leaves out take

_MOST_US = 0xFFFFFF  # what a MIDI file can hold


def tempo_us(bpm: float) -> int:
    """A tempo as a MIDI file stores it: whole microseconds a quarter note."""
    return min(max(round(60e6 / bpm), 1), _MOST_US)


class _Moment(NamedTuple):
    """Where the transport was."""

    tick: float
    seconds: float


class _Range(NamedTuple):
    """Tempos in microseconds a quarter note; none if the least is more than the most."""

    least: int = 1
    most: int = _MOST_US

    def within(self, other: _Range) -> _Range:
        return _Range(max(self.least, other.least), min(self.most, other.most))

    def nearest(self, us: float) -> int:
        return min(max(round(us), self.least), self.most)

    def __bool__(self) -> bool:
        return self.least <= self.most


class TempoWriter:
    """Works out which tempos a take needs.

    Every public method except `shift` returns what is to be written, in order; of several at one
    tick the last counts. Ticks and seconds are the transport's, and rise from call to call.
    """

    def __init__(self) -> None:
        self._last = _Moment(0.0, 0.0)  # where the transport was at the last call
        self._whole = self._last  # where it was at the last whole tick
        self._since: list[_Moment] = []  # where else it was after that
        self._begun_s = 0.0  # when the piece began, by the transport's time,
        self._tick = Tick(0)  # at which tick of the file,
        self._seconds = 0.0  # and when by the file's time
        self._us: int | None = None  # its tempo; None: not written yet
        self._close = _Range()  # the tempos that keep it within `GOAL_S`
        self._outer = _Range()  # and those that keep it within `APART_S`
        self._told = 0.0  # the reported tempo when the piece began, in quarter notes a minute

    def start(self, tick: Tick, seconds: float, bpm: float) -> list[TempoSet]:
        """The transport starts rolling with `tick` at `seconds`, whatever was written before."""
        self._tick, self._seconds = tick, seconds
        self._leap(_Moment(tick, seconds))
        return self._begin(bpm)

    def follow(self, tick: float, seconds: float, bpm: float) -> list[TempoSet]:
        """The transport is at `tick` at `seconds`; its tempo was constant since the last call.

        Args:
            tick: With its fraction.
            seconds: The moment.
            bpm: Its reported tempo, which is written if it is close enough.
        """
        written = self._go_to(_Moment(tick, seconds), bpm)
        if abs(bpm / self._told - 1) > _NEWS:
            written += self._begin(bpm)
        return written

    def change(self, tick: float, seconds: float, bpm: float) -> list[TempoSet]:
        """At `tick`, at `seconds`, the tempo becomes `bpm`."""
        written = self._go_to(_Moment(tick, seconds), bpm)
        if self._whole.tick > self._tick:
            written += self._end(1.0)
        return written + self._begin(bpm)

    def skip(self, tick: float, bpm: float) -> list[TempoSet]:
        """The transport leaps to a later `tick` from where it was last, and goes on at `bpm`."""
        edge = _Moment(round(self._last.tick), self._last.seconds)
        written: list[TempoSet] = []
        if round(tick) > edge.tick:
            self._leap(edge)
            written += self._begin((round(tick) - edge.tick) / TICKS_PER_BEAT * 60 / _SKIP_S)
            self._leap(_Moment(round(tick), edge.seconds))
        return written + self._begin(bpm)

    def shift(self, by: int) -> None:
        """Count every moment `by` ticks later."""
        self._tick = Tick(self._tick + by)
        self._last, self._whole, *self._since = (
            _Moment(moment.tick + by, moment.seconds)
            for moment in (self._last, self._whole, *self._since)
        )

    def _leap(self, moment: _Moment) -> None:
        """Be at `moment`, on a whole tick, however the transport came there."""
        self._last = self._whole = moment
        self._since = []

    def _go_to(self, moment: _Moment, bpm: float) -> list[TempoSet]:
        if moment.tick <= self._last.tick:
            return []
        steps = self._steps(moment)
        if not self._leaves(moment):  # nor at a step on a straight way there
            self._take_in(moment)
            for step in steps:
                self._come_to(step)
            return self._correct(bpm)
        written: list[TempoSet] = []
        for step in steps:
            if self._leaves(step) and self._whole.tick > self._tick:
                written += self._end(_HALFWAY)
                self._restart(bpm)
            self._take_in(step)
            self._come_to(step)
            written += self._correct(bpm)
        return written

    def _steps(self, moment: _Moment) -> list[_Moment]:
        """The way to `moment` from the last: by the first and the last whole tick."""
        tick, seconds = self._last
        seconds_a_tick = (moment.seconds - seconds) / (moment.tick - tick)
        first, last = math.floor(tick) + 1, math.floor(moment.tick)
        wholes = [first, last] if first < last else [last]
        way = [_Moment(w, seconds + (w - tick) * seconds_a_tick) for w in wholes]
        return [*(step for step in way if tick < step.tick < moment.tick), moment]

    def _come_to(self, step: _Moment) -> None:
        self._last = step
        if step.tick == math.floor(step.tick):
            self._whole, self._since = step, []
        else:
            self._since.append(step)

    def _correct(self, bpm: float) -> list[TempoSet]:
        """Write another tempo if the one written does not keep the piece close enough."""
        if self._us is not None and self._close.least <= self._us <= self._close.most:
            return []
        return self._write(self._choose(bpm))

    def _allowed(self, moment: _Moment, apart_s: float) -> _Range:
        """The tempos that bring the piece close to `moment`."""
        quarters = (moment.tick - self._tick) / TICKS_PER_BEAT
        if quarters <= 0:
            return _Range()
        off_us, apart_us = (moment.seconds - self._seconds) * 1e6, apart_s * 1e6
        least, most = ((off_us + by) / quarters for by in (-apart_us, apart_us))
        return _Range(
            math.ceil(min(max(least, 1), _MOST_US)), math.floor(min(max(most, 1), _MOST_US))
        )

    def _leaves(self, moment: _Moment) -> bool:
        """Whether no tempo keeps the piece close enough up to `moment`."""
        return not self._close.within(self._allowed(moment, GOAL_S))

    def _take_in(self, moment: _Moment) -> None:
        """Keep the piece close to `moment`, and if possible to those before."""
        close, outer = self._allowed(moment, GOAL_S), self._allowed(moment, APART_S)
        self._outer = self._outer.within(outer) or outer
        self._close = self._close.within(close) or self._outer.within(close) or self._outer

    def _end(self, share: float) -> list[TempoSet]:
        """Make the piece end closer to where the transport was, by this share of the way."""
        quarters = (self._whole.tick - self._tick) / TICKS_PER_BEAT
        straight_us = (self._whole.seconds - self._seconds) * 1e6 / quarters
        us = self._outer.nearest(self._us_now + share * (straight_us - self._us_now))
        if abs(us - self._us_now) / 1e6 * quarters <= _NEAR_S:
            return []
        return self._write(60e6 / us)

    def _begin(self, bpm: float) -> list[TempoSet]:
        self._restart(bpm)
        return self._write(self._choose(bpm))

    def _restart(self, bpm: float) -> None:
        """Begin another piece at the last whole tick."""
        tick = Tick(round(self._whole.tick))
        if tick > self._tick:
            self._seconds += (tick - self._tick) * self._us_now / 1e6 / TICKS_PER_BEAT
        self._tick, self._begun_s, self._us = tick, self._whole.seconds, None
        self._close = self._outer = _Range()
        for moment in self._since:
            self._take_in(moment)
        self._told = bpm

    @property
    def _us_now(self) -> int:
        assert self._us is not None
        return self._us

    def _choose(self, bpm: float) -> float:
        """A tempo that keeps the piece close enough: `bpm` if that does."""
        told = tempo_us(bpm)
        least, most = self._close
        if least <= told <= most:
            return bpm
        margin = round(_MARGIN * min(max(most - least, 0), told))
        return 60e6 / min(max(told, least + margin), most - margin)

    def _write(self, bpm: float) -> list[TempoSet]:
        self._us = tempo_us(bpm)
        return [TempoSet(self._tick, self._begun_s, bpm)]
