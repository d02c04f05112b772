"""Places in held-out pieces from which a model continues, and what really followed there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jamd.columns import Columns
from jamd.grid.grid import Grid
from jamd.harmony.key import home_of
from jamd.language import Context
from jamd.notes import Meter, Note, Part, Piece, Tick
from jamd.training.corpus import Corpus, CorpusPiece

SHAPES = ((8, 16), (4, 8), (2, 4))
"""Bars heard and bars written, the best first."""

ENOUGH = 0.5
"""Share of the stretches asked for; with fewer, shorter ones from more pieces reveal more."""

FEWEST_HEARD = 8
"""Notes: after fewer there is nothing to continue."""

FEWEST_WRITTEN = 8
"""Notes that really followed: with fewer there is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some bars of a piece, in two halves.

    Attributes:
        source: The file that it is from.
        first_bar: The bar of the piece with which it begins, from 1.
        meter: Its meter, the same throughout.
        style: The set's.
        has_velocity: Whether its velocities mean anything.
        heard: The context, by onset, from tick 0 on.
        real: What really followed, by onset, in the same ticks.
        until: Where the continuation begins: a bar line.
        end: Where it ends: a bar line.
        home: Semitones that transpose the heard notes to C major or A minor, -5..6.
    """

    source: str
    first_bar: int
    meter: Meter
    style: str
    has_velocity: bool
    heard: tuple[Note, ...]
    real: tuple[Note, ...]
    until: Tick
    end: Tick
    home: int

    @property
    def bars(self) -> int:
        """How many bars are to be written."""
        return (self.end - self.until) // self.meter.ticks_per_bar

    @property
    def shape(self) -> tuple[int, int]:
        """Bars heard, and bars to be written."""
        return self.until // self.meter.ticks_per_bar, self.bars

    @property
    def context(self) -> Context:
        """The heard half, as it is put to the improviser."""
        return Context(self.heard, Tick(0), self.until, self.style, self.meter)


def stretches(
    corpus: Corpus,
    entries: Sequence[CorpusPiece],
    count: int,
    seed: int,
    parts: frozenset[Part] = frozenset(),
) -> list[Stretch]:
    """Up to `count` stretches from a grid corpus, shared among its pieces as evenly as they allow.

    None of them overlap. The same seed gives the same ones.

    Args:
        corpus: A corpus of the grid language.
        entries: Its pieces to draw from.
        count: At least 1.
        seed: The seed of the choice.
        parts: Parts that must play in both halves.

    Returns:
        Fewer than `count`, or none, if the pieces are too few or too short.
    """
    rng = np.random.default_rng(seed)
    order = [entries[i] for i in rng.permutation(len(entries))]
    pieces = list(_decoded(corpus, order, count))
    most: list[Stretch] = []
    for heard, written in SHAPES:
        waiting = [
            (piece, entry, list(rng.permutation(_places(piece, heard + written))))
            for piece, entry in pieces
        ]
        found: list[Stretch] = []
        while waiting and len(found) < count:
            for item in list(waiting):
                piece, entry, places = item
                stretch = None
                while places and stretch is None:
                    bar = int(places.pop())
                    stretch = _cut(piece, entry, bar, heard, written, corpus.style, parts)
                if stretch is None:
                    waiting.remove(item)
                elif len(found) < count:
                    found.append(stretch)
        most = max(most, found, key=len)
        if len(found) >= ENOUGH * count:
            break
    return most


def _decoded(
    corpus: Corpus, entries: Sequence[CorpusPiece], count: int
) -> Iterator[tuple[Piece, CorpusPiece]]:
    """Pieces with their notes: only as many as may be needed, since some will not do."""
    for entry in entries[: 4 * count]:
        yield Grid().decode(corpus.tokens(entry).tolist()), entry


def _places(piece: Piece, bars: int) -> list[int]:
    """Bars of a piece at which stretches of `bars` bars begin, side by side, each in one meter."""
    last = max((note.end for note in piece.notes), default=0)
    places, bar = [], 0
    for start, stop, meter in _sections(piece, last):
        here = -(-(stop - start) // meter.ticks_per_bar)
        places += [bar + offset for offset in range(0, here - bars + 1, bars)]
        bar += here
    return places


def _sections(piece: Piece, end: int) -> Iterator[tuple[Tick, int, Meter]]:
    """(first tick, tick after the last, meter) of each section that is in one meter."""
    changes = piece.meters
    for i, (start, meter) in enumerate(changes):
        yield start, changes[i + 1][0] if i + 1 < len(changes) else max(end, start), meter


def _cut(
    piece: Piece,
    entry: CorpusPiece,
    bar: int,
    heard_bars: int,
    written_bars: int,
    style: str,
    parts: frozenset[Part],
) -> Stretch | None:
    """The stretch at a bar; None if too little is played in it."""
    start, meter = _bar_line(piece, bar)
    until = Tick(heard_bars * meter.ticks_per_bar)
    end = Tick(until + written_bars * meter.ticks_per_bar)
    notes = [
        Note(Tick(n.onset - start), n.pitch, n.velocity, n.duration, n.part)
        for n in piece.notes
        if start <= n.onset < start + end
    ]
    heard = tuple(note for note in notes if note.onset < until)
    real = tuple(note for note in notes if note.onset >= until)
    enough = len(heard) >= FEWEST_HEARD and len(real) >= FEWEST_WRITTEN
    for half in (heard, real):
        enough = enough and parts <= {note.part for note in half}
    if not enough:
        return None
    return Stretch(
        entry.source,
        bar + 1,
        meter,
        style,
        entry.has_velocity,
        heard,
        real,
        until,
        end,
        home_of(Columns.of(heard)),
    )


def _bar_line(piece: Piece, bar: int) -> tuple[Tick, Meter]:
    """Where a bar, counted from 0, begins, and its meter."""
    line, meter = piece.meters[0]
    passed = 0
    for start, stop, here in _sections(piece, piece.meters[-1][0]):
        line, meter = Tick(start + (bar - passed) * here.ticks_per_bar), here
        if line < stop:
            break
        passed += -(-(stop - start) // here.ticks_per_bar)
    return line, meter
