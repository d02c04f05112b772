"""Does the accompaniment listen? A model as one half of a duet: Lead is given, Comp is its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.grid.grid import Grid
from jamd.grid.tokens import CHORD, KINDS, VOCABULARY
from jamd.grid.writer import of_kind
from jamd.harmony.harmony import CHORDS, tones_of
from jamd.notes import TICKS_PER_STEP, Note, Piece, Tick
from jamd.report.stretches import Stretch
from jamd.training.judging.evaluate import Sample
from jamd.training.judging.likelihood import Ids
from jamd.training.judging.predictors import Network
from jamd.training.learning.passages import home_of_tokens, transposed

_LEAD, _COMP, _POSITION, _VELOCITY = (
    of_kind(kind) for kind in ("Lead", "Comp", "Position", "Velocity")
)
_DETAIL = of_kind("Velocity", "Duration")
_HARMONY = of_kind("Chord", "Comp")
_AFTER_NOTHING = of_kind("Position", "Bar", "End")


def owners(tokens: Ids) -> NDArray[np.int64]:
    """For each token, the place of the one it belongs to: a note's details belong to its pitch."""
    place: NDArray[np.int64] = np.maximum.accumulate(
        np.where(_DETAIL[tokens], 0, np.arange(len(tokens)))
    )
    return place


def without_lead(tokens: NDArray[np.int32]) -> NDArray[np.int32]:
    """The grid tokens without Lead, and without positions at which nothing is left."""
    kept = tokens[~_LEAD[tokens[owners(tokens)]]]
    empty = _POSITION[kept[:-1]] & _AFTER_NOTHING[kept[1:]]
    result: NDArray[np.int32] = kept[np.append(~empty, True)]
    return result


@dataclass(slots=True)
class DuetBits:
    """What predicting the accompaniment cost.

    Attributes:
        notes: Comp notes measured.
        given: Bits with the Lead present.
        alone: Bits without it.
    """

    notes: int = 0
    given: float = 0.0
    alone: float = 0.0


def duet_bits(network: Network, samples: Sequence[Sample]) -> DuetBits:
    """Bits of the accompaniment in pieces that have a Lead, with the Lead present and removed.

    What counts are the tokens for what Comp plays and for how long, and for how loudly if the
    source has that: its chord names, pitches, durations and velocities. That the accompaniment
    plays at a moment at all is taken as given both times: a pitch or a chord name counts with its
    probability given that it is a Comp pitch or a chord name. (Without Lead, every moment is
    Comp's own, and predicting that would be no merit.)
    """
    total = DuetBits()
    for sample in samples:
        tokens = sample.tokens.astype(np.int32)
        if not _LEAD[tokens].any() or not _COMP[tokens].any():
            continue
        counted = sample.counted & _HARMONY[tokens[owners(tokens)]]
        velocities = bool((counted & _VELOCITY[tokens]).any())
        home = home_of_tokens(tokens)
        total.notes += int(_COMP[tokens].sum())
        total.given += _bits(network, transposed(tokens, home), velocities=velocities)
        total.alone += _bits(network, transposed(without_lead(tokens), home), velocities=velocities)
    return total


def _bits(network: Network, tokens: Ids, *, velocities: bool) -> float:
    counted = _HARMONY[tokens[owners(tokens)]]
    if not velocities:
        counted &= ~_VELOCITY[tokens]
    bits, place = 0.0, 1
    for logits in network.logits(tokens[:-1]):
        targets = tokens[place : place + len(logits)]
        exact = logits.astype(np.float64)
        exact -= exact.max(axis=1, keepdims=True)
        weights = np.exp(exact)
        whole = np.where(_HARMONY[targets], weights[:, _HARMONY].sum(axis=1), weights.sum(axis=1))
        nats = np.log(whole) - exact[np.arange(len(targets)), targets]
        bits += float(nats[counted[place : place + len(logits)]].sum() / np.log(2))
        place += len(logits)
    return bits


@dataclass(frozen=True, slots=True)
class Harmony:
    """The chords of some music, and the tick from which each is in force."""

    ticks: tuple[int, ...]
    chords: tuple[int, ...]

    def tones_at(self, tick: int) -> frozenset[int] | None:
        """The pitch classes of the chord in force; None before the first chord."""
        place = bisect_right(self.ticks, tick) - 1
        return tones_of(CHORDS[self.chords[place]]) if place >= 0 else None


def harmony_of(stretch: Stretch) -> Harmony:
    """The chords that the real accompaniment spells, in the stretch's ticks."""
    notes = stretch.heard + stretch.real
    bar, ticks, chords = -1, list[int](), list[int]()
    position = 0
    for token in Grid().encode(Piece(notes, ((Tick(0), stretch.meter),), stretch.style)):
        match KINDS[token]:
            case "Bar":
                bar += 1
            case "Position":
                position = int(VOCABULARY.token(token).partition("_")[2])
            case "Chord":
                step = bar * stretch.meter.steps_per_bar + position
                ticks.append(step * TICKS_PER_STEP)
                chords.append(token - CHORD)
    return Harmony(tuple(ticks), tuple(chords))


@dataclass(slots=True)
class Fit:
    """How well an accompaniment fits the harmony.

    Attributes:
        notes: How many notes it has while a chord is in force.
        inside: How many of them are chord tones.
        onsets: How many onsets it has while a chord is in force.
        holding: How many of them have at least one chord tone.
    """

    notes: int = 0
    inside: int = 0
    onsets: int = 0
    holding: int = 0

    def add(self, comp: Sequence[Note], harmony: Harmony) -> None:
        """Count the notes of an accompaniment."""
        moments: dict[int, bool] = {}
        for note in comp:
            tones = harmony.tones_at(note.onset)
            if tones is None:
                continue
            fits = note.pitch % 12 in tones
            self.notes += 1
            self.inside += fits
            moments[note.onset] = moments.get(note.onset, False) or fits
        self.onsets += len(moments)
        self.holding += sum(moments.values())
