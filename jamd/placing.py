"""Where in the beat a player's onsets were meant to be, and which of them are one chord.

Nobody plays exactly on the grid. Each beat is read as straight (sixteenths), as triplets, or, if
that is clearly meant, as something finer, and each onset goes to a place of its beat's reading. The
likeliest path takes into account how far the onsets lie from their places, how common such places
are, and that a reading seldom changes, least of all within a bar. So if a single onset is
ambiguous, its bar decides, and later onsets may revise the latest places.

This is a hidden Markov model of rhythm, decoded by the Viterbi algorithm as the onsets come
(Raphael, "A hybrid graphical model for rhythmic parsing", 2002; Cemgil, Desain and Kappen, "Rhythm
quantization for transcription", 2000). All costs are negative log-likelihoods; they were tuned on
tunes and piano music played by a machine with human timing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from operator import attrgetter

from jamd.notes import TICKS_PER_BEAT, Meter, Tick

CHORD_SECONDS = 0.050
"""Onsets within this time of the first are one chord, at any tempo. The last two notes of a run of
single notes may also come this close by chance: they are one chord if they are released together,
or the later one first, none if it is released further after the other than this, and otherwise
whichever is likelier."""

TIMING_SECONDS = 0.020
"""Standard deviation of a player's onsets from where they were meant."""

_LEAST_TIMING = TICKS_PER_BEAT / 24  # at least this, in ticks: slow music is played less exactly
_LONGEST_LAG_SECONDS = 0.030
_LAG_ONSETS = 16  # the lag is the mean over this many onsets
_LAG_PRIOR = 6  # and this many more that count as on time

KEPT = 64
"""How many of the last onsets may still be revised: a few bars."""

# Two notes of a run of sixteenths can come so close together that they look like a chord.
_RUN_TICKS = TICKS_PER_BEAT * 3 // 8  # a run: before them, at most this long ago, a single note,
_RUN_LEAP = 12  # and they are at most this many semitones apart;
_RUN_SECONDS = 0.025  # notes within this are played together, or released together
_IN_A_RUN = 7.0  # what a chord costs in a run

