"""The two networks, in pure Keras 3, so that every backend can train them.

The grid network is an embedding, stacked LSTM layers and logits. It exists in two forms that share
their weights: `network`, which takes and returns the states, is exported and played; `trainee`,
which keeps them in variables from one window to the next, is trained.

The article network is the one that the article prints, for windows of 32 tokens.

Whatever precision a network computes in while it learns, its weights are float32, and so are the
states that it carries along, its logits and its loss.

The grid network is kept from memorising in two ways, both of which last for a whole window, so that
an LSTM cannot average them away over its steps: the same values are dropped at every step (Gal and
Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", NIPS
2016), and so are some of the weights from one step to the next (Merity, Keskar and Socher,
"Regularizing and Optimizing LSTM Language Models", ICLR 2018). docs/lab.md, 18, has their effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

ARTICLE_WINDOW = 32
"""How many tokens the article's network looks back."""

EMBEDDING_STDDEV = 1.0
"""Standard deviation of the grid network's initial embedding."""

KERNEL_GAIN = 5.0
"""How many times larger than Glorot's the kernels that read an LSTM's outputs are initialised. The
outputs are small at first; otherwise they have little effect for a good part of a run (docs/lab.md,
8)."""


@dataclass(frozen=True, slots=True)
class GridSize:
    """How large a grid network is.

    Attributes:
        vocabulary: How many tokens there are.
        embedding: Width of the embedding.
        units: Width of each LSTM layer.
        layers: Number of LSTM layers, at least 1.
        dropout: Share of values dropped in training, 0..1, at the embedding and after each LSTM.
        weight_drop: Share of the weights from an LSTM's outputs to its next step that are dropped
            in training, 0..1. Keras's own `recurrent_dropout` drops values of the outputs instead.
    """

    vocabulary: int
    embedding: int = 256
    units: int = 384
    layers: int = 2
    dropout: float = 0.1
    weight_drop: float = 0.0

    @property
    def weights(self) -> int:
        """How many weights it has."""
        first = _lstm_weights(self.embedding, self.units)
        others = (self.layers - 1) * _lstm_weights(self.units, self.units)
        logits = (self.units + 1) * self.vocabulary
        return self.vocabulary * self.embedding + first + others + logits


@dataclass(frozen=True, slots=True)
class ArticleSize:
    """How large an article network is. The defaults are the article's.

    Attributes:
        vocabulary: How many names of notes and chords there are.
        units: Width of each of the three LSTM layers.
        dense: Width of each of the three Dense layers between them.
        dropout: Share of values dropped in training, 0..1.
    """

    vocabulary: int
    units: int = 512
    dense: int = 256
    dropout: float = 0.3

    @property
    def weights(self) -> int:
        """How many weights it has."""
        lstm = _lstm_weights(1, self.units) + 2 * _lstm_weights(self.dense, self.units)
        dense = 2 * (self.units + 1) * self.dense + (self.dense + 1) * self.dense
        return lstm + dense + (self.units + 1) * self.vocabulary


def _lstm_weights(inputs: int, units: int) -> int:
    return 4 * (inputs + units + 1) * units


@dataclass(frozen=True, slots=True)
class GridPair:
    """One set of weights in two forms.

    Attributes:
        network: Inputs `tokens` int32 (batch, time) and `h0`, `c0`, `h1` … float32 (batch, units);
            outputs `logits` float32 (batch, time, vocabulary) and `h0_out`, `c0_out` …, the next
            states. Batch and time are free.
        trainee: Inputs `tokens` int32 (rows, window) and `keep` float32 (rows, 1), which is 0 where
            a row's state is to be forgotten first, else 1; output logits (rows, window,
            vocabulary).
    """

    network: keras.Model
    trainee: Trainee


class Trainee(keras.Model):  # type: ignore[misc]
    """A network whose scores accumulate on its device until they are asked for.

    Keras's `train_on_batch` begins by resetting the scores and ends by reading them back, so that
    the device waits for Python after every batch; here it does neither.
    """

    def reset_metrics(self) -> None:
        """Do nothing: `scores` resets the metrics."""

    def compute_metrics(self, *batch: Any, **named: Any) -> dict[str, Any]:
        """Add a batch's scores to the previous ones; return nothing."""
        super().compute_metrics(*batch, **named)
        return {}

    def scores(self) -> dict[str, float]:
        """The metrics, by name, over all batches since the last call."""
        found = {name: float(value) for name, value in self.get_metrics_result().items()}
        super().reset_metrics()
        return found


