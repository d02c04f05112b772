"""The report's charts, as SVG: in one style, and with the same bytes every time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from jamd.report.figures import Likeness, SetFigures, kinds_of
from jamd.roll import COMP, LEAD, PLAYER, pitch_name

REAL, WRITTEN = PLAYER, LEAD
"""Colours of real music and of the model's."""

PREDICTORS = {"unigram": "#c3c6cf", "n-gram": "#8b90a0", "model": LEAD, "with memory": COMP}
"""Colour of each predictor, in the order in which they are shown."""

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9a9aa2",
    "axes.labelcolor": "#333333",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e4e4ea",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "legend.frameon": False,
    "svg.hashsalt": "jamd",
}


def _saved(path: Path, size: tuple[float, float], draw: Callable[[Any], None]) -> None:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(path, format="svg", metadata={"Date": None})


def bits_by_set(sets: Sequence[SetFigures], path: Path) -> None:
    """Bits per note of every predictor on every set."""
    values = {
        name: [figures.evaluation.score(name).bits_per_note for figures in sets]
        for name in PREDICTORS
    }
    _grouped([figures.name for figures in sets], values, PREDICTORS, "bits a note", path)


def bits_by_kind(figures: SetFigures, path: Path) -> None:
    """Bits per token of each kind, by every predictor, on one set."""
    by_kind = figures.evaluation.by_kind
    kinds = kinds_of(figures)
    values = {
        name: [by_kind[name][kind].bits / by_kind[name][kind].tokens for kind in kinds]
        for name in PREDICTORS
    }
    _grouped(kinds, values, PREDICTORS, "bits a token of the kind", path)


def copies_by_set(sets: Sequence[SetFigures], path: Path) -> None:
    """The longest runs found in the training pieces: median and worst, of real music and jamd's."""
    shown = [figures for figures in sets if figures.copied]
    values: dict[str, list[float]] = {"real": [], "jamd's": []}
    worst: dict[str, list[int]] = {"real": [], "jamd's": []}
    for figures in shown:
        for name, copied in zip(values, figures.copied or (), strict=True):
            values[name].append(copied.run.median)
            worst[name].append(copied.run.longest)
    colours = {"real": REAL, "jamd's": WRITTEN}
    _grouped([figures.name for figures in shown], values, colours, "notes in a row", path, worst)


def _grouped(
    groups: Sequence[str],
    values: Mapping[str, Sequence[float]],
    colours: Mapping[str, str],
    label: str,
    path: Path,
    worst: Mapping[str, Sequence[float]] | None = None,
) -> None:
    def draw(figure: Any) -> None:
        axes = figure.subplots()
        width = 0.8 / len(values)
        places = np.arange(len(groups))
        for i, (name, heights) in enumerate(values.items()):
            at = places + (i - (len(values) - 1) / 2) * width
            bars = axes.bar(at, heights, width * 0.92, color=colours[name], label=name)
            axes.bar_label(
                bars, fmt="%.3g", fontsize=7.5 if len(groups) < 5 else 6, color="#555555", padding=1
            )
            if worst is not None:
                axes.plot(at, worst[name], "v", color=colours[name], markersize=6)
        axes.set_xticks(places, groups)
        axes.set_ylabel(label)
        axes.tick_params(axis="x", length=0)
        handles, labels = axes.get_legend_handles_labels()
        if worst is not None:
            handles += axes.plot([], [], "v", color="#777777")
            labels.append("the longest of all")
        figure.legend(handles, labels, loc="outside upper left", ncols=5)

    _saved(path, (9.5, 3.2), draw)


def densities(likenesses: Sequence[Likeness], path: Path) -> None:
    """For each feature, how far real pieces lie apart, and how far the model's lie from them."""

    def draw(figure: Any) -> None:
        for axes, one in zip(figure.subplots(2, 3).flat, likenesses, strict=True):
            places = one.comparison.places[::5]
            axes.fill_between(
                places,
                one.comparison.intra[::5],
                color=REAL,
                alpha=0.25,
                linewidth=0,
                label="real–real",
            )
            axes.plot(
                places, one.comparison.inter[::5], color=WRITTEN, linewidth=2, label="jamd's–real"
            )
            axes.plot(
                one.control.places[::5],
                one.control.inter[::5],
                color=REAL,
                linewidth=1.2,
                linestyle="--",
                label="bars before–real",
            )
            axes.set_title(one.feature.name)
            unit = f" ({one.feature.unit})" if one.feature.unit else ""
            axes.set_xlabel(f"distance{unit}")
            axes.set_yticks([])
            axes.set_xlim(left=0)
            axes.set_ylim(bottom=0)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=3)

    _saved(path, (9.5, 4.8), draw)


def pitch_classes(likeness: Likeness, path: Path) -> None:
    """The mean pitch-class histograms of real music and of the model's, in C major or A minor."""
    names = [pitch_name(pitch)[:-1].rstrip("-") for pitch in range(60, 72)]
    values = {"real": likeness.real.tolist(), "jamd's": likeness.written.tolist()}

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for shift, (name, colour) in zip(
            (-0.2, 0.2), {"real": REAL, "jamd's": WRITTEN}.items(), strict=True
        ):
            heights = 100 * np.array(values[name])
            axes.bar(np.arange(12) + shift, heights, 0.37, color=colour, label=name)
        axes.set_xticks(np.arange(12), names)
        axes.set_ylabel("% of notes")
        axes.tick_params(axis="x", length=0)
        figure.legend(loc="outside upper left", ncols=2)

    _saved(path, (9.5, 2.3), draw)
