"""`jamd bench`: measures speed, each figure beside its yardstick."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.commands import Subparsers, named

if TYPE_CHECKING:
    from jamd.bench.report import Row
    from jamd.bundle.bundle import Bundle

NAMES = ("token", "replan", "answer", "lateness", "prepare", "training", "start", "memory")


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "bench",
        help="measure speed, each figure beside its yardstick",
        description="Measure one token, a replan, an answer, lateness, preparing, training, "
        "starting and memory: about seven minutes. Ratios compare figures taken in turns, so they "
        "hold on a busy machine; absolute figures (limits in us, ms, s) are meaningful only on a "
        "quiet one. If jackd is installed, the daemon is measured on a JACK server of its own. The "
        "exit status is 0 whether or not the limits are kept.",
    )
    parser.add_argument(
        "--json", action="store_true", help="print a list of objects instead of a table"
    )
    parser.add_argument(
        "--bundle", type=named, default="default", help="the model's folder (default: shipped)"
    )
    parser.add_argument(
        "--only", action="append", choices=NAMES, help="measure only this; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="a short run with rough figures")
    parser.add_argument(
        "--midi", type=Path, metavar="FOLDER", help="MIDI files to prepare and train on"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.bench.report import as_json, as_table
    from jamd.bundle.bundle import Bundle, resolve

    bundle = Bundle.read(resolve(args.bundle))
    rows: list[Row] = []
    for name in args.only or NAMES:
        print(f"measuring {name} ...", file=sys.stderr)
        rows += _rows(name, bundle, args.midi, args.quick)
    print(as_json(rows) if args.json else as_table(rows))
    return 0


def _rows(name: str, bundle: Bundle, midi: Path | None, quick: bool) -> Iterator[Row]:
    match name:
        case "token":
            from jamd.bench import token

            yield from token.rows(bundle, *((100, 5) if quick else ()))
        case "replan":
            from jamd.bench import replan

            yield from replan.rows(bundle, *((5,) if quick else ()))
        case "answer":
            from jamd.bench import answering

            yield from answering.rows(bundle.path, *((2,) if quick else ()))
        case "lateness":
            from jamd.bench import lateness

            yield from lateness.rows(bundle.path, *((1, 1, 60) if quick else ()))
        case "prepare":
            from jamd.bench import preparing

            yield from preparing.rows(midi, *((4, 1.0, 1, None) if quick else ()))
        case "training":
            from jamd.bench import training

            yield from training.rows(midi, *((2, 16, 1, 1) if quick else ()))
        case "start":
            from jamd.bench import startup

            yield from startup.rows(bundle.path, *((1,) if quick else ()))
        case "memory":
            from jamd.bench import memory

            yield from memory.rows(bundle.path, *((2.0,) if quick else ()))
