"""What a report states about one set: the figures, which `jamd.report.judge` measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.notes import Note, Part
from jamd.report.distances import Comparison
from jamd.report.features import Feature
from jamd.report.listening import DuetBits, Fit
from jamd.report.stretches import Stretch
from jamd.training.judging.evaluate import Evaluation

DISTINCT = 4
"""Length, in notes, of the runs whose share of distinct ones is reported."""


@dataclass(frozen=True, slots=True)
class Written:
    """A stretch, and what the model wrote in place of its second half."""

    stretch: Stretch
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How one feature of what was written compares with real music.

    Attributes:
        feature: Which.
        real: Its mean over the real continuations, shape (n,).
        written: Its mean over the written ones, shape (n,).
        comparison: The written ones compared with the real ones.
        control: What the model had heard, the bars before of the same pieces, compared with the
            real ones. Music from other pieces would be no mark to reach: where the continuations
            are from few pieces, whatever keeps to its own piece is closer than that.
    """

    feature: Feature
    real: NDArray[np.float64]
    written: NDArray[np.float64]
    comparison: Comparison
    control: Comparison


@dataclass(frozen=True, slots=True)
class RunLengths:
    """How long the longest run of notes of some kind is, over several pieces of music.

    Attributes:
        median: Notes, in the median piece.
        longest: Notes, in the worst piece.
        share: Its share of the music's notes, on average, 0..1.
    """

    median: float
    longest: int
    share: float


@dataclass(frozen=True, slots=True)
class Loops:
    """How much music repeats itself.

    Attributes:
        repeat: The longest run of notes that occurs twice.
        distinct: The share of distinct ones among all runs of `DISTINCT` notes, on average.
    """

    repeat: RunLengths
    distinct: float


@dataclass(frozen=True, slots=True)
class Copied:
    """How much of some music occurs in the training pieces.

    Attributes:
        run: The longest run of notes that occurs there.
        source: The training file that has the longest of all.
    """

    run: RunLengths
    source: str


@dataclass(frozen=True, slots=True)
class Manner:
    """How one part is played.

    Attributes:
        part: Which.
        onset_bits: Entropy of where in the bar its onsets lie.
        velocity_spread: Standard deviation of its MIDI velocities; None if the set has none.
        notes: How many were counted.
    """

    part: Part
    onset_bits: float
    velocity_spread: float | None
    notes: int


@dataclass(frozen=True, slots=True)
class Duet:
    """How the model accompanies a tune that is given to it.

    Attributes:
        bits: Bits of the real accompaniment, with and without the tune, for the model alone.
        remembered: The same for the model with its memory, as it plays.
        real: How the real accompaniment fits its own harmony.
        given: How the model's accompaniment to the real tune fits that harmony.
        shuffled: The same, to the tune with its bars in another order.
        count: How many stretches there are.
    """

    bits: DuetBits
    remembered: DuetBits
    real: Fit
    given: Fit
    shuffled: Fit
    count: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Bits per note of the same pieces.

    Attributes:
        clean: The pieces unchanged.
        heard: Played by a person, as jamd hears them.
        written: Played by a person, each onset on the nearest step.
        let_go: With the keys released by a person, as jamd reads them.
        let_go_written: With the keys released by a person, each end on the nearest step.
        followed: What follows exact music; None if the set has no stretches.
        followed_heard: The same, after music that was played by a person, as jamd hears it.
    """

    clean: float
    heard: float
    written: float
    let_go: float
    let_go_written: float
    followed: float | None
    followed_heard: float | None


@dataclass(frozen=True, slots=True)
class SetFigures:
    """The figures of one set; empty or None if its pieces are too few or too short for them.

    Attributes:
        name: The name of its corpus.
        style: The style of its pieces.
        evaluation: Bits.
        written: Continuations beside what really followed.
        likenesses: By feature.
        loops: Of the real continuations, then of the written ones.
        copied: Of the real continuations, then of the written ones.
        manners: (real, written), by part.
        duet: None if the set does not have both parts.
        timing: Bits per note, with and without a person's timing.
    """

    name: str
    style: str
    evaluation: Evaluation
    written: list[Written]
    likenesses: list[Likeness]
    loops: tuple[Loops, Loops] | None
    copied: tuple[Copied, Copied] | None
    manners: list[tuple[Manner, Manner]]
    duet: Duet | None
    timing: Timing


_KINDS = ("Position", "Chord", "Comp", "Lead", "Duration", "Velocity", "Bar", "End")


def kinds_of(figures: SetFigures) -> list[str]:
    """The kinds of token that were measured, in the order in which they are shown."""
    measured = figures.evaluation.by_kind["model"]
    return [kind for kind in _KINDS if kind in measured]
