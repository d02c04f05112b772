"""The player's beat, found from the onsets of a phrase and nothing else.

It is not known where in its beat an onset was meant to fall, how long a beat is, or when one falls;
what is known is which rhythms are common, and that people play some 20 ms off what they mean. This
is the switching state space model of A. T. Cemgil and B. Kappen ("Monte Carlo methods for tempo
tracking and rhythm quantization", Journal of Artificial Intelligence Research 18, 2003). A
hypothesis states where each onset was meant to fall; given that, a Kalman filter yields the moment
of the beat and its period, and the distance of each onset from its prediction gives the likelihood
of the hypothesis. Places follow one another as in written music, as a Markov chain of places within
the beat (C. Raphael, "A hybrid graphical model for rhythmic parsing", Artificial Intelligence 137,
2002). A phrase repeats its own rhythms, so the chain learns from it as it goes, each step adding to
a Dirichlet prior (D. J. C. MacKay and L. C. Bauman Peto, "A hierarchical Dirichlet language model",
Natural Language Engineering 1, 1995): an unusual rhythm counts against a beat once, not each time
it recurs. Where Cemgil and Kappen draw particles, the likeliest hypotheses are kept here: the same
onsets give the same beat, and an onset costs about half a millisecond.

Two feels are tried side by side: even eighths and swung ones. Loud notes distinguish the beat from
the off-beat where rhythm alone does not.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass

from jamd.daemon.timing.beat_hypotheses import Hypotheses, Hypothesis, agree, apart, fit
from jamd.daemon.timing.rhythm import Rhythm
from jamd.placing import CHORD_SECONDS

FEWEST_ONSETS = 4
"""With fewer, no beat is found."""

_FREE = 0.1  # probability that there is no beat: gaps are then drawn from a log-normal
_FREE_GAP_S, _FREE_SPREAD = 0.4, 0.6

_OVERWHELMING = 700.0  # a difference of log-likelihoods whose exponential is still a number

_KEPT = 64
"""The loudness of an onset and the median gap are taken from at most this many of the last onsets:
in endless music a phrase may last all evening."""

_SOFTEST_SPREAD = 8.0  # velocities that differ by less than this mean little


@dataclass(frozen=True, slots=True)
class FoundPulse:
    """A beat, as far as it can be found.

    Attributes:
        seconds: When one of its beats falls.
        period_s: Seconds from one beat to the next.
        confidence: The model's probability that it is right, 0..1; half or double counts as right.
    """

    seconds: float
    period_s: float
    confidence: float


class BeatFinder:
    """Finds the beat of one phrase.

    Args:
        rhythm: Which rhythms are common in its meter: `SIMPLE` or `COMPOUND`.
        known: The beat before the phrase, if there was one.

    Attributes:
        onsets: Number of chords heard.
        gaps: The latest times between their onsets, in seconds.
    """

    def __init__(self, rhythm: Rhythm, known: FoundPulse | None = None) -> None:
        self._rhythm = rhythm
        self._hypotheses = Hypotheses(rhythm, (known.seconds, known.period_s) if known else None)
        self._free = math.log(_FREE / _FREE_GAP_S)
        self._before: list[Hypothesis] = []  # as they were without the last chord
        self._now: list[Hypothesis] = []
        self._chord: list[float] = []
        self.onsets = 0
        self._velocities: deque[int] = deque(maxlen=_KEPT)  # the loudest of each chord
        self.gaps: deque[float] = deque(maxlen=_KEPT)

    def hear(self, seconds: float, velocity: int) -> None:
        """Take in a note-on. Notes within 50 ms are one chord, whose onset is their mean."""
        if self._chord and seconds - self._chord[0] <= CHORD_SECONDS:
            self._chord.append(seconds)
            self._velocities[-1] = max(self._velocities[-1], velocity)
        else:
            if self._chord:
                self.gaps.append(seconds - self._chord[0])
                self._free += _free_log_p(self.gaps[-1])
            self._before, self._chord = self._now, [seconds]
            self._velocities.append(velocity)
            self.onsets += 1
        moment = statistics.fmean(self._chord)
        if self._before:
            self._now = self._hypotheses.following(self._before, moment, self._loudness())
        else:
            self._now = self._hypotheses.first(moment)

    def found(self, over: bool = False) -> FoundPulse | None:
        """The likeliest beat; None until there are `FEWEST_ONSETS`.

        Args:
            over: The phrase is over; that few phrases end between two beats then counts as well.
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
        groups: list[list[tuple[float, Hypothesis]]] = []
        for log_p, hypothesis in weighed:
            share = (math.exp(log_p - best), hypothesis)
            for group in groups:
                if agree(group[0][1], hypothesis):
                    group.append(share)
                    break
            else:
                groups.append([share])
        masses = [sum(share for share, _ in group) for group in groups]
        mass, group = max(zip(masses, groups, strict=True), key=lambda pair: pair[0])
        first = group[0][1]
        right = sum(
            each for each, other in zip(masses, groups, strict=True) if fit(first, other[0][1])
        )
        period = sum(share * h.period for share, h in group) / mass
        late = sum(share * apart(first, h) * first.period for share, h in group) / mass
        free = math.exp(min(self._free - best, _OVERWHELMING))
        return FoundPulse(first.beat + late, period, right / (sum(masses) + free))

    def _loudness(self) -> float:
        """Loudness of the last chord, in standard deviations from the mean so far."""
        if len(self._velocities) < 2:
            return 0.0
        mean = statistics.fmean(self._velocities)
        spread = max(statistics.pstdev(self._velocities, mean), _SOFTEST_SPREAD)
        return min(max((self._velocities[-1] - mean) / spread, -2.0), 2.0)


def _free_log_p(gap_s: float) -> float:
    off = math.log(gap_s / _FREE_GAP_S) / _FREE_SPREAD
    return -off * off / 2 - math.log(gap_s * _FREE_SPREAD * math.sqrt(2 * math.pi))
