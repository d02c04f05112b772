"""`jamd export`: a trained network -> a bundle that the daemon plays."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.commands import Subparsers, natural

if TYPE_CHECKING:
    from jamd.bundle.bundle import Bundle


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "export",
        help="make a bundle from a trained network",
        description="Convert a run's best network to ONNX in float32 and int8, compare both with "
        "Keras on held-out pieces, and write a bundle with a model card. A bundle that is too far "
        "from the network is not written.",
    )
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder that jamd train wrote")
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="BUNDLE", help="folder to write"
    )
    parser.add_argument(
        "--corpus",
        action="append",
        default=[],
        type=Path,
        metavar="CORPUS",
        help="where a corpus of the run is now; may be repeated (default: where it was)",
    )
    parser.add_argument(
        "--float32",
        action="store_true",
        help="store weights as float32: twice the size, but not rounded to float16",
    )
    parser.add_argument(
        "--figures",
        type=natural,
        default=200_000,
        metavar="N",
        help="held-out tokens of each corpus to measure for the card; 0 for none (default: 200000)",
    )
    parser.add_argument(
        "--licence",
        default="not stated",
        help="the licence of the weights (default: not stated)",
    )
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="NAME=TEXT",
        help="who made a corpus, and its licence, for the card; may be repeated",
    )
    parser.add_argument(
        "--rehearsal",
        action="store_true",
        help="put excerpts of the corpora into the bundle, so that others can train it further",
    )
    parser.add_argument(
        "--mean",
        type=_epochs,
        default=(),
        metavar="EPOCH,EPOCH…",
        help="export the mean of the weights after these epochs, each of which must have a "
        "checkpoint (default: the best epoch's alone)",
    )
    parser.set_defaults(run=run)


def _epochs(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected epochs as in 7,14,23, found {text!r}") from None


def run(args: argparse.Namespace) -> int:
    from rich.console import Console

    from jamd.bundle.bundle import expect_replaceable
    from jamd.bundle.manifest_file import expect_text
    from jamd.training.backend import load_backend
    from jamd.training.corpus import Corpus, expect_each_once
    from jamd.training.learning.run_folder import expect_run

    sources = dict(_source(text) for text in args.source)
    expect_text("--licence", args.licence)
    expect_run(args.run_folder)
    expect_replaceable(args.output)
    expect_each_once(args.corpus)
    for corpus in args.corpus:
        Corpus.read(corpus)
    console = Console(stderr=True)
    with console.status("loading Keras") as status:
        load_backend()
        from jamd.export.export import Options, export
        from jamd.training.learning.runs import Run

        found = Run.read(args.run_folder)

        options = Options(
            float32=args.float32,
            figures_tokens=args.figures,
            licence=args.licence,
            sources=sources,
            rehearsal=args.rehearsal,
            mean=args.mean,
        )

        def progress(step: str, done: int, of: int) -> None:
            status.update(step if of <= 1 else f"{step}: {done} of {of} pieces")

        bundle = export(args.run_folder, args.output, options, args.corpus, progress)
    print_bundle(bundle)
    if found.origin is not None and not found.tuned.exists():
        print(
            f"warning: {args.run_folder} was stopped before its end: what it forgot is neither "
            "measured nor limited. The same jamd train command does so; then export it again",
            file=sys.stderr,
        )
    return 0


def _source(text: str) -> tuple[str, str]:
    from jamd.bundle.manifest_file import expect_text
    from jamd.errors import UserError

    expect_text("--source", text)
    name, equals, licence = text.partition("=")
    if not name or not equals or not licence:
        raise UserError(f"--source: expected NAME=TEXT, found {text!r}")
    return name, licence


def print_bundle(bundle: Bundle) -> None:
    """Print how far the graphs are from the network, where they are and how well they do."""
    from jamd.export.parity import MOST_DIFFERENCE, MOST_RISE

    manifest, parity = bundle.manifest, bundle.manifest.parity
    print(
        f"float32: logits differ from Keras by at most {parity.float32_difference:.2g} over "
        f"{parity.tokens} tokens (limit {MOST_DIFFERENCE:g})"
    )
    if manifest.graphs["float32"].weights == "float16":
        print(
            f"float16 weights: {parity.float16_rise:+.5f} bits per token over "
            f"{parity.held_out_tokens} held-out tokens (limit {MOST_RISE:g})"
        )
    if parity.int8_rise is None:
        print(f"int8: left out, it costs more than {MOST_RISE:g} bits per token")
    else:
        print(
            f"int8: {parity.int8_rise:+.5f} bits per token over {parity.held_out_tokens} "
            f"held-out tokens (limit {MOST_RISE:g})"
        )
    for precision, graph in manifest.graphs.items():
        print(f"{bundle.graph_path(precision)}: {graph.bytes:,} bytes")
    for name, figures in manifest.figures.items():
        beside = ", ".join(
            f"{score.bits_per_note:.2f} {what}" for what, score in figures.scores.items()
        )
        print(f"{name}: bits per note {beside} ({figures.pieces} held-out pieces)")
