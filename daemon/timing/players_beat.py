"""The player leads: each phrase has its own beat, and the transport is aligned with it.

While a phrase is being played, only its tempo is taken over, because the breath that ends it is
measured in beats. When the player seems to pause, the beat is settled from all that was heard of
the phrase, in one of two ways:

- It is the same beat as before, apart from the player's drift: the transport is bent until it is on
  the beat again, and what was heard is corrected by as much. Bar lines stay.
- It is another beat: the phrase is placed on it anew, as if the transport had followed it from the
  phrase's first note on. Its first beat is a bar line, with any pickup before it. Ticks only rise,
  so the phrase now lies later on the transport than it was heard, and the transport goes on from
  there. What was heard moves along, so that the model hears it in its place; the take keeps it
  where it was played.

If the beat is not clear, the player's median gap is used instead, doubled or halved while it is too
short or too long for a beat, with the last onset on the beat.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace

from jamd.daemon.timing.beat_finding import BeatFinder, FoundPulse
from jamd.daemon.timing.rhythm import COMPOUND, SIMPLE, Rhythm
from jamd.daemon.timing.transport import Transport
from jamd.notes import TICKS_PER_BEAT, Tick

SURE = 0.35
"""A beat less likely than this, by the model of rhythm, is not clear."""

TOLD_SPREAD = 0.2
"""Standard deviation of a tempo around what the player said it would be, in octaves."""

_SAME_TEMPO, _SAME_BEAT = 0.06, 0.2  # within these shares it is the same beat as before
_AT_ONCE_S = 0.030  # shortest duration of a bend
_PICKUP = 0.2  # of a beat: a first note no earlier than this before a beat is not a pickup
_NEWS = 0.03  # while a phrase is played, a tempo that differs by this share is taken over

_SHORTEST_S, _LONGEST_S = 0.43, 0.86  # range into which a median gap used as a beat is brought


@dataclass(frozen=True, slots=True)
class Bend:
    """Reach `tick` at `seconds`, and play on from there at `bpm`.

    What was heard at tick `since` or later is placed as if that tempo had applied already.
    """

    tick: Tick
    seconds: float
    bpm: float
    since: Tick


@dataclass(frozen=True, slots=True)
class Rebase:
    """`tick` falls at `seconds` and the tempo is `bpm`, as if since the phrase's first note."""

    tick: Tick
    seconds: float
    bpm: float


