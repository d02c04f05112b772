"""Has a model write on from a stretch: a continuation, or an accompaniment to a given tune."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.columns import Columns
from jamd.daemon.model import sampling as drawing
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import PlanRequest, Sampling
from jamd.grid.grid import Grid
from jamd.grid.tokens import KINDS, LEAD, PITCHES, POSITION, VOCABULARY, bar_token
from jamd.grid.writer import of_kind
from jamd.language import Constraints, Continuation
from jamd.notes import Note, Part, Piece, Tick
from jamd.register import transposition_of
from jamd.report.stretches import Stretch

POLYPHONY = 16
"""More notes at once than music has, so that only the model is judged, not its limits in play."""

_NO_LIMITS = Constraints(lowest=0, highest=127, polyphony=sys.maxsize)
"""For a duet, in which some tokens are given and some are drawn before their place is certain: what
the grammar allows is never refused."""

_TOKENS_A_BAR = 200

_OF_COMP = ("Chord", "Comp", "Velocity", "Duration")
_BEGINNINGS = of_kind("Chord", "Comp", "Lead")
_ALL = np.ones(len(VOCABULARY), np.bool_)
_NO_LEAD = np.ones(len(VOCABULARY), np.bool_)
_NO_LEAD[LEAD : LEAD + PITCHES] = False


def continuation(
    improviser: Improviser, stretch: Stretch, how: Sampling, seed: int, number: int
) -> tuple[Note, ...]:
    """What the model plays after the heard bars, up to the stretch's end, by onset.

    Args:
        improviser: The model, through the daemon's own loop.
        stretch: What it has heard.
        how: How tokens are drawn.
        seed: The seed of the draws, 0..2**63-1.
        number: Keys the draws together with `seed`, at least 1.
    """
    request = PlanRequest(
        number,
        stretch.context,
        stretch.end,
        Constraints(polyphony=POLYPHONY),
        how,
        _TOKENS_A_BAR * stretch.bars,
        seed,
    )
    notes = [note for planned in improviser.plan(request) for note in planned.notes]
    return tuple(sorted(note for note in notes if note.onset < stretch.end))


def accompaniment(
    improviser: Improviser,
    stretch: Stretch,
    lead: Sequence[Note],
    how: Sampling,
    rng: np.random.Generator,
) -> list[Note]:
    """The Comp that the model plays, moment by moment, under a Lead that it cannot see in advance.

    The Lead's tokens go where its notes are, whatever the model would have written there; what is
    between them is the model's. If the model would begin something that turns out to be Lead, that
    is dropped, and it goes on to what it would begin next. The memory is not used.

    Args:
        improviser: A model of the grid language.
        stretch: Its heard bars come first, with both parts unchanged.
        lead: From `stretch.until` on, before its end.
        how: How tokens are drawn.
        rng: The source of randomness.
    """
    writing = improviser.language.begin(stretch.context, _NO_LIMITS)
    notes: list[Note] = []

    for number, given in enumerate(_by_bar(stretch, lead)):
        if number:
            notes += writing.push(bar_token(stretch.meter))
        notes += _Bar(improviser, writing, how, rng).write(given)
    return [note for note in notes if note.part is Part.COMP]


@dataclass(frozen=True, slots=True)
class _Bar:
    """One bar being written, after its `Bar` token."""

    improviser: Improviser
    writing: Continuation
    how: Sampling
    rng: np.random.Generator

    def write(self, given: list[tuple[int, list[int]]]) -> list[Note]:
        """Write it around what is given: (position, the Lead's tokens there), in order."""
        notes: list[Note] = []
        here = False  # at a position at which a given note is still to come
        earliest = 0  # nothing more comes before this position
        while True:
            if here:
                token = self._choose(_ALL)
                if KINDS[token] in _OF_COMP:
                    notes += self.writing.push(token)
                    continue
                for known in given.pop(0)[1]:
                    notes += self.writing.push(known)
                here = False
                continue
            token = self._choose(_from(earliest))
            kind = KINDS[token]
            if kind == "Bar" and not given:
                return notes
            if kind == "Bar" or (kind == "Position" and given and token >= given[0][0] + POSITION):
                notes += self.writing.push(POSITION + given[0][0])
                here = True
            elif kind == "Position":
                begun = self._begun_by(token)
                if KINDS[begun] == "Lead":
                    earliest = token - POSITION + 1
                    continue
                notes += self.writing.push(token)
                notes += self.writing.push(begun)
            else:
                notes += self.writing.push(token)

    def _choose(self, mask: NDArray[np.bool_]) -> int:
        logits = self.improviser.logits(self.writing.tokens)
        return drawing.choose(logits, self.writing.allowed() & mask, self.how, self.rng)

    def _begun_by(self, position: int) -> int:
        """What the model would begin at a position."""
        logits = self.improviser.logits([*self.writing.tokens, position])
        return drawing.choose(logits, _BEGINNINGS, self.how, self.rng)


def _from(position: int) -> NDArray[np.bool_]:
    """Shape (vocabulary,): no Lead, and no position before this one."""
    mask = _NO_LEAD.copy()
    mask[POSITION : POSITION + position] = False
    return mask


def _by_bar(stretch: Stretch, lead: Sequence[Note]) -> Iterator[list[tuple[int, list[int]]]]:
    """For each bar to be written, (position, the Lead's tokens there), as the model reads them."""
    up = transposition_of(Columns.of(stretch.heard))[Part.LEAD]
    moved = tuple(
        note._replace(onset=Tick(note.onset - stretch.until), pitch=note.pitch + up)
        for note in lead
    )
    bars: list[list[tuple[int, list[int]]]] = []
    for token in Grid().encode(Piece(moved, ((Tick(0), stretch.meter),), stretch.style)):
        match KINDS[token]:
            case "Bar":
                bars.append([])
            case "Position":
                bars[-1].append((token - POSITION, []))
            case "Lead" | "Velocity" | "Duration":
                bars[-1][-1][1].append(token)
    bars += [[] for _ in range(stretch.bars - len(bars))]
    yield from bars[: stretch.bars]


def shuffled_bars(stretch: Stretch, lead: Sequence[Note], seed: int) -> list[Note]:
    """The Lead of the written bars with its bars in another order, none in its old place."""
    bar = stretch.meter.ticks_per_bar
    order = list(range(stretch.bars))
    chance = random.Random(seed)
    while len(order) > 1 and any(i == place for place, i in enumerate(order)):
        chance.shuffle(order)
    place_of = {was: now for now, was in enumerate(order)}
    moved = []
    for note in lead:
        was = (note.onset - stretch.until) // bar
        moved.append(note._replace(onset=Tick(note.onset + (place_of[was] - was) * bar)))
    return sorted(moved)
