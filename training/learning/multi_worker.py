"""Training on several machines, with TensorFlow's `MultiWorkerMirroredStrategy` and TF_CONFIG.

This is the only training module that needs TensorFlow. Keras 3's `model.fit` and `train_on_batch`
fail under this strategy (keras-team/keras#20585), so the step is written out here. Every worker
makes the same batches from the same corpora and learns from its own rows of them; the loss of a row
is divided by the total weight of the whole batch, so that the workers' gradients add up to the
gradient that one machine would compute for that batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from jamd.training.learning import lessons
from jamd.training.learning.batches import Batch
from jamd.training.learning.lessons import GridLessons, LossScore, Placed
from jamd.training.learning.network import GridSize
from jamd.training.learning.passages import Text
from jamd.training.learning.precision import Precision
from jamd.training.learning.runs import Run, Settings
from jamd.training.learning.state import State, variables_of
from jamd.training.learning.team import TeamError

_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


class Team:
    """The workers that TF_CONFIG names, connected. All call the same methods in the same order.

    Attributes:
        size: How many workers there are.
        place: Index of this worker, from 0.
        is_chief: Whether this worker is the chief, which writes the run.

    Raises:
        TeamError: TF_CONFIG is wrong, or this worker sees more than one GPU.
    """

    def __init__(self) -> None:
        if (backend := keras.backend.backend()) != "tensorflow":
            raise TeamError(f"TF_CONFIG: expected KERAS_BACKEND=tensorflow, found {backend}")
        if len(gpus := tf.config.list_physical_devices("GPU")) > 1:
            raise TeamError(
                f"TF_CONFIG: expected one GPU for each worker, found {len(gpus)}; "
                "start a worker for each, and set its CUDA_VISIBLE_DEVICES"
            )
        try:
            self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
            resolver = self.strategy.cluster_resolver
            kind, number = resolver.task_type, resolver.task_id
            has_chief = "chief" in resolver.cluster_spec().jobs
        except (ValueError, KeyError, tf.errors.OpError) as error:
            reason = str(error).partition("\n")[0]
            raise TeamError(f"TF_CONFIG: expected a cluster and a task, found: {reason}") from error
        self.size: int = self.strategy.num_replicas_in_sync
        self.is_chief = kind == "chief" or (not has_chief and number == 0)
        self.place: int = number + (has_chief and kind != "chief")

        def add(mine: Any) -> Any:
            return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(mine))

        self._sum = tf.function(lambda mine: self.strategy.run(add, (mine,)))

    def sum(self, value: NDArray[Any]) -> NDArray[Any]:
        """The sum of the workers' values, all of one shape and type."""
        with told_in_one_line():
            result: NDArray[Any] = self._sum(tf.constant(value)).numpy()
        return result

    def of_chief(self, value: NDArray[Any]) -> NDArray[Any]:
        """The chief's value; the other workers pass one of the same shape and type."""
        return self.sum(value if self.is_chief else np.zeros_like(value))

    def told(self, message: str) -> str:
        """The chief's message; what the other workers pass is ignored."""
        said = np.frombuffer(message.encode(), np.uint8).astype(np.int32)
        length = int(self.of_chief(np.array(len(said), np.int32)))
        heard = self.of_chief(said if self.is_chief else np.zeros(length, np.int32))
        return heard.astype(np.uint8).tobytes().decode()


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turn the loss of a worker into an error that says what to do.

    Raises:
        TeamError: A worker was lost.
    """
    try:
        yield
    except _LOST as error:
        raise TeamError(
            "lost a worker of the cluster; start all of them again with the same command, "
            "and training goes on from the last epoch"
        ) from error


class SharedLessons(GridLessons):
    """The grid network, trained by a team: each worker reads its rows of every batch.

    Args:
        team: The workers.
        size, settings, training, held_out, shares, seed: As in `GridLessons`, for the whole batch.

    Raises:
        TeamError: The rows of a batch cannot be shared out evenly.
    """

    def __init__(
        self,
        team: Team,
        size: GridSize,
        settings: Settings,
        training: Sequence[Text],
        held_out: Sequence[Text],
        shares: Mapping[str, float],
        seed: int,
    ) -> None:
        if settings.rows % team.size:
            raise TeamError(
                f"expected rows of a batch that {team.size} workers can share evenly, "
                f"found {settings.rows}; choose another --batch"
            )
        self._team = team
        self._rows = settings.rows // team.size
        # Not yet read back, each with its number of tokens.
        self._scores: list[tuple[Any, float]] = []
        with told_in_one_line(), team.strategy.scope():
            super().__init__(size, settings, training, held_out, shares, seed)
        self._train = tf.function(self._train_everywhere)
        self._test = tf.function(self._test_everywhere)

    def rows_here(self, rows: int) -> int:
        return rows // self._team.size

    def optimizer(self, rate: float) -> keras.optimizers.Optimizer:
        return SumFirst(rate, 0.01, global_clipnorm=lessons.CLIP_NORM, name="adamw")

    def policy(self, precision: Precision) -> str:
        computed = super().policy(precision)
        if computed == "mixed_float16":  # each worker would scale its own loss
            raise TeamError(
                "TF_CONFIG: expected GPUs that have bfloat16, found older ones; "
                "train with --precision float32"
            )
        return computed

    def placed(self, batch: Batch) -> Placed:
        mine = slice(self._team.place * self._rows, (self._team.place + 1) * self._rows)
        count = float(batch.weights.sum())
        share = batch.weights[mine] / max(count, 1.0)
        return Placed([batch.tokens[mine], batch.keep[mine]], batch.targets[mine], share, count)

    def train_on(self, batch: Placed) -> None:
        self._step(self._train, batch)

    def measure(self, batch: Placed) -> None:
        self._step(self._test, batch)

    def score(self) -> LossScore:
        with told_in_one_line():
            read = [(result.numpy(), tokens) for result, tokens in self._scores]
        self._scores.clear()
        return LossScore.mean([LossScore(float(r[0]), float(r[1]), tokens) for r, tokens in read])

    def states(self) -> list[Any]:
        return [state.numpy() for state in self._local_states()]

    def put_states(self, values: Sequence[Any]) -> None:
        for state, value in zip(self._local_states(), values, strict=True):
            state.assign(value)

    def _local_states(self) -> list[tf.Variable]:
        """The states of this worker's replica; the strategy refuses to assign them as a whole."""
        local = self._team.strategy.experimental_local_results
        return [local(state.value)[0] for state in self.carried]

    def _step(self, step: Callable[..., Any], batch: Placed) -> None:
        with told_in_one_line():
            result = step(*batch.inputs, batch.targets, batch.weights)
        self._scores.append((result, batch.tokens))

    def _train_everywhere(self, *batch: Any) -> Any:
        return self._team.strategy.run(self._train_here, batch)

    def _test_everywhere(self, *batch: Any) -> Any:
        return self._team.strategy.run(self._test_here, batch)

    def _train_here(self, tokens: Any, keep: Any, targets: Any, share: Any) -> Any:
        with tf.GradientTape() as tape:
            loss, right = self._forward(tokens, keep, targets, share, training=True)
        variables = self.trainee.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        self.trainee.optimizer.apply(gradients, variables)
        return tf.distribute.get_replica_context().all_reduce("SUM", tf.stack([loss, right]))

    def _test_here(self, tokens: Any, keep: Any, targets: Any, share: Any) -> Any:
        loss, right = self._forward(tokens, keep, targets, share, training=False)
        return tf.distribute.get_replica_context().all_reduce("SUM", tf.stack([loss, right]))

    def _forward(
        self, tokens: Any, keep: Any, targets: Any, share: Any, training: bool
    ) -> tuple[Any, Any]:
        """This worker's part of the batch's mean loss, nats per token, and of its accuracy."""
        logits = self.trainee([tokens, keep], training=training)  # (rows, window, vocabulary)
        losses = keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True)
        right = ops.cast(ops.equal(ops.argmax(logits, -1), ops.cast(targets, "int64")), "float32")
        return ops.sum(losses * share), ops.sum(right * share)


