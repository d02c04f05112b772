"""A training step, and a measurement on held-out pieces, for each of the two languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from jamd.errors import CorpusError
from jamd.training.learning.batches import Batch, windows
from jamd.training.learning.network import (
    ArticleSize,
    Carried,
    GridSize,
    Trainee,
    article_network,
    grid_pair,
)
from jamd.training.learning.passages import Passages, Text, excerpts
from jamd.training.learning.precision import Precision, policy, takes_whole_windows
from jamd.training.learning.prefetch import prefetched
from jamd.training.learning.runs import Settings
from jamd.training.learning.windows import ArticleWindows, article_windows

EXCERPT = 384
"""Length of a held-out grid passage, in tokens."""

CLIP_NORM = 1.0
"""Global norm, over all weights, to which the gradients of a grid network are clipped."""

_MOST_HELD_OUT_BATCHES = 16  # of an article's held-out windows: a quick check, not the final figure


@dataclass(frozen=True, slots=True)
class LossScore:
    """How well tokens were predicted.

    Attributes:
        loss: Mean cross entropy, nats per token.
        accuracy: Share of tokens that were predicted as the most likely, 0..1.
        tokens: How many tokens counted.
    """

    loss: float
    accuracy: float
    tokens: float

    @classmethod
    def mean(cls, scores: Sequence[LossScore]) -> LossScore:
        """Several scores as one, each token counting equally."""
        total = sum(score.tokens for score in scores)
        if not total:
            return cls(0.0, 0.0, 0.0)
        return cls(
            sum(score.loss * score.tokens for score in scores) / total,
            sum(score.accuracy * score.tokens for score in scores) / total,
            total,
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """A batch on the device that computes with it.

    Attributes:
        inputs: What the network reads.
        targets: What it is to predict.
        weights: How much each target counts; None if all count equally.
        tokens: How many targets count.
    """

    inputs: Any
    targets: Any
    weights: Any
    tokens: float


class Lessons(Protocol):
    """What the training loop needs to know of a language."""

    network: keras.Model  # the form that is exported; shares its weights with the trainee
    trainee: keras.Model  # compiled
    schedule: bool  # whether the learning rate warms up and cools down

    def learn(self) -> bool:
        """Train on one batch, without waiting for the device to finish.

        Returns False, once, when an epoch's material is used up: nothing was learned then.
        """

    def score(self) -> LossScore:
        """The score since the last call; waits for the device."""

    def held_out(self) -> dict[str, LossScore]:
        """Style -> score on held-out pieces; empty if none are held out."""


class _KerasLessons:
    """Lessons learned by Keras's own training steps.

    Args:
        trainee: The network to train, as `jamd.training.learning.network` builds it.
        optimizer: How it learns.
        computed: What it computes in, as Keras names the policy.
    """

    def __init__(
        self, trainee: Trainee, optimizer: keras.optimizers.Optimizer, computed: str
    ) -> None:
        self.trainee = trainee
        self._tokens = 0.0
        if computed == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        trainee.compile(
            optimizer,
            # The mean over the tokens that count, so that padding does not shrink the step.
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, reduction="mean_with_sample_weight"
            ),
            weighted_metrics=[
                keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy", from_logits=True),
                keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            ],
            # XLA on a GPU and on JAX; on a CPU its loops are slower than TensorFlow's own.
            jit_compile="auto",
        )
        optimizer.build(trainee.trainable_variables)

    def train_on(self, batch: Placed) -> None:
        """Learn from a batch."""
        self.trainee.train_on_batch(batch.inputs, batch.targets, batch.weights)
        self._tokens += batch.tokens

    def measure(self, batch: Placed) -> None:
        """Predict a batch, without learning from it."""
        self.trainee.test_on_batch(batch.inputs, batch.targets, batch.weights)
        self._tokens += batch.tokens

    def score(self) -> LossScore:
        found, tokens = self.trainee.scores(), self._tokens
        self._tokens = 0.0
        return LossScore(found["cross_entropy"], found["accuracy"], tokens)


class GridLessons(_KerasLessons):
    """The grid network and what it reads.

    Args:
        size: How large the network is.
        settings: How to train it.
        training: Pieces to learn from.
        held_out: Pieces to measure on.
        shares: Style -> share of what is read.
        seed: Seed of what is drawn; differs from one resumption to the next.
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
        computed = self.policy(settings.precision)
        whole = takes_whole_windows(computed)
        pair = grid_pair(size, self.rows_here(rows), window, computed, whole)
        super().__init__(pair.trainee, self.optimizer(settings.rate), computed)
        self.network = pair.network
        passages = Passages(training, shares, np.random.default_rng(seed))
        self._batches = prefetched(map(self.placed, windows(passages, rows, window)))
        self._held_out: dict[str, list[Placed]] = {}
        for style in sorted({text.style for text in held_out}):
            # The same excerpts in every run and epoch, whatever the seed.
            rng = np.random.default_rng(0)
            texts = [text for text in held_out if text.style == style]
            read = windows(excerpts(texts, rng, rows, EXCERPT), rows, window)
            self._held_out[style] = [self.placed(batch) for batch in read]

    def rows_here(self, rows: int) -> int:
        """How many of a batch's rows this process reads."""
        return rows

    def policy(self, precision: Precision) -> str:
        """What the LSTM layers compute in on this device, as Keras names the policy."""
        return policy(precision)

    def optimizer(self, rate: float) -> keras.optimizers.Optimizer:
        return keras.optimizers.AdamW(rate, 0.01, global_clipnorm=CLIP_NORM)

    def placed(self, batch: Batch) -> Placed:
        """The part of a batch that this process reads, placed on its device."""
        tokens, keep, targets, weights = (
            ops.convert_to_tensor(array)
            for array in (batch.tokens, batch.keep, batch.targets, batch.weights)
        )
        return Placed([tokens, keep], targets, weights, float(batch.weights.sum()))

    def learn(self) -> bool:
        self.train_on(next(self._batches))
        return True

    def held_out(self) -> dict[str, LossScore]:
        before = self.states()
        scores = {}
        for style, batches in self._held_out.items():
            for batch in batches:
                self.measure(batch)
            scores[style] = self.score()
        self.put_states(before)
        return scores

    def states(self) -> list[Any]:
        """The states that the network carries from one window to the next."""
        return [state.numpy() for state in self.carried]

    def put_states(self, values: Sequence[Any]) -> None:
        """Make these the states that the network carries."""
        for state, value in zip(self.carried, values, strict=True):
            state.assign(value)

    @property
    def carried(self) -> list[keras.Variable]:
        """The variables that hold the states."""
        layers = [layer for layer in self.trainee.layers if isinstance(layer, Carried)]
        return [state for layer in layers for state in (layer.h, layer.c)]


