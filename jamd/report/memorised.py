"""How much of some music occurs verbatim in a training corpus, in whatever key.

Music is compared as symbols: bars, positions, pitches as intervals (`jamd.training.judging.ngram`)
and durations. Velocities and chord names are left out: neither makes it a different phrase.

The corpus may have millions of symbols. Stretches of one length are looked up by polynomial hashes
of all the corpus's stretches of that length (R. M. Karp and M. O. Rabin, "Efficient randomized
pattern-matching algorithms", 1987), modulo 2**64 over random 64-bit names; each match is then
confirmed by comparing the symbols. The longest stretch that occurs is found by bisection, because
every shorter part of it occurs as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.grid.tokens import CHORD, COMP, DURATION, LEAD, PITCHES, VELOCITY
from jamd.training.judging.ngram import intervals

Symbols = NDArray[np.int64]

_BORDER = -1  # between two pieces; no music has it
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2**64
_INVERSE = np.uint64(pow(int(_BASE), -1, 2**64))
_FILTER_BITS = 22


def symbols_of(tokens: NDArray[np.integer], begin: int = 0) -> Symbols:
    """Grid tokens from place `begin` on, in the form to be compared: (n - begin,) or fewer."""
    kept = ((tokens < CHORD) | (tokens >= COMP)) & ~((tokens >= VELOCITY) & (tokens < LEAD))
    renamed: Symbols = intervals(tokens)[begin:][kept[begin:]]
    return renamed


def notes_in(symbols: Symbols) -> int:
    """How many notes begin in a stretch of symbols."""
    comp = (symbols >= COMP) & (symbols < VELOCITY)
    lead = (symbols >= LEAD) & (symbols < LEAD + PITCHES)
    return int((comp | lead).sum())


@dataclass(frozen=True, slots=True)
class Found:
    """The longest stretch of some music that a corpus has too.

    Attributes:
        length: How many symbols it has; 0 if nothing is found.
        notes: How many notes it has.
        start: Where in the music it begins.
        piece: The number of a piece that has it; -1 if none has.
    """

    length: int
    notes: int
    start: int
    piece: int


class Library:
    """Pieces in which stretches are looked up.

    Args:
        pieces: The symbols of each, at least one.
    """

    def __init__(self, pieces: Sequence[Symbols]) -> None:
        border = np.array([_BORDER])
        self._text = np.concatenate([part for piece in pieces for part in (piece, border)])
        lengths = np.array([len(piece) + 1 for piece in pieces])
        self._starts = np.concatenate([[0], np.cumsum(lengths)])
        self._names = _names()
        self._sums = _prefix_hashes(self._text, self._names)
        self._inverses = _powers(_INVERSE, len(self._text) + 1)

    def longest(
        self, music: Sequence[Symbols], progress: Callable[[int, int], None] = lambda _, __: None
    ) -> list[Found]:
        """The longest stretch of each of `music` that occurs in one of the pieces.

        Args:
            music: Each at least one symbol long.
            progress: Called with how many lengths are decided, and of how many.
        """
        least = np.zeros(len(music), np.int64)  # symbols in a row known to occur
        most = np.array([len(one) for one in music])
        best = [Found(0, 0, 0, -1) for _ in music]
        sums = [_prefix_hashes(one, self._names) for one in music]
        whole = int(most.max(initial=0))
        while (open_ones := np.flatnonzero(least < most)).size:
            progress(whole - int((most - least).max()), whole)
            # One pass through the corpus serves all for which this length is undecided.
            middle = (least[open_ones] + most[open_ones] + 1) // 2
            length = int(np.sort(middle)[len(middle) // 2])
            asked = [i for i in open_ones.tolist() if least[i] < length <= most[i]]
            hits = self._look(length, [music[i] for i in asked], [sums[i] for i in asked])
            for i, hit in zip(asked, hits, strict=True):
                if hit is None:
                    most[i] = length - 1
                    continue
                least[i] = length
                start, at = hit
                piece = int(np.searchsorted(self._starts, at, side="right")) - 1
                notes = notes_in(music[i][start : start + length])
                best[i] = Found(length, notes, start, piece)
        progress(whole, whole)
        return best

    def _look(
        self, length: int, music: Sequence[Symbols], sums: Sequence[NDArray[np.uint64]]
    ) -> list[tuple[int, int] | None]:
        """For each of `music`, a stretch of `length` found: (where in it, where in the text)."""
        hashes = [_window_hashes(one, _powers(_INVERSE, len(one)), length) for one in sums]
        owner = np.repeat(np.arange(len(music)), [len(one) for one in hashes])
        place = np.concatenate([np.arange(len(one)) for one in hashes])
        asked = np.concatenate(hashes)
        order = np.argsort(asked, kind="stable")
        ordered = asked[order]
        text = _window_hashes(self._sums, self._inverses, length)
        sieve = np.zeros(1 << _FILTER_BITS, np.bool_)
        shift = np.uint64(64 - _FILTER_BITS)
        sieve[asked >> shift] = True
        candidates = np.flatnonzero(sieve[text >> shift])
        at = np.searchsorted(ordered, text[candidates])
        at[at == len(ordered)] = 0
        candidates = candidates[ordered[at] == text[candidates]]
        # For each hash that both have, one place in the text is enough.
        common, first = np.unique(text[candidates], return_index=True)
        where = dict(zip(common.tolist(), candidates[first].tolist(), strict=True))
        found: list[tuple[int, int] | None] = [None] * len(music)
        for i in np.flatnonzero(np.isin(asked, common)).tolist():
            one, start, there = int(owner[i]), int(place[i]), where[int(asked[i])]
            if found[one] is None and np.array_equal(
                music[one][start : start + length], self._text[there : there + length]
            ):
                found[one] = (start, there)
        return found


def _names() -> NDArray[np.uint64]:
    """A random 64-bit name for each symbol, the border's last."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 2**64, DURATION + 4096, np.uint64, endpoint=False)


def _prefix_hashes(symbols: Symbols, names: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Shape (n + 1,): the hash of the first 0, 1 … n symbols: the sum of name_i * base**i."""
    terms = names[symbols] * _powers(_BASE, len(symbols))
    return np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])


def _powers(base: np.uint64, count: int) -> NDArray[np.uint64]:
    factors = np.full(count, base, np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)


def _window_hashes(
    sums: NDArray[np.uint64], inverses: NDArray[np.uint64], length: int
) -> NDArray[np.uint64]:
    """The hash of every stretch of `length`, regardless of its place: (n - length + 1,)."""
    count = max(0, len(sums) - length)
    return (sums[length:] - sums[:count]) * inverses[:count]


def library_of(tokens: Iterable[NDArray[np.integer]]) -> Library:
    """A library of pieces given as grid tokens."""
    return Library([symbols_of(piece) for piece in tokens])
