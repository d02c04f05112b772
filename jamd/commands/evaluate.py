"""`jamd evaluate`: how well a model predicts music, with and without its memory of the piece."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.commands import Subparsers, at_least_one, named, style
from jamd.config import file as config_file
from jamd.config.config import SETTINGS
from jamd.errors import printable

if TYPE_CHECKING:
    from rich.table import Table

    from jamd.report.figures import SetFigures
    from jamd.training.judging.evaluate import Evaluation
    from jamd.training.judging.subjects import Subject
    from jamd.training.progress import Progress

SEED = 1
"""The seed of a report, if none is given."""

_SETTINGS = ("model.temperature", "model.nucleus", "model.memory", "model.seed")
"""Settings that a report's continuations depend on, and nothing else that is measured here."""


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "evaluate",
        help="measure how well a model predicts music",
        description="Measure bits per token and per note (fewer are better) and accuracy, on files "
        "of music or on a corpus's held-out pieces, by the model alone and with its memory of the "
        "piece so far; with a corpus, also a unigram and an n-gram trained on its training "
        "pieces.",
    )
    parser.add_argument("model", type=named, metavar="RUN|BUNDLE", help='a folder, or "default"')
    parser.add_argument(
        "files",
        nargs="*",
        type=named,
        metavar="FILE",
        help="music (default: a corpus's held-out pieces)",
    )
    parser.add_argument(
        "--corpus",
        action="append",
        default=[],
        type=Path,
        metavar="CORPUS",
        help="folder that jamd prepare wrote; may be repeated if no files are given",
    )
    parser.add_argument(
        "--style",
        type=style,
        help="the style of the files: jazz, song … (default: the corpus's, or other)",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "int8"),
        help="which graph of a bundle to use (default: the most exact one that it has)",
    )
    parser.add_argument(
        "--most-tokens",
        type=at_least_one,
        metavar="N",
        help="measure about this many tokens of a corpus's held-out pieces (default: 200000; for a "
        "report 40000, or 6000 with --quick)",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write an illustrated page into DIR that also compares the model's music with real "
        "music: similarity, loops, copies of training pieces, accompaniment",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a smaller report: half a minute of computing for each corpus, and rougher figures",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    config_file.add_options(parser, *_SETTINGS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.markup import escape

    from jamd.report.plain import plain, plain_bits
    from jamd.training.judging.subjects import open_subject

    _check(args)
    console = Console(stderr=True)
    with console.status("loading the model") as status:
        subject = open_subject(args.model, args.precision)

        def progress(step: str, done: int, of: int) -> None:
            status.update(escape(f"{step}: {done} of {of}"))

        if args.report:
            sets = _report(args, subject, progress)
            found = {one.name: one.evaluation for one in sets}
            shown = [plain(one) for one in sets]
        else:
            found = _evaluate(args, subject, progress)
            shown = [plain_bits(*one) for one in found.items()]
    if args.json:
        print(json.dumps({"model": subject.name, "sets": shown}))
        return 0
    print(subject.name)
    tables = Console(markup=False, emoji=False)  # names of folders and of tokens
    for name, evaluation in found.items():
        tables.print(_table(name, evaluation))
    if args.report:
        from jamd.report.report import PAGE

        print(f"{args.report / PAGE}: the report")
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse arguments that do not go together."""
    from jamd.errors import UserError
    from jamd.training.corpus import expect_each_once

    if not args.files and not args.corpus:
        raise UserError("expected files of music or a --corpus to evaluate on, found neither")
    if args.files and len(args.corpus) > 1:
        raise UserError(f"expected one --corpus beside files, found {len(args.corpus)}")
    if args.report and args.files:
        raise UserError("--report: expected held-out pieces of a --corpus, found files")
    if args.style is not None and not args.files:
        raise UserError("--style: expected files beside it, found none: a corpus has its own")
    expect_each_once(args.corpus)
    of_a_report = {"--quick": args.quick or None, "--config": args.config}
    of_a_report |= {SETTINGS[key].option: getattr(args, key) for key in _SETTINGS}
    for option, value in of_a_report.items():
        if value is not None and not args.report:
            raise UserError(f"{option}: expected --report beside it, found none")


def _report(args: argparse.Namespace, subject: Subject, progress: Progress) -> list[SetFigures]:
    from jamd.daemon.settings import settings_from
    from jamd.export.opening import opened
    from jamd.report.judge import QUICK, Budget
    from jamd.report.report import Request, report
    from jamd.training.judging.subjects import read_corpus

    in_force = config_file.in_force(args)
    settings = settings_from(in_force.config)
    budget = QUICK if args.quick else Budget()
    if args.most_tokens:
        budget = replace(budget, tokens=args.most_tokens)
    seed = settings.seed if in_force.config.model.seed >= 0 else SEED
    corpora = [read_corpus(path, subject.vocabulary) for path in args.corpus]
    with opened(args.model) as bundle:
        request = Request(subject, bundle, args.precision, corpora, settings.sampling, budget, seed)
        return report(request, args.report, progress)


def _evaluate(
    args: argparse.Namespace, subject: Subject, progress: Progress
) -> dict[str, Evaluation]:
    from jamd.training.corpus import names_of
    from jamd.training.judging.evaluate import MOST_TOKENS, baselines_of, evaluate, evaluate_corpus
    from jamd.training.judging.predictors import Remembering
    from jamd.training.judging.subjects import read_corpus, read_files

    remembering = Remembering(subject.network, relative=subject.language == "grid")
    models = {"model": subject.network, "with memory": remembering}
    corpora = [read_corpus(path, subject.vocabulary) for path in args.corpus]
    if not args.files:
        most_tokens = args.most_tokens or MOST_TOKENS
        return {
            name: evaluate_corpus(models, corpus, most_tokens=most_tokens, progress=progress)
            for name, corpus in zip(names_of(args.corpus), corpora, strict=True)
        }
    baselines = baselines_of(corpora[0]) if corpora else {}
    of_files = args.style or (corpora[0].style if corpora else "other")
    read = read_files(args.files, subject, of_files, progress)
    for item in read.left_out:
        print(f"left out: {printable(item.source)}: {printable(item.reason)}", file=sys.stderr)
    if read.unknown:
        what = f"{read.unknown} of {read.tokens} notes and chords"
        print(f"left out: {what}: the model has no names for them", file=sys.stderr)
    return {"files": evaluate({**models, **baselines}, read.samples, subject.vocabulary, progress)}


def _table(name: str, evaluation: Evaluation) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        title=f"{name}: {evaluation.pieces} pieces, {evaluation.notes:,} notes",
        title_justify="left",
        box=box.SIMPLE,
        padding=0,
        collapse_padding=True,
    )
    table.add_column("", no_wrap=True)
    table.add_column("tokens", justify="right", no_wrap=True)
    for predictor in evaluation.by_kind:
        table.add_column(f"{predictor}\nbits", justify="right", no_wrap=True)
        table.add_column("\nright", justify="right", no_wrap=True)
    scores = [evaluation.score(predictor) for predictor in evaluation.by_kind]
    whole = [text for s in scores for text in (f"{s.bits_per_token:.3f}", f"{s.accuracy:.1%}")]
    table.add_row("a token", f"{evaluation.tokens:,}", *whole)
    notes = [text for score in scores for text in (f"{score.bits_per_note:.2f}", "")]
    table.add_row("a note", f"{evaluation.notes:,}", *notes, end_section=True)
    for kind, tally in next(iter(evaluation.by_kind.values())).items():
        cells = []
        for kinds in evaluation.by_kind.values():
            one = kinds[kind]
            cells += [f"{one.bits / one.tokens:.3f}", f"{one.hits / one.tokens:.1%}"]
        table.add_row(kind, f"{tally.tokens:,}", *cells)
    return table
