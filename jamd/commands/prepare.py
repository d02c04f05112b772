"""`jamd prepare`: files of music -> a corpus."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.commands import Subparsers, at_least_one, jobs, named, natural, positive, share, style
from jamd.commands.corpus import PICTURE, print_contents, show_distribution
from jamd.errors import UserError
from jamd.interrupts import ending_at_once, terminated_in_order

if TYPE_CHECKING:
    from rich.progress import TaskID

    from jamd.training.preparing.prepare import Report


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "prepare",
        help="make a corpus from MIDI files, MusicXML or ABC",
        description="Make a corpus from folders, files (MIDI, MusicXML, ABC) or names of music21's "
        "own corpus, such as music21:bach. A second run reads only what has changed.",
    )
    parser.add_argument(
        "sources", nargs="+", type=named, metavar="SOURCE", help="folder, file or music21:NAME"
    )
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="CORPUS", help="folder to write"
    )
    parser.add_argument(
        "--language",
        choices=("grid", "article"),
        default="grid",
        help="how music is written as tokens (default: grid)",
    )
    parser.add_argument(
        "--style",
        type=style,
        default="other",
        help="the style of all the music: jazz, combo, song, chords, piano, roll, game or other "
        "(default: other)",
    )
    parser.add_argument(
        "--sample", type=at_least_one, metavar="N", help="take only N files, at random"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="seed for --sample and --join (default: 1)"
    )
    split = parser.add_mutually_exclusive_group()
    split.add_argument(
        "--held-out",
        type=share,
        default=0.1,
        metavar="SHARE",
        help="share of pieces held out from training, 0 to below 1 (default: 0.1)",
    )
    split.add_argument(
        "--faithful",
        action="store_true",
        help="with the article's fault: no piece is held out from training (article)",
    )
    parser.add_argument(
        "--join",
        type=natural,
        default=0,
        metavar="BARS",
        help="join short files of a folder until they have this many bars (default: 0, none)",
    )
    parser.add_argument(
        "--jobs",
        type=jobs,
        default=os.cpu_count() or 1,
        help="how many processes, 1 to 256 (default: all cores)",
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="use the dask cluster with this scheduler address: tcp://host:8786",
    )
    parser.add_argument(
        "--time-limit-s",
        type=positive,
        default=60.0,
        metavar="S",
        help="limit for each file, in seconds (default: 60)",
    )
    parser.add_argument(
        "--memory-limit-mb",
        type=at_least_one,
        default=1024,
        metavar="MB",
        help="limit for each file (default: 1024)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with ending_at_once():
        from jamd.training.preparing import forks

        forks.start()  # gets ready while the rest is imported

        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        from jamd.training.preparing.prepare import Options, prepare

        if args.language == "article":
            import numpy as np  # noqa: F401 - needed at the end, when no import may be interrupted

    if args.faithful and args.language != "article":
        raise UserError(f"--faithful: expected --language article, found {args.language}")
    options = Options(
        language=args.language,
        style=args.style,
        sample=args.sample,
        seed=args.seed,
        held_out=0.0 if args.faithful else args.held_out,
        jobs=args.jobs,
        time_limit_s=args.time_limit_s,
        memory_limit_mb=args.memory_limit_mb,
        join_bars=args.join,
        dask=args.dask,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bars = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))
    tasks: dict[str, TaskID] = {}

    def progress(step: str, done: int, of: int) -> None:
        if not tasks:
            bars.start()
        if step not in tasks:
            tasks[step] = bars.add_task(step)
        bars.update(tasks[step], completed=done, total=of)

    with terminated_in_order():
        try:
            report = prepare(args.sources, args.output, options, progress)
        finally:
            if tasks:
                bars.stop()
    _print_report(report)
    if args.language == "article":
        show_distribution(report.corpus, 10, args.output / PICTURE)
    return 0


def _print_report(report: Report) -> None:
    from jamd.errors import printable

    contents = report.contents
    for remark in report.warnings:
        print(f"warning: {printable(remark.source)}: {remark.text}", file=sys.stderr)
    for item in contents.left_out:
        reason = printable(item.reason)
        print(f"left out: {printable(item.source)}: {reason}", file=sys.stderr)
    print(f"{report.files} files, {report.reused} of them read before; ", end="")
    print(f"{len(contents.left_out)} left out")
    print_contents(contents)
    print(f"written to {contents.path}")
