"""A Keras network comes out as a bundle that computes the same, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from jamd.bundle.bundle import Bundle
from jamd.cli import main
from jamd.errors import UserError
from jamd.grid.tokens import VOCABULARY
from jamd.training.backend import load_backend
from jamd.training.corpus import Corpus, CorpusWriter, Split
from jamd.training.judging.evaluate import Sample
from jamd.vocabulary import Vocabulary

pytestmark = pytest.mark.train

load_backend()

import keras  # noqa: E402 - after the backend, which is loud otherwise

from jamd.bundle.manifest import grid_tensors  # noqa: E402
from jamd.export import parity  # noqa: E402
from jamd.export.export import Options, Trained, export_network  # noqa: E402
from jamd.export.graph import halved, round_to_float16, to_onnx  # noqa: E402
from jamd.export.quantize import to_int8  # noqa: E402
from jamd.training.judging import predictors  # noqa: E402
from jamd.training.learning.network import (  # noqa: E402
    ArticleSize,
    GridSize,
    article_network,
    grid_network,
)

UNITS, LAYERS = 16, 2
NAMES = Vocabulary(["C4", "D4", "E4", "0.4.7"])


def lively(network: keras.Model) -> keras.Model:
    """The network with weights large enough for logits that differ by several units."""
    rng = np.random.default_rng(5)
    network.set_weights(
        [rng.normal(0, 0.5, weight.shape).astype(np.float32) for weight in network.get_weights()]
    )
    return network


def corpus(folder: Path, vocabulary: Vocabulary, language: str, length: int) -> Corpus:
    """Two pieces of random tokens, one to train on and one held out."""
    rng = np.random.default_rng(3)
    splits: tuple[Split, ...] = ("train", "held-out")
    with CorpusWriter(folder) as writer:
        for split in splits:
            writer.add(
                rng.integers(0, len(vocabulary), length).astype(np.uint16),
                source=split,
                group=split,
                split=split,
                notes=length // 4,
                has_velocity=True,
            )
        return writer.finish(language=language, vocabulary=vocabulary, style="jazz", left_out=())


def grid() -> keras.Model:
    return lively(grid_network(GridSize(len(VOCABULARY), 8, UNITS, LAYERS)))


@pytest.fixture
def trained(tmp_path: Path) -> Trained:
    found = corpus(tmp_path / "corpus", VOCABULARY, "grid", 600)
    return Trained(grid(), "grid", VOCABULARY, [found], {"steps": 0})


TENSORS = grid_tensors(len(VOCABULARY), (UNITS,) * LAYERS)


@dataclass
class Converted:
    """A network whose weights float16 holds, and its graph."""

    model: keras.Model
    graph: onnx.ModelProto


@pytest.fixture(scope="module")
def converted() -> Converted:
    """Converted once: no test changes it."""
    model = grid()
    round_to_float16(model)
    return Converted(model, to_onnx(model, *TENSORS))


def logits(session: ort.InferenceSession, tokens: NDArray[np.integer]) -> NDArray[np.float32]:
    network = predictors.of_session(session, vocabulary=len(VOCABULARY))
    return np.concatenate(list(network.logits(tokens)))


def kinds_of(path: Path) -> list[str]:
    return [node.op_type for node in onnx.load(path).graph.node]


def test_a_bundle_that_holds(trained: Trained, tmp_path: Path) -> None:
    options = Options(figures_tokens=500, licence="MIT", sources={"corpus": "chance"})
    written = export_network(trained, tmp_path / "bundle", options)
    found = Bundle.read(written.path)
    manifest = found.manifest
    assert found.precisions == ("float32", "int8")
    assert manifest.layers == (UNITS,) * LAYERS
    assert manifest.graphs["float32"].weights == "float16"
    assert manifest.parity.tokens >= 1024
    assert 0 < manifest.parity.float32_difference <= parity.MOST_DIFFERENCE
    assert manifest.parity.int8_rise is not None
    assert manifest.parity.int8_rise <= parity.MOST_RISE
    assert set(manifest.figures["corpus"].scores) == {"model", "unigram", "n-gram"}
    assert kinds_of(found.graph_path("float32")).count("LSTM") == LAYERS
    assert kinds_of(found.graph_path("int8")).count("DynamicQuantizeLSTM") == LAYERS
    for precision in found.precisions:
        session = ort.InferenceSession(found.graph_path(precision))
        tokens = np.arange(100) % len(VOCABULARY)
        ours = logits(session, tokens)
        keras_network = predictors.of_keras(trained.model, vocabulary=len(VOCABULARY))
        theirs = np.concatenate(list(keras_network.logits(tokens)))
        assert np.ptp(theirs) > 3
        np.testing.assert_allclose(ours, theirs, atol=1e-4 if precision == "float32" else 0.2)
    card = (found.path / "README.md").read_text()
    assert "chance" in card
    assert "Witten-Bell smoothing and pitches as intervals" in card
    assert f"{manifest.figures['corpus'].scores['n-gram'].bits_per_note:.2f}" in card


@pytest.mark.parametrize(
    ("option", "found"),
    [
        (["--licence", "MIT\x1b[2J"], r"as --licence, found 'MIT\x1b[2J'"),
        (["--source", "jazz=a\nb"], r"as --source, found 'jazz=a\nb'"),
    ],
)
def test_what_no_bundle_may_say_is_refused_before_the_work(
    option: list[str], found: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(tmp_path / "run"), "-o", str(tmp_path / "b"), *option]) == 2
    assert found in capsys.readouterr().err


def test_batches_and_lengths_are_free(converted: Converted) -> None:
    session = parity.load(converted.graph)
    rng = np.random.default_rng(1)
    feeds: dict[str, NDArray[np.generic]] = {
        one.name: rng.normal(0, 0.3, (3, UNITS)).astype(np.float32)
        for one in session.get_inputs()[1:]
    }
    feeds["tokens"] = rng.integers(0, len(VOCABULARY), (3, 7)).astype(np.int32)
    found = session.run(None, feeds)
    expected = converted.model.predict_on_batch([feeds[one.name] for one in session.get_inputs()])
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_halving_changes_the_file_and_no_number(converted: Converted) -> None:
    half = halved(converted.graph)
    assert half.ByteSize() < 0.65 * converted.graph.ByteSize()
    tokens = np.arange(64) % len(VOCABULARY)
    np.testing.assert_array_equal(
        logits(parity.load(converted.graph), tokens), logits(parity.load(half), tokens)
    )


def test_int8_does_not_depend_on_what_comes_after(converted: Converted) -> None:
    session = parity.load(to_int8(converted.graph))
    tokens = np.arange(90) % len(VOCABULARY)
    np.testing.assert_array_equal(logits(session, tokens)[:64], logits(session, tokens[:64]))


def test_a_graph_of_another_network_is_found_out(converted: Converted) -> None:
    other = grid()
    weights = converted.model.get_weights()
    weights[0] = weights[0] + np.float32(0.01)
    other.set_weights(weights)
    samples = [Sample(np.arange(400), np.ones(400, np.bool_))]
    assert parity.difference(other, converted.graph, samples) > parity.MOST_DIFFERENCE
    assert parity.difference(converted.model, converted.graph, samples) <= parity.MOST_DIFFERENCE
    assert parity.drawn_difference(other, converted.graph) > parity.MOST_DIFFERENCE
    assert parity.drawn_difference(converted.model, converted.graph) <= parity.MOST_DIFFERENCE


def test_plain_float32_is_not_rounded(trained: Trained, tmp_path: Path) -> None:
    before = trained.model.get_weights()
    found = export_network(trained, tmp_path / "bundle", Options(float32=True))
    assert found.manifest.graphs["float32"].weights == "float32"
    assert found.manifest.parity.float16_rise == 0
    for was, now in zip(before, trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)


@pytest.mark.parametrize("limit", ["MOST_DIFFERENCE", "MOST_RISE"])
def test_what_does_not_hold_is_not_written(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(parity, limit, -1.0)  # no graph is as near as that
    with pytest.raises(UserError, match=r"at most -1, found .*: nothing written"):
        export_network(trained, tmp_path / "bundle", Options(float32=True))
    assert not (tmp_path / "bundle").exists()


def test_not_a_number_does_not_hold() -> None:
    with pytest.raises(UserError, match="found nan"):
        parity.require("anything", float("nan"), 1.0)


def test_without_held_out_pieces_nothing_is_compared(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a corpus with held-out pieces"):
        export_network(replace(trained, corpora=[]), tmp_path / "bundle", Options())


def test_weights_beyond_float16_are_named(trained: Trained, tmp_path: Path) -> None:
    weights = trained.model.get_weights()
    weights[-1][0] = 1e6
    trained.model.set_weights(weights)
    with pytest.raises(UserError, match="export with --float32"):
        export_network(trained, tmp_path / "bundle", Options())


def test_the_articles_network(tmp_path: Path) -> None:
    network = article_network(ArticleSize(len(NAMES), units=16, dense=8))
    found = corpus(tmp_path / "corpus", NAMES, "article", 200)
    trained = Trained(network, "article", NAMES, [found], {})
    bundle = export_network(trained, tmp_path / "bundle", Options(figures_tokens=100))
    assert bundle.manifest.window == 32
    assert bundle.manifest.layers == (16, 16, 16)
    kinds = kinds_of(bundle.graph_path("float32"))
    assert kinds.count("LSTM") == 3
    assert not {"Expand", "Shape", "Concat"}.intersection(kinds), "zeros of any size"
    assert bundle.language.vocabulary.tokens == NAMES.tokens
    card = (bundle.path / "README.md").read_text()
    assert "order 5, Witten-Bell smoothing, and knows" in card, "of pitches, not of intervals"


def test_another_backend_is_told_what_to_set(
    converted: Converted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match="found jax: set KERAS_BACKEND=tensorflow"):
        to_onnx(converted.model, *TENSORS)


@pytest.mark.parametrize(
    ("command", "is_run", "told"),
    [
        ("export", False, "expected a run, found no run.json"),
        ("compare", False, "expected a run, found no run.json"),
        ("export", True, "expected a new folder or a bundle at {}, found"),
        ("recipe", True, "expected a new folder or a bundle at {}, found"),
    ],
)
def test_what_is_no_run_and_where_no_bundle_may_go_is_told_before_keras_is_loaded(
    command: str,
    is_run: bool,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("jamd.training.backend.load_backend", None)
    if is_run:
        (tmp_path / "run.json").touch()
    output = tmp_path if is_run else tmp_path / "out"
    assert main([command, str(tmp_path), "-o", str(output)]) == 2
    assert told.format(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize("command", ["export", "recipe"])
def test_where_no_bundle_can_be_written_is_told_before_keras_is_loaded(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("jamd.training.backend.load_backend", None)
    (tmp_path / "run.json").touch()
    output = tmp_path / "run.json" / "bundle"
    assert main([command, str(tmp_path), "-o", str(output)]) == 2
    assert f"cannot write the bundle {output}: Not a directory" in capsys.readouterr().err