class PlayersBeat:
    """Listens to the player's onsets and works out where the transport should be.

    Args:
        transport: The transport that is to follow the player.
        told_bpm: About how fast the player's first phrase will be, in quarter notes a minute; None:
            not known.

    Attributes:
        told_by: Where the tempo comes from, in words; None while it is not the player's.
    """

    def __init__(self, transport: Transport, told_bpm: float | None = None) -> None:
        self._transport = transport
        self._pulse = transport.meter.ticks_per_pulse
        self._usual = SIMPLE if self._pulse == TICKS_PER_BEAT else COMPOUND
        self._rhythm = self._usual  # with what was told of the tempo last
        self._told_rhythm: Rhythm | None = None  # what the next phrase is to be, if it was told
        if told_bpm is not None:
            self._expect(told_bpm)
        self._finder = BeatFinder(self._rhythm)
        self._first_s = self._last_s = 0.0
        self._since = Tick(0)  # what was heard before it has its beat settled
        self._known = False  # the transport's beat is the player's
        self._settled = True  # nothing has been heard since the beat was settled
        self.told_by: str | None = None

    def press(self, seconds: float, velocity: int, begins: bool) -> float | None:
        """Take in an onset, which may begin a phrase. The transport must be rolling.

        Returns:
            The tempo to go on at, in quarter notes a minute; None: the present one.
        """
        if begins:
            self._finder = BeatFinder(self._told_rhythm or self._rhythm, self._beat_now(seconds))
            self._first_s = seconds
            self._since = self._transport.tick_at(seconds)
        self._finder.hear(seconds, velocity)
        self._last_s = seconds
        self._settled = False
        found = self._finder.found()
        if found is None or found.confidence < SURE:
            return None
        bpm = self._bpm(found)
        return bpm if abs(bpm / self._transport.bpm - 1) > _NEWS else None

    def tapped(self, bpm: float) -> None:
        """The player has tapped `bpm`: that is the tempo, whatever has been played so far.

        On a rolling transport the taps are the beat, too.
        """
        self._expect(bpm)
        self._settled = True
        self._known = self._transport.rolling
        self.told_by = "tapped"

    def settle(self, first: Tick, now: float) -> Bend | Rebase | None:
        """What the transport is to do now that the player seems to pause; None: nothing.

        Args:
            first: The tick of the phrase's first note.
            now: The present, in seconds.
        """
        if self._settled:
            return None
        self._settled = True
        beat = self._finder.found(over=True)
        if beat is None and (self._known or self._told_rhythm is not None):
            return None  # a few notes in the tempo known already
        if beat is None or beat.confidence < SURE:
            beat = self._from_gaps()
            self.told_by = "your median gap"
        else:
            self.told_by = f"yours, {min(round(100 * beat.confidence), 99)} % sure"
        self._known, self._told_rhythm = True, None
        same = self._is_same(beat, first)
        return self._bend(beat, now) if same else self._rebase(beat, first, now)

    def _expect(self, bpm: float) -> None:
        """The next phrase is to be at about `bpm`, even if few are as slow or as fast as that."""
        told, near = bpm * TICKS_PER_BEAT / self._pulse, 2**TOLD_SPREAD
        slowest = min(self._usual.slowest, told / near)
        fastest = max(self._usual.fastest, told * near)
        self._rhythm = replace(self._usual, slowest=slowest, fastest=fastest)
        self._told_rhythm = replace(self._rhythm, pulses_per_minute=told, spread=TOLD_SPREAD)

    def _bend(self, beat: FoundPulse, now: float) -> Bend:
        transport = self._transport
        since, self._since = self._since, transport.tick_at(now)
        seconds = _beat_after(beat, now + _AT_ONCE_S)
        # Where the transport would be then at its own tempo, to the nearest beat.
        ahead = (seconds - now) * transport.bpm * TICKS_PER_BEAT / 60
        tick = Tick(round((transport.exact_tick(now) + ahead) / self._pulse) * self._pulse)
        if tick <= transport.tick_at(now):
            tick, seconds = Tick(tick + self._pulse), seconds + beat.period_s
        return Bend(tick, seconds, self._bpm(beat), since)

    def _rebase(self, beat: FoundPulse, first: Tick, now: float) -> Rebase:
        transport, bar = self._transport, self._transport.meter.ticks_per_bar
        self._since = Tick(0)
        seconds = _beat_after(beat, self._first_s - _PICKUP * beat.period_s)
        rate = self._pulse / beat.period_s
        # The first bar line that moves the phrase no earlier, and does not turn time back.
        least = max(
            first + (seconds - self._first_s) * rate,
            transport.exact_tick(now) - (now - seconds) * rate,
        )
        return Rebase(Tick(math.ceil(least / bar) * bar), seconds, self._bpm(beat))

    def _is_same(self, beat: FoundPulse, first: Tick) -> bool:
        """Whether `beat` is the transport's, from the phrase's first note to its last."""
        if abs(self._bpm(beat) / self._transport.bpm - 1) > _SAME_TEMPO:
            return False
        nearest = (
            beat.seconds + round((self._last_s - beat.seconds) / beat.period_s) * beat.period_s
        )
        beats = self._transport.exact_tick(nearest) / self._pulse
        since = round(beats) - (nearest - self._first_s) / beat.period_s  # where it would start
        return max(abs(beats - round(beats)), abs(since - first / self._pulse)) < _SAME_BEAT

    def _beat_now(self, seconds: float) -> FoundPulse | None:
        if not self._known:
            return None
        tick = self._transport.next_pulse(self._transport.exact_tick(seconds))
        period_s = self._pulse * self._transport.beat_seconds / TICKS_PER_BEAT
        return FoundPulse(self._transport.seconds_at(tick), period_s, 1.0)

    def _from_gaps(self) -> FoundPulse:
        gaps = self._finder.gaps
        gap = statistics.median(gaps) if gaps else self._transport.beat_seconds
        while gap < _SHORTEST_S:
            gap *= 2
        while gap > _LONGEST_S:
            gap /= 2
        return FoundPulse(self._last_s, gap, 0.0)

    def _bpm(self, beat: FoundPulse) -> float:
        return 60 / beat.period_s * self._pulse / TICKS_PER_BEAT


def _beat_after(beat: FoundPulse, seconds: float) -> float:
    """When the first pulse of `beat` at or after `seconds` falls."""
    return beat.seconds + math.ceil((seconds - beat.seconds) / beat.period_s) * beat.period_s
