"""A MIDI clock's beat: 24 pulses a quarter note, smoothed by a delay-locked loop.

The pulses arrive with a few milliseconds of jitter. The loop (F. Adriaensen, "Using a DLL to filter
time", 2005; Ardour follows a clock in the same way) predicts when the next one falls and corrects
its prediction by a share of each error. Before it runs, and again after a jump of the tempo, a
straight line through the last pulses takes its place.

An extra or missing pulse is not a tempo change. Among the first pulses it is detected in hindsight;
after that a pulse long before the prediction is ignored and a missing one is still counted. The
tempo has changed only if a whole run of pulses agrees on another. And where the pulses after a gap
all lie beside where they were due, none is missing: the sequencer was held up, as by an xrun of its
audio, and goes on where it was.

Many clocks come in batches, as long as an audio buffer or a Bluetooth interval: JACK hands over all
pulses of a period at once. Then a pulse now and then seems extra or missing, though all are there.
Glitches are rare, so once three more have come within a thousand beats than were counted, or
three fewer, it is batches, and from then on every pulse counts.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from jamd.daemon.timing.transport import FASTEST_BPM, SLOWEST_BPM
from jamd.notes import TICKS_PER_BEAT

CLOCKS_PER_BEAT = 24
TICKS_PER_CLOCK = TICKS_PER_BEAT // CLOCKS_PER_BEAT

LOST_S = 0.25
"""A clock that is silent for this long is lost."""

BANDWIDTH = 0.6
"""The loop's bandwidth in cycles a beat: 1.2 Hz at 120 quarter notes a minute. More follows faster,
less is smoother."""

_W = 2 * math.pi * BANDWIDTH / CLOCKS_PER_BEAT
_B, _C = math.sqrt(2) * _W, _W * _W

_FEWEST = 4  # pulses that determine a tempo
_SURE = 9  # pulses after which the line is reliable enough to tell which pulse is a stray
# Among that many, a missing pulse is detected in hindsight, and so is an extra one unless it is one
# of the last two: a pulse lies further from the line than the first share of the period, and
# counting them differently reduces the greatest distance to less than the second share of itself.
_CROOKED, _STRAIGHTER = 0.3, 1 / 3
_LINE = 24  # pulses after which the loop takes over from the line
_STEADY = 2 * CLOCKS_PER_BEAT  # pulses over which the reported tempo is taken

# The error of a single pulse counts as at most `_BELIEVED_S`, and at most `_DOUBTED_S` plus
# `_DOUBTED` times the usual error.
_BELIEVED_S, _DOUBTED_S, _DOUBTED = 0.010, 0.001, 3.0
_USUAL = 1 / 8  # the weight of each pulse in the usual error
_GATE, _GATE_S = 0.25, 0.0045  # a pulse is as expected: within this share of a period, or seconds
_STRAY = 0.65  # further off than this share of a period, a pulse is extra, or one is missing
# This many pulses in a straight line that differs from the loop by this share: another tempo.
_SHORT_RUN, _FAR = 6, 0.3
_LONG_RUN, _NEAR = 13, 0.08
_LONGEST_RUN = 25
# A sequencer was held up if so many pulses after a gap are off by this share of a period at least,
# and by this many times the usual error; and if the tempo is the same to this share: another tempo
# puts them off, too.
_HELD_RUN, _HELD, _HELD_DOUBTED, _HELD_NEAR = 8, 0.2, 2.5, 0.03
# So many extra pulses, or missing ones, within so many pulses, are none: they come in batches.
_TOO_MANY, _TOGETHER = 3, 1000 * CLOCKS_PER_BEAT


@dataclass(frozen=True, slots=True)
class Pulse:
    """A pulse's number, counted since the clock appeared, and when it fell or is to fall."""

    number: int
    seconds: float


