"""How often each token of a corpus occurs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.training.corpus import Corpus
from jamd.vocabulary import Vocabulary

_PARTS = ("Lead", "Comp")


@dataclass(frozen=True, slots=True)
class Distribution:
    """Token counts over all pieces of a corpus.

    Attributes:
        language: `grid` or `article`.
        vocabulary: The tokens.
        counts: int64 (vocabulary,): how often each occurs.
    """

    language: str
    vocabulary: Vocabulary
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, corpus: Corpus) -> Distribution:
        """Count the tokens of a corpus, piece by piece, so that memory stays flat."""
        counts = np.zeros(len(corpus.vocabulary), np.int64)
        for piece in corpus.pieces:
            counts += np.bincount(corpus.tokens(piece), minlength=len(counts))
        return cls(corpus.language, corpus.vocabulary, counts)

    @property
    def total(self) -> int:
        """How many tokens there are."""
        return int(self.counts.sum())

    @property
    def different(self) -> int:
        """How many tokens of the vocabulary occur."""
        return int(np.count_nonzero(self.counts))

    @property
    def once(self) -> int:
        """How many tokens of the vocabulary occur exactly once."""
        return int(np.count_nonzero(self.counts == 1))

    def most_frequent(self, most: int) -> list[tuple[str, int]]:
        """(name, count) of up to `most` tokens that occur, most frequent first."""
        order = np.argsort(-self.counts, kind="stable")[:most]
        return [(self.vocabulary.token(i), int(self.counts[i])) for i in order if self.counts[i]]

    def by_kind(self) -> dict[str, int]:
        """Kind of token of the grid language (`Lead`, `Duration` …) -> count, most frequent first.

        Kinds that do not occur are left out.
        """
        kinds: dict[str, int] = {}
        for token, count in enumerate(self.counts.tolist()):
            if count:
                kind = self.vocabulary.kind(token)
                kinds[kind] = kinds.get(kind, 0) + count
        return dict(sorted(kinds.items(), key=lambda item: -item[1]))

    def by_pitch(self) -> Mapping[str, dict[int, int]]:
        """Part of the grid language -> MIDI pitch -> count."""
        found: dict[str, dict[int, int]] = {part: {} for part in _PARTS}
        for name, count in zip(self.vocabulary, self.counts.tolist(), strict=True):
            part, _, pitch = name.partition("_")
            if count and part in found:
                found[part][int(pitch)] = count
        return found
