"""How jamd's notes are placed beside the grid: swung as the player swings, and a little human."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Sequence

from jamd.daemon.timing.swing import (
    ON_BEAT,
    STRAIGHT,
    is_swung,
    measure,
    place_in_beat,
    straight_tick,
    swings,
    swung,
)
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Tick

_REMEMBERED = 32
"""A phrase's swing is averaged with that of at most this many off-beats heard before it."""

_CHANGED = 0.06  # a swing that differs by more replaces it: the player has changed feel

_KEPT = 256
"""Swing is measured on at most this many of the last notes: eight bars of sixteenths are 128."""

_BEATS = 128  # swung beats remembered

_SCALES = tuple(TICKS_PER_BEAT // 4 * 4**power for power in range(4))
"""From a sixteenth to 16 beats."""

_FURTHEST = TICKS_PER_STEP / 2 - 1  # in ticks: onsets keep their order


class Feel:
    """Keeps the swing, takes it out of what is heard, and puts it into what is played.

    Args:
        meter: The meter; in 6/8 nothing is swung.
        swing: The off-beat's place in the beat as jamd plays, 0.5..0.75; None to follow the player.
        humanise_s: The standard deviation of jamd's own timing in seconds; 0 is exact.
        seed: The same seed and the same notes give the same deviations.

    Attributes:
        swing: Where the player's off-beat lies, as far as known; all that is heard is read by it.
    """

    def __init__(self, meter: Meter, swing: float | None, humanise_s: float, seed: int) -> None:
        self._swings = swings(meter)
        self._counted = 0  # the off-beats that `swing` is the mean of
        self._phrase: deque[Tick] = deque(maxlen=_KEPT)
        self._beats: dict[int, float] = {}  # beats that are swung, and how much
        self._read_beat = -1  # the last one that was read
        self._seed = seed
        self.swing = STRAIGHT
        self.adjust(swing, humanise_s)

    def adjust(self, swing: float | None, humanise_s: float) -> None:
        """Place the notes that are yet to be performed by this `swing` and `humanise_s`."""
        self._fixed = swing if self._swings else None
        self._humanise_s = humanise_s

    @property
    def own_swing(self) -> float:
        """Where the off-beat lies as jamd plays."""
        return self.swing if self._fixed is None else self._fixed

    def begin_phrase(self) -> None:
        """What is heard from now on is a new phrase."""
        self._phrase.clear()

    def hear(self, tick: Tick) -> None:
        """An onset at `tick`, as played; it must not lie before the last one."""
        self._phrase.append(tick)
        self._read(tick)

    def learn(self, remap: Callable[[Tick], Tick] | None = None) -> bool:
        """Learn from the phrase so far how the player swings.

        Args:
            remap: Gives where a tick of the phrase turns out to lie; None if where it was heard.

        Returns:
            Whether the phrase is now read differently.
        """
        before = [self.straight(tick) for tick in self._phrase]
        for tick in self._phrase:
            self._beats.pop(place_in_beat(tick)[0], None)
        if remap is not None:
            self._phrase = deque(map(remap, self._phrase), _KEPT)
        measured = measure(self._phrase) if self._swings else None
        if measured is not None:
            self._weigh(*measured)
        self._read_beat = -1
        for tick in self._phrase:
            self._read(tick)
        return before != [self.straight(tick) for tick in self._phrase]

    def straight(self, tick: Tick) -> Tick:
        """The tick at which the model is to hear what was played at `tick`."""
        amount = self._beats.get(place_in_beat(tick)[0])
        return tick if amount is None else Tick(round(straight_tick(tick, amount)))

    def _weigh(self, amount: float, count: int) -> None:
        if abs(amount - self.swing) > _CHANGED or STRAIGHT in (amount, self.swing):
            self._counted = 0
        before = min(self._counted, _REMEMBERED)
        self.swing = (before * self.swing + count * amount) / (before + count)
        self._counted = before + count

    def _read(self, tick: Tick) -> None:
        """Decide by the first onset after the beat whether the beat is swung."""
        beat, place = place_in_beat(tick)
        if place > ON_BEAT and beat != self._read_beat:
            self._read_beat = beat
            if is_swung(place, self.swing):
                self._beats[beat] = self.swing
                while len(self._beats) > _BEATS:
                    del self._beats[next(iter(self._beats))]

    def perform(
        self,
        notes: Sequence[Note],
        ticks_per_second: float,
        before: Tick | None = None,
        earliest: Tick = Tick(0),
    ) -> list[Note]:
        """Notes on the grid as they are to be played.

        Args:
            notes: In any order.
            ticks_per_second: The tempo; people deviate by seconds, not by ticks.
            before: No deviation makes a note last until this tick; None for no limit.
            earliest: No deviation makes a note begin before this tick.
        """
        played = swung(notes, self.own_swing)
        if not self._humanise_s:
            return played
        limit = min(_FURTHEST, 2 * self._humanise_s * ticks_per_second)
        human = []
        for planned, note in zip(notes, played, strict=True):
            off = self._deviation(planned.onset) * self._humanise_s * ticks_per_second
            onset = round(note.onset + min(max(off, -limit), limit))
            onset = max(onset, min(earliest, note.onset))
            length: int = note.duration
            if before is not None:
                length = max(1, min(length, before - 1 - onset))
            human.append(note._replace(onset=Tick(onset), duration=Tick(length)))
        return human

    def _deviation(self, tick: Tick) -> float:
        """How far people deviate at `tick`, in standard deviations; the same for a whole chord.

        It wanders, with a spectrum like 1/f, as people's timing does (H. Hennig and others, "The
        nature and perception of fluctuations in human musical rhythms", PLoS ONE 6, 2011). Random
        numbers drawn afresh every sixteenth, every beat and so on add up to that (R. F. Voss
        and J. Clarke, "1/f noise in music", Journal of the Acoustical Society of America 63, 1978).
        """
        drawn = (random.Random(f"{self._seed} {scale} {tick // scale}") for scale in _SCALES)
        return math.fsum(rng.gauss(0, 1) for rng in drawn) / math.sqrt(len(_SCALES))
