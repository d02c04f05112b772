"""A run -> a bundle to listen to: one float32 graph, made in seconds, without figures.

`jamd export` spends minutes on what a model that is kept needs: int8, rises in bits, figures
against baselines. None of it is needed to hear what a run has learned so far.
"""

from __future__ import annotations

import logging
from pathlib import Path

from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle
from jamd.bundle.manifest import Parity
from jamd.export import parity
from jamd.export.card import card
from jamd.export.export import Options, Trained, facts_of, manifest_of, tensors
from jamd.export.graph import to_onnx
from jamd.training.learning.runs import Run


def draft(run: Run, output: Path, weights: Path | None) -> Bundle:
    """Convert a run's network without changing its weights; no corpus is needed.

    Args:
        run: The run.
        output: Folder of the bundle.
        weights: One of the run's weight files; None for the best.

    Raises:
        UserError: There are no such weights, the graph is further from Keras than it may be, Keras
            runs on another backend than TensorFlow, or `output` cannot be written.
    """
    # Each checkpoint is a new network, traced once: TensorFlow warns of that after five.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    network = run.network(weights)
    trained = Trained(network, run.language, run.vocabulary, (), facts_of(run))
    graph = to_onnx(network, *tensors(trained))
    difference = parity.drawn_difference(network, graph)
    parity.require("a difference of logits from Keras", difference, parity.MOST_DIFFERENCE)
    files = {"float32": graph.SerializeToString()}
    fidelity = Parity(parity.DRAWN, difference, held_out_tokens=0, float16_rise=0.0, int8_rise=None)
    manifest = manifest_of(trained, files, {"float32": "float32"}, fidelity, {}, Options())
    return bundles.write(output, manifest, files, card(manifest))
