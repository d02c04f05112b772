"""Networks as predictors: Keras models or ONNX graphs, of either language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from jamd.bundle.inference import BLOCK
from jamd.recall import Recall
from jamd.training.judging.likelihood import Ids, Judgement, join, judge_logits
from jamd.training.learning.passages import first_note, home_of_tokens, transposed

if TYPE_CHECKING:
    import keras
    import onnxruntime as ort

Floats = NDArray[np.float32]

Step = Callable[[NDArray[np.int32], Sequence[Floats]], tuple[Floats, Sequence[Floats]]]
"""Tokens (1, time) and states, each (1, units) -> logits (1, time, vocabulary), next states."""

_KERAS_BLOCK = 256  # Keras traces a graph for each length, so there is one length only
_WINDOWS = 64


class Network(Protocol):
    """A network that can be asked for its logits, and can therefore be judged."""

    def judge(self, tokens: Ids) -> Judgement: ...

    def logits(self, tokens: Ids) -> Iterator[Floats]:
        """Logits after each of `tokens`: (n, vocabulary) per call."""


class Recurrent:
    """A network that carries states from token to token.

    Args:
        step: Runs the network.
        units: Size of each state, in the order of the inputs.
        block: Tokens per call.
        padded: Whether to pad the remainder to a block; otherwise it is passed token by token.
    """

    def __init__(
        self, step: Step, units: Sequence[int], *, block: int = BLOCK, padded: bool = False
    ) -> None:
        self._step = step
        self._units = units
        self._block = block
        self._padded = padded

    def logits(self, tokens: Ids) -> Iterator[Floats]:
        """Logits after each token: (n, vocabulary) per call."""
        states: Sequence[Floats] = [np.zeros((1, units), np.float32) for units in self._units]
        for call in self._calls(tokens.astype(np.int32)):
            padding = self._block - len(call) if self._padded else 0
            logits, states = self._step(np.pad(call, (0, padding))[None], states)
            yield logits[0, : len(call)]

    def _calls(self, tokens: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
        whole = len(tokens) // self._block * self._block
        for start in range(0, whole, self._block):
            yield tokens[start : start + self._block]
        rest = tokens[whole:]
        if len(rest):
            yield from [rest] if self._padded else rest[:, None]

    def judge(self, tokens: Ids) -> Judgement:
        """Predict `tokens[1:]`, each from all before it, transposed home as by the improviser.

        The key is estimated from the opening; the log2(12) bits that it takes to name one of twelve
        keys are added to the first note.
        """
        return _judge_at_home(self, tokens)


class Windowed:
    """The article's network: it reads each window of scaled tokens afresh.

    Args:
        run: Windows (n, window, 1) -> logits (n, vocabulary).
        window: Tokens in a window.
        vocabulary: What ids are divided by, so that they lie in 0..1.
    """

    def __init__(self, run: Callable[[Floats], Floats], window: int, vocabulary: int) -> None:
        self._run = run
        self._window = window
        self._vocabulary = vocabulary

    def logits(self, tokens: Ids) -> Iterator[Floats]:
        """Logits after each token; the first windows are filled up with 0, as in training."""
        return self._after_windows(np.pad(tokens, (self._window - 1, 0)))

    def judge(self, tokens: Ids) -> Judgement:
        """Predict `tokens[window:]`, each from the window before it.

        Of a piece that is no longer than a window, predict `tokens[1:]`: beginnings are filled up
        as in training. The loss on held-out pieces that training prints counts the beginnings of
        longer pieces, too.
        """
        if len(tokens) > self._window:
            return _judge(self._after_windows(tokens[:-1]), tokens[self._window :])
        return _judge(self.logits(tokens[:-1]), tokens[1:])

    def _after_windows(self, tokens: Ids) -> Iterator[Floats]:
        """Logits after each whole window: (n, vocabulary) per call."""
        if len(tokens) < self._window:
            return
        scaled = tokens.astype(np.float32) / np.float32(self._vocabulary)
        windows = np.lib.stride_tricks.sliding_window_view(scaled, self._window)[:, :, None]
        for start in range(0, len(windows), _WINDOWS):
            batch = windows[start : start + _WINDOWS]  # (n, window, 1)
            full = np.pad(batch, ((0, _WINDOWS - len(batch)), (0, 0), (0, 0)))
            yield self._run(full)[: len(batch)]


class Remembering:
    """A network together with the memory of the jam, which learns the piece while reading it.

    Args:
        network: The network.
        relative: Whether the tokens are the grid language's, to be remembered as intervals.
    """

    def __init__(self, network: Network, *, relative: bool) -> None:
        self._network = network
        self._relative = relative

    def logits(self, tokens: Ids) -> Iterator[Floats]:
        """The network's logits, each row mixed with the memory of the piece so far."""
        recall = Recall(relative=self._relative)
        coming = iter(tokens.tolist())
        for block in self._network.logits(tokens):
            rows = []
            for row, token in zip(block, coming):  # noqa: B905 - the block may end first
                recall.push(token, learn=True)
                rows.append(recall.mix(row))
            yield np.stack(rows)

    def judge(self, tokens: Ids) -> Judgement:
        """Predict `tokens[1:]`, each from all before it, as the network reads them."""
        if self._relative:
            return _judge_at_home(self, tokens)
        return _judge(self.logits(tokens[:-1]), tokens[1:])


def _judge_at_home(network: Network, tokens: Ids) -> Judgement:
    ids = tokens.astype(np.int32)
    at_home = transposed(ids, home_of_tokens(ids))
    judged = _judge(network.logits(at_home[:-1]), at_home[1:])
    judged.bits[first_note(ids) - 1 :][:1] += np.log2(12)
    return judged


def _judge(rows: Iterator[Floats], targets: Ids) -> Judgement:
    """Judge logits, (n, vocabulary) per call, by the tokens that came."""
    judgements, place = [], 0
    for logits in rows:
        judgements.append(judge_logits(logits, targets[place : place + len(logits)]))
        place += len(logits)
    return join(judgements)


def of_session(session: ort.InferenceSession, *, vocabulary: int, block: int = BLOCK) -> Network:
    """An ONNX graph of a bundle as a predictor.

    Args:
        session: The graph, loaded.
        vocabulary: How many tokens there are.
        block: Tokens per call, if the graph keeps states.
    """
    inputs = session.get_inputs()
    if inputs[0].name == "window":

        def run(windows: Floats) -> Floats:
            logits: Floats = session.run(["logits"], {"window": windows})[0]
            return logits

        return Windowed(run, inputs[0].shape[1], vocabulary)
    names = [one.name for one in inputs[1:]]
    outputs = ["logits", *(f"{name}_out" for name in names)]

    def step(tokens: NDArray[np.int32], states: Sequence[Floats]) -> tuple[Floats, list[Floats]]:
        feeds = dict(zip(names, states, strict=True))
        logits, *after = session.run(outputs, {"tokens": tokens, **feeds})
        return logits, after

    return Recurrent(step, [one.shape[1] for one in inputs[1:]], block=block)


def of_keras(model: keras.Model, *, vocabulary: int) -> Network:
    """A Keras network, as `jamd.training.learning.network` builds it with its states exposed."""
    if len(model.inputs) == 1:
        return Windowed(model.predict_on_batch, model.inputs[0].shape[1], vocabulary)

    def step(tokens: NDArray[np.int32], states: Sequence[Any]) -> tuple[Floats, list[Floats]]:
        logits, *after = model.predict_on_batch([tokens, *states])
        return logits, after

    units = [one.shape[1] for one in model.inputs[1:]]
    return Recurrent(step, units, block=_KERAS_BLOCK, padded=True)