class _Recurrence(keras.layers.Layer):  # type: ignore[misc]
    """The part of an LSTM step that needs the previous step; the inputs' part is precomputed.

    Attributes:
        kernel: float32 (units, 4 * units): the weights that read the previous output; set before
            each window.
    """

    def __init__(self, units: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.state_size = [units, units]
        self.output_size = units
        self.kernel: Any = None

    def call(self, x: Any, states: Sequence[Any]) -> Any:
        """(rows, 4 * units), [(rows, units), (rows, units)] -> the next output and states."""
        h, c = states
        # Cast at each step, not once for the window, so that its gradient is summed in float32.
        kernel = ops.cast(self.kernel, x.dtype)
        gates = ops.cast(x + ops.matmul(ops.cast(h, x.dtype), kernel), h.dtype)
        # Keras's order: input gate, forget gate, candidate, output gate.
        i, f, g, o = ops.split(gates, 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(c)
        return h, [h, c]


class Carried(keras.layers.Layer):  # type: ignore[misc]
    """An LSTM whose state is carried from one window to the next, row by row.

    Gradients stop at the window's beginning: truncated backpropagation through time. The inputs'
    contribution to the gates is one product for the whole window, instead of one for each step as
    in `keras.layers.LSTM`: on a CPU this makes training nearly twice as fast.

    Args:
        lstm: The built layer whose weights are used.
        rows: Rows of a training batch.
        whole_windows: Leave each window to `lstm` itself, and thereby to cuDNN, which drops no
            weights: only if `weight_drop` is 0.
        weight_drop: Share of the weights from one step to the next that are dropped in training,
            0..1.
        dtype: What the products are computed in, as a Keras policy; the states are float32.
    """

    def __init__(
        self,
        lstm: keras.layers.LSTM,
        rows: int,
        whole_windows: bool,
        weight_drop: float = 0.0,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.lstm = lstm
        self.weight_drop = weight_drop
        self.seeds = keras.random.SeedGenerator()
        self.recurrence = None
        if not whole_windows:
            self.recurrence = keras.layers.RNN(
                _Recurrence(lstm.units, autocast=False),
                return_sequences=True,
                return_state=True,
                autocast=False,
            )
        # "on_read": when several machines train together, each carries the states of its own rows.
        self.h, self.c = (
            keras.Variable(
                "zeros",
                shape=(rows, lstm.units),
                trainable=False,
                autocast=False,
                synchronization="on_read",
                aggregation="only_first_replica",
                name=name,
            )
            for name in "hc"
        )

    def call(self, x: Any, keep: Any, training: bool = False) -> Any:
        """(rows, window, values), (rows, 1) -> (rows, window, units)."""
        before = [self.h * keep, self.c * keep]
        if self.recurrence is None:
            y, h, c = self.lstm(x, initial_state=before)
        else:
            cell = self.lstm.cell
            # A copy, as PyTorch lets nothing else take the place of a weight.
            kernel = ops.copy(cell.recurrent_kernel)
            if training and self.weight_drop:
                kernel = keras.random.dropout(kernel, self.weight_drop, seed=self.seeds)
            self.recurrence.cell.kernel = kernel
            gates = ops.matmul(x, cell.kernel) + cell.bias  # (rows, window, 4 * units)
            y, h, c = self.recurrence(gates, initial_state=before)
        self.h.assign(h)
        self.c.assign(c)
        return y


def grid_network(size: GridSize) -> keras.Model:
    """The grid network with its states as inputs and outputs: `GridPair.network`."""
    return _network(size, _layers(size))


def grid_pair(
    size: GridSize, rows: int, window: int, policy: str = "float32", whole_windows: bool = False
) -> GridPair:
    """Both forms of a new grid network.

    Args:
        size: How large it is.
        rows: Rows of a training batch.
        window: Tokens of a training window.
        policy: What the trainee's LSTM layers compute in, as a Keras policy: `mixed_bfloat16` …
        whole_windows: Whether they take a whole window at once
            (`jamd.training.learning.precision`); with weight drop they never do.
    """
    whole_windows = whole_windows and not size.weight_drop
    # Keras believes that cuDNN rules out XLA.
    layers = _layers(size, use_cudnn="auto" if whole_windows else False)
    carried = [
        Carried(lstm, rows, whole_windows, size.weight_drop, dtype=policy, name=f"carried{i}")
        for i, lstm in enumerate(layers.lstm)
    ]
    return GridPair(_network(size, layers), _trainee(size, layers, carried, rows, window))


@dataclass(frozen=True, slots=True)
class _Layers:
    embedding: keras.layers.Embedding
    lstm: list[keras.layers.LSTM]
    logits: keras.layers.Dense


def _layers(size: GridSize, use_cudnn: bool | str = "auto") -> _Layers:
    def larger() -> keras.initializers.Initializer:  # a shared one would draw the same values twice
        return keras.initializers.VarianceScaling(KERNEL_GAIN**2, "fan_avg", "uniform")

    embedded = keras.initializers.RandomNormal(stddev=EMBEDDING_STDDEV)
    return _Layers(
        keras.layers.Embedding(size.vocabulary, size.embedding, embedded, name="embedding"),
        [
            keras.layers.LSTM(
                size.units,
                kernel_initializer=larger() if layer else "glorot_uniform",
                return_sequences=True,
                return_state=True,
                use_cudnn=use_cudnn,
                name=f"lstm{layer}",
            )
            for layer in range(size.layers)
        ],
        keras.layers.Dense(size.vocabulary, kernel_initializer=larger(), name="logits"),
    )


def _network(size: GridSize, layers: _Layers) -> keras.Model:
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = layers.embedding(tokens)  # (batch, time, embedding)
    before: list[Any] = []
    after: dict[str, Any] = {}
    for i, lstm in enumerate(layers.lstm):
        h, c = (keras.Input((size.units,), name=f"{state}{i}") for state in "hc")
        x, h_out, c_out = lstm(x, initial_state=[h, c])  # x: (batch, time, units)
        before += [h, c]
        after |= {f"h{i}_out": h_out, f"c{i}_out": c_out}
    logits = layers.logits(x)  # (batch, time, vocabulary)
    return keras.Model([tokens, *before], [logits, *after.values()], name="grid")


def _trainee(
    size: GridSize, layers: _Layers, carried: Sequence[Carried], rows: int, window: int
) -> Trainee:
    tokens = keras.Input((window,), batch_size=rows, dtype="int32", name="tokens")
    keep = keras.Input((1,), batch_size=rows, name="keep")

    def dropped(x: Any) -> Any:  # the same values at every step
        return keras.layers.Dropout(size.dropout, noise_shape=(rows, 1, x.shape[-1]))(x)

    x = dropped(layers.embedding(tokens))  # (rows, window, embedding)
    for lstm in carried:
        x = dropped(lstm(x, keep))  # (rows, window, units)
    return Trainee([tokens, keep], layers.logits(x), name="grid_trainee")


def article_network(size: ArticleSize, policy: str = "float32") -> keras.Sequential:
    """The article's network: `window` float32 (batch, 32, 1), 0..1 -> logits (batch, vocabulary).

    LSTM, Dense, Dense, LSTM, Dense, LSTM and one value per name, with Dropout in between. The
    article's softmax is part of the loss, so that logits are exported.

    Args:
        size: How large it is.
        policy: What it computes in, as a Keras policy; its logits are float32.
    """
    # On JAX, Keras would give cuDNN other types than float32, which it does not take.
    is_refused = keras.backend.backend() == "jax" and policy != "float32"

    def lstm(return_sequences: bool) -> keras.layers.LSTM:
        return keras.layers.LSTM(
            size.units,
            return_sequences=return_sequences,
            use_cudnn=False if is_refused else "auto",
            dtype=policy,
        )

    return keras.Sequential(
        [
            keras.Input((ARTICLE_WINDOW, 1), name="window"),
            lstm(return_sequences=True),
            keras.layers.Dense(size.dense, dtype=policy),
            keras.layers.Dropout(size.dropout, dtype=policy),
            keras.layers.Dense(size.dense, dtype=policy),
            lstm(return_sequences=True),
            keras.layers.Dense(size.dense, dtype=policy),
            keras.layers.Dropout(size.dropout, dtype=policy),
            lstm(return_sequences=False),
            keras.layers.Dense(size.vocabulary, dtype="float32", name="logits"),
        ],
        name="article",
    )
