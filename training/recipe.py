"""How the default bundle is made, from unpacked data sets to the model card.

Stages that are already done are kept: a recipe that was stopped resumes where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jamd.errors import CorpusError
from jamd.lock import only_writer
from jamd.training.corpus import Corpus
from jamd.training.learning.run_folder import is_run
from jamd.training.learning.runs import Run, Settings, preset
from jamd.training.learning.train import Moment, new_run, train
from jamd.training.preparing.comping import write_struck
from jamd.training.preparing.prepare import Options, prepare
from jamd.training.progress import Progress

LICENCE = "MIT"
"""The licence of the default bundle's weights: every set below allows it."""

_ANY_SIZE = replace(preset("grid", "default"), rows=128, epoch_steps=50)

SIZES: Mapping[str, Settings] = {
    "small": replace(_ANY_SIZE, units=192, inner=128, epochs=80),
    "default": replace(
        _ANY_SIZE,
        units=576,
        inner=320,
        dropout=0.35,
        weight_drop=0.3,
        rate=2.5e-3,
        epochs=200,
    ),
    "large": replace(
        _ANY_SIZE,
        units=1024,
        inner=512,
        dropout=0.5,
        weight_drop=0.4,
        rate=2e-3,
        epochs=200,
    ),
}
"""How a bundle of each size is trained, and for how many epochs of 0.8 million tokens. The small
one is for boards with a weak CPU, the large one for a GPU."""


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A data set that the default bundle learns from.

    Attributes:
        folder: Name of its unpacked folder.
        style: The style of all its pieces, and the name of its corpus.
        weight: How much of it is read, relative to the others.
        source: Who made it, and its licence.
        join_bars: Its files are joined until they have this many bars; 0 for never.
        struck_from: The style, from the same folder, whose chords are struck anew; "" for none.
        rhythms: The styles whose rhythms they are struck in.
    """

    folder: str
    style: str
    weight: float
    source: str
    join_bars: int = 0
    struck_from: str = ""
    rhythms: tuple[str, ...] = ()


INGREDIENTS = (
    Ingredient(
        "openewld",
        "jazz",
        0.16,
        "jazz and pop standards of 1890-1930, lead sheets with melody and chords; "
        "after OpenEWLD by 00sapo; MIT, public-domain scores",
    ),
    Ingredient(
        "openscore-lieder",
        "song",
        0.18,
        "songs for voice and piano; OpenScore Lieder, github.com/OpenScore/Lieder; CC0 1.0",
    ),
    Ingredient(
        "free-midi-chords",
        "chords",
        0.17,
        "chord progressions in pop, soul and hip-hop rhythms; "
        "github.com/ldrolez/free-midi-chords; MIT",
        join_bars=24,
    ),
    Ingredient(
        "mutopia",
        "piano",
        0.14,
        "ragtime, Romantic piano, guitar and folk music; Mutopia, mutopiaproject.org; "
        "the files marked Public Domain",
    ),
    Ingredient(
        "pianolatron",
        "roll",
        0.08,
        "piano rolls of dance, tango and classical music; pianolatron-data; MIT",
    ),
    Ingredient(
        "freedoom",
        "game",
        0.07,
        "game music; Freedoom, freedoom.github.io; BSD 3-Clause",
    ),
    Ingredient(
        "openewld",
        "combo",
        0.20,
        "the standards of jazz, their chords struck in the rhythms of chords and piano",
        struck_from="jazz",
        rhythms=("chords", "piano"),
    ),
)
"""Standards, songs and chord progressions weigh most: they are what a band-mate is asked for. Sets
with expressive timing or many parts teach the rest."""


def ingredients_in(folder: Path) -> list[Ingredient]:
    """The sets whose folders are in `folder`, as are those whose rhythms they need.

    Raises:
        CorpusError: There are none.
    """
    there = [item for item in INGREDIENTS if (folder / item.folder).is_dir()]
    styles = {item.style for item in there}
    found = [item for item in there if styles.issuperset(item.rhythms)]
    if not found:
        known = ", ".join(dict.fromkeys(item.folder for item in INGREDIENTS))
        raise CorpusError(f"{folder}: expected folders of data sets ({known}), found none")
    return found


def corpora(
    folder: Path,
    work: Path,
    ingredients: Sequence[Ingredient],
    started: Callable[[str], Progress],
) -> list[Path]:
    """Prepare the sets found in `folder`; return their corpora, `work`/corpora/STYLE.

    Args:
        folder: Holds the sets' folders.
        work: Folder for intermediate results.
        ingredients: The sets.
        started: Called with the style of each set before it is read; returns where to report
            progress.
    """
    paths = []
    for item in ingredients:
        path = work / "corpora" / item.style
        paths.append(path)
        if (path / "corpus.json").is_file():
            Corpus.read(path)
            continue
        if item.struck_from:
            held, *others = (
                Corpus.read(work / "corpora" / style) for style in (item.struck_from, *item.rhythms)
            )
            write_struck(held, others, path, item.style)
            continue
        options = Options(style=item.style, join_bars=item.join_bars)
        prepare([str(folder / item.folder)], path, options, started(item.style))
    return paths


def trained(
    work: Path,
    corpora: Sequence[Path],
    ingredients: Sequence[Ingredient],
    minutes: float | None,
    report: Callable[[Moment], None],
    size: str,
) -> Run:
    """Train on the corpora, or resume where training stopped; return the run, `work`/runs/SIZE.

    Args:
        work: Folder for intermediate results.
        corpora: The sets' corpora.
        ingredients: The sets.
        minutes: How long to train in all; None to keep the run's budget, or that of `SIZES` for a
            new run.
        report: Called with how far training has come.
        size: One of `SIZES`.

    Raises:
        BusyError: Another process trains that run.
    """
    path = work / "runs" / size
    with only_writer(path):
        if is_run(path):
            run = Run.read(path).with_budget(None, minutes)
        else:
            settings = replace(SIZES[size], minutes=minutes)
            weights = {item.style: item.weight for item in ingredients}
            run = new_run(path, corpora, settings, weights)
        train(run, report)
    return run
