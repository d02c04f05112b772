"""`jamd recipe`: makes the default bundle from unpacked data sets."""

from __future__ import annotations

import argparse
from pathlib import Path

from jamd.commands import Subparsers, positive
from jamd.commands.train import show_training


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "recipe",
        help="make the default bundle from its data sets",
        description="Prepare every data set found in FOLDER, train, compare with an n-gram, and "
        "export the default bundle as shipped. Work already in --work is kept, so the same command "
        "resumes where it stopped.",
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="folder with the unpacked data sets"
    )
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="BUNDLE", help="folder to write"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("build/recipe"),
        help="folder for the corpora and the run (default: build/recipe)",
    )
    parser.add_argument(
        "--minutes",
        type=positive,
        metavar="M",
        help="total training time (default: until it has read as much as this size can learn from)",
    )
    parser.add_argument(
        "--size",
        choices=("small", "default", "large"),
        default="default",
        help="size of the network: small for boards with a weak CPU, large for a GPU",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from jamd.bundle.bundle import expect_replaceable
    from jamd.commands.export import print_bundle
    from jamd.training.backend import load_backend

    expect_replaceable(args.output)
    load_backend()
    from jamd.export.export import Options, export
    from jamd.training import progress, recipe
    from jamd.training.judging.evaluate import MOST_TOKENS

    ingredients = recipe.ingredients_in(args.folder)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as bars:

        def started(style: str) -> progress.Progress:
            task = bars.add_task(style, total=None)

            def advance(step: str, done: int, of: int) -> None:
                bars.update(task, description=f"{style}: {step}", completed=done, total=of)

            return advance

        corpora = recipe.corpora(args.folder, args.work, ingredients, started)
    with show_training() as report:
        trained = recipe.trained(args.work, corpora, ingredients, args.minutes, report, args.size)
    options = Options(
        figures_tokens=MOST_TOKENS,
        licence=recipe.LICENCE,
        sources={item.style: item.source for item in ingredients},
        rehearsal=True,
    )
    with console.status("exporting") as status:

        def exporting(step: str, done: int, of: int) -> None:
            status.update(step if of <= 1 else f"{step}: {done} of {of} pieces")

        bundle = export(trained.path, args.output, options, corpora, exporting)
    print_bundle(bundle)
    return 0
