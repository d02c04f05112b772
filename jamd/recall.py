"""Memory of the jam: what has been heard in it, mixed into what the network expects.

A network that has read a thousand tunes knows music, but hardly this tune. Beside it stands a
short-term model of the session alone (the STM of IDyOM: M. T. Pearce, "The Construction and
Evaluation of Statistical Models of Melodic Structure in Music Perception and Composition", 2005,
chapter 6), a variable-order n-gram over intervals and rhythm: PPM with escape method C (J. G.
Cleary and I. H. Witten, "Data compression using adaptive coding and partial string matching", IEEE
Transactions on Communications 32(4), 1984; A. Moffat, 1990), interpolated. Where PPM ends in the
uniform distribution, this one ends in the network's:

    P_k(w | h) = (count(h w) + e_k(h) * P_shorter(w)) / (count(h) + e_k(h))

The escape is the confidence by which the two are mixed: after a long context that has always
continued in one way, the memory decides; after one never seen, the network alone. Method C escapes
by types(h), the number of different names that have followed. Here, with H the entropy in bits of
what the network expects (weighting by it: D. Conklin and I. H. Witten, "Multiple viewpoint systems
for music prediction", 1995),

    e_k(h) = 40 * types(h)^2 / (k * sqrt(H + 0.01)).

A network that is sure is hard to talk round. The exponents were free when they were fitted to half
of the held-out pieces of all seven styles, and came out near these; so did the 40 (docs/lab.md 19).

Pitches are remembered as intervals, so a motif is recognised in any key; velocities and the
countdown of a phrase are not part of a context, so a motif is recognised however loudly it is
played and wherever in the phrase.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jamd.grid.tokens import CHORD, COMP, KINDS, LEAD, LOWEST, PHRASE, PITCHES, VELOCITY
from jamd.harmony.harmony import CHORDS, QUALITIES

ORDERS = (1, 2, 4, 6, 9, 14, 20, 30)
"""Lengths k, in tokens, of the contexts looked up."""

ESCAPE = 40.0
"""How readily the memory leaves the decision to shorter contexts, and at last to the network."""

LEAST_BITS = 0.01
"""Added to the network's entropy, so that one that is certain is not beyond doubt."""

RECENT = 64
"""Only this many latest places count: they are about what is played now, and bound the cost."""

Gram = tuple[int, ...]

