"""`jamd corpus`: what a corpus holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.commands import Subparsers, at_least_one
from jamd.writing import written_whole

if TYPE_CHECKING:
    from jamd.training.corpus import Contents, Corpus

PICTURE = "distribution.png"
"""The file in a corpus's folder that shows how often its tokens occur."""


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "corpus",
        help="show what a corpus holds",
        description="Show how large a corpus is and how often its tokens occur, as a table and as "
        "a picture; or print the pieces themselves.",
    )
    parser.add_argument(
        "corpus", type=Path, metavar="CORPUS", help="folder that jamd prepare wrote"
    )
    parser.add_argument(
        "--top",
        type=at_least_one,
        metavar="N",
        help="how many names to list (default: 20)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="PICTURE",
        help=f"PNG or SVG (default: {PICTURE} in the corpus's folder)",
    )
    parser.add_argument(
        "--tokens",
        action="store_true",
        help="print each piece's tokens instead, on a line of its own",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.errors import CorpusError, UserError, printable
    from jamd.training.corpus import Corpus
    from jamd.writing import check_output

    for option, value in {"--output": args.output, "--top": args.top}.items():
        if args.tokens and value is not None:
            raise UserError(f"{option}: expected no --tokens beside it: leave one out")
    corpus = Corpus.read(args.corpus)
    if not corpus.pieces:
        raise CorpusError(f"{args.corpus}: expected pieces, found none; prepare it again")
    if args.tokens:
        for piece in corpus.pieces:
            print(f"# {printable(piece.source)} ({piece.split})")
            print(*(corpus.vocabulary.token(token) for token in corpus.tokens(piece).tolist()))
        return 0
    output: Path = args.output or args.corpus / PICTURE
    check_output(output, "a picture", (".png", ".svg"), args.corpus)
    print(f"{len(corpus.pieces)} pieces of the style {corpus.style}, ", end="")
    print(f"{len(corpus.left_out)} files left out")
    print_contents(corpus)
    show_distribution(corpus, args.top or 20, output)
    return 0


def print_contents(contents: Contents) -> None:
    """Print how much there is on each side of the split, and how large the vocabulary is."""
    for split in ("train", "held-out"):
        print(_side(contents, split))
    print(f"vocabulary: {len(contents.vocabulary)} tokens of the {contents.language} language")


def _side(contents: Contents, split: str) -> str:
    pieces = [piece for piece in contents.pieces if piece.split == split]
    notes = sum(piece.notes for piece in pieces)
    tokens = sum(piece.length for piece in pieces)
    groups = len({group for piece in pieces for group in piece.group.split(" + ")})
    return f"{split}: {len(pieces)} pieces ({groups} groups), {notes} notes, {tokens} tokens"


def show_distribution(corpus: Corpus, top: int, picture: Path) -> None:
    """Print the most frequent names, or for the grid language its kinds of token; draw them all."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from jamd.training.judging.distribution import Distribution
    from jamd.training.learning.plot import draw_distribution

    distribution = Distribution.of(corpus)
    article = corpus.language == "article"
    table = Table(box=box.SIMPLE)
    table.add_column("note or chord" if article else "kind of token")
    table.add_column("times", justify="right")
    table.add_column("share", justify="right")
    counts = distribution.most_frequent(top) if article else distribution.by_kind().items()
    for name, count in counts:
        table.add_row(name, f"{count:,}", f"{count / distribution.total:.1%}")
    Console(markup=False, emoji=False).print(table)
    if article:
        print(f"{distribution.different} different notes and chords; ", end="")
        print(f"{distribution.once} of them occur once")
    with written_whole(picture) as new:
        draw_distribution(distribution, new)
    print(f"drawn in {picture}")
