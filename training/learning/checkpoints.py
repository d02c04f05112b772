"""The networks that a run saved during training, compared by what they write."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from jamd.errors import CorpusError
from jamd.training.judging.repetition import distinct_share, longest_repeat

_NAME = re.compile(r"(\d+)-(\d+\.\d+)\.weights\.h5")

STRETCH = 4
"""Length, in moments, of the stretches whose distinct share is reported."""


@dataclass(frozen=True, slots=True, order=True)
class Checkpoint:
    """The weights saved at one improvement.

    Attributes:
        epoch: The epoch that they were saved after, from 1.
        loss: Its loss in nats per token: on held-out pieces, or in training if none are used.
        path: The file.
    """

    epoch: int
    loss: float
    path: Path

    @property
    def name(self) -> str:
        """`EPOCH-LOSS`, as in the file's name."""
        return self.path.name.removesuffix(".weights.h5")


def checkpoints(run: Path) -> list[Checkpoint]:
    """The checkpoints in a run's folder, by epoch.

    Raises:
        CorpusError: There are none.
    """
    folder = run / "improvements"
    matches = [(path, _NAME.fullmatch(path.name)) for path in folder.glob("*")]
    found = sorted(
        Checkpoint(int(match[1]), float(match[2]), path) for path, match in matches if match
    )
    if not found:
        raise CorpusError(
            f"{folder}: expected weights named EPOCH-LOSS.weights.h5, found none; train the run"
        )
    return found


@dataclass(frozen=True, slots=True)
class Heard:
    """A checkpoint and what it wrote.

    Attributes:
        checkpoint: Which one.
        held_out_bits: Bits per token on held-out pieces; None if there are none.
        names: What it wrote: a name for each moment, as in the article's language, without rhythm.
    """

    checkpoint: Checkpoint
    held_out_bits: float | None
    names: tuple[str, ...]

    @property
    def distinct(self) -> int:
        """How many different notes and chords it wrote."""
        return len(set(self.names))

    @property
    def longest_repeat(self) -> int:
        """Length, in moments, of the longest stretch that it wrote twice."""
        return longest_repeat(self.names)

    @property
    def distinct_stretches(self) -> float:
        """The share of its stretches of `STRETCH` moments that are distinct, 0..1."""
        return distinct_share(self.names, STRETCH)


def as_csv(rows: Sequence[Heard]) -> str:
    """At least one row as CSV, a line per checkpoint, with all that it wrote in the last column."""
    text = StringIO()
    lines = [_cells(row) for row in rows]
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _cells(row: Heard) -> dict[str, object]:
    """The cells of one line, by column."""
    return {
        "checkpoint": row.checkpoint.name,
        "epoch": row.checkpoint.epoch,
        "loss_nats": f"{row.checkpoint.loss:.4f}",
        "held_out_bits_per_token": (
            "" if row.held_out_bits is None else f"{row.held_out_bits:.4f}"
        ),
        "moments": len(row.names),
        "distinct_notes": row.distinct,
        "longest_repeat": row.longest_repeat,
        f"distinct_{STRETCH}": f"{row.distinct_stretches:.4f}",
        "notes": " ".join(row.names),
    }


def best(rows: Sequence[Heard]) -> Heard:
    """The checkpoint that predicts best: held-out pieces, or training pieces if there are none."""

    def needs(row: Heard) -> float:
        return row.checkpoint.loss if row.held_out_bits is None else row.held_out_bits

    return min(rows, key=needs)