class ArticleLessons(_KerasLessons):
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
        computed = policy(settings.precision)
        self.network = article_network(size, computed)
        trainee = Trainee(self.network.inputs[0], self.network.outputs[0], name="article_trainee")
        super().__init__(trainee, keras.optimizers.RMSprop(settings.rate), computed)
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
        self._batches = prefetched(self._epochs())

    def _epochs(self) -> Iterator[Placed | None]:
        """Endless batches, in a new order in each epoch; None after each epoch."""
        while True:
            order = self._rng.permutation(len(self._training))
            # Batches of one size: any other would be traced and compiled again.
            for start in range(0, max(len(order) - self._rows + 1, 1), self._rows):
                yield _placed(self._training, order[start : start + self._rows])
            yield None

    def learn(self) -> bool:
        batch = next(self._batches)
        if batch is not None:
            self.train_on(batch)
        return batch is not None

    def held_out(self) -> dict[str, LossScore]:
        scores = {}
        for style, examples in self._held_out.items():
            rng = np.random.default_rng(0)
            chosen = rng.permutation(len(examples))[: self._rows * _MOST_HELD_OUT_BATCHES]
            for part in np.array_split(chosen, max(1, -(-len(chosen) // self._rows))):
                self.measure(_placed(examples, part))
            scores[style] = self.score()
        return scores


def _placed(examples: ArticleWindows, chosen: NDArray[np.intp]) -> Placed:
    read, following = examples.batch(chosen)
    tensors = ops.convert_to_tensor(read), ops.convert_to_tensor(following)
    return Placed(*tensors, weights=None, tokens=float(len(chosen)))
