"""One step of training and one look at held-out pieces, for each of the two languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from jamd.errors import CorpusError
from jamd.training.batches import Batch, windows
from jamd.training.network import (
    ArticleSize,
    Carried,
    GridSize,
    article_network,
    grid_pair,
)
from jamd.training.passages import Passages, Text, excerpts
from jamd.training.runs import Settings
from jamd.training.windows import article_windows

EXCERPT = 384
"""Tokens of a held-out grid passage."""

CLIP_NORM = 1.0
"""The longest gradient, of all weights together, that a grid network follows as it is."""

_MOST_HELD_OUT_BATCHES = 16  # of an article's held-out windows: a bounded look, not the verdict


@dataclass(frozen=True, slots=True)
class Score:
    """How well tokens were predicted.

    Attributes:
        loss: Mean cross entropy, nats a token.
        accuracy: Share of tokens that were thought the likeliest, 0..1.
        tokens: How many tokens counted.
    """

    loss: float
    accuracy: float
    tokens: float

    @classmethod
    def mean(cls, scores: Sequence[Score]) -> Score:
        """Several scores as one, each token counting alike."""
        total = sum(score.tokens for score in scores)
        if not total:
            return cls(0.0, 0.0, 0.0)
        return cls(
            sum(score.loss * score.tokens for score in scores) / total,
            sum(score.accuracy * score.tokens for score in scores) / total,
            total,
        )


class Lessons(Protocol):
    """What the training loop needs to know of a language."""

    network: keras.Model  # the form that is exported; shares its weights with the trainee
    trainee: keras.Model  # compiled
    schedule: bool  # whether the learning rate warms up and cools down

    def learn(self) -> Score | None:
        """Train on one batch; None where an epoch's material is used up, once."""

    def held_out(self) -> dict[str, Score]:
        """Style -> score on held-out pieces; empty when none are held out."""


class GridLessons:
    """The grid network and what it reads.

    Args:
        size: How large the network is.
        settings: How to train it.
        training: Pieces to learn from.
        held_out: Pieces to measure on.
        shares: Style -> share of what is read.
        seed: Of what is drawn: differs from one resumption to the next.
    """

    schedule = True

    def __init__(
        self,
        size: GridSize,
        settings: Settings,
        training: Sequence[Text],
        held_out: Sequence[Text],
        shares: Mapping[str, float],
        seed: int,
    ) -> None:
        rows, window = settings.rows, settings.window
        pair = grid_pair(size, self.rows_here(rows), window)
        self.network, self.trainee = pair.network, pair.trainee
        _compile(self.trainee, self.optimizer(settings.rate))
        passages = Passages(training, shares, np.random.default_rng(seed))
        self._batches = windows(passages, rows, window)
        self._held_out: dict[str, list[Batch]] = {}
        for style in sorted({text.style for text in held_out}):
            # The same excerpts in every run and epoch, whatever its seed.
            rng = np.random.default_rng(0)
            texts = [text for text in held_out if text.style == style]
            self._held_out[style] = list(windows(excerpts(texts, rng, rows, EXCERPT), rows, window))

    def rows_here(self, rows: int) -> int:
        """How many of a batch's rows this process reads."""
        return rows

    def optimizer(self, rate: float) -> keras.optimizers.Optimizer:
        return keras.optimizers.AdamW(rate, 0.01, global_clipnorm=CLIP_NORM)

    def learn(self) -> Score:
        batch = next(self._batches)
        return _score(self.trainee, self.trainee.train_on_batch, batch)

    def measure(self, batch: Batch) -> Score:
        """How well a batch is predicted, without learning from it."""
        return _score(self.trainee, self.trainee.test_on_batch, batch)

    def held_out(self) -> dict[str, Score]:
        before = self.states()
        scores = {
            style: Score.mean([self.measure(batch) for batch in batches])
            for style, batches in self._held_out.items()
        }
        self.put_states(before)
        return scores

    def states(self) -> list[Any]:
        """What the network carries from one window to the next."""
        return [state.numpy() for state in self.carried]

    def put_states(self, values: Sequence[Any]) -> None:
        """Let the network carry these."""
        for state, value in zip(self.carried, values, strict=True):
            state.assign(value)

    @property
    def carried(self) -> list[keras.Variable]:
        """The variables that hold it."""
        layers = [layer for layer in self.trainee.layers if isinstance(layer, Carried)]
        return [state for layer in layers for state in (layer.h, layer.c)]


class ArticleLessons:
    """The article's network and what it reads. The arguments are those of `GridLessons`."""

    schedule = False

    def __init__(
        self,
        size: ArticleSize,
        settings: Settings,
        training: Sequence[Text],
        held_out: Sequence[Text],
        seed: int,
    ) -> None:
        self.network = self.trainee = article_network(size)
        _compile(self.trainee, keras.optimizers.RMSprop(settings.rate))
        self._rng = np.random.default_rng(seed)
        self._rows = settings.rows
        self._training = article_windows(
            [text.tokens for text in training], size.vocabulary, across=settings.faithful
        )
        if not len(self._training):
            raise CorpusError("expected more than 32 notes and chords to train on; prepare more")
        if settings.oversample:
            self._training = self._training.oversampled(settings.oversample)
        looked_at = () if settings.faithful else held_out
        self._held_out = {
            style: article_windows(
                [text.tokens for text in looked_at if text.style == style], size.vocabulary
            )
            for style in sorted({text.style for text in looked_at})
        }
        self._order = self._shuffled()

    def _shuffled(self) -> Iterator[NDArray[np.intp]]:
        order = self._rng.permutation(len(self._training))
        # Batches of one size: another would be traced and compiled again.
        for start in range(0, max(len(order) - self._rows + 1, 1), self._rows):
            yield order[start : start + self._rows]

    def learn(self) -> Score | None:
        chosen = next(self._order, None)
        if chosen is None:
            self._order = self._shuffled()
            return None
        x, y = self._training.batch(chosen)
        return _article_score(self.trainee, self.trainee.train_on_batch, x, y)

    def held_out(self) -> dict[str, Score]:
        scores = {}
        for style, examples in self._held_out.items():
            rng = np.random.default_rng(0)
            chosen = rng.permutation(len(examples))[: self._rows * _MOST_HELD_OUT_BATCHES]
            parts = np.array_split(chosen, max(1, -(-len(chosen) // self._rows)))
            batches = [examples.batch(part) for part in parts]
            scores[style] = Score.mean(
                [_article_score(self.trainee, self.trainee.test_on_batch, x, y) for x, y in batches]
            )
        return scores


def _compile(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    model.compile(
        optimizer,
        # The mean over what counts, so that padding does not shrink the step.
        keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        # XLA's loops are slower than TensorFlow's own on a CPU; JAX cannot do without.
        jit_compile=keras.backend.backend() == "jax",
    )
    optimizer.build(model.trainable_variables)


def _score(model: keras.Model, step: Any, batch: Batch) -> Score:
    model.reset_metrics()
    loss, accuracy = step([batch.tokens, batch.keep], batch.targets, batch.weights)
    return Score(float(loss), float(accuracy), float(batch.weights.sum()))


def _article_score(
    model: keras.Model, step: Any, x: NDArray[np.float32], y: NDArray[np.int32]
) -> Score:
    model.reset_metrics()
    loss, accuracy = step(x, y)
    return Score(float(loss), float(accuracy), float(len(y)))