_KINDS = {kind: i for i, kind in enumerate(dict.fromkeys(KINDS))}
_KINDS["Phrase"] = _KINDS["Bar"]  # a countdown does not change the context
_KIND = tuple(_KINDS[kind] for kind in KINDS)


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the longest common prefix, by bisection, since slices are compared in C."""
    known, most = 0, min(len(one), len(other))
    while known < most:
        half = (known + most + 1) // 2
        if one[known:half] == other[known:half]:
            known = half
        else:
            most = half - 1
    return known


class Recall:
    """A short-term model of one sequence of tokens, whose latest tokens can be taken back.

    Args:
        relative: Whether to remember pitches and chords of the grid language as intervals, rather
            than every token unchanged.
    """

    def __init__(self, *, relative: bool) -> None:
        self._relative = relative
        self._tokens: list[int] = []
        self._learned: list[bool] = []
        self._followers: dict[Gram, list[int]] = {}
        self._names: list[int] = []  # of the tokens that make contexts
        # Before each token: how many names there were, and what intervals are counted from.
        self._before: list[tuple[int, tuple[int, int]]] = []
        self._last = (0, 0)  # the last pitch of Comp and of Lead, counted from its lowest
        self._stage = -1  # the kind of the last token
        self._contexts: list[Gram] | None = None  # until the next token

    def read(self, tokens: Sequence[int], learned: Sequence[bool]) -> None:
        """Make `tokens` all that is known; the prefix they share with the tokens before is kept.

        Args:
            tokens: The sequence.
            learned: For each token, whether it is remembered; the others are contexts only.
        """
        agreed = common_prefix(self._tokens, tokens)
        agreed = common_prefix(self._learned[:agreed], learned[:agreed])
        while len(self._tokens) > agreed:
            self._take_back()
        for token, learn in zip(tokens[agreed:], learned[agreed:], strict=True):
            self.push(token, learn=learn)

    def push(self, token: int, *, learn: bool) -> None:
        """Append `token`; if `learn`, remember that it came here."""
        name = self._name(token)
        if learn and self._is_played(token):
            for context in self._here():
                self._followers.setdefault(context, []).append(name)
        self._tokens.append(token)
        self._learned.append(learn)
        self._before.append((len(self._names), self._last))
        self._go_on(token, name)

    def mix(self, logits: NDArray[np.float32], share: float = 1.0) -> NDArray[np.float32]:
        """The network's logits (vocabulary,), corrected by what is remembered.

        Args:
            logits: For the token after the last one pushed; not changed.
            share: How much the memory counts, 0..1.

        Returns:
            Shape (vocabulary,): `logits` itself if nothing is remembered or `share` is 0.
        """
        found = self._found()
        if not found or share <= 0:
            return logits
        highest = float(logits.max())
        below = logits - highest
        weights = np.exp(below)
        whole = float(weights.sum())
        bits = (math.log(whole) - float(weights @ below) / whole) / math.log(2)
        remembered, left = _expect(found, bits)
        left = 1 - share * (1 - left)
        mixed = logits.copy()
        for name, probability in remembered.items():
            token = self._token(name)
            network = math.exp(float(logits[token]) - highest) / whole
            mixed[token] = highest + math.log(whole * (network + share * probability / left))
        return mixed

    def _found(self) -> list[tuple[int, list[int]]]:
        """The contexts of the next token that have been followed: lengths, and latest followers."""
        looked_up = zip(ORDERS, map(self._followers.get, self._here()), strict=False)
        return [(order, followers[-RECENT:]) for order, followers in looked_up if followers]

    def _here(self) -> list[Gram]:
        """The contexts of the next token, shortest first."""
        if self._contexts is None:
            names, stage = self._names, self._stage
            self._contexts = [(stage, *names[-n:]) for n in ORDERS if n <= len(names)]
        return self._contexts

    def _go_on(self, token: int, name: int) -> None:
        self._contexts = None
        if not self._relative:
            self._names.append(name)
            return
        self._stage = _KIND[token]
        if not (VELOCITY <= token < LEAD or token >= PHRASE):
            self._names.append(name)
        comp, lead = self._last
        if COMP <= token < VELOCITY:
            self._last = (token - COMP, lead)
        elif LEAD <= token < LEAD + PITCHES:
            self._last = (comp, token - LEAD)

    def _take_back(self) -> None:
        """Undo the last `push`."""
        token = self._tokens.pop()
        count, self._last = self._before.pop()
        del self._names[count:]
        self._stage = _KIND[self._tokens[-1]] if self._tokens and self._relative else -1
        self._contexts = None
        if self._learned.pop() and self._is_played(token):
            for context in self._here():
                followers = self._followers[context]
                followers.pop()
                if not followers:
                    del self._followers[context]

    def _is_played(self, token: int) -> bool:
        """Whether it can be remembered: a countdown is given, not played."""
        return not self._relative or token < PHRASE

    def _name(self, token: int) -> int:
        """A token as an interval, written as an id of the token's kind."""
        first, size, reference = self._frame(token)
        return first + (token - first - reference) % size if size else token

    def _token(self, name: int) -> int:
        """The token that `name` stands for here."""
        first, size, reference = self._frame(name)
        return first + (name - first + reference) % size if size else name

    def _frame(self, token: int) -> tuple[int, int, int]:
        """First id and number of the kind's tokens, and what its intervals are counted from.

        A pitch counts from the previous one in its own part, a chord's root from the last Comp
        note. Intervals wrap round within the ids of their kind, so that at each place the names are
        a permutation of the tokens.
        """
        if not self._relative or token < CHORD:
            return 0, 0, 0
        if token < COMP:
            return CHORD, len(CHORDS), (self._last[0] + LOWEST) % 12 * len(QUALITIES)
        if token < VELOCITY:
            return COMP, PITCHES, self._last[0]
        if LEAD <= token < LEAD + PITCHES:
            return LEAD, PITCHES, self._last[1]
        return 0, 0, 0


def _expect(found: Sequence[tuple[int, list[int]]], bits: float) -> tuple[dict[int, float], float]:
    """The probability of each name that is remembered, and the rest, which is the network's.

    Args:
        found: Contexts, shortest first: the length of each, and the names that followed it.
        bits: The entropy of what the network expects.
    """
    escape = ESCAPE / math.sqrt(max(0.0, bits) + LEAST_BITS)
    expected: dict[int, float] = {}
    left = 1.0
    for order, followers in reversed(found):
        counts: dict[int, int] = {}
        for name in followers:
            counts[name] = counts.get(name, 0) + 1
        escaped = escape * len(counts) ** 2 / order
        total = len(followers) + escaped
        for name, count in counts.items():
            expected[name] = expected.get(name, 0.0) + left * count / total
        left *= escaped / total
    return expected, left
