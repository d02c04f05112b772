"""The mean of several checkpoints of one run.

While a network learns, its weights wander around a minimum of the loss. Their mean lies nearer to
the flat bottom of it, and predicts held-out music better than any of them: Izmailov et al.,
"Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018. The gain is largest
where the network has begun to memorise some of its music (docs/lab.md, 14).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from jamd.errors import CorpusError
from jamd.training.learning.checkpoints import checkpoints
from jamd.training.learning.runs import Run


def mean_network(run: Run, epochs: Sequence[int]) -> keras.Model:
    """The network of `run` whose weights are the mean of those after `epochs`.

    Args:
        run: A run with a checkpoint for each of `epochs`.
        epochs: At least one, each named once.

    Raises:
        CorpusError: No epoch is given, one has no checkpoint or is named twice, or a file is
            damaged.
    """
    kept = {checkpoint.epoch: checkpoint.path for checkpoint in checkpoints(run.path)}
    if not epochs or not set(epochs) <= set(kept) or len(set(epochs)) < len(epochs):
        raise CorpusError(
            f"{run.path}: expected some of the epochs that have a checkpoint, each once "
            f"({_listed(sorted(kept))}), found {_listed(epochs)}"
        )
    network, *others = (run.network(kept[epoch]) for epoch in epochs)
    each = [one.get_weights() for one in (network, *others)]
    network.set_weights([np.mean(arrays, axis=0) for arrays in zip(*each, strict=True)])
    return network


def _listed(epochs: Sequence[int]) -> str:
    return ", ".join(map(str, epochs))
