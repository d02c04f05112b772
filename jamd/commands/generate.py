"""`jamd generate`: music from a model, without a player; the article's last step."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from jamd import config_file
from jamd.commands import Subparsers

MOST = 100_000

_SETTINGS = (
    "transport.bpm",
    "model.style",
    "model.temperature",
    "model.nucleus",
    "model.seed",
)


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "generate",
        help="write music with a model",
        description="Continue silence with a model and write what comes as a MIDI file, through "
        "the same improviser as the daemon's.",
    )
    parser.add_argument("model", metavar="RUN|BUNDLE", help='a folder, or "default"')
    parser.add_argument(
        "-n",
        "--notes",
        type=_count,
        default=500,
        metavar="N",
        help="how many notes; for an article model onsets, half a beat each (default: 500)",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.mid")
    parser.add_argument(
        "--argmax", action="store_true", help="always the likeliest token: it soon loops"
    )
    config_file.add_options(parser, *_SETTINGS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.bundle import MANIFEST, Bundle, resolve
    from jamd.daemon.generate import generate, to_entries
    from jamd.daemon.improviser import Improviser
    from jamd.daemon.settings import settings_from
    from jamd.daemon.take import to_midi

    settings = settings_from(config_file.in_force(args).config)
    folder = resolve(args.model)
    with ExitStack() as stack:
        if (folder / "run.json").is_file() and not (folder / MANIFEST).is_file():
            from jamd.training.backend import load_backend

            load_backend()  # TensorFlow, for a run alone
            from jamd.export.export import export

            temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder = export(folder, temporary / "bundle").path
        improviser = Improviser(Bundle.read(folder))
        sampling = replace(settings.sampling, argmax=args.argmax)
        notes = generate(improviser, args.notes, sampling, settings.style, settings.seed)
    to_midi(to_entries(notes, settings.bpm)).save(args.output)
    print(f"{args.output}: {len(notes)} notes, seed {settings.seed}")
    return 0


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"expected 1..{MOST} notes; found {text!r}")
    return int(text)
