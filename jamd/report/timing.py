"""Held-out music as a person would play it: does the model follow playing that is not exact?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from jamd.columns import Columns
from jamd.grid.grid import Grid
from jamd.grid.tokens import BAR, LEAD, POSITION, VELOCITY
from jamd.lengths import meant_lengths
from jamd.notes import TICKS_PER_BEAT, Piece, Tick
from jamd.report.stretches import Stretch
from jamd.training.judging.evaluate import Sample
from jamd.training.learning.passages import Text, whole
from jamd.training.preparing.by_hand import meant_onsets

HUMAN_SECONDS = 0.020
"""Standard deviation of a good amateur's onsets from the beat."""

ROLLED_SECONDS = 0.008
"""The longest time between two keys of a chord going down."""

GAP_SECONDS, GAP_SPREAD_SECONDS = 0.050, 0.040
"""How long before the end of a note its key comes up: mean and standard deviation."""

BPM = 120.0
"""The tempo at which pieces are played, since a corpus keeps none."""

_TICKS_A_SECOND = BPM / 60 * TICKS_PER_BEAT

MOST_SILENT = 0.4
"""No key comes up earlier than this share of its note before the end."""


def as_played(piece: Piece, rng: np.random.Generator) -> Piece:
    """The piece with every moment moved by a person's timing, and its chords not quite together."""
    moments = sorted({note.onset for note in piece.notes})
    off = rng.normal(0.0, HUMAN_SECONDS * _TICKS_A_SECOND, len(moments))
    moved = dict(zip(moments, off.tolist(), strict=True))
    rolled = rng.uniform(0.0, ROLLED_SECONDS * _TICKS_A_SECOND, len(piece.notes)).tolist()
    notes = [
        note._replace(onset=Tick(max(0, round(note.onset + moved[note.onset] + late))))
        for note, late in zip(piece.notes, rolled, strict=True)
    ]
    return replace(piece, notes=tuple(sorted(notes)))


def let_go(piece: Piece, rng: np.random.Generator) -> Piece:
    """The piece with every key released as by a person: mostly a little early."""
    mean, spread = GAP_SECONDS * _TICKS_A_SECOND, GAP_SPREAD_SECONDS * _TICKS_A_SECOND
    gaps = rng.normal(mean, spread, len(piece.notes)).tolist()
    notes = [
        note._replace(
            duration=Tick(max(1, round(note.duration - min(gap, MOST_SILENT * note.duration))))
        )
        for note, gap in zip(piece.notes, gaps, strict=True)
    ]
    return replace(piece, notes=tuple(notes))


def as_meant(piece: Piece) -> Piece:
    """The piece with each note as long as jamd takes it to have been meant."""
    lengths = meant_lengths(Columns.of(piece.notes)).tolist()
    notes = [
        note._replace(duration=Tick(length))
        for note, length in zip(piece.notes, lengths, strict=True)
    ]
    return replace(piece, notes=tuple(notes))


def as_heard(played: Piece) -> Piece:
    """The piece with each onset where the daemon places it, notes struck together as one.

    If the meter changes, the placing keeps to the piece's first.
    """
    places = meant_onsets(played.notes, played.meters[0][1], BPM)
    notes = [note._replace(onset=at) for note, at in zip(played.notes, places, strict=True)]
    return replace(played, notes=tuple(sorted(notes)))


def as_written(played: Piece) -> Piece:
    """The piece unchanged: encoding rounds it to whole steps."""
    return played


def played_samples(
    samples: Sequence[Sample],
    hand: Callable[[Piece, np.random.Generator], Piece],
    reading: Callable[[Piece], Piece],
    seed: int,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> list[Sample]:
    """Held-out pieces, played and read again.

    Args:
        samples: Pieces in the grid language.
        hand: `as_played` or `let_go`.
        reading: `as_heard`, `as_meant` or `as_written`.
        seed: The seed of the hand, which is the same for every reading.
        progress: Called with how many are done, and of how many.
    """
    found = []
    for number, sample in enumerate(samples):
        progress(number, len(samples))
        piece = Grid().decode(sample.tokens.tolist())
        rng = np.random.default_rng((seed, number))
        tokens = np.array(Grid().encode(reading(hand(piece, rng))), np.int32)
        has_velocity = _has_velocity(sample)
        read = whole(Text(tokens, piece.style, has_velocity))
        found.append(Sample(tokens, read.weights > 0))
    return found


def after_a_hand(
    places: Sequence[Stretch], reading: Callable[[Piece], Piece] | None, seed: int
) -> list[Sample]:
    """What really followed, after music that was played by a person and read again.

    This is an answer's situation: the model writes onsets as exact as those it learned from, and
    only what it has heard is inexact.

    Args:
        places: What was heard, and what followed; only the latter is counted.
        reading: `as_heard` or `as_written`; None keeps what was heard exact.
        seed: The seed of the timing, which is the same for every reading.
    """
    found = []
    for number, place in enumerate(places):
        heard = Piece(place.heard, ((Tick(0), place.meter),), place.style)
        if reading is not None:
            heard = reading(as_played(heard, np.random.default_rng((seed, number))))
        before = [note for note in heard.notes if note.onset < place.until]
        piece = replace(heard, notes=tuple(sorted([*before, *place.real])))
        tokens = np.array(Grid().encode(piece), np.int32)
        lines = np.flatnonzero((tokens >= BAR) & (tokens < POSITION))
        counted = whole(Text(tokens, place.style, place.has_velocity)).weights > 0
        counted[: lines[place.shape[0]]] = False
        found.append(Sample(tokens, counted))
    return found


def _has_velocity(sample: Sample) -> bool:
    """Whether its velocities are counted."""
    is_velocity = (sample.tokens >= VELOCITY) & (sample.tokens < LEAD)
    return bool((is_velocity & sample.counted).any())