# Straight sixteenths, eighth triplets, sixteenth triplets, and any step of the grid.
_STRAIGHT, _TRIPLET = 0, 1
_SPACING = (TICKS_PER_BEAT // 4, TICKS_PER_BEAT // 3, TICKS_PER_BEAT // 6, TICKS_PER_BEAT // 12)
_READ_SO = (0.0, 1.0, 7.0, 8.0)
_COMPOUND_READ_SO = (0.0, 7.0, 7.0, 8.0)  # three in a beat are straight there
_CHANGE, _CHANGE_IN_BAR = 1.2, 2.5
_ON_HALF, _ON_TRIPLET, _ON_SIXTEENTH, _FINER = 1.1, 0.5, 2.0, 3.0
_SAME_PLACE = 14.0  # for two onsets that are not a chord: more notes than there are places
_IN_A_BEAT = 100.0  # for reading one beat in two ways,
_BACKWARDS = 100.0  # or letting time run backwards: only if there is no other way
_HOPELESS = 20.0  # a place this much worse than the best is not kept


def as_played(tick: Tick) -> Tick:
    """Where `tick` lies in music that is not swung."""
    return tick


class _State:
    """An onset at one place in one reading; `cost` is that of the best path to it."""

    __slots__ = ("before", "cost", "place", "reading")

    def __init__(self, place: int, reading: int, cost: float, before: _State | None) -> None:
        self.place = place
        self.reading = reading
        self.cost = cost
        self.before = before


class Onset:
    """A note, or the notes of a chord, as heard and as meant."""

    __slots__ = (
        "chord_with",
        "chosen",
        "final",
        "is_chord",
        "let_go",
        "pitches",
        "played",
        "rate",
        "seconds",
        "states",
        "tick",
    )

    def __init__(self, played: Tick, tick: Tick, seconds: float, pitch: int, rate: float) -> None:
        """`pitch` was struck at `seconds`, at a tempo of `rate` ticks a second.

        That was at tick `played`, and would have been at `tick` if nothing were swung.
        """
        self.played = played
        self.tick = tick
        self.seconds = seconds
        self.rate = rate
        self.pitches = {pitch}
        self.chord_with: Onset | None = None  # the onset before it, if they may be one chord
        self.is_chord = False  # they certainly are
        self.let_go: Tick | None = None  # when a key of it last went up
        self.final = False  # what is heard from now on does not revise it
        self.states: list[_State] = []
        self.chosen = _State(tick, _STRAIGHT, 0.0, None)

    @property
    def place(self) -> Tick:
        """Where it was meant, on a step of the grid, as far as is known now."""
        return Tick(max(0, self.chosen.place))


class Placer:
    """Places onsets as they are heard.

    Args:
        meter: The meter of all of them.
        straight: Maps the tick at which something was played to where it would lie unswung.
    """

    def __init__(self, meter: Meter, straight: Callable[[Tick], Tick] = as_played) -> None:
        self._straight = straight
        self._bar = meter.ticks_per_bar
        self._read_so = _COMPOUND_READ_SO if meter.denominator == 8 else _READ_SO
        self._onsets: deque[Onset] = deque()

    def hear(self, tick: Tick, seconds: float, pitch: int, rate: float) -> Onset:
        """Take in a struck key, no earlier than the last one.

        Args:
            tick: When, in ticks of the transport.
            seconds: When, in seconds.
            pitch: Its MIDI note number.
            rate: Ticks that pass in a second.

        Returns:
            The onset that it belongs to. What is heard later may revise its place.
        """
        onset = Onset(tick, self._straight(tick), seconds, pitch, rate)
        last = self._onsets[-1] if self._onsets else None
        if last is not None and pitch not in last.pitches:
            first = last.chord_with or last
            if seconds - first.seconds <= CHORD_SECONDS:
                if not self._runs_on(onset, last):
                    last.pitches.add(pitch)
                    if last.chord_with and not last.is_chord:  # three notes at once are not a run
                        last.is_chord = True
                        self._onsets.pop()
                        self._add(last)
                    return last
                onset.chord_with = last
        self._add(onset)
        return onset

    def release(self, onset: Onset, tick: Tick) -> None:
        """Take in a key of `onset` going up at `tick`: a run is released one note at a time."""
        onset.let_go = tick
        first = onset.chord_with
        if first is None or onset.is_chord or onset.final:
            return
        later_s = 0.0 if first.let_go is None else (tick - first.let_go) / onset.rate
        if _RUN_SECONDS < later_s <= CHORD_SECONDS:  # as notes of an even run are, too
            return
        apart = later_s > CHORD_SECONDS
        onset.is_chord = not apart
        later: list[Onset] = []
        while not later or later[-1] is not onset:
            later.append(self._onsets.pop())
        if apart:
            onset.chord_with = None
            following = later[-2] if len(later) > 1 else None
            after = later[-3] if len(later) > 2 else None
            taken = after is not None and after.chord_with is following
            if following and not taken and self._may_be_one(onset, following):
                following.chord_with, following.is_chord = onset, following.let_go is not None
        for each in reversed(later):
            self._add(each)

    def move(self, since: Tick, remap: Callable[[Tick], Tick]) -> None:
        """Move onsets played at `since` or later to `remap` of their ticks."""
        moved: list[Onset] = []
        while self._onsets and self._onsets[-1].played >= since:
            moved.append(self._onsets.pop())
        for onset in reversed(moved):
            onset.played = remap(onset.played)
            onset.let_go = onset.let_go if onset.let_go is None else remap(onset.let_go)
            onset.tick = self._straight(onset.played)
            self._add(onset)

    def _runs_on(self, onset: Onset, last: Onset) -> bool:
        """Whether `onset`, though this soon after `last`, may be the next note of a run."""
        if len(self._onsets) < 2 or last.chord_with or len(last.pitches) > 1:
            return False
        before = self._onsets[-2]
        return (
            onset.seconds - last.seconds > _RUN_SECONDS
            and len(before.pitches) == 1
            and last.tick - before.tick <= _RUN_TICKS
            and abs(min(onset.pitches) - min(last.pitches)) <= _RUN_LEAP
        )

    @staticmethod
    def _may_be_one(onset: Onset, following: Onset) -> bool:
        """Whether `following`, so far a separate note, may form a chord with `onset`."""
        return (
            following.chord_with is None
            and following.seconds - onset.seconds <= CHORD_SECONDS
            and following.pitches.isdisjoint(onset.pitches)
        )

    def _add(self, onset: Onset) -> None:
        """Append an onset, and find the likeliest places of all."""
        last = self._onsets[-1] if self._onsets else None
        states = [] if last and onset.is_chord else self._near(onset)
        if last is not None:
            self._follow(last.states, states)
            if onset.chord_with is last:
                cost = 0.0 if onset.is_chord else _IN_A_RUN
                states += [_State(s.place, s.reading, s.cost + cost, s) for s in last.states]
        best = min(state.cost for state in states)
        onset.states = [state for state in states if state.cost - best < _HOPELESS]
        for state in onset.states:
            state.cost -= best  # only differences count, and the sum would grow for ever
        self._onsets.append(onset)
        self._choose()
        if len(self._onsets) > KEPT:
            self._onsets.popleft().final = True
            for state in self._onsets[0].states:
                state.before = None

    def _near(self, onset: Onset) -> list[_State]:
        """The places near `onset` in every reading, before other onsets are considered."""
        at = onset.tick - self._lag(onset.rate)
        spread = max(TIMING_SECONDS * onset.rate, _LEAST_TIMING)
        states = []
        for reading, spacing in enumerate(_SPACING):
            before = math.floor(at / spacing) * spacing
            for place in (before, before + spacing):
                off = (place - at) / spread
                cost = off * off / 2 + self._read_so[reading] + _rarity(place, reading)
                states.append(_State(place, reading, cost, None))
        return states

    def _follow(self, last: Iterable[_State], states: Iterable[_State]) -> None:
        """Find the best path from one of `last` to each of `states`."""
        bar = self._bar
        for state in states:
            place, reading = state.place, state.reading
            beat, in_bar = place // TICKS_PER_BEAT, place // bar
            least, found = math.inf, None
            for before in last:
                cost = before.cost
                if before.place >= place:
                    cost += _SAME_PLACE if before.place == place else _BACKWARDS
                if before.reading != reading:
                    change = _CHANGE if before.place // bar != in_bar else _CHANGE_IN_BAR
                    cost += change if before.place // TICKS_PER_BEAT != beat else _IN_A_BEAT
                elif before.place // TICKS_PER_BEAT == beat:
                    cost -= self._read_so[reading]  # paid already: the beat has this reading
                if cost < least:
                    least, found = cost, before
            state.cost += least
            state.before = found

    def _choose(self) -> None:
        """Trace the best path back, as far as it differs from the last one."""
        onsets = reversed(self._onsets)
        state: _State | None = min(self._onsets[-1].states, key=attrgetter("cost"))
        for onset in onsets:
            if state is None or onset.chosen is state:
                return
            onset.chosen = state
            state = state.before

    def _lag(self, rate: float) -> float:
        """How late the player has been recently, in ticks."""
        recent = list(islice(reversed(self._onsets), _LAG_ONSETS))
        late = sum(onset.tick - onset.place for onset in recent)
        longest = _LONGEST_LAG_SECONDS * rate
        lag = min(max(late / (len(recent) + _LAG_PRIOR), -longest), longest)
        # A binary fraction is exact beside a tick of any size. So whichever of two places that are
        # as likely is chosen, the same is chosen in every bar.
        return round(lag * 64) / 64


def _rarity(place: int, reading: int) -> float:
    """What an onset costs for its place in the beat."""
    in_beat = place % TICKS_PER_BEAT
    if in_beat == 0:
        return 0.0
    if reading == _TRIPLET:
        return _ON_TRIPLET
    if in_beat == TICKS_PER_BEAT // 2:
        return _ON_HALF
    return _ON_SIXTEENTH if reading == _STRAIGHT else _FINER
