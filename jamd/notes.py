"""Notes, parts and meters, in the two units of time that jamd counts in.

A *tick* is 1/480 of a quarter note: the unit of the live side, of takes and of files. A *step* is
1/12 of a quarter note: the grid that the model thinks in, on which sixteenths (3 steps) and eighth
triplets (4 steps) both fall. In names and settings a *beat* is the quarter note, as in bpm; what a
foot taps, a dotted quarter in 6/8, is a *pulse*; and the `Position` that is shown to the player
counts the meter's own denominator.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, NewType

Tick = NewType("Tick", int)
Step = NewType("Step", int)

TICKS_PER_BEAT = 480
STEPS_PER_BEAT = 12
TICKS_PER_STEP = TICKS_PER_BEAT // STEPS_PER_BEAT

LOWEST_PITCH, HIGHEST_PITCH = 0, 127


def to_step(tick: int) -> Step:
    """The step nearest to `tick`; exactly half way goes to the later one."""
    return Step((2 * tick + TICKS_PER_STEP) // (2 * TICKS_PER_STEP))


def to_tick(step: int) -> Tick:
    """The tick on which `step` falls."""
    return Tick(step * TICKS_PER_STEP)


class Part(StrEnum):
    """Which line a note belongs to, as the model hears it; Comp sorts before Lead.

    A string, because notes are hashed and sorted by the hundred while the player waits: a plain
    enum does both in Python code.
    """

    LEAD = "Lead"  # what a player plays: a melody, or a solo
    COMP = "Comp"  # what an accompanist plays: chords, a left hand


class Note(NamedTuple):
    """One note; notes sort by onset, then pitch.

    A tuple, because the front process sends a thousand of them to the worker at every replan.

    Attributes:
        onset: Tick of its start, 0 or later.
        pitch: MIDI note number, 0..127.
        velocity: MIDI velocity, 1..127.
        duration: Ticks until its end, at least 1; or `HELD` while its key is still down.
        part: Lead or Comp.
    """

    onset: Tick
    pitch: int
    velocity: int = 80
    duration: Tick = Tick(TICKS_PER_BEAT)
    part: Part = Part.LEAD

    @property
    def end(self) -> Tick:
        """Tick of its end; its onset while it is held."""
        return Tick(self.onset + self.duration)


HELD = Tick(0)
"""The duration of a note whose key is still down."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature.

    Attributes:
        numerator: Beats of the `denominator` kind in a bar, at least 1.
        denominator: One of `NOTE_VALUES`.
    """

    numerator: int
    denominator: int

    @classmethod
    def parse(cls, text: str) -> Meter:
        """`"6/8"` -> Meter(6, 8). Raises ValueError if `text` is not two numbers and a slash."""
        top, stroke, bottom = text.partition("/")
        if not stroke or not top.strip().isdecimal() or not bottom.strip().isdecimal():
            raise ValueError(f"expected a meter like 4/4, found {text!r}")
        return cls(int(top), int(bottom))

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def ticks_per_pulse(self) -> Tick:
        """What a foot taps: three of the meter's own beats in 6/8 and the like, else one."""
        compound = self.denominator == 8 and self.numerator % 3 == 0
        return Tick(TICKS_PER_BEAT * 4 * (3 if compound else 1) // self.denominator)

    @property
    def ticks_per_bar(self) -> Tick:
        return Tick(TICKS_PER_BEAT * 4 * self.numerator // self.denominator)

    @property
    def steps_per_bar(self) -> Step:
        return Step(STEPS_PER_BEAT * 4 * self.numerator // self.denominator)


NOTE_VALUES = (1, 2, 4, 8, 16, 32)
"""What a meter may count, as fractions of a whole note; any other in a file makes no sense."""

METERS = (Meter(2, 4), Meter(3, 4), Meter(4, 4), Meter(6, 8))
"""The meters that the grid language, and so the daemon, knows."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of music as the languages see it.

    Attributes:
        notes: Sorted by onset.
        meters: (tick, meter), by tick, the first at tick 0, each on a bar line of the one before.
        style: One of `jamd.grid.tokens.STYLES`.
        has_velocity: False if the source gives every note the same velocity, so that there is
            nothing to learn from it.
    """

    notes: tuple[Note, ...]
    meters: tuple[tuple[Tick, Meter], ...] = ((Tick(0), Meter(4, 4)),)
    style: str = "other"
    has_velocity: bool = True
