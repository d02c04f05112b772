"""The precision that a network computes in while it learns, chosen by the device Keras uses.

Mixed precision means products of half the width on float32 weights: bfloat16, which has the range
of float32, if the device has it; float16 on older GPUs, whose range is so narrow that the loss has
to be scaled up.

An LSTM's steps wait for each other, so that on a GPU most of the time goes into launching them. XLA
compiles them into one loop. PyTorch would go through them in Python; there cuDNN takes a whole
window at once, in float32. It could on JAX too, but was slower there than XLA with bfloat16
(docs/gpu.md).
"""

from __future__ import annotations

import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Literal

import keras

Precision = Literal["auto", "float32", "mixed"]
"""`auto`: mixed if the device has units for it that make it faster."""

_HAS_BFLOAT16 = 8.0  # compute capability of NVIDIA's Ampere
_HAS_FLOAT16 = 7.0  # of Volta; Pascal's float16 is slower than its float32
_CPU_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})


def policy(precision: Precision) -> str:
    """The Keras policy for `precision` on the device that Keras uses here."""
    if _is_on_gpu():
        return policy_on_gpu(precision, _capability(), keras.backend.backend())
    # Only TensorFlow, through oneDNN, was seen to make use of these CPU features.
    has_tensorflow = keras.backend.backend() == "tensorflow"
    return policy_on_cpu(precision, _cpu_flags() if has_tensorflow else ())


def takes_whole_windows(computed: str) -> bool:
    """Whether an LSTM that computes in this policy is left to cuDNN on this device."""
    return computed == "float32" and keras.backend.backend() == "torch" and _is_on_gpu()


def _is_on_gpu() -> bool:
    # A new tensor is placed on the device that computes, whatever the backend.
    return "cpu" not in str(keras.ops.zeros(1).device).lower()


def policy_on_gpu(precision: Precision, capability: float | None, backend: str) -> str:
    """The Keras policy for `precision` on a GPU.

    Args:
        precision: What was asked for.
        capability: NVIDIA's compute capability; None for a GPU of another make.
        backend: Keras's backend.
    """
    if precision == "float32" or (precision == "auto" and backend == "torch"):
        return "float32"
    if capability is None or capability >= _HAS_BFLOAT16:
        return "mixed_bfloat16"
    if precision == "auto" and capability < _HAS_FLOAT16:
        return "float32"
    return "mixed_float16"


def policy_on_cpu(precision: Precision, flags: Collection[str]) -> str:
    """The Keras policy for `precision` on a CPU with these feature flags, as Linux names them."""
    is_fast = not _CPU_BFLOAT16.isdisjoint(flags)
    if precision == "mixed" or (precision == "auto" and is_fast):
        return "mixed_bfloat16"
    return "float32"


def _capability() -> float | None:
    """The compute capability of the oldest NVIDIA GPU here; None if there is none."""
    command = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return min(float(line) for line in told.split())
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None


def _cpu_flags() -> list[str]:
    """The CPU's feature flags; empty if the system does not list them as Linux does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return next((line.split() for line in lines if line.startswith("flags")), [])
