"""The tempo map of a take, written while the tempo is still being followed.

A transport that follows somebody is steered at every pulse. Its function from seconds to ticks has
many short linear pieces. The take's tempo map has few long ones and stays within `APART_S` of it:
this is a swing filter (Elmeleegy and others, "Online Piece-wise Linear Approximation of Numerical
Streams with Precision Guarantees", VLDB 2009). Each piece begins where the one before it ends, so
errors do not add up. For the current piece, the range of tempos that would have kept it within
`GOAL_S` so far is known; when that becomes empty, the piece ends at the previous moment, and
another begins there. A piece that begins away from a jittering transport is soon over, so the piece
before it may bend a little further, within `APART_S`, to end closer.

What is written is correct at every moment, so that a take cut off by a crash is too: if the tempo
written for a piece no longer keeps it close enough, a better one is written for the same tick.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
_ODD = 4.0  # a piece's tempo is within this factor of the reported one
_SKIP_S = 0.001  # how long ticks that the transport leaves out take

_MOST_US = 0xFFFFFF  # what a MIDI file can hold


def tempo_us(bpm: float) -> int:
    """A tempo as a MIDI file stores it: whole microseconds a quarter note."""
    return min(max(round(60e6 / bpm), 1), _MOST_US)


@dataclass(frozen=True, slots=True)
class _Moment:
    tick: float
    seconds: float


class TempoWriter:
    """Works out which tempos a take needs.

    Every public method except `shift` returns what is to be written, in order; of several at one
    tick the last counts. Ticks and seconds are the transport's, and rise from call to call.
    """

    def __init__(self) -> None:
        self._last = _Moment(0.0, 0.0)  # where the transport was at the last call
        self._begun_s = 0.0  # when the piece began, by the transport's time,
        self._tick = Tick(0)  # at which tick of the file,
        self._seconds = 0.0  # and when by the file's time
        self._us: int | None = None  # its tempo; None: not written yet
        self._least_us, self._most_us = 1, _MOST_US  # the tempos that keep it within `GOAL_S`
        self._outer_us = 1.0, float(_MOST_US)  # and those that keep it within `APART_S`
        self._told = 0.0  # the reported tempo when the piece began, in quarter notes a minute

    def start(self, tick: Tick, seconds: float, bpm: float) -> list[TempoSet]:
        """The transport starts rolling with `tick` at `seconds`, whatever was written before."""
        self._us = None
        self._tick, self._seconds = tick, seconds
        self._last = _Moment(tick, seconds)
        return self._begin(bpm)

    def follow(self, tick: float, seconds: float, bpm: float) -> list[TempoSet]:
        """The transport is at `tick` at `seconds`; its tempo was constant since the last call.

        Args:
            tick: With its fraction.
            seconds: The moment.
            bpm: Its reported tempo, which is written if it is close enough.
        """
        written: list[TempoSet] = []
        moment = _Moment(tick, seconds)
        if self._leaves(moment):
            if round(self._last.tick) > self._tick:
                written += self._end(_HALFWAY)
                self._restart(bpm)
            if self._leaves(moment):  # it began too far off: be as close as possible from now on
                self._least_us, self._most_us = 1, _MOST_US
        self._take_in(moment)
        if self._us is None or not self._least_us <= self._us <= self._most_us:
            written += self._write(self._choose(bpm))
        if abs(bpm / self._told - 1) > _NEWS:
            written += self._begin(bpm)
        return written

    def change(self, tick: float, seconds: float, bpm: float) -> list[TempoSet]:
        """At `tick`, at `seconds`, the tempo becomes `bpm`."""
        written = self.follow(tick, seconds, bpm)
        if round(tick) > self._tick:
            written += self._end(1.0)
        return written + self._begin(bpm)

    def skip(self, tick: float, bpm: float) -> list[TempoSet]:
        """The transport leaps to a later `tick` from where it was last, and goes on at `bpm`."""
        skipped = round(tick) - round(self._last.tick)
        written: list[TempoSet] = []
        if skipped > 0:
            written += self._begin(skipped / TICKS_PER_BEAT * 60 / _SKIP_S)
            self._last = _Moment(tick, self._last.seconds)
        return written + self._begin(bpm)

    def shift(self, by: int) -> None:
        """Count every moment `by` ticks later."""
        self._tick = Tick(self._tick + by)
        self._last = _Moment(self._last.tick + by, self._last.seconds)

    def _allowed(self, moment: _Moment, apart_s: float) -> tuple[float, float]:
        """Least and most microseconds a quarter note that bring the piece close to `moment`."""
        quarters = (moment.tick - self._tick) / TICKS_PER_BEAT
        if quarters <= 0:
            return 1, _MOST_US
        off_us, apart_us = (moment.seconds - self._seconds) * 1e6, apart_s * 1e6
        return max((off_us - apart_us) / quarters, 1), min((off_us + apart_us) / quarters, _MOST_US)

    def _leaves(self, moment: _Moment) -> bool:
        """Whether no tempo keeps the piece close enough up to `moment`."""
        least, most = self._allowed(moment, GOAL_S)
        return max(self._least_us, math.ceil(least)) > min(self._most_us, math.floor(most))

    def _take_in(self, moment: _Moment) -> None:
        least, most = self._allowed(moment, GOAL_S)
        self._least_us = max(self._least_us, math.ceil(least))
        self._most_us = min(self._most_us, math.floor(most))
        least, most = self._allowed(moment, APART_S)
        self._outer_us = max(self._outer_us[0], least), min(self._outer_us[1], most)
        self._last = moment

    def _end(self, share: float) -> list[TempoSet]:
        """Make the piece end closer to where the transport was last, by this share of the way."""
        quarters = (self._last.tick - self._tick) / TICKS_PER_BEAT
        straight_us = (self._last.seconds - self._seconds) * 1e6 / quarters
        us = self._us_now + share * (straight_us - self._us_now)
        us = min(max(us, self._outer_us[0]), self._outer_us[1])
        gain_s = abs(us - self._us_now) / 1e6 * quarters
        if gain_s <= max(_NEAR_S, us / 1e6 / TICKS_PER_BEAT / 2):  # pieces begin on whole ticks
            return []
        return self._write(60e6 / round(us))

    def _begin(self, bpm: float) -> list[TempoSet]:
        self._restart(bpm)
        return self._write(bpm)

    def _restart(self, bpm: float) -> None:
        """Begin another piece where the transport was last."""
        tick = Tick(max(self._tick, round(self._last.tick)))
        if tick > self._tick:
            self._seconds += (tick - self._tick) * self._us_now / 1e6 / TICKS_PER_BEAT
        self._tick, self._begun_s, self._us = tick, self._last.seconds, None
        self._least_us, self._most_us = 1, _MOST_US
        self._outer_us = 1.0, float(_MOST_US)
        self._told = bpm

    @property
    def _us_now(self) -> int:
        assert self._us is not None
        return self._us

    def _choose(self, bpm: float) -> float:
        """A tempo that keeps the piece close enough: `bpm` if that does."""
        told = tempo_us(bpm)
        least, most = self._least_us, self._most_us
        if least > most:  # rare: no call for hours, or a piece that began too far off
            least = most = (least + most) // 2
        if least <= told <= most:
            return bpm
        margin = round(_MARGIN * min(most - least, told))
        us = min(max(told, least + margin), most - margin)
        return 60e6 / min(max(us, told / _ODD), told * _ODD)

    def _write(self, bpm: float) -> list[TempoSet]:
        self._us = tempo_us(bpm)
        return [TempoSet(self._tick, self._begun_s, bpm)]