class SumFirst(keras.optimizers.AdamW):  # type: ignore[misc]
    """AdamW that clips the sum of the workers' gradients, as one machine would.

    Keras clips each worker's gradients and sums them afterwards. An embedding's gradient stays a
    list of rows, of which Keras takes the norm: made dense, it would have another norm, and be
    clipped differently.
    """

    def _clip_gradients(self, gradients: Sequence[Any]) -> Any:
        context = tf.distribute.get_replica_context()
        gradients = context.all_reduce("SUM", list(gradients))
        return super()._clip_gradients(gradients)

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        return grads_and_vars


def joined(team: Team, run: Run, state: State) -> tuple[Run, State]:
    """The chief's run and state, on every worker; `spread` sends the arrays of the state.

    Raises:
        TeamError: A worker's corpora are not the chief's, the run's language is not the grid's, or
            the run goes on from another network.
    """
    if run.language != "grid":
        raise TeamError(
            f"TF_CONFIG: expected corpora of the grid language, found {run.language}; "
            "unset it to train on this machine alone"
        )
    if run.origin is not None:
        raise TeamError(
            f"TF_CONFIG: expected a run that begins with nothing, found {run.path}, which goes on "
            f"from {run.origin.name}; unset it to train on this machine alone"
        )
    sources = [(source.style, source.pieces, source.tokens) for source in run.sources]
    with told_in_one_line():
        plan = json.loads(
            team.told(
                json.dumps(
                    {
                        "settings": asdict(run.settings),
                        "shares": [source.share for source in run.sources],
                        "sources": sources,
                        "state": state.counters(),
                        "has_arrays": bool(state.arrays),
                    }
                )
            )
        )
        differs = [tuple(source) for source in plan["sources"]] != sources
        strangers = int(team.sum(np.array(int(differs), np.int32)))
    if strangers:
        raise TeamError(
            f"expected the chief's corpora on every machine, found others on {strangers}; "
            "copy them, or prepare them with the same version of jamd"
        )
    pairs = zip(run.sources, plan["shares"], strict=True)
    agreed = replace(
        run,
        settings=Settings(**plan["settings"]),
        sources=tuple(replace(source, share=share) for source, share in pairs),
    )
    arrays = state.arrays if team.is_chief else (None,) * plan["has_arrays"]
    return agreed, State(**plan["state"], arrays=arrays)


def spread(team: Team, state: State, trainee: keras.Model) -> State:
    """`state` with the chief's arrays on every worker."""
    shapes = [(variable.shape, variable.dtype) for variable in variables_of(trainee)]
    ours = state.arrays if team.is_chief else [np.zeros(*shape) for shape in shapes]
    with told_in_one_line():
        return replace(state, arrays=tuple(team.of_chief(array) for array in ours))
