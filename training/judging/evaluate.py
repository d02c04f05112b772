"""Bits per token and per note on held-out pieces: a model against a unigram and an n-gram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.bundle.manifest import Figures, Score
from jamd.errors import CorpusError
from jamd.training.corpus import Corpus, CorpusPiece, names_of
from jamd.training.judging.likelihood import Ids, Predictor
from jamd.training.judging.ngram import NGram
from jamd.training.learning.passages import Text, whole
from jamd.training.progress import Progress, no_progress
from jamd.vocabulary import Vocabulary

ORDER = 5
"""Length of the n-gram's longest gram, in tokens."""

MOST_TOKENS = 200_000
"""Held-out tokens of a set that are measured; more would only change the third digit."""

MOST_NGRAM_TOKENS = 20_000_000
"""Training tokens of a set that the n-gram counts: 2 GB of memory, a minute."""

NOTES = frozenset({"Comp", "Lead", "note", "chord"})
"""Kinds of token that each stand for a note, or, in the article's language, for a moment."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A piece to be predicted.

    Attributes:
        tokens: Its ids.
        counted: bool (n,): which of them are measured. Excluded are tokens that are given to the
            model (`Start`, `Style`), and velocities if the source has none of its own.
    """

    tokens: Ids
    counted: NDArray[np.bool_]


@dataclass(slots=True)
class Tally:
    """What was measured on some tokens: how many, total bits, and how many were the top guess."""

    tokens: int = 0
    bits: float = 0.0
    hits: int = 0

    def add(self, bits: NDArray[np.float64], hits: NDArray[np.bool_]) -> None:
        self.tokens += len(bits)
        self.bits += float(bits.sum())
        self.hits += int(hits.sum())


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Predictors measured on the same tokens.

    Attributes:
        pieces: How many pieces were measured.
        by_kind: Predictor -> kind of token -> tally.
    """

    pieces: int
    by_kind: Mapping[str, Mapping[str, Tally]]

    @property
    def tokens(self) -> int:
        """How many tokens were measured."""
        return sum(tally.tokens for tally in self._any().values())

    @property
    def notes(self) -> int:
        """How many of the measured tokens are notes."""
        return sum(tally.tokens for kind, tally in self._any().items() if kind in NOTES)

    def _any(self) -> Mapping[str, Tally]:
        return next(iter(self.by_kind.values()))

    def score(self, name: str) -> Score:
        """The score of one predictor over all kinds of token."""
        tallies = self.by_kind[name].values()
        bits = sum(tally.bits for tally in tallies)
        hits = sum(tally.hits for tally in tallies)
        return Score(bits / self.tokens, bits / self.notes, hits / self.tokens)

    def figures(self) -> Figures:
        """What a manifest stores of this evaluation."""
        scores = {name: self.score(name) for name in self.by_kind}
        return Figures(self.pieces, self.tokens, self.notes, scores)


def evaluate(
    predictors: Mapping[str, Predictor],
    samples: Sequence[Sample],
    vocabulary: Vocabulary,
    progress: Progress = no_progress,
) -> Evaluation:
    """Measure every predictor on the same tokens of `samples`: those that all of them predict.

    Raises:
        CorpusError: No note is left to measure.
    """
    kinds = np.array([_kind(vocabulary, token) for token in range(len(vocabulary))])
    names = sorted(set(kinds))
    by_kind = {name: {kind: Tally() for kind in names} for name in predictors}
    for done, sample in enumerate(samples):
        progress("evaluating", done, len(samples))
        judged = {name: predictor.judge(sample.tokens) for name, predictor in predictors.items()}
        common = min(len(judgement.bits) for judgement in judged.values())
        first = len(sample.tokens) - common
        counted, kind = sample.counted[first:], kinds[sample.tokens[first:]]
        for name, judgement in judged.items():
            others = len(judgement.bits) - common  # which not all of them predict
            bits, hits = judgement.bits[others:], judgement.hits[others:]
            for one in names:
                where = counted & (kind == one)
                by_kind[name][one].add(bits[where], hits[where])
    progress("evaluating", len(samples), len(samples))
    measured = {
        name: {kind: tally for kind, tally in tallies.items() if tally.tokens}
        for name, tallies in by_kind.items()
    }
    evaluation = Evaluation(len(samples), measured)
    if not evaluation.notes:
        raise CorpusError("expected pieces of at least 2 tokens to measure, found none")
    return evaluation


def _kind(vocabulary: Vocabulary, token: int) -> str:
    """`Lead`, `Duration` …; the article's names are notes, or chords with dots."""
    name = vocabulary.token(token)
    if "_" in name or name.isalpha():
        return vocabulary.kind(token)
    return "chord" if "." in name else "note"


