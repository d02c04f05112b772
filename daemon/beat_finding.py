"""The player's beat, found from the onsets of a phrase and nothing else.

Where in its beat an onset was meant is not known, nor how long a beat is, nor when one falls; what
is known is how rhythms go, and that people play some 20 ms beside what they mean. This is the
switching state space model of A. T. Cemgil and B. Kappen ("Monte Carlo methods for tempo tracking
and rhythm quantization", Journal of Artificial Intelligence Research 18, 2003). A hypothesis says
where each onset was meant; given that, the moment of the beat and its period follow by a Kalman
filter, and how far each onset lies from its prediction says how likely the hypothesis is. Places
follow one another as in written music, a Markov chain of places within the beat (C. Raphael, "A
hybrid graphical model for rhythmic parsing", Artificial Intelligence 137, 2002). Where Cemgil and
Kappen draw particles, the likeliest hypotheses are kept: the same onsets give the same beat, and an
onset costs about 0.3 ms.

Two hypotheses are tried side by side for the feel: even eighths, and swung ones. Loud notes tell
the beat from the off-beat where rhythm alone does not.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from jamd.daemon.placing import CHORD_SECONDS
from jamd.daemon.rhythm import Rhythm

TIMING_S = 0.020
"""How far an onset lies from where it is meant: the standard deviation."""

FEWEST_ONSETS = 4
"""With fewer there is no telling."""

_PLACES = 12  # in a beat
_BEAM = 48  # hypotheses kept
_FAR = 14.0  # one that is e**14 times less likely than the best is dropped
_GATE = 16.0  # the square of how many standard deviations an onset may lie from its prediction
_STRAY = math.log(0.005)  # of an onset that belongs nowhere: a grace note, a slip; a second

_FREE = 0.1  # how likely what is played has no beat: gaps are then drawn from a log-normal
_FREE_GAP_S, _FREE_SPREAD = 0.4, 0.6

_PERIODS = 9  # starting points for the period, from the slowest beat to the fastest
_TEMPO_SPREAD = 0.4  # octaves: tempos about the most usual one
_DRIFT = 0.002  # how much of its length the period changes by in a beat: the standard deviation
_DRIFT_S = 0.002  # how far the beat moves by itself in a beat

_SWUNG = 0.2  # of phrases
_SWING, _SWING_SPREAD = 0.63, 0.035  # where in the beat a swung off-beat lies

_KNOWN = 0.6  # how likely a player goes on in the beat that was there
_KNOWN_S, _KNOWN_SHARE = 0.025, 0.015  # how exactly: of the moment, of the period

_SOFTEST_SPREAD = 8.0  # where velocities differ by less than this, that means little
_SAME_PERIOD, _SAME_BEAT = 0.03, 0.12  # as shares: two hypotheses that say the same


@dataclass(frozen=True, slots=True)
class FoundBeat:
    """A beat, as far as it can be told.

    Attributes:
        seconds: When one of its beats falls.
        period_s: Seconds from one beat to the next.
        confidence: How likely it is right, going by the model, 0..1; half or double is right too.
    """

    seconds: float
    period_s: float
    confidence: float


class _Hypothesis(NamedTuple):
    """Where all onsets so far were meant, and the beat that follows from it.

    Attributes:
        log_p: How likely, up to a constant.
        swung: The feel.
        place: Of the last onset.
        beat: When the beat it belongs to begins, in seconds.
        period: Seconds a beat.
        beat_var: How uncertain `beat` is: the variance; `period_var`: the period's; `covar`: both.
    """

    log_p: float
    swung: bool
    place: int
    beat: float
    period: float
    beat_var: float
    covar: float
    period_var: float


@dataclass(frozen=True, slots=True)
class _Step:
    """From one onset to the next: how far, in beats from the beat of the first; how likely."""

    place: int
    beats: int
    where: float
    loose: bool
    log_p: float


class BeatFinder:
    """Listens to one phrase.

    Args:
        rhythm: How rhythms go in its meter: `SIMPLE` or `COMPOUND`.
        known: The beat that was there before the phrase, if there was one.
    """

    def __init__(self, rhythm: Rhythm, known: FoundBeat | None = None) -> None:
        self._rhythm = rhythm
        self._known = known
        self._feels = (False, True) if rhythm.swings else (False,)
        self._steps = {
            (swung, place): list(self._steps_from(swung, place))
            for swung in self._feels
            for place in rhythm.steps
        }
        self._free = math.log(_FREE / _FREE_GAP_S)
        self._before: list[_Hypothesis] = []  # without the last chord
        self._now: list[_Hypothesis] = []
        self._chord: list[float] = []
        self._velocities: list[int] = []  # the loudest of each chord
        self.gaps: list[float] = []

    @property
    def onsets(self) -> int:
        """How many chords were heard."""
        return len(self._velocities)

    def hear(self, seconds: float, velocity: int) -> None:
        """A note begins. Notes within 50 ms are one chord, and lie where their mean lies."""
        if self._chord and seconds - self._chord[0] <= CHORD_SECONDS:
            self._chord.append(seconds)
            self._velocities[-1] = max(self._velocities[-1], velocity)
        else:
            if self._chord:
                self.gaps.append(seconds - self._chord[0])
                self._free += _free_log_p(self.gaps[-1])
            self._before, self._chord = self._now, [seconds]
            self._velocities.append(velocity)
        moment, loudness = statistics.fmean(self._chord), self._loudness()
        if self._before:
            follow = [h for before in self._before for h in self._extend(before, moment, loudness)]
        else:
            follow = [*self._begin(moment), *self._carry_on(moment)]
        self._now = _likeliest(follow)

    def found(self, over: bool = False) -> FoundBeat | None:
        """The likeliest beat; None before there are onsets enough to tell.

        Args:
            over: The phrase is over, and few phrases end between two beats.
        """
        if self.onsets < FEWEST_ONSETS:
            return None
        ends = self._rhythm.ends
        usual = statistics.fmean(ends.values())
        weighed = [
            (h.log_p + (math.log(ends[h.place] / usual) if over else 0.0), h) for h in self._now
        ]
        weighed.sort(reverse=True)
        best = weighed[0][0]
        groups: list[list[tuple[float, _Hypothesis]]] = []
        for log_p, hypothesis in weighed:
            share = (math.exp(log_p - best), hypothesis)
            for group in groups:
                if _agree(group[0][1], hypothesis):
                    group.append(share)
                    break
            else:
                groups.append([share])
        masses = [sum(share for share, _ in group) for group in groups]
        mass, group = max(zip(masses, groups, strict=True), key=lambda pair: pair[0])
        first = group[0][1]
        right = sum(
            each for each, other in zip(masses, groups, strict=True) if _fit(first, other[0][1])
        )
        period = sum(share * h.period for share, h in group) / mass
        late = sum(share * _apart(first, h) * first.period for share, h in group) / mass
        return FoundBeat(
            first.beat + late, period, right / (sum(masses) + math.exp(self._free - best))
        )

    def _steps_from(self, swung: bool, place: int) -> Iterator[_Step]:
        steps = self._rhythm.steps[place]
        total = sum(steps.values())
        for step, count in steps.items():
            beats, to = divmod(place + step, _PLACES)
            if not (swung and (place == 4 or to == 4)):  # swung triplets are triplets
                where = beats + _where(swung, to)
                yield _Step(to, beats, where, swung and to > 0, math.log(count / total))

    def _begin(self, seconds: float) -> Iterator[_Hypothesis]:
        """Any period, any place: the first onset alone."""
        rhythm = self._rhythm
        low, high = math.log2(rhythm.slowest), math.log2(rhythm.fastest)
        apart = (high - low) / _PERIODS
        total = sum(rhythm.begins.values())
        for index in range(_PERIODS):
            log_bpm = low + (index + 0.5) * apart
            period = 60 / 2**log_bpm
            spread = period * (2 ** (apart / 2) - 1)
            off = (log_bpm - math.log2(rhythm.bpm)) / _TEMPO_SPREAD
            usual = math.log(apart / _TEMPO_SPREAD / math.sqrt(2 * math.pi)) - off * off / 2
            for swung in self._feels:
                feel = math.log(_SWUNG if swung else 1 - _SWUNG) if rhythm.swings else 0.0
                for place, count in rhythm.begins.items():
                    if swung and place == 4:
                        continue
                    where = _where(swung, place)
                    yield _Hypothesis(
                        usual + feel + math.log(count / total / period),
                        swung,
                        place,
                        seconds - where * period,
                        period,
                        self._timing(swung and place > 0, period) + (where * spread) ** 2,
                        -where * spread**2,
                        spread**2,
                    )

    def _carry_on(self, seconds: float) -> Iterator[_Hypothesis]:
        """The first onset in the beat that was there."""
        if self._known is None:
            return
        period = self._known.period_s
        beats = math.floor((seconds - self._known.seconds) / period + 0.5 / _PLACES)
        beat = self._known.seconds + beats * period
        period_var = (_KNOWN_SHARE * period) ** 2
        odds = math.log(_KNOWN / (1 - _KNOWN))
        total = sum(self._rhythm.begins.values())
        for swung in self._feels:
            feel = math.log(_SWUNG if swung else 1 - _SWUNG) if self._rhythm.swings else 0.0
            for place, count in self._rhythm.begins.items():
                start = _Hypothesis(
                    odds + feel, swung, 0, beat, period, _KNOWN_S**2, 0.0, period_var
                )
                where = _where(swung, place)
                step = _Step(place, 0, where, swung and place > 0, math.log(count / total))
                if (follows := self._follow(start, step, seconds, step.log_p)) is not None:
                    yield follows

    def _extend(
        self, before: _Hypothesis, seconds: float, loudness: float
    ) -> Iterator[_Hypothesis]:
        """Every way in which the onset at `seconds` may follow."""
        yield _reweighed(before, before.log_p + _STRAY)
        for step in self._steps[before.swung, before.place]:
            accent = self._rhythm.accents[step.place]
            log_p = step.log_p + accent * (loudness - accent / 2)
            if (follows := self._follow(before, step, seconds, log_p)) is not None:
                yield follows

    def _follow(
        self, h: _Hypothesis, step: _Step, seconds: float, log_p: float
    ) -> _Hypothesis | None:
        """The Kalman filter's step, and on to the beat that the onset belongs to.

        None where the onset is too far from where it is expected. `log_p`: of the step.
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
        fit = -0.5 * (error * error / variance + math.log(2 * math.pi * variance))
        return _Hypothesis(
            h.log_p + log_p + fit,
            h.swung,
            step.place,
            h.beat + beat_gain * error + beats * period,
            period,
            beat_var + beats * (2 * covar + beats * period_var + _DRIFT_S**2),
            covar + beats * period_var,
            period_var + beats * (_DRIFT * period) ** 2,
        )

    def _timing(self, loose: bool, period: float) -> float:
        return TIMING_S**2 + (_SWING_SPREAD * period) ** 2 if loose else TIMING_S**2

    def _loudness(self) -> float:
        """Of the last chord, in standard deviations from the mean so far."""
        if len(self._velocities) < 2:
            return 0.0
        mean = statistics.fmean(self._velocities)
        spread = max(statistics.pstdev(self._velocities, mean), _SOFTEST_SPREAD)
        return min(max((self._velocities[-1] - mean) / spread, -2.0), 2.0)


