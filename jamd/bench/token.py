"""One token: the improviser beside the bare session, its other graph and provider, and Keras."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jamd.bench.report import Row, absolute, informs, left_out, times_as_much, times_faster
from jamd.bundle.bundle import Bundle
from jamd.config.config import Config
from jamd.daemon.model import sampling
from jamd.daemon.model.cuda import preload_cuda
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import Sampling
from jamd.daemon.settings import settings_from
from jamd.errors import BundleError
from jamd.language import Constraints, Context
from jamd.notes import Meter, Note, Tick
from jamd.training.backend import load_backend

if TYPE_CHECKING:
    import keras

STYLE = Config().model.style
"""The style that the model plays in by default."""

LONGEST = 512
"""Tokens after which the writing starts anew: about as many as a session asks for at once."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Something to be timed.

    Attributes:
        call: What is timed.
        after: Called after each call with its result, off the clock.
        often: How many calls of it make a round.
    """

    call: Callable[[], Any]
    after: Callable[[Any], object]
    often: int = 1


def rows(bundle: Bundle, rounds: int = 3000, keras_rounds: int = 100) -> Iterator[Row]:
    """Measure one token.

    Args:
        bundle: The model, one that keeps states.
        rounds: Calls beside the bare session.
        keras_rounds: Calls of each of the two Keras ways.
    """
    improviser = Improviser(bundle)
    ours, bare = alternate([_writing(improviser), _stepping(improviser.session)], rounds)
    name = f"one token ({improviser.precision}): logits, mask, draw"
    yield times_as_much(name, "us", ours, "session.run alone, same session", bare, 1.5)
    whole = settings_from(Config())
    answering = _writing(Improviser(bundle), how=whole.sampling, limits=whole.constraints)
    more, fewer = alternate([answering, _writing(improviser)], rounds)
    added = [one - other for one, other in zip(more, fewer, strict=True)]
    yield absolute("what memory and the limits of an answer add to it", "us", added, 100)
    if "int8" in bundle.precisions:
        yield _float32(bundle, "cpu", rounds)
    yield _float32(bundle, "cuda", rounds)
    try:
        load_backend()
        network, weights = _in_keras(bundle)
    except ModuleNotFoundError:
        yield left_out("one token beside Keras", "it needs pip install 'jamd[train]'")
        return
    states = [np.zeros((1, units), np.float32) for units in bundle.manifest.layers for _ in "hc"]
    contenders = [
        _writing(improviser, often=10),
        _carrying(lambda values: list(network.predict(values, verbose=0)), states),
        _carrying(lambda values: list(network.predict_on_batch(values)), states),
    ]
    ours, predict, on_batch = alternate(contenders, keras_rounds)
    for way, theirs, least in (("predict", predict, 200), ("predict_on_batch", on_batch, 1)):
        beside = f"Keras {way}, {weights}"
        yield times_faster(name, "us", ours, beside, theirs, least)


def _in_keras(bundle: Bundle) -> tuple[keras.Model, str]:
    """The bundle's network in Keras, and with which weights: random ones if it has no float32."""
    from jamd.export.weights import read_network
    from jamd.training.learning.network import GridSize, grid_network

    if "float32" in bundle.precisions:
        return read_network(bundle).network, "same weights"
    layers, vocabulary = bundle.manifest.layers, len(bundle.manifest.vocabulary)
    size = GridSize(vocabulary, units=layers[0], layers=len(layers))
    return grid_network(size), "random weights of the same sizes"


def _float32(bundle: Bundle, provider: str, rounds: int) -> Row:
    """One token from the exact graph, beside the graph that plays on the CPU."""
    name = f"one token (float32) on {provider.upper()}"
    try:
        if provider == "cuda":
            preload_cuda()
        exact = Improviser(bundle, provider, precision="float32")
    except (BundleError, RuntimeError) as error:
        return left_out(name, str(error))
    usual = Improviser(bundle)
    ours, theirs = alternate([_writing(exact), _writing(usual)], rounds)
    return informs(name, "us", ours, f"{usual.precision} on the CPU", theirs)


def alternate(contenders: Sequence[Contender], rounds: int) -> list[list[float]]:
    """Time `contenders` in turns, so that other load on the machine affects all of them.

    Args:
        contenders: What is to be timed.
        rounds: How many count; before them, a tenth as many warm up and are thrown away.

    Returns:
        Microseconds of each call, for each of `contenders`.
    """
    spent_us: list[list[float]] = [[] for _ in contenders]
    for round_number in range(-max(1, rounds // 10), rounds):
        for contender, spent in zip(contenders, spent_us, strict=True):
            for _ in range(contender.often):
                before_ns = time.perf_counter_ns()
                result = contender.call()
                after_ns = time.perf_counter_ns()
                contender.after(result)
                if round_number >= 0:
                    spent.append((after_ns - before_ns) / 1000)
    return spent_us


def _writing(
    improviser: Improviser,
    often: int = 1,
    how: Sampling = Sampling(),  # noqa: B008 - frozen
    limits: Constraints = Constraints(),  # noqa: B008 - frozen
) -> Contender:
    """Writes one token after another, as the worker does."""
    phrase = tuple(Note(Tick(240 * i), 60 + i, 80, Tick(240)) for i in range(8))
    context = Context(phrase, Tick(0), Meter(4, 4).ticks_per_bar, STYLE, phrase=Tick(0))
    random = sampling.generator(seed=0, request_id=1)
    writing = improviser.begin(context, limits, how)

    def choose() -> int:
        return improviser.choose(writing, how, random)

    def push(token: int) -> None:
        nonlocal writing
        writing.push(token)
        if len(writing.tokens) > LONGEST:
            writing = improviser.begin(context, limits, how)

    return Contender(choose, push, often)


def _stepping(session: Any) -> Contender:
    """Runs the graph alone."""
    names = [one.name for one in session.get_inputs()]
    outputs = [one.name for one in session.get_outputs()]
    states = [np.zeros((1, one.shape[1]), np.float32) for one in session.get_inputs()[1:]]
    return _carrying(
        lambda values: session.run(outputs, dict(zip(names, values, strict=True))), states
    )


def _carrying(run: Callable[[list[Any]], list[Any]], states: Sequence[Any]) -> Contender:
    """Runs one token from the states that the previous call returned."""
    values = [np.array([[1]], np.int32), *states]

    def keep(results: list[Any]) -> None:
        values[1:] = results[1:]

    return Contender(lambda: run(values), after=keep)
