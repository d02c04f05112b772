"""The ONNX graph: tokens and a state in, logits and the next state out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import onnxruntime as ort

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class State:
    """What the network remembers after some tokens, and what it expects next.

    Attributes:
        memory: h0, c0, h1, c1 …, each float32 (1, units), kept where the provider keeps them.
        logits: float32 (vocabulary,), after the last token.
    """

    memory: Sequence[Any]
    logits: NDArray[np.float32]


class Recurrent(Protocol):
    """A graph that carries a state from token to token."""

    def start(self) -> State:
        """The state before the first token."""

    def run(self, tokens: Sequence[int], state: State) -> State:
        """The state after `tokens`, at least one, read from `state` on."""


class HostGraph:
    """A recurrent graph whose state lives in numpy arrays: the quickest on the CPU."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._run = session.run
        self._inputs = [one.name for one in session.get_inputs() if one.name != "tokens"]
        self._outputs = ["logits", *(f"{name}_out" for name in self._inputs)]
        self._start = State(
            [np.zeros((1, units), np.float32) for units in state_units(session)],
            np.zeros(0, np.float32),
        )

    def start(self) -> State:
        return self._start

    def run(self, tokens: Sequence[int], state: State) -> State:
        feeds = dict(zip(self._inputs, state.memory, strict=True))
        feeds["tokens"] = np.array([tokens], np.int32)  # (1, time)
        logits, *memory = self._run(self._outputs, feeds)  # logits: (1, time, vocabulary)
        return State(memory, logits[0, -1].copy())  # a view would keep those of all tokens


class DeviceGraph:
    """A recurrent graph whose state stays on the device; only tokens and logits cross over."""

    def __init__(self, session: ort.InferenceSession, device: str = "cuda") -> None:
        self._session = session
        self._device = device
        self._inputs = [one.name for one in session.get_inputs() if one.name != "tokens"]
        self._start = State(
            [
                ort.OrtValue.ortvalue_from_numpy(np.zeros((1, units), np.float32), device, 0)
                for units in state_units(session)
            ],
            np.zeros(0, np.float32),
        )

    def start(self) -> State:
        return self._start

    def run(self, tokens: Sequence[int], state: State) -> State:
        binding = self._session.io_binding()  # a new one per run: it owns the states it returns
        binding.bind_cpu_input("tokens", np.array([tokens], np.int32))
        for name, value in zip(self._inputs, state.memory, strict=True):
            binding.bind_ortvalue_input(name, value)
        binding.bind_output("logits", "cpu")
        for name in self._inputs:
            binding.bind_output(f"{name}_out", self._device)
        self._session.run_with_iobinding(binding)
        logits, *memory = binding.get_outputs()
        return State(memory, logits.numpy()[0, -1].copy())


def state_units(session: ort.InferenceSession) -> list[int]:
    """The size of each state of the graph, in the order of its inputs."""
    return [one.shape[1] for one in session.get_inputs() if one.name != "tokens"]


def read(session: ort.InferenceSession, tokens: Sequence[int]) -> NDArray[np.float32]:
    """Logits (time, vocabulary) of a recurrent graph after each of `tokens`, in one call."""
    feeds = {"tokens": np.array([tokens], np.int32)}  # (1, time)
    for one in session.get_inputs():
        if one.name != "tokens":
            feeds[one.name] = np.zeros((1, one.shape[1]), np.float32)
    (logits,) = session.run(["logits"], feeds)  # (1, time, vocabulary)
    return np.asarray(logits[0], np.float32)


class WindowGraph:
    """The article's graph: it sees the last tokens afresh each time, and keeps no state."""

    def __init__(self, session: ort.InferenceSession, vocabulary: int) -> None:
        (window,) = session.get_inputs()
        self._session = session
        self._length = int(window.shape[1])
        self._vocabulary = vocabulary

    def logits(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Logits (vocabulary,) after `tokens`; a short beginning is filled up as in training."""
        seen = np.array(tokens[-self._length :], np.float32)
        window = np.pad(seen, (self._length - len(seen), 0))
        scaled = window.reshape(1, -1, 1) / np.float32(self._vocabulary)
        (logits,) = self._session.run(["logits"], {"window": scaled})
        return np.asarray(logits[0], np.float32)
