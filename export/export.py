"""A trained network -> a bundle, or an error that states why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import keras
import onnx
import onnxruntime

from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle, checksum
from jamd.bundle.manifest import (
    FORMAT,
    Figures,
    Graph,
    Manifest,
    Parity,
    Rehearsal,
    Tensor,
    grid_tensors,
    window_tensors,
)
from jamd.errors import UserError, printable
from jamd.export import parity
from jamd.export.card import card
from jamd.export.graph import halved, round_to_float16, to_onnx
from jamd.export.quantize import to_int8
from jamd.notes import STEPS_PER_BEAT
from jamd.training import rehearsal
from jamd.training.corpus import Corpus
from jamd.training.judging import predictors
from jamd.training.judging.evaluate import Sample, evaluate_corpora, held_out
from jamd.training.judging.subjects import read_corpus
from jamd.training.learning.averaging import mean_network
from jamd.training.learning.network import ARTICLE_WINDOW
from jamd.training.learning.runs import Run
from jamd.training.progress import Progress, no_progress
from jamd.vocabulary import Vocabulary

PARITY_TOKENS = 20_000
"""Held-out tokens, in all sets together, on which rises in bits are measured."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to export.

    Attributes:
        float32: Store the weights as float32, twice as large, and do not round them to float16.
        figures_tokens: Held-out tokens of each set to measure for the model card; 0 for no figures.
        licence: The licence of the weights.
        sources: Name of a set -> who made it, and its licence.
        rehearsal: Put excerpts of what it learned from into the bundle, so that users of the bundle
            can train it further. A run that goes on from a bundle passes on that bundle's excerpts.
        mean: Epochs whose checkpoints are averaged; if empty, the best one is exported.
    """

    float32: bool = False
    figures_tokens: int = 0
    licence: str = "not stated"
    sources: Mapping[str, str] = field(default_factory=dict)
    rehearsal: bool = False
    mean: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Trained:
    """What is to be exported.

    Attributes:
        model: The network, with its states as inputs and outputs, and logits as output.
        language: `grid` or `article`.
        vocabulary: Its tokens.
        corpora: What it was trained on; it is measured on their held-out pieces.
        training: How it was trained, as facts for the model card.
        rehearsal: The manifest's entry, and the contents of the file; None for none.
    """

    model: keras.Model
    language: str
    vocabulary: Vocabulary
    corpora: Sequence[Corpus]
    training: Mapping[str, str | int | float]
    rehearsal: tuple[Rehearsal, bytes] | None = None


def export(
    run: Path,
    output: Path,
    options: Options,
    corpora: Sequence[Path],
    progress: Progress,
) -> Bundle:
    """Export the best network of a run, or the mean of several of its checkpoints.

    Args:
        run: Folder of the run.
        output: Folder of the bundle.
        options: How to export.
        corpora: The corpora it was trained on, if they have moved; else none.
        progress: Called with how far it has come.

    Raises:
        UserError: The run or a corpus is missing or does not fit, or as in `export_network`.
    """
    found = Run.read(run)
    paths = corpora or [Path(source.path) for source in found.sources]
    opened = [read_corpus(path, found.vocabulary) for path in paths]
    training = facts_of(found, options.mean)
    if found.origin is not None:
        options = replace(options, sources={**found.origin.sources, **options.sources})
    excerpts = _rehearsal(found, opened, options.rehearsal)
    network = mean_network(found, options.mean) if options.mean else found.network()
    trained = Trained(network, found.language, found.vocabulary, opened, training, excerpts)
    return export_network(trained, output, options, progress)


def _rehearsal(run: Run, corpora: Sequence[Corpus], asked: bool) -> tuple[Rehearsal, bytes] | None:
    """The excerpts for the bundle: never of music that a network was tuned on, unless asked for."""
    inherited = run.path / rehearsal.NAME
    if run.origin is not None and (inherited / "corpus.json").is_file():
        return rehearsal.copied(Corpus.read(inherited))
    if not asked:
        return None
    if run.language != "grid":
        raise UserError("--rehearsal is for the grid language: an article network begins anew")
    return rehearsal.rehearsal_of(corpora)


def facts_of(run: Run, mean: Sequence[int] = ()) -> dict[str, str | int | float]:
    """How a run was trained, for the model card; `mean` are the epochs that are averaged."""
    settings, history, grid = run.settings, run.history(), run.language == "grid"
    read = ", ".join(
        f"{source.style} {source.share:.0%} ({source.pieces:,} pieces, {source.tokens:,} tokens)"
        for source in run.sources
    )
    facts: dict[str, str | int | float] = {}
    if run.origin is not None:
        facts["goes on from"] = printable(run.origin.name)
    facts |= {
        "read, by share": read,
        "width of the embedding" if grid else "width of the Dense layers": settings.inner,
        "batch": f"{settings.rows} windows of {settings.window if grid else ARTICLE_WINDOW} tokens",
        "dropout": settings.dropout,
        **({"weight drop": settings.weight_drop} if settings.weight_drop else {}),
        "learning rate, at most": settings.rate,
        "seed": settings.seed,
    }
    if settings.oversample:
        facts["windows of each next name, at least"] = settings.oversample
    if settings.faithful:
        facts["faithful to the article"] = "windows cross pieces; nothing held out was looked at"
    if history:
        facts |= {
            "epochs": len(history),
            "best epoch": max(epoch["epoch"] for epoch in history if epoch["improved"]),
            **({"weights": f"the mean of epochs {', '.join(map(str, mean))}"} if mean else {}),
            "steps": history[-1]["step"],
            "tokens predicted": history[-1]["tokens"],
            "minutes": round(history[-1]["seconds"] / 60, 1),
        }
    return facts | {f"trained with {name}": text for name, text in run.versions.items()}


def export_network(
    trained: Trained, output: Path, options: Options, progress: Progress = no_progress
) -> Bundle:
    """Convert, quantize, compare with Keras, and write the bundle if it passes.

    Rounds the weights of `trained.model` to float16 in place, unless `options.float32` is set.

    Raises:
        UserError: A graph is further from Keras than it may be, Keras runs on another backend than
            TensorFlow, there are no held-out pieces, or `output` cannot be written.
    """
    samples = _samples(trained.corpora)
    size = len(trained.vocabulary)
    keras_network = predictors.of_keras(trained.model, vocabulary=size)
    rounding = 0.0
    if not options.float32:
        progress("rounding weights", 0, 1)
        before = parity.bits_per_token(keras_network, samples, trained.vocabulary)
        round_to_float16(trained.model)
        after = parity.bits_per_token(keras_network, samples, trained.vocabulary)
        rounding = after - before
        parity.require("a rise in bits per token by float16", rounding, parity.MOST_RISE)
    progress("converting", 0, 1)
    graph = to_onnx(trained.model, *tensors(trained))
    progress("comparing with Keras", 0, 1)
    difference = parity.difference(trained.model, graph, samples)
    parity.require("a difference of logits from Keras", difference, parity.MOST_DIFFERENCE)
    progress("quantizing", 0, 1)
    small = to_int8(graph)
    rise = _rise(graph, small, samples, trained.vocabulary)
    figures: dict[str, Figures] = {}
    if options.figures_tokens:
        network = predictors.of_session(parity.load(graph), vocabulary=size)
        figures = evaluate_corpora(
            network, trained.corpora, most_tokens=options.figures_tokens, progress=progress
        )
    files = {"float32": (graph if options.float32 else halved(graph)).SerializeToString()}
    weights = {"float32": "float32" if options.float32 else "float16"}
    if trained.language == "grid" or rise <= parity.MOST_RISE:
        parity.require("a rise in bits per token by int8", rise, parity.MOST_RISE)
        files["int8"] = (small if options.float32 else halved(small)).SerializeToString()
        weights["int8"] = "int8"
    fidelity = Parity(
        tokens=parity.TOKENS,
        float32_difference=difference,
        held_out_tokens=sum(len(sample.tokens) for sample in samples),
        float16_rise=rounding,
        int8_rise=rise if "int8" in files else None,
    )
    manifest = manifest_of(trained, files, weights, fidelity, figures, options)
    excerpts = trained.rehearsal[1] if trained.rehearsal else b""
    return bundles.write(output, manifest, files, card(manifest), excerpts)


def manifest_of(
    trained: Trained,
    files: Mapping[str, bytes],
    weights: Mapping[str, str],
    fidelity: Parity,
    figures: Mapping[str, Figures],
    options: Options,
) -> Manifest:
    """The manifest of a bundle.

    Args:
        trained: What was exported.
        files: Precision -> the ONNX file.
        weights: Precision -> the type in which the weights are stored.
        fidelity: How close the graphs are to Keras.
        figures: Name of a set of held-out pieces -> its figures.
        options: How it was exported.
    """
    inputs, outputs = tensors(trained)
    return Manifest(
        format=FORMAT,
        language=trained.language,
        vocabulary=trained.vocabulary.tokens,
        fingerprint=trained.vocabulary.fingerprint,
        steps_per_beat=STEPS_PER_BEAT,
        layers=_layers(trained.model),
        window=0 if trained.language == "grid" else trained.model.inputs[0].shape[1],
        inputs=inputs,
        outputs=outputs,
        graphs={
            precision: Graph(len(data), checksum(data), weights[precision])
            for precision, data in files.items()
        },
        parity=fidelity,
        training=dict(trained.training),
        sources=dict(options.sources),
        figures=dict(figures),
        licence=options.licence,
        made_by=_made_by(),
        rehearsal=trained.rehearsal[0] if trained.rehearsal else None,
    )


def _samples(corpora: Sequence[Corpus]) -> list[Sample]:
    if not corpora:
        raise UserError("expected a corpus with held-out pieces to compare graphs on, found none")
    share = -(-PARITY_TOKENS // len(corpora))
    # The last piece may be of any length: pieces are cut, so that the sample stays bounded.
    return [
        Sample(sample.tokens[:share], sample.counted[:share])
        for corpus in corpora
        for sample in held_out(corpus, share)
    ]


def _rise(
    graph: onnx.ModelProto,
    small: onnx.ModelProto,
    samples: Sequence[Sample],
    vocabulary: Vocabulary,
) -> float:
    """Extra bits per token of `small` over `graph`, both called as the daemon calls them."""
    large_bits, small_bits = (
        parity.bits_per_token(
            predictors.of_session(parity.load(proto), vocabulary=len(vocabulary)),
            samples,
            vocabulary,
        )
        for proto in (graph, small)
    )
    return small_bits - large_bits


def tensors(trained: Trained) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Inputs and outputs of the network's graph, as the manifest lists them."""
    if trained.language == "grid":
        return grid_tensors(len(trained.vocabulary), _layers(trained.model))
    return window_tensors(len(trained.vocabulary), trained.model.inputs[0].shape[1])


def _layers(model: keras.Model) -> tuple[int, ...]:
    return tuple(one.units for one in model.layers if isinstance(one, keras.layers.LSTM))


def _made_by() -> dict[str, str]:
    versions = {"onnxruntime": onnxruntime.__version__}  # its package has one of two names
    for name in ("jamd", "keras", "numpy", "onnx", "tensorflow", "tf2onnx"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # an uninstalled checkout of jamd
            continue
    return dict(sorted(versions.items()))
