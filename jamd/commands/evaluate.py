"""`jamd evaluate`: how well a model predicts music, with and without its memory of the piece."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jamd.commands import Subparsers

if TYPE_CHECKING:
    from rich.table import Table

    from jamd.training.evaluate import Evaluation
    from jamd.training.prepare import Progress
    from jamd.training.subjects import Subject


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "evaluate",
        help="measure how well a model predicts music",
        description="Measure bits per token and per note (fewer are better) and accuracy, on files "
        "of music or on a corpus's held-out pieces, by the model alone and with its memory of the "
        "piece so far; with a corpus, beside a unigram and an n-gram that know its training "
        "pieces.",
    )
    parser.add_argument("model", metavar="RUN|BUNDLE", help='a folder, or "default"')
    parser.add_argument("files", nargs="*", metavar="FILE", help="music; default: held-out pieces")
    parser.add_argument(
        "--corpus",
        action="append",
        default=[],
        type=Path,
        metavar="CORPUS",
        help="folder that jamd prepare wrote; again for several, where no files are given",
    )
    parser.add_argument(
        "--style", help="what family the files are: jazz, song … (default: the corpus's, or other)"
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "int8"),
        help="which graph of a bundle (default: the most exact that it holds)",
    )
    parser.add_argument(
        "--most-tokens",
        type=int,
        default=200_000,
        metavar="N",
        help="of a corpus's held-out pieces, measure about so many tokens (default: 200000)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from rich.console import Console

    from jamd.errors import UserError
    from jamd.training.subjects import open_subject

    if not args.files and not args.corpus:
        raise UserError("expected files of music or a --corpus to evaluate on, found neither")
    if args.files and len(args.corpus) > 1:
        raise UserError(f"expected one --corpus beside files, found {len(args.corpus)}")
    if args.most_tokens < 1:
        raise UserError(f"--most-tokens: expected 1 or more, found {args.most_tokens}")
    console = Console(stderr=True)
    with console.status("loading the model") as status:
        subject = open_subject(args.model, args.precision)

        def progress(step: str, done: int, of: int) -> None:
            status.update(f"{step}: {done} of {of}")

        found = _evaluate(args, subject, progress)
    if args.json:
        print(json.dumps({"model": subject.name, "sets": [_plain(*one) for one in found.items()]}))
        return 0
    print(subject.name)
    tables = Console()
    for name, evaluation in found.items():
        tables.print(_table(name, evaluation))
    return 0


def _evaluate(
    args: argparse.Namespace, subject: Subject, progress: Progress
) -> dict[str, Evaluation]:
    from jamd.training.evaluate import baselines_of, evaluate, held_out
    from jamd.training.predictors import Remembering
    from jamd.training.subjects import read_corpus, read_files

    remembering = Remembering(subject.network, relative=subject.language == "grid")
    models = {"model": subject.network, "with memory": remembering}
    corpora = [read_corpus(path, subject.vocabulary) for path in args.corpus]
    if not args.files:
        return {
            corpus.path.resolve().name: evaluate(
                {**models, **baselines_of(corpus)},
                held_out(corpus, args.most_tokens),
                subject.vocabulary,
                progress,
            )
            for corpus in corpora
        }
    baselines = baselines_of(corpora[0]) if corpora else {}
    style = args.style or (corpora[0].style if corpora else "other")
    samples = read_files(args.files, subject, style, progress)
    return {"files": evaluate({**models, **baselines}, samples, subject.vocabulary, progress)}


def _plain(name: str, evaluation: Evaluation) -> dict[str, Any]:
    """One set's figures as JSON has them."""
    scores = {}
    for predictor, kinds in evaluation.by_kind.items():
        score = evaluation.score(predictor)
        scores[predictor] = {
            "bits_per_token": score.bits_per_token,
            "bits_per_note": score.bits_per_note,
            "accuracy": score.accuracy,
            "by_kind": {
                kind: {
                    "tokens": tally.tokens,
                    "bits_per_token": tally.bits / tally.tokens,
                    "accuracy": tally.hits / tally.tokens,
                }
                for kind, tally in kinds.items()
            },
        }
    return {
        "set": name,
        "pieces": evaluation.pieces,
        "tokens": evaluation.tokens,
        "notes": evaluation.notes,
        "scores": scores,
    }


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
