"""The history of a run as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def draw_history(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw loss and accuracy by epoch, training and held-out, as a PNG at `path`.

    Args:
        history: What `history.json` holds, at least one epoch.
        path: The file to write; its ending names the format.
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
