"""What a network computes in fits the device, and never shows in what a run keeps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jamd.training.backend import load_backend
from jamd.training.corpus import Corpus

pytestmark = pytest.mark.train

load_backend()

from jamd.cli import main  # noqa: E402 - after the backend, which is loud otherwise
from jamd.training.learning import lessons  # noqa: E402
from jamd.training.learning.network import GridSize, grid_pair  # noqa: E402
from jamd.training.learning.precision import Precision, policy_on_cpu, policy_on_gpu  # noqa: E402
from jamd.training.learning.runs import Settings, preset  # noqa: E402
from jamd.training.learning.state import State  # noqa: E402
from jamd.training.learning.train import new_run, train  # noqa: E402

SMALL = Settings(units=12, layers=2, inner=8, rows=4, window=16, rate=1e-2, epoch_steps=4, epochs=3)

MakeGrid = Callable[[str], Corpus]
MakeArticle = Callable[[str, list[str], int], Corpus]


@pytest.mark.parametrize(
    ("precision", "capability", "backend", "policy"),
    [
        ("auto", None, "jax", "mixed_bfloat16"),
        ("auto", 9.0, "jax", "mixed_bfloat16"),
        ("auto", 9.0, "tensorflow", "mixed_bfloat16"),
        ("auto", 9.0, "torch", "float32"),
        ("auto", 7.5, "jax", "mixed_float16"),
        ("auto", 6.1, "jax", "float32"),
        ("mixed", 6.1, "jax", "mixed_float16"),
        ("mixed", 8.0, "torch", "mixed_bfloat16"),
        ("float32", 9.0, "jax", "float32"),
    ],
)
def test_a_gpu_computes_in_what_it_has_units_for(
    precision: Precision, capability: float | None, backend: str, policy: str
) -> None:
    assert policy_on_gpu(precision, capability, backend) == policy


@pytest.mark.parametrize(
    ("precision", "flags", "policy"),
    [
        ("auto", ["sse2", "avx2"], "float32"),
        ("auto", ["avx2", "avx512_bf16"], "mixed_bfloat16"),
        ("mixed", [], "mixed_bfloat16"),
        ("float32", ["amx_bf16"], "float32"),
    ],
)
def test_a_cpu_does_so_too(precision: Precision, flags: list[str], policy: str) -> None:
    assert policy_on_cpu(precision, flags) == policy


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_run_in_mixed_precision_learns_and_keeps_float32(
    policy: str, grid_corpus: MakeGrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path / "run", [grid_corpus("jazz").path], SMALL, {})
    with monkeypatch.context() as patched:
        patched.setattr(lessons, "policy", lambda _: policy)
        train(run, lambda _: None)
    losses = [item["held_out"]["loss"] for item in run.history()]
    assert losses[-1] < losses[0] - 0.1
    kept = State.read(run.path)
    assert kept is not None
    assert {array.dtype.name for array in kept.arrays} <= {"float32", "int32", "int64"}
    assert {weight.dtype for weight in run.network().weights} == {"float32"}

    # It goes on in float32 where it stopped.
    train(replace(run, settings=replace(SMALL, precision="float32", epochs=4)), lambda _: None)
    assert run.history()[3]["training"]["loss"] < run.history()[0]["training"]["loss"]


def test_what_was_trained_in_mixed_precision_is_exported_as_any_other(
    grid_corpus: MakeGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, run = str(grid_corpus("jazz").path), str(tmp_path / "run")
    small = ["--preset", "tiny", "--epochs", "1", "--units", "8", "--batch", "2", "--window", "8"]
    assert main(["train", corpus, "-o", run, *small, "--precision", "mixed"]) == 0
    assert main(["train", corpus, "-o", run, "--precision", "float32"]) == 2
    assert "begun with --precision mixed, not float32" in capsys.readouterr().err
    assert main(["export", run, "-o", str(tmp_path / "bundle")]) == 0


def test_the_states_and_the_logits_are_float32() -> None:
    size = GridSize(vocabulary=23, embedding=5, units=7, layers=2)
    tokens = np.random.default_rng(1).integers(0, 23, (3, 4)).astype(np.int32)
    pair = grid_pair(size, 3, 4, "mixed_bfloat16")
    logits = pair.trainee.predict_on_batch([tokens, np.ones((3, 1), np.float32)])
    assert logits.dtype == np.float32
    *_, last = (layer for layer in pair.trainee.layers if layer.name.startswith("carried"))
    assert last.h.dtype == "float32"
    states = [np.zeros((3, 7), np.float32)] * 4
    expected, *_, h, _ = pair.network.predict_on_batch([tokens, *states])
    np.testing.assert_allclose(logits, expected, atol=0.01)
    np.testing.assert_allclose(last.h.numpy(), h, atol=0.01)
    rounded = (last.h.numpy().view(np.uint32) & 0xFFFF) == 0
    assert not rounded.all(), "more digits than bfloat16 has"


def test_an_article_run_learns_in_mixed_precision(
    article_corpus: MakeArticle, tmp_path: Path
) -> None:
    corpus = article_corpus("loops", ["C4", "C4", "C4", "E4", "C4", "C4", "0.4.7", "C4"], 40)
    settings = replace(preset("article", "tiny"), rows=4, rate=1e-2, precision="mixed")
    run = new_run(tmp_path / "run", [corpus.path], settings, {})
    train(run, lambda _: None)
    losses = [item["held_out"]["loss"] for item in run.history()]
    assert losses[-1] < math.log(3) - 0.2, "it knows how often each of the three comes"
    assert {weight.dtype for weight in run.network().weights} == {"float32"}
