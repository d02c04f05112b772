"""Runs and corpora as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from jamd.training.judging.distribution import Distribution

MOST_BARS = 40
"""Most names that are drawn individually."""

_COLOUR = "#2563a8"


def draw_history(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw loss and accuracy by epoch, in training and held out, as a picture at `path`.

    Args:
        history: What `history.json` holds, at least one epoch.
        path: The file to write; its suffix names the format.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    epochs = [item["epoch"] for item in history]
    styles = sorted({style for item in history for style in item["held_out_by_style"]})
    labels = {"loss": "loss (nats a token)", "accuracy": "accuracy"}
    for axes, (measure, label) in zip(figure.subplots(1, 2), labels.items(), strict=True):
        axes.plot(epochs, [item["training"][measure] for item in history], "k--", label="training")
        if history[-1]["held_out"]:
            held_out = [item["held_out"][measure] for item in history]
            axes.plot(epochs, held_out, "k", linewidth=2, label="held out")
        for style in styles:
            values = [item["held_out_by_style"][style][measure] for item in history]
            axes.plot(epochs, values, linewidth=1, alpha=0.7, label=f"held out: {style}")
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=100)


def draw_distribution(distribution: Distribution, path: Path) -> None:
    """Draw how often tokens occur, as a picture at `path`.

    For the article's language these are the most frequent names, and all counts by rank; for the
    grid's, the kinds of token, and the pitches of each part.

    Args:
        distribution: The counts of a corpus with at least one token.
        path: The file to write; its suffix names the format, PNG without one.
    """
    figure = Figure(figsize=(10, 6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    article = distribution.language == "article"
    if article:
        bars = dict(distribution.most_frequent(MOST_BARS))
        counts = np.sort(distribution.counts[distribution.counts > 0])[::-1]
        right.loglog(np.arange(1, len(counts) + 1), counts, ".-", color=_COLOUR)
        right.set_xlabel("rank")
        right.set_ylabel("times")
        right.set_title(f"all {distribution.different}; {distribution.once} occur once")
    else:
        bars = distribution.by_kind()
        for part, pitches in distribution.by_pitch().items():
            right.step(list(pitches), list(pitches.values()), where="mid", label=part)
        right.set_xlabel("MIDI pitch")
        right.set_ylabel("notes")
        right.legend(fontsize="small")
    left.barh(range(len(bars)), list(bars.values()), color=_COLOUR)
    left.set_yticks(range(len(bars)), list(bars), fontsize="small", parse_math=False)
    left.invert_yaxis()
    left.set_ylim(len(bars) - 0.5, -0.5)
    left.set_xlabel("times")
    left.set_title("the most frequent notes and chords" if article else "kinds of token")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    with path.open("wb") as file:  # by its name, a device would get a file with a suffix beside it
        figure.savefig(file, dpi=100, format=path.suffix.removeprefix(".") or "png")
