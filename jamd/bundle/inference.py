"""Loads a bundle's graph with onnxruntime and tries it once, before it is played or judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from jamd.errors import BundleError, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

BLOCK = 32
"""Tokens a block. Quantised logits depend on how tokens are cut into calls (by up to 0.07), so the
cuts depend on position alone: whole blocks at multiples of 32, then single steps. Blocks of 32 read
a context almost as fast as one call does, and leave at most 31 states of single steps to keep."""

_MOST_LETTERS = 300
"""Characters kept of an error from onnxruntime: it may hold names from the file, of any length."""


def open_session(graph: Path | bytes, provider: str, threads: int) -> ort.InferenceSession:
    """A session that computes in the calling thread and never spins.

    Spinning threads wait by burning a core that the front process needs for the beat; and a second
    thread gained nothing at one token a step.

    Args:
        graph: An ONNX file that `jamd.bundle.network_graph` has passed, or the bytes of one of
            our own.
        provider: `CPU` or `CUDA`.
        threads: At least 1.

    Raises:
        BundleError: onnxruntime cannot load the file, or has no memory for it.
        RuntimeError: onnxruntime would not run the graph on `provider`.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")  # ORT's own is unchecked
    options.enable_cpu_mem_arena = False  # a step needs kilobytes; the arena would hold megabytes
    options.log_severity_level = 4  # its errors are also raised, and reported where caught
    providers = [CUDA, CPU] if provider == CUDA else [CPU]
    model = graph if isinstance(graph, bytes) else str(graph)
    try:
        # onnxruntime's own fallback to the CPU would print a block of text, here or during a jam.
        session = ort.InferenceSession(model, options, providers=providers, enable_fallback=0)
    except Exception as error:  # onnxruntime's own errors have no other base
        raise BundleError(f"onnxruntime: {_on_one_line(error)}") from error
    if session.get_providers()[0] != provider:
        raise RuntimeError(f"onnxruntime cannot load {provider}, though it was built with it")
    return session


def prove(bundle: Path, size: int, logits: Callable[[list[int]], NDArray[np.float32]]) -> None:
    """Run a graph once on every token: a well-formed graph may still not be a model.

    Args:
        bundle: The bundle's folder, for the message.
        size: How many tokens there are.
        logits: Runs the graph on tokens: logits (…, vocabulary) after some or all of them.

    Raises:
        BundleError: It cannot be run, or its output is not a finite number for each token.
    """
    try:
        found = logits(list(range(size)))
    except Exception as error:  # onnxruntime's own errors have no other base
        raise BundleError(f"{bundle}: its graph cannot be run: {_on_one_line(error)}") from error
    if found.shape[-1:] != (size,) or not np.isfinite(found).all():
        raise BundleError(
            f"{bundle}: expected a number for each of {size} tokens from its graph, found "
            f"{'some that are none' if found.shape[-1:] == (size,) else f'{list(found.shape)}'}"
        )


def _on_one_line(error: Exception) -> str:
    line = printable(" ".join(str(error).split()))
    return line if len(line) <= _MOST_LETTERS else f"{line[:_MOST_LETTERS]} …"