def _free_log_p(gap_s: float) -> float:
    off = math.log(gap_s / _FREE_GAP_S) / _FREE_SPREAD
    return -off * off / 2 - math.log(gap_s * _FREE_SPREAD * math.sqrt(2 * math.pi))


def _where(swung: bool, place: int) -> float:
    """Where a place lies as played, in beats."""
    if not swung:
        return place / _PLACES
    half = _PLACES / 2
    return place / half * _SWING if place <= half else 1 - (_PLACES - place) / half * (1 - _SWING)


def _reweighed(h: _Hypothesis, log_p: float) -> _Hypothesis:
    return _Hypothesis(log_p, h.swung, h.place, h.beat, h.period, h.beat_var, h.covar, h.period_var)


def _likeliest(hypotheses: list[_Hypothesis]) -> list[_Hypothesis]:
    """The best of them; of those that differ only in how they came about, one for all."""
    hypotheses.sort(reverse=True)
    kept: dict[tuple[bool, int, int, int], _Hypothesis] = {}
    for h in hypotheses:
        if h.log_p < hypotheses[0].log_p - _FAR:
            break
        same = (h.swung, h.place, round(h.beat / 0.008), round(100 * math.log2(h.period)))
        if same in kept:
            known = kept[same]
            together = known.log_p + math.log1p(math.exp(h.log_p - known.log_p))
            kept[same] = _reweighed(known, together)
        elif len(kept) < _BEAM:
            kept[same] = h
    return list(kept.values())


def _apart(one: _Hypothesis, other: _Hypothesis) -> float:
    """How far the beats of `other` lie from those of `one`, as a share of a beat."""
    beats = (other.beat - one.beat) / one.period
    return beats - round(beats)


def _agree(one: _Hypothesis, other: _Hypothesis, times: int = 1) -> bool:
    """Whether the beat of `other` is that of `one`, so many times slower."""
    periods = abs(math.log(other.period / one.period / times))
    return periods < _SAME_PERIOD and abs(_apart(one, other)) < _SAME_BEAT


def _fit(one: _Hypothesis, other: _Hypothesis) -> bool:
    """Whether every beat of one is a beat of the other."""
    return _agree(one, other) or _agree(one, other, 2) or _agree(other, one, 2)