def evaluate_corpus(
    models: Mapping[str, Predictor],
    corpus: Corpus,
    *,
    most_tokens: int = MOST_TOKENS,
    progress: Progress = no_progress,
) -> Evaluation:
    """Measure models, by name, on a corpus's held-out pieces, with a unigram and an n-gram.

    Both are trained on the corpus's own training pieces, so they know this music best.

    Raises:
        CorpusError: The corpus holds nothing out, or has nothing to train on.
    """
    samples = held_out(corpus, most_tokens)
    return evaluate({**models, **baselines_of(corpus)}, samples, corpus.vocabulary, progress)


def evaluate_corpora(
    model: Predictor,
    corpora: Sequence[Corpus],
    *,
    most_tokens: int = MOST_TOKENS,
    progress: Progress = no_progress,
) -> dict[str, Figures]:
    """The figures of a model card: by name (`names_of`), against a unigram and an n-gram.

    Raises:
        CorpusError: A corpus holds nothing out, or has nothing to train on.
    """
    found = (
        evaluate_corpus({"model": model}, corpus, most_tokens=most_tokens, progress=progress)
        for corpus in corpora
    )
    names = names_of(corpus.path for corpus in corpora)
    return {name: one.figures() for name, one in zip(names, found, strict=True)}


def baselines_of(corpus: Corpus) -> dict[str, Predictor]:
    """`unigram` and `n-gram`, trained on a corpus's training pieces.

    Raises:
        CorpusError: The corpus has no training pieces.
    """
    entries = _bounded(corpus.of_split("train"), MOST_NGRAM_TOKENS)
    if not entries:
        raise CorpusError(f"{corpus.path}: expected pieces to train on, found none")
    samples = [sample_of(corpus, entry) for entry in entries]
    pieces = [(sample.tokens, sample.counted) for sample in samples]
    size = len(corpus.vocabulary)
    return {
        "unigram": NGram(size, 1, relative=False).fit(pieces),
        "n-gram": NGram(size, ORDER, relative=corpus.language == "grid").fit(pieces),
    }


def held_out(corpus: Corpus, most_tokens: int = MOST_TOKENS) -> list[Sample]:
    """A corpus's held-out pieces, or enough of them for `most_tokens`, ready to be measured.

    Raises:
        CorpusError: There are none.
    """
    return [sample_of(corpus, entry) for entry in entries_held_out(corpus, most_tokens)]


def entries_held_out(corpus: Corpus, most_tokens: int) -> list[CorpusPiece]:
    """The pieces that `held_out` takes; raises the same errors."""
    entries = _bounded(corpus.of_split("held-out"), most_tokens)
    if not entries:
        raise CorpusError(
            f"{corpus.path}: expected held-out pieces, found none; prepare more files"
        )
    return entries


def sample_of(corpus: Corpus, entry: CorpusPiece) -> Sample:
    """A piece of a corpus, ready to be measured."""
    tokens = corpus.tokens(entry)
    if corpus.language != "grid":
        return Sample(tokens, np.ones(len(tokens), np.bool_))
    read = whole(Text(tokens, corpus.style, entry.has_velocity, corpus.taught(entry)))
    return Sample(tokens, read.weights > 0)


def _bounded(entries: Sequence[CorpusPiece], most_tokens: int) -> list[CorpusPiece]:
    """Pieces in an arbitrary but fixed order, until they have `most_tokens` tokens."""
    chosen, tokens = [], 0
    order = np.random.default_rng(0).permutation(len(entries))
    for entry in (entries[i] for i in order):
        if tokens >= most_tokens:
            break
        chosen.append(entry)
        tokens += entry.length
    return chosen