class MidiClock:
    """Follows the pulses of one clock."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._line: list[Pulse] = []  # the pulses that the line fits; empty while the loop runs
        self._steady: deque[Pulse] = deque(maxlen=_STEADY + 1)
        self._next_s = 0.0  # when pulse `number + 1` is due
        self._period = 0.0
        self._usual_s = 0.0  # how far off a pulse usually is
        # After a stray: the pulses as they arrived, from the last one before it, each counted as 1.
        self._run: list[Pulse] = []
        self._expected = (0.0, 0.0, 0.0)  # `_next_s`, `_period` and `_usual_s` before the stray
        self.number = -1
        self._anchor = -1
        self._trusted = -1  # up to this number, at most `_TOGETHER` back, the count is believed
        self._arrived = -1  # `number`, had every pulse since then counted as 1
        self._strays = 0  # since then: how often any seemed missing, less how many seemed extra
        self._batched = False  # this is known: every pulse counts as 1, in later clocks, too

    @property
    def present(self) -> bool:
        """Whether pulses are coming, as far as is known."""
        return self._last_s is not None

    @property
    def lost_at(self) -> float | None:
        """When the clock will be lost unless another pulse comes; None if there is no clock."""
        return None if self._last_s is None else self._last_s + LOST_S

    @property
    def locked(self) -> bool:
        """Whether its tempo is known and can be followed."""
        enough = not self._line or len(self._line) >= _FEWEST
        return self.present and enough and _possible(self._period)

    @property
    def due(self) -> Pulse:
        """The next pulse, where it is expected. Valid only while locked."""
        return Pulse(self.number + 1, self._next_s)

    @property
    def period(self) -> float:
        """Seconds from one pulse to the next, at this moment. Valid only while locked."""
        return self._period

    @property
    def bpm(self) -> float:
        """Quarter notes a minute, over up to two beats. Valid only while locked.

        In the first beat, the tempo of this moment.
        """
        period = self._period
        if len(self._steady) > CLOCKS_PER_BEAT:
            first, last = self._steady[0], self._steady[-1]
            period = (last.seconds - first.seconds) / (last.number - first.number)
        return min(max(60 / CLOCKS_PER_BEAT / period, SLOWEST_BPM), FASTEST_BPM)

    @property
    def recent(self) -> tuple[float, ...]:
        """When its last pulses fell, in seconds, as far as another may go by them."""
        steady = tuple(pulse.seconds for pulse in self._steady)
        return steady if steady or self._last_s is None else (self._last_s,)

    def forget(self) -> None:
        """Forget the clock, which is lost; the next pulse belongs to a new one."""
        self._last_s = None
        self._restart([])
        self.number = -1
        self.anchor(-1)

    def anchor(self, number: int) -> None:
        """Let pulse `number` keep its number in any recount: it has a place in the music."""
        self._anchor = number
        self._trust_the_count()

    def miss(self, pulses: int) -> None:
        """Count `pulses` left out just before the last one, which the count has not noticed."""
        self.number += pulses
        self._arrived += pulses
        if self._last_s is not None and self._next_s < self._last_s:
            self._next_s += pulses * self._period

    def _trust_the_count(self) -> None:
        self._trusted = self._arrived = self.number
        self._strays = 0

    def pulse(self, seconds: float) -> None:
        """Take in a pulse at `seconds`; one earlier than the last counts as coming with it."""
        last = Pulse(self.number, seconds if self._last_s is None else self._last_s)
        seconds = max(seconds, last.seconds)
        if self.number - self._trusted >= _TOGETHER:
            self._trust_the_count()
        self._arrived += 1
        expected = self._next_s, self._period, self._usual_s
        if self._line or self._last_s is None:
            as_expected = self._draw_on(seconds)
        else:
            as_expected = self._loop(seconds)
        self._last_s = seconds
        if not (as_expected or self._run):
            self._run, self._expected = [last], expected
        if self._run:
            self._run.append(Pulse(self._run[-1].number + 1, seconds))
            self._judge_the_run()
            self._allow_for_a_hold_up()
        miscounted = min(abs(self._strays), abs(self.number - self._arrived))
        if miscounted >= _TOO_MANY and not self._line:
            self._batched, self.number, self._run = True, self._arrived, []
        if self.locked:
            if not self._steady or self._steady[-1].number < self.number:
                self._steady.append(Pulse(self.number, self._next_s - self._period))
        elif len(self._line) >= _FEWEST:  # a tempo that cannot be followed
            self._restart([Pulse(self.number, seconds)])

    def _draw_on(self, seconds: float) -> bool:
        """Take a pulse into the line; return whether it came where it was expected."""
        if len(self._line) < _SURE:
            self.number += 1
            expected = True
        else:
            error, expected = self._place(seconds)
            if error is None:
                return False
            seconds = self._next_s + error
        self._line.append(Pulse(self.number, seconds))
        self._draw()
        if len(self._line) == _SURE and not self._batched:
            self._count_anew()
        if len(self._line) >= _LINE and _possible(self._period):
            self._line = []  # the loop goes on from where the line is
        return expected

    def _count_anew(self) -> None:
        """Count the pulses of the line anew if that shows that one is extra, or one missing."""
        crooked = fit(self._line)[2]
        if crooked <= _CROOKED * self._period:
            return
        counted = [self._without(index) for index in range(1, len(self._line) - 2)]
        counted += [self._with_a_gap(index) for index in range(1, len(self._line))]
        straightest = min(counted, key=lambda line: fit(line)[2])
        if fit(straightest)[2] < _STRAIGHTER * crooked:
            self._restart(straightest)

    def _without(self, index: int) -> list[Pulse]:
        """The line without one pulse; the side of it without `_anchor` is renumbered."""
        before, stray, after = self._line[:index], self._line[index], self._line[index + 1 :]
        if stray.number < self._anchor:
            return _counted(before, 1) + after
        return before + _counted(after, -1)

    def _with_a_gap(self, index: int) -> list[Pulse]:
        """The line with a pulse missing before that one; renumbered likewise."""
        before, after = self._line[:index], self._line[index:]
        if after[0].number <= self._anchor:
            return _counted(before, -1) + after
        return before + _counted(after, 1)

    def _draw(self) -> None:
        if len(self._line) > 1:
            self._period, start, _ = fit(self._line)
            self._next_s = start + self._period * (self.number + 1)

    def _loop(self, seconds: float) -> bool:
        """Take a pulse into the loop; return whether it came where it was expected."""
        error, expected = self._place(seconds)
        if error is not None:
            self._next_s += self._period + _B * error
            self._period += _C * error
        return expected

    def _place(self, seconds: float) -> tuple[float | None, bool]:
        """Count a pulse, and any missing before it; the prediction is then moved to this pulse.

        Returns:
            How late it is in seconds, limited to what a single pulse is believed, or None if it is
            an extra one that does not count; and whether it came where it was expected.
        """
        late = seconds - self._next_s
        off = late / self._period
        missed = 0 if self._batched else math.trunc(off + math.copysign(1 - _STRAY, off))
        self._strays += (missed > 0) - (missed < 0)
        if missed < 0:
            return None, False
        self.number += 1 + missed
        self._next_s += missed * self._period
        late -= missed * self._period
        gate = max(_GATE * self._period, min(_GATE_S, 0.45 * self._period))
        believed = min(gate, _BELIEVED_S, _DOUBTED_S + _DOUBTED * self._usual_s)
        self._usual_s += _USUAL * (min(abs(late), gate) - self._usual_s)
        return min(max(late, -believed), believed), missed == 0 and abs(late) <= gate

    def _judge_the_run(self) -> None:
        """Restart from the pulses since the first stray if, as they arrived, they agree.

        A run with a stray in it is bent; a straight one is another tempo, and all its pulses count.
        """
        if len(self._run) >= _SHORT_RUN:
            period, _, residual = fit(self._run)
            apart = abs(period / self._period - 1)
            news = apart > _FAR
            if len(self._run) >= _LONG_RUN:  # the loop has been bent towards the run since
                before = abs(period / self._expected[1] - 1)
                news = max(apart, before) > _NEAR or self._run[-1].number != self.number
            straight = max(0.2 * period, _GATE_S)
            if self._batched:  # never that straight; but after a change the loop is far further off
                straight = max(straight, _STRAIGHTER * abs(self._run[-1].seconds - self._next_s))
            if news and _possible(period) and residual <= straight:
                self._restart(self._run)
        if len(self._run) >= _LONGEST_RUN:
            self._run = []

    def _allow_for_a_hold_up(self) -> None:
        """Count no pulse as missing if the ones since the first stray show that none is."""
        since = self._run[1:]
        if len(since) != _HELD_RUN or since[-1].number >= self.number or self._line:
            return
        if self._anchor > self._run[0].number:  # a pulse since the gap has a place in the music
            return
        due_s, period, usual_s = self._expected
        late_s = statistics.fmean(
            pulse.seconds - due_s - i * period for i, pulse in enumerate(since)
        )
        off_s = abs(late_s - round(late_s / period) * period)
        same_tempo = abs(fit(since)[0] / period - 1) <= _HELD_NEAR
        if same_tempo and off_s > max(_HELD * period, _HELD_DOUBTED * usual_s):
            self.number, self._period = since[-1].number, period
            self._next_s = due_s + late_s + _HELD_RUN * period
            self._strays -= 1
            self._steady.clear()
            self._run = []

    def _restart(self, line: Sequence[Pulse]) -> None:
        self._line = list(line)
        self._steady.clear()
        self._run = []
        if line:
            self.number = line[-1].number
            self._draw()


def fit(pulses: Sequence[Pulse]) -> tuple[float, float, float]:
    """The straight line through two or more pulses, by least squares.

    Returns:
        Seconds a pulse, seconds at pulse 0, and the greatest distance from the line in seconds.
    """
    count = len(pulses)
    number = sum(pulse.number for pulse in pulses) / count
    seconds = sum(pulse.seconds for pulse in pulses) / count
    spread = sum((pulse.number - number) ** 2 for pulse in pulses)
    slope = sum((p.number - number) * (p.seconds - seconds) for p in pulses) / spread
    start = seconds - slope * number
    return slope, start, max(abs(p.seconds - start - slope * p.number) for p in pulses)


def _counted(pulses: Sequence[Pulse], later: int) -> list[Pulse]:
    return [Pulse(pulse.number + later, pulse.seconds) for pulse in pulses]


def _possible(period: float) -> bool:
    slowest, fastest = (60 / CLOCKS_PER_BEAT / bpm for bpm in (SLOWEST_BPM, FASTEST_BPM))
    return fastest - 1e-9 <= period <= slowest + 1e-9
