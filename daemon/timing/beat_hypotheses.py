"""Hypotheses of a beat: where each onset was meant to fall, and the beat that follows from it.

The switching state space model of Cemgil and Kappen; see `jamd.daemon.timing.beat_finding` for its
use and its sources. Places in the beat are those of `jamd.daemon.timing.rhythm`, 0..11.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from jamd.daemon.timing.rhythm import Rhythm

TIMING_S = 0.020
"""Standard deviation of an onset from where it was meant to fall."""

_PLACES = 12  # in a beat
_BEAM = 48  # hypotheses kept
_FAR = 14.0  # one that is e**14 times less likely than the best is dropped
_GATE = 16.0  # squared: standard deviations that an onset may lie from its prediction
_STRAY = math.log(0.005)  # an onset that belongs nowhere (a grace note, a slip), per second

_PERIODS = 9  # starting points for the period, from the slowest beat to the fastest
_DRIFT = 0.002  # standard deviation of the period's change in a beat, as a share of it
_DRIFT_S = 0.002  # standard deviation of the beat's own drift in a beat

_SWUNG = 0.2  # probability that a phrase is swung
_SWING, _SWING_SPREAD = 0.63, 0.035  # mean and standard deviation of a swung off-beat's place

_KNOWN = 0.6  # probability that the player goes on in the previous beat
_KNOWN_S, _KNOWN_SHARE = 0.025, 0.015  # standard deviations then: of the beat; of the period

_HABIT = 12.0  # after this many steps from a place, the phrase counts as much as all music
_REMEMBERED = 32  # steps kept: what a phrase repeats, it repeats soon

_SAME_PERIOD, _SAME_BEAT = 0.03, 0.12  # as shares: two hypotheses this close are the same


class Hypothesis(NamedTuple):
    """Where all onsets so far were meant to fall, and the beat that follows from it.

    Attributes:
        log_p: Log-likelihood, up to a constant.
        swung: Whether the feel is swung.
        place: Place of the last onset.
        beat: When the beat of that onset begins, in seconds.
        period: Seconds a beat.
        beat_var: Variance of `beat`.
        covar: Covariance of `beat` and `period`.
        period_var: Variance of `period`.
        steps: The last steps that led here, each (place it starts from, twelfths of a beat).
    """

    log_p: float
    swung: bool
    place: int
    beat: float
    period: float
    beat_var: float
    covar: float
    period_var: float
    steps: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    """A step from one onset to the next.

    Attributes:
        place: The place it leads to.
        beats: Whole beats from the beat of the first onset to that of the second.
        where: Where the second onset lies, in beats after the beat of the first.
        loose: Whether it leads to a place that swing plays loosely.
        share: Its probability in all music, 0..1.
        taken: (place it starts from, twelfths of a beat it takes).
    """

    place: int
    beats: int
    where: float
    loose: bool
    share: float
    taken: tuple[int, int]


class Hypotheses:
    """The likeliest readings of the onsets so far.

    Args:
        rhythm: Which rhythms are common.
        known: When a beat falls and how long a beat is, in seconds, if there was one before.
    """

    def __init__(self, rhythm: Rhythm, known: tuple[float, float] | None) -> None:
        self._rhythm = rhythm
        self._known = known
        self._feels = (False, True) if rhythm.swings else (False,)
        self._steps = {
            (swung, place): list(self._steps_from(swung, place))
            for swung in self._feels
            for place in rhythm.steps
        }

    def first(self, seconds: float) -> list[Hypothesis]:
        """Hypotheses after the first onset, at `seconds`."""
        return _likeliest([*self._begin(seconds), *self._carry_on(seconds)])

    def following(
        self, before: list[Hypothesis], seconds: float, loudness: float
    ) -> list[Hypothesis]:
        """Hypotheses after one more onset.

        Args:
            before: Those without it.
            seconds: When it falls.
            loudness: In standard deviations from the phrase's mean.
        """
        return _likeliest([h for each in before for h in self._extend(each, seconds, loudness)])

    def _steps_from(self, swung: bool, place: int) -> Iterator[_Step]:
        steps = self._rhythm.steps[place]
        total = sum(steps.values())
        for step, count in steps.items():
            beats, to = divmod(place + step, _PLACES)
            if not (swung and (place == 4 or to == 4)):  # triplets are never swung
                where = beats + _where(swung, to)
                yield _Step(to, beats, where, swung and to > 0, count / total, (place, step))

    def _begin(self, seconds: float) -> Iterator[Hypothesis]:
        """Hypotheses from the first onset alone: any period, any place."""
        rhythm = self._rhythm
        low, high = math.log2(rhythm.slowest), math.log2(rhythm.fastest)
        apart = (high - low) / _PERIODS
        total = sum(rhythm.begins.values())
        for index in range(_PERIODS):
            log_bpm = low + (index + 0.5) * apart
            period = 60 / 2**log_bpm
            spread = period * (2 ** (apart / 2) - 1)
            off = (log_bpm - math.log2(rhythm.pulses_per_minute)) / rhythm.spread
            usual = math.log(apart / rhythm.spread / math.sqrt(2 * math.pi)) - off * off / 2
            for swung in self._feels:
                feel = math.log(_SWUNG if swung else 1 - _SWUNG) if rhythm.swings else 0.0
                for place, count in rhythm.begins.items():
                    if swung and place == 4:
                        continue
                    where = _where(swung, place)
                    yield Hypothesis(
                        usual + feel + math.log(count / total / period),
                        swung,
                        place,
                        seconds - where * period,
                        period,
                        self._timing(swung and place > 0, period) + (where * spread) ** 2,
                        -where * spread**2,
                        spread**2,
                    )

    def _carry_on(self, seconds: float) -> Iterator[Hypothesis]:
        """Hypotheses with the first onset in the previous beat."""
        if self._known is None:
            return
        known_s, period = self._known
        beats = math.floor((seconds - known_s) / period + 0.5 / _PLACES)
        beat = known_s + beats * period
        period_var = (_KNOWN_SHARE * period) ** 2
        odds = math.log(_KNOWN / (1 - _KNOWN))
        total = sum(self._rhythm.begins.values())
        for swung in self._feels:
            feel = math.log(_SWUNG if swung else 1 - _SWUNG) if self._rhythm.swings else 0.0
            for place, count in self._rhythm.begins.items():
                start = Hypothesis(
                    odds + feel, swung, 0, beat, period, _KNOWN_S**2, 0.0, period_var
                )
                where = _where(swung, place)
                step = _Step(place, 0, where, swung and place > 0, count / total, (0, place))
                if (follows := self._follow(start, step, seconds, 0.0)) is not None:
                    yield follows._replace(steps=())

    def _extend(self, before: Hypothesis, seconds: float, loudness: float) -> Iterator[Hypothesis]:
        """Every way in which the onset at `seconds` may follow."""
        yield before._replace(log_p=before.log_p + _STRAY)
        from_here = [taken for taken in before.steps if taken[0] == before.place]
        for step in self._steps[before.swung, before.place]:
            accent = self._rhythm.accents[step.place]
            log_p = accent * (loudness - accent / 2)
            if (follows := self._follow(before, step, seconds, log_p, from_here)) is not None:
                yield follows

    def _follow(
        self,
        h: Hypothesis,
        step: _Step,
        seconds: float,
        log_p: float,
        from_here: Sequence[tuple[int, int]] = (),
    ) -> Hypothesis | None:
        """One step of the Kalman filter, then on to the beat that the onset belongs to.

        Args:
            h: The hypothesis before the onset.
            step: The step to it.
            seconds: When it falls.
            log_p: Log-likelihood of everything but the step and its timing.
            from_here: Earlier steps of the phrase from the same place.

        Returns:
            None if the onset is too far from its prediction, or the tempo would be out of range.
        """
        where = step.where
        error = seconds - h.beat - where * h.period
        to_beat = h.beat_var + where * h.covar
        to_period = h.covar + where * h.period_var
        variance = to_beat + where * to_period + self._timing(step.loose, h.period)
        if error * error > _GATE * variance:
            return None
        beat_gain, period_gain = to_beat / variance, to_period / variance
        period = h.period + period_gain * error
        if not 60 / self._rhythm.fastest < period < 60 / self._rhythm.slowest:
            return None
        beat_var = h.beat_var - beat_gain * to_beat
        covar = h.covar - beat_gain * to_period
        period_var = h.period_var - period_gain * to_period
        beats = step.beats
        habit = (_HABIT * step.share + from_here.count(step.taken)) / (_HABIT + len(from_here))
        fit = -0.5 * (error * error / variance + math.log(2 * math.pi * variance))
        return Hypothesis(
            h.log_p + log_p + math.log(habit) + fit,
            h.swung,
            step.place,
            h.beat + beat_gain * error + beats * period,
            period,
            beat_var + beats * (2 * covar + beats * period_var + _DRIFT_S**2),
            covar + beats * period_var,
            period_var + beats * (_DRIFT * period) ** 2,
            (*h.steps[1 - _REMEMBERED :], step.taken),
        )

    def _timing(self, loose: bool, period: float) -> float:
        return TIMING_S**2 + (_SWING_SPREAD * period) ** 2 if loose else TIMING_S**2


def _where(swung: bool, place: int) -> float:
    """Where a place is played, in beats."""
    if not swung:
        return place / _PLACES
    half = _PLACES / 2
    return place / half * _SWING if place <= half else 1 - (_PLACES - place) / half * (1 - _SWING)


def _likeliest(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """The best of them, with those that differ only in how they came about merged into one."""
    hypotheses.sort(reverse=True)
    kept: dict[tuple[bool, int, int, int], Hypothesis] = {}
    for h in hypotheses:
        if h.log_p < hypotheses[0].log_p - _FAR:
            break
        same = (h.swung, h.place, round(h.beat / 0.008), round(100 * math.log2(h.period)))
        if same in kept:
            known = kept[same]
            together = known.log_p + math.log1p(math.exp(h.log_p - known.log_p))
            kept[same] = known._replace(log_p=together)
        elif len(kept) < _BEAM:
            kept[same] = h
    return list(kept.values())


def apart(one: Hypothesis, other: Hypothesis) -> float:
    """How far the beats of `other` lie from those of `one`, as a share of a beat."""
    beats = (other.beat - one.beat) / one.period
    return beats - round(beats)


def agree(one: Hypothesis, other: Hypothesis, times: int = 1) -> bool:
    """Whether the beat of `other` is that of `one`, `times` times slower."""
    periods = abs(math.log(other.period / one.period / times))
    return periods < _SAME_PERIOD and abs(apart(one, other)) < _SAME_BEAT


def fit(one: Hypothesis, other: Hypothesis) -> bool:
    """Whether every beat of one is a beat of the other."""
    return agree(one, other) or agree(one, other, 2) or agree(other, one, 2)
