"""`jamd compare`: what each checkpoint of a run writes, from the same seed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.commands import Subparsers, at_least_one
from jamd.commands.generate import add_manner, manner_of, write

if TYPE_CHECKING:
    from rich.table import Table

    from jamd.training.judging.evaluate import Sample
    from jamd.training.learning.checkpoints import Heard
    from jamd.training.learning.runs import Run


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "compare",
        help="hear what a run had learned at each of its checkpoints",
        description="Let every checkpoint of a run write music from the same seed, through the "
        "same improviser as the daemon's: a MIDI file each, and a table of how well it predicts "
        "held-out pieces and how much it repeats itself, on the screen and as compare.csv.",
    )
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder that jamd train wrote")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder to write (default: RUN/compare)"
    )
    parser.add_argument(
        "--most-tokens",
        type=at_least_one,
        default=2000,
        metavar="N",
        help="roughly how many held-out tokens of each corpus to measure on (default: 2000)",
    )
    add_manner(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from jamd.export.opening import open_run
    from jamd.writing import written_whole

    found = open_run(args.run_folder)
    from jamd.training.learning.checkpoints import as_csv, checkpoints

    output: Path = args.output or args.run_folder / "compare"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    rows: list[Heard] = []
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("listening", total=len(checkpoints(args.run_folder)))
        for row in _heard(args, found, output):
            rows.append(row)
            bar.update(task, advance=1, description=f"epoch {row.checkpoint.epoch}")
    table = output / "compare.csv"
    with written_whole(table) as new:
        new.write_text(as_csv(rows), encoding="utf-8")
    Console().print(_table(rows))
    print(f"{len(rows)} MIDI files and {table}")
    return 0


def _heard(args: argparse.Namespace, run: Run, output: Path) -> Iterator[Heard]:
    """Each checkpoint, once its music is written."""
    from jamd.article import names
    from jamd.daemon.model.improviser import Improviser
    from jamd.export.opening import drafted
    from jamd.training.judging.evaluate import evaluate
    from jamd.training.judging.predictors import of_session
    from jamd.training.learning.checkpoints import Heard, checkpoints
    from jamd.writing import make_folder

    manner = manner_of(args, run.language, run)
    samples = _samples(run, args.most_tokens)
    make_folder(output)
    for checkpoint in checkpoints(run.path):
        with drafted(run, checkpoint.path) as bundle:
            improviser = Improviser(bundle)
            notes = write(improviser, manner, output / f"{checkpoint.name}.mid")
            bits = None
            if samples:
                network = of_session(improviser.session, vocabulary=len(run.vocabulary))
                evaluation = evaluate({"model": network}, samples, run.vocabulary)
                bits = evaluation.score("model").bits_per_token
        yield Heard(checkpoint, bits, tuple(names(sorted(notes))))


def _samples(run: Run, most_tokens: int) -> list[Sample]:
    """Held-out pieces of the run's corpora; none if nothing is held out."""
    from jamd.training.judging.evaluate import held_out
    from jamd.training.judging.subjects import corpora_of

    corpora = [corpus for corpus in corpora_of(run) if corpus.of_split("held-out")]
    return [sample for corpus in corpora for sample in held_out(corpus, most_tokens)]


def _table(rows: Sequence[Heard]) -> Table:
    from rich import box
    from rich.table import Table

    from jamd.training.learning.checkpoints import STRETCH, best

    table = Table(box=box.SIMPLE, padding=0, collapse_padding=True, expand=True)
    measures = ("epoch", "loss", "held-out\nbits", "distinct\nnotes", "longest\nrepeat")
    for name in (*measures, f"distinct\n{STRETCH}-grams"):
        width = max(6, *map(len, name.splitlines()))
        table.add_column(name, justify="right", no_wrap=True, min_width=width)
    table.add_column("notes", no_wrap=True, overflow="ellipsis", ratio=1)
    first = best(rows)
    for row in rows:
        table.add_row(
            str(row.checkpoint.epoch),
            f"{row.checkpoint.loss:.4f}",
            "" if row.held_out_bits is None else f"{row.held_out_bits:.3f}",
            str(row.distinct),
            str(row.longest_repeat),
            f"{row.distinct_stretches:.0%}",
            " ".join(row.names[:40]),
            style="bold" if row is first else None,
        )
    return table
