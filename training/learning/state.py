"""Where a run stopped: what it needs, besides `run.json`, to go on as if it had not."""

from __future__ import annotations

import json
import math
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from jamd.errors import CorpusError
from jamd.writing import written_whole

STATE = "last.npz"
"""The file, in a run's folder, that holds the state."""

_DAMAGE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""What zipfile and numpy raise if a file is damaged."""


@dataclass(slots=True)
class State:
    """The counters of a run; with the weights and the optimiser, all that resuming needs.

    Attributes:
        epoch: Epochs finished.
        step: Batches so far.
        step_of_epoch: Batches of the epoch under way.
        tokens: Tokens learned from so far, counted each time they were read.
        seconds: Wall time so far, in all sessions.
        best: The lowest held-out loss so far, nats a token.
    """

    epoch: int = 0
    step: int = 0
    step_of_epoch: int = 0
    tokens: float = 0.0
    seconds: float = 0.0
    best: float = math.inf
    arrays: tuple[Any, ...] = ()

    _COUNTERS = ("epoch", "step", "tokens", "seconds", "best")

    @classmethod
    def read(cls, folder: Path) -> State | None:
        """The state in a run's folder; None before its first epoch has ended.

        Raises:
            CorpusError: The file is damaged.
        """
        path = folder / STATE
        if not path.is_file():
            return None
        try:
            with zipfile.ZipFile(path) as archive:
                if (member := archive.testzip()) is not None:  # numpy may stop before the checksum
                    raise ValueError(f"{member} is not what was written")
            with np.load(path, allow_pickle=False) as stored:
                counters = json.loads(str(stored["counters"]))
                arrays = tuple(stored[f"array{i}"] for i in range(len(stored.files) - 1))
            return cls(**counters, arrays=arrays)
        except _DAMAGE as error:
            raise CorpusError(f"{path}: damaged ({error}); train anew") from error

    def counters(self) -> dict[str, float]:
        """All of it that is stored except arrays, as arguments for `State`."""
        return {name: getattr(self, name) for name in self._COUNTERS}

    def write(self, folder: Path, trainee: keras.Model) -> None:
        """Store the counters with the weights and the optimiser of `trainee`."""
        arrays = {f"array{i}": variable.numpy() for i, variable in enumerate(variables_of(trainee))}
        counters = json.dumps(self.counters())
        with written_whole(folder / STATE) as new:
            np.savez(new, counters=counters, **arrays)

    def restore(self, trainee: keras.Model, folder: Path) -> None:
        """Put the weights and the optimiser back into `trainee`.

        Raises:
            CorpusError: They do not fit the network that the run in `folder` describes.
        """
        variables = variables_of(trainee)
        if [tuple(v.shape) for v in variables] != [value.shape for value in self.arrays]:
            raise CorpusError(f"{folder}: run.json and {STATE} do not belong together; train anew")
        for variable, value in zip(variables, self.arrays, strict=True):
            variable.assign(value)
        self.arrays = ()


def variables_of(trainee: keras.Model) -> list[Any]:
    """The variables whose values a `State` holds, in its order."""
    optimizer = trainee.optimizer
    # The scale of float16's loss is found anew, so that a run can resume at any precision.
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    return [*trainee.trainable_variables, *optimizer.variables]
