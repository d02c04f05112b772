"""Tokens in, notes out: the model, what it remembers, and the loop that writes music with it.

`logits(tokens)` is a pure function with a cache. The graph returns only the last state of a call,
so states are kept where calls end: at each block of 32 tokens and after each single step since. A
change (a corrected duration, a replan) then costs the tokens from there on, and a repeated question
costs nothing. What will be asked next can be read ahead, in a second cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from jamd.bundle.inference import BLOCK, CPU, CUDA, open_session, prove
from jamd.daemon.model import sampling
from jamd.daemon.model.graph import (
    DeviceGraph,
    HostGraph,
    Recurrent,
    State,
    WindowGraph,
    read,
)
from jamd.daemon.model.requests import (
    LikelihoodRequest,
    Likelihoods,
    Planned,
    PlanRequest,
    Sampling,
)
from jamd.language import Constraints
from jamd.recall import Recall, common_prefix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jamd.bundle.bundle import Bundle
    from jamd.language import Context, Continuation
    from jamd.notes import Note


_TIMED_STEPS = 32


class StateCache:
    """The states of one sequence of tokens, reused as far as the next one agrees with it.

    Memory: one state a block and at most 31 more, 11 kB each for two layers of 576 units: 9 kB of
    memory, the rest logits.
    """

    def __init__(self, graph: Recurrent) -> None:
        self._graph = graph
        self._tokens: list[int] = []
        self._blocks: list[State] = [graph.start()]  # [k] is the state before token 32 * k
        self._steps: list[State] = []  # [i] is the state after token i of the unfinished block

    def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Logits (vocabulary,) after `tokens`, at least one."""
        whole, rest = divmod(len(tokens), BLOCK)
        agreed = len(self._tokens)
        self._tokens.append(tokens[-1])
        if self._tokens != tokens:  # rather than one more token, the usual case
            agreed = common_prefix(self._tokens[:agreed], tokens)
            self._tokens = list(tokens)
        self._keep(agreed, whole)
        for k in range(len(self._blocks) - 1, whole):
            block = tokens[BLOCK * k : BLOCK * (k + 1)]
            self._blocks.append(self._graph.run(block, self._blocks[k]))
        state = self._steps[-1] if self._steps else self._blocks[whole]
        for i in range(len(self._steps), rest):
            state = self._graph.run(tokens[BLOCK * whole + i : BLOCK * whole + i + 1], state)
            self._steps.append(state)
        return state.logits

    def read(self, tokens: Sequence[int], superseded: Callable[[], bool]) -> bool:
        """Compute the states of `tokens`' blocks, until `superseded`, called before each, is true.

        Returns:
            Whether all blocks were read.
        """
        for end in range(BLOCK, len(tokens) + 1, BLOCK):
            if superseded():
                return False
            self.logits(tokens[:end])
        return True

    def shares(self, tokens: Sequence[int]) -> int:
        """How many tokens, from the first on, it has in common with `tokens`."""
        return common_prefix(self._tokens, tokens)

    def _keep(self, agreed: int, whole: int) -> None:
        """Forget what follows the first `agreed` tokens; steps are kept in block `whole` alone."""
        was_whole = len(self._blocks) - 1
        del self._blocks[1 + min(agreed // BLOCK, whole) :]
        if whole == was_whole == len(self._blocks) - 1:
            del self._steps[agreed - BLOCK * whole :]
        else:
            self._steps.clear()


class StateCaches:
    """Two caches of one graph: one for what is being written, one for what is read ahead."""

    def __init__(self, graph: Recurrent) -> None:
        self._used, self._spare = StateCache(graph), StateCache(graph)

    def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """As `StateCache.logits`."""
        return self._used.logits(tokens)

    def choose(self, tokens: Sequence[int]) -> bool:
        """Use the one that has more in common with `tokens`; return whether it is the other one."""
        changes = self._spare.shares(tokens) > self._used.shares(tokens)
        if changes:
            self._used, self._spare = self._spare, self._used
        return changes

    def read_ahead(self, tokens: Sequence[int], superseded: Callable[[], bool]) -> bool:
        """As `StateCache.read`, in the cache that is not in use."""
        return self._spare.read(tokens, superseded)


class Improviser:
    """A bundle's model, ready to continue music.

    Args:
        bundle: The model on disk.
        provider: "cpu" or "cuda".
        threads: Threads of the runtime, at least 1.
        precision: "int8" or "float32"; None for int8 on the CPU if the bundle has it.
    """

    def __init__(
        self,
        bundle: Bundle,
        provider: str = "cpu",
        threads: int = 1,
        precision: str | None = None,
    ) -> None:
        self.language = bundle.language
        if precision is None:
            precision = "int8" if provider == "cpu" and "int8" in bundle.precisions else "float32"
        self.precision = precision
        cuda = provider == "cuda"
        self.session = open_session(bundle.graph_path(precision), CUDA if cuda else CPU, threads)
        self._states: StateCaches | None = None
        self.logits: Callable[[Sequence[int]], NDArray[np.float32]]
        if bundle.manifest.window:
            vocabulary = len(self.language.vocabulary)
            self.logits = WindowGraph(self.session, vocabulary).logits
        else:
            graph = DeviceGraph(self.session) if cuda else HostGraph(self.session)
            self._states = StateCaches(graph)
            self.logits = self._states.logits
        relative = self.language.name == "grid"
        self._recall, self._spare_recall = Recall(relative=relative), Recall(relative=relative)
        prove(bundle.path, len(self.language.vocabulary), self.logits)

    def plan(
        self, request: PlanRequest, superseded: Callable[[], bool] = lambda: False
    ) -> Iterator[Planned]:
        """Answer `request` piece by piece, each as soon as it is decided.

        Args:
            request: What to continue, and how far.
            superseded: Called between tokens; once it returns True, the answer ends without a last
                `Planned`, since nobody waits for it.
        """
        if not request.max_tokens:
            yield from self._read_ahead(request, superseded)
            return
        random = sampling.generator(request.seed, request.id)
        writing = self.begin(request.context, request.constraints, request.sampling)
        through = writing.through
        notes: list[Note] = []

        def planned(done: bool) -> Planned:
            return Planned(request.id, tuple(sorted(notes)), through, done)

        for _ in range(request.max_tokens):
            if through >= request.through:
                break
            token = self.choose(writing, request.sampling, random)
            notes += writing.push(token)
            if superseded():
                return
            if writing.through > through:
                through = writing.through
                if through < request.through:
                    yield planned(done=False)
                    notes = []
        yield planned(done=True)

    def _read_ahead(
        self, request: PlanRequest, superseded: Callable[[], bool]
    ) -> Iterator[Planned]:
        read = self.language.begin(request.context, request.constraints)
        if self._states is not None:
            if not self._states.read_ahead(read.tokens, superseded):
                return
            if request.sampling.memory:
                self._spare_recall.read(read.tokens, read.from_player)
        yield Planned(request.id, (), request.through, done=True)

    def likelihoods(
        self, request: LikelihoodRequest, superseded: Callable[[], bool] = lambda: False
    ) -> Iterator[Likelihoods]:
        """Answer `request`; the model reads each of its readings whole, and from scratch.

        Args:
            request: What to read, and how.
            superseded: Called between two readings; once it returns True, there is no answer.
        """
        nats = []
        for by in request.shifts if self.language.rhythm else ():
            readings = []
            for style in request.styles:
                if superseded():
                    return
                context = replace(request.context.later(by), style=style)
                readings.append(self._rhythm_nats(self.language.begin(context, Constraints())))
            nats.append(float(np.logaddexp.reduce(readings) - np.log(len(readings))))
        yield Likelihoods(request.id, tuple(nats))

    def _rhythm_nats(self, writing: Continuation) -> float:
        """Log-likelihood, in nats, of those tokens of a context that spell its rhythm."""
        tokens = np.array(writing.tokens)
        told = np.flatnonzero(np.isin(tokens[1:], self.language.rhythm))
        logits = read(self.session, writing.tokens)[told].astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        nats = logits[np.arange(len(told)), tokens[told + 1]] - np.log(np.exp(logits).sum(axis=1))
        return float(nats.sum())

    def begin(self, context: Context, constraints: Constraints, how: Sampling) -> Continuation:
        """Start writing what follows `context`; the memory reads what the player did in it."""
        writing = self.language.begin(context, constraints)
        if self._states is not None and self._states.choose(writing.tokens):
            self._recall, self._spare_recall = self._spare_recall, self._recall
        if how.memory:
            self._recall.read(writing.tokens, writing.from_player)
        return writing

    def choose(self, writing: Continuation, how: Sampling, random: np.random.Generator) -> int:
        """The next token to push to the music begun last; the memory takes it as jamd's own."""
        logits = self.logits(writing.tokens)
        if how.memory:
            logits = self._recall.mix(logits, how.memory)
        if writing.preference is not None:
            logits = logits + writing.preference  # not in place: the cache keeps the model's own
        token = writing.due_before(sampling.choose(logits, writing.allowed(), how, random))
        if how.memory:
            self._recall.push(token, learn=False)
        return token

    def step_us(self) -> int:
        """Median microseconds of one token, measured on tokens that are not played."""
        spent_ns = []
        tokens: list[int] = []
        for _ in range(_TIMED_STEPS):
            tokens.append(len(self.language.vocabulary) - 1)
            before_ns = time.perf_counter_ns()
            self.logits(tokens)
            spent_ns.append(time.perf_counter_ns() - before_ns)
        return sorted(spent_ns)[_TIMED_STEPS // 2] // 1000
