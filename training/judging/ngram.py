"""The n-gram that a model must beat: predicts a token by how often it followed the few before it.

Interpolated Witten-Bell smoothing. Each context counts how often what followed it was new, and
leaves that share to the next shorter context:

    P(w | h) = (count(h w) + types(h) * P(w | shorter h)) / (count(h) + types(h))

where types(h) is the number of different tokens seen after h, and the empty context falls back on
the uniform distribution (I. H. Witten and T. C. Bell, "The zero-frequency problem", IEEE
Transactions on Information Theory 37(4), 1991, method C; interpolated as in S. F. Chen and J.
Goodman, "An empirical study of smoothing techniques for language modeling", 1998, section 2.5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.grid.tokens import CHORD, COMP, LEAD, LOWEST, PITCHES
from jamd.harmony.harmony import CHORDS, QUALITIES
from jamd.training.judging.likelihood import Ids, Judgement, join, judge_logits

Symbols = NDArray[np.int64]

_BLOCK = 2048  # positions judged at once; their distributions over 400 tokens take 7 MB

# Kinds whose tokens are turned into intervals: id of the first token, and how many there are.
_RELATIVE = ((COMP, PITCHES), (LEAD, PITCHES), (CHORD, len(CHORDS)))


def intervals(tokens: Ids) -> Symbols:
    """Grid tokens with every pitch and every chord's root as an interval.

    A pitch counts from the previous one in its own part, a root from the pitch class of the
    previous Comp note. Of the references tried, these predict best (on lead sheets a tenth of a bit
    per token better than pitches from the previous note of any part, and roots from the previous
    root). Intervals wrap round the keyboard and the octave, and keep to the ids of their kind. So
    at each position tokens are only renamed, one to one, and a distribution over the names is one
    over the tokens.
    """
    return renamed(tokens.astype(np.int64), references(tokens))


def references(tokens: Ids) -> Symbols:
    """What intervals count from at each position, shape (3, n): for Comp, Lead and Chord."""
    comp, lead = _last(tokens, COMP), _last(tokens, LEAD)
    return np.stack([comp, lead, (comp + LOWEST) % 12 * len(QUALITIES)])


def _last(tokens: Ids, first: int) -> Symbols:
    """The last pitch of a part before each position, counted from its lowest; 0 if none."""
    own = (tokens >= first) & (tokens < first + PITCHES)
    place = np.maximum.accumulate(np.where(own, np.arange(len(tokens)), -1))
    before = np.concatenate([[-1], place[:-1]])[: len(tokens)]
    return np.where(before >= 0, tokens[before].astype(np.int64) - first, 0)


def renamed(tokens: Symbols, references: Symbols) -> Symbols:
    """`tokens` as intervals, given the `references` at their positions.

    Args:
        tokens: Ids; the last axis of their shape is n.
        references: Shape (3, n), as from `references`.
    """
    symbols = tokens
    for (first, size), reference in zip(_RELATIVE, references, strict=True):
        own = (tokens >= first) & (tokens < first + size)
        symbols = np.where(own, first + (tokens - first - reference) % size, symbols)
    return symbols


@dataclass(frozen=True, slots=True)
class _Order:
    """What was counted for contexts of one length.

    Attributes:
        grams: Sorted: number of the context * vocabulary + symbol.
        counts: How often each gram was seen; 0 if it was only ever a context.
        totals: By number of the context, how often something followed it.
        types: By number of the context, how many different symbols followed it.
    """

    grams: NDArray[np.int64]
    counts: NDArray[np.float64]
    totals: NDArray[np.float64]
    types: NDArray[np.float64]


class NGram:
    """An n-gram over tokens.

    Args:
        vocabulary: How many tokens there are.
        order: Length of the longest gram in tokens, at least 1; the context is one shorter.
        relative: Take pitches and chords of the grid language as `intervals`, so that what was
            learned in one key is known in all.
    """

    def __init__(self, vocabulary: int, order: int, *, relative: bool) -> None:
        self._vocabulary = vocabulary
        self._length = order
        self._relative = relative
        self._orders: list[_Order] = []

    def fit(self, pieces: Iterable[tuple[Ids, NDArray[np.bool_]]]) -> NGram:
        """Count what follows what.

        Args:
            pieces: Tokens of each piece, and which of them count as something to predict; the
                others are contexts only.
        """
        read = [(self._symbols(tokens), counted) for tokens, counted in pieces]
        symbols = np.concatenate([tokens for tokens, _ in read])
        counted = np.concatenate([flags for _, flags in read]).astype(np.float64)
        place = np.concatenate([np.arange(len(tokens)) for tokens, _ in read])
        self._orders = []
        contexts, context = 1, np.zeros(len(symbols), np.int64)
        for length in range(self._length):
            whole = place >= length  # no gram crosses from one piece into another
            grams, which = np.unique(
                context[whole] * self._vocabulary + symbols[whole], return_inverse=True
            )
            counts = np.bincount(which, counted[whole], len(grams)).astype(np.float64)
            owner = grams // self._vocabulary
            totals = np.bincount(owner, counts, contexts).astype(np.float64)
            types = np.bincount(owner, counts > 0, contexts).astype(np.float64)
            self._orders.append(_Order(grams, counts, totals, types))
            # The gram that ends at one position is the context of the next.
            context[whole] = which
            contexts, context = len(grams), np.roll(context, 1)
        return self

    def probabilities(self, tokens: Ids) -> NDArray[np.float64]:
        """P(token | all tokens before), shape (len(tokens), vocabulary). Rows add up to 1."""
        symbols = self._symbols(tokens)
        rows = np.concatenate([rows for _, rows in self._blocks(symbols, 0)])
        if not self._relative:
            return rows
        every = np.repeat(np.arange(self._vocabulary)[:, None], len(tokens), axis=1)
        return np.take_along_axis(rows, renamed(every, references(tokens)).T, axis=1)

    def judge(self, tokens: Ids) -> Judgement:
        """Predict `tokens[1:]`, each from all before it."""
        symbols = self._symbols(tokens)
        # An interval is another name for a token: the probability of what came, and whether it
        # was the likeliest, are the same under either.
        return join(
            [
                judge_logits(np.log(rows), symbols[start : start + len(rows)])
                for start, rows in self._blocks(symbols, 1)
            ]
        )

    def _symbols(self, tokens: Ids) -> Symbols:
        return intervals(tokens) if self._relative else tokens.astype(np.int64)

    def _blocks(self, symbols: Symbols, first: int) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """(position, distributions (n, vocabulary)) from `first` on, a block at a time."""
        contexts = self._contexts(symbols)
        for start in range(first, len(symbols), _BLOCK):
            block = slice(start, start + _BLOCK)
            n = len(symbols[block])
            rows = np.full((n, self._vocabulary), 1 / self._vocabulary)
            for order, context in zip(self._orders, contexts, strict=True):
                self._interpolate(rows, order, context[block])
            yield start, rows

    def _contexts(self, symbols: Symbols) -> list[NDArray[np.int64]]:
        """For each order, the number of the context before each position; -1 if never seen."""
        context = np.zeros(len(symbols), np.int64)
        contexts = []
        for order in self._orders:
            contexts.append(context)
            gram = context * self._vocabulary + symbols
            place = np.searchsorted(order.grams, gram)
            # -1: beyond the last gram, or no grams
            seen = np.append(order.grams, -1)[place] == gram
            ending = np.where((context >= 0) & seen, place, -1)
            context = np.concatenate([[-1], ending[:-1]])
        return contexts

    def _interpolate(
        self, rows: NDArray[np.float64], order: _Order, context: NDArray[np.int64]
    ) -> None:
        """Mix what followed these contexts into `rows`, the distributions of shorter contexts."""
        known = np.flatnonzero(context >= 0)
        known = known[order.totals[context[known]] > 0]
        context = context[known]
        weight = 1 / (order.totals[context] + order.types[context])
        rows[known] *= (order.types[context] * weight)[:, None]
        # The grams of a context lie side by side.
        start = np.searchsorted(order.grams, context * self._vocabulary)
        stop = np.searchsorted(order.grams, (context + 1) * self._vocabulary)
        sizes = stop - start
        row = np.repeat(np.arange(len(known)), sizes)
        gram = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes) + start[row]
        # Each symbol is listed once per context, so no (row, symbol) occurs twice.
        rows[known[row], order.grams[gram] % self._vocabulary] += order.counts[gram] * weight[row]
