"""`jamd roll`: a MIDI file as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from jamd.commands import Subparsers


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("roll", help="draw a take, or any MIDI file, as a piano roll")
    parser.add_argument("file", type=Path, metavar="FILE", help="a MIDI file")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="PICTURE", help="an SVG file; default: beside FILE"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.daemon.takes.picture import picture_of
    from jamd.errors import UserError
    from jamd.roll import draw
    from jamd.writing import check_output, written_whole

    if args.file.is_dir():
        raise UserError(f"{args.file}: expected a MIDI file, found a folder")
    output: Path = args.output or args.file.with_suffix(".svg")
    check_output(output, "an SVG file", (".svg",), args.file)
    drawn = draw(picture_of(args.file))
    with written_whole(output) as new:
        new.write_text(drawn, encoding="utf-8")
    print(output)
    return 0
