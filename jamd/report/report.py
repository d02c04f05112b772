"""A model and its corpora -> a folder with the page, its pictures and its sounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jamd.bundle.bundle import Bundle
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import Sampling
from jamd.daemon.sound import fluidsynth
from jamd.errors import UserError
from jamd.lock import LOCK, only_writer
from jamd.report import pictures
from jamd.report.figures import SetFigures
from jamd.report.judge import Budget, Judge
from jamd.report.memorised import library_of
from jamd.report.page import Facts, page_of
from jamd.report.plain import plain
from jamd.report.samples import Sample, write_samples
from jamd.training.corpus import Corpus
from jamd.training.judging.subjects import Subject
from jamd.training.progress import Progress, no_progress
from jamd.writing import named, written_whole

PAGE = "index.html"
DATA = "report.json"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be judged, and how.

    Attributes:
        subject: The model as a predictor.
        bundle: The same model, as it plays.
        precision: Which graph of the bundle plays; None for the daemon's own choice.
        corpora: At least one, all with different names.
        how: How tokens are drawn.
        budget: How much is measured.
        seed: The same gives the same report.
    """

    subject: Subject
    bundle: Bundle
    precision: str | None
    corpora: Sequence[Corpus]
    how: Sampling
    budget: Budget
    seed: int


def report(request: Request, folder: Path, progress: Progress = no_progress) -> list[SetFigures]:
    """Judge a model and write `PAGE`, `DATA` and what they refer to into `folder`.

    Raises:
        UserError: The model does not speak the grid language, two corpora have the same name, one
            has no held-out pieces or nothing to train on, or `folder` contains anything but a
            report, or another process writes to it.
        OSError: `folder` cannot be written to.
    """
    if request.subject.language != "grid":
        raise UserError(
            "--report: expected a model of the grid language, found one of the "
            f"{request.subject.language} language"
        )
    names = [corpus.name for corpus in request.corpora]
    if len(set(names)) < len(names):
        raise UserError(f"--report: expected corpora of different names, found {', '.join(names)}")
    _expect_replaceable(folder)
    # What cannot be written is found out before all the measuring.
    with only_writer(folder), named(folder):
        return _write(request, folder, progress)


def _expect_replaceable(folder: Path) -> None:
    """Raise UserError if `folder` exists, is not empty and is not a report."""
    if not folder.exists():
        return
    if folder.is_dir() and {path.name for path in folder.iterdir()} <= {LOCK}:  # as after a kill
        return
    try:
        found = json.loads((folder / DATA).read_bytes())
        is_report = found.keys() == {"model", "sets"}
    except (OSError, ValueError, AttributeError):
        is_report = False
    if not is_report:
        raise UserError(
            f"--report: expected a new or an empty folder or a report at {folder}, found "
            "something else: name another"
        )


def _write(request: Request, folder: Path, progress: Progress) -> list[SetFigures]:
    training = [(corpus, entry) for corpus in request.corpora for entry in corpus.of_split("train")]
    progress("reading the training pieces", 0, 1)
    judge = Judge(
        request.subject.network,
        Improviser(request.bundle, precision=request.precision),
        request.how,
        request.budget,
        request.seed,
        library_of(corpus.tokens(entry) for corpus, entry in training),
        [entry.source for _, entry in training],
        progress,
    )
    sets = [judge.measure(corpus) for corpus in request.corpora]
    text = json.dumps({"model": request.subject.name, "sets": [plain(one) for one in sets]})
    with written_whole(folder / DATA) as new:  # first: it marks the folder as a report
        new.write_text(text, encoding="utf-8")
    found = fluidsynth.find()
    installed = None if isinstance(found, str) else found
    samples: dict[str, list[Sample]] = {}
    for figures in sets:
        step = f"{figures.name}: drawing" + (" and playing" if installed else "")
        samples[figures.name] = write_samples(
            figures, request.budget.shown, folder, installed, partial(progress, step)
        )
    progress("drawing", 0, 1)
    _draw(sets, folder)
    facts = Facts(
        request.subject.name,
        _how(request, judge.improviser.precision, sets),
        found if isinstance(found, str) else "",
    )
    (folder / PAGE).write_text(page_of(facts, sets, samples), encoding="utf-8")
    return sets


def _how(request: Request, precision: str, sets: Sequence[SetFigures]) -> str:
    bars = sorted({one.stretch.bars for figures in sets for one in figures.written})
    lengths = " or ".join(map(str, bars))
    how = request.how
    return (
        f"Continuations of {lengths or 'no'} bars, by the {precision} graph, drawn at temperature "
        f"{how.temperature:g}, nucleus {how.nucleus:g}, memory {how.memory:g}, seed "
        f"{request.seed}, with none of the limits that jamd plays within."
    )


def _draw(sets: Sequence[SetFigures], folder: Path) -> None:
    pictures.bits_by_set(sets, folder / "bits.svg")
    pictures.copies_by_set(sets, folder / "copies.svg")
    for figures in sets:
        pictures.bits_by_kind(figures, folder / f"bits-{figures.name}.svg")
        if figures.likenesses:
            pictures.densities(figures.likenesses, folder / f"distances-{figures.name}.svg")
            pictures.pitch_classes(figures.likenesses[0], folder / f"pitches-{figures.name}.svg")
