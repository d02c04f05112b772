"""`jamd generate`: music from a model, without a player; the article's last step."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.commands import Subparsers, named
from jamd.config import file as config_file

if TYPE_CHECKING:
    from jamd.daemon.model.improviser import Improviser
    from jamd.daemon.model.requests import Sampling
    from jamd.harmony.chart import Changes
    from jamd.notes import Meter, Note
    from jamd.training.learning.runs import Run

MOST = 100_000

SHOWN_AFTER_S = 1.0
"""What takes no longer needs no bar."""

SETTINGS = (
    "transport.bpm",
    "transport.meter",
    "play.changes",
    "model.style",
    "model.temperature",
    "model.nucleus",
    "model.seed",
)

_SCORES = (".musicxml", ".xml")


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "generate",
        help="write music with a model",
        description="Write music with a model, through the same improviser as the daemon's: a run "
        "in the article's language continues 32 notes and chords of its corpus, chosen by the "
        "seed; any other model starts from silence, and over chord changes if there are any.",
    )
    parser.add_argument("model", type=named, metavar="RUN|BUNDLE", help='a folder, or "default"')
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="a MIDI file, or with .musicxml a score, which music21 writes",
    )
    add_manner(parser)
    parser.set_defaults(run=run)


def add_manner(parser: argparse.ArgumentParser) -> None:
    """Declare the options for how music is written."""
    parser.add_argument(
        "-n",
        "--notes",
        type=_count,
        default=500,
        metavar="N",
        help="how many notes; for an article model onsets, half a beat each (default: 500)",
    )
    parser.add_argument(
        "--argmax", action="store_true", help="always take the likeliest token; this soon loops"
    )
    parser.add_argument(
        "--faithful",
        action=argparse.BooleanOptionalAction,
        help="with the article's faults: argmax, and chords at MIDI pitches 0 to 11 (default: as "
        "the run was trained)",
    )
    parser.add_argument(
        "--music21",
        action=argparse.BooleanOptionalAction,
        help="let music21 write the MIDI file, as the article does (default: for an article's run)",
    )
    config_file.add_options(parser, *SETTINGS)


@dataclass(frozen=True, slots=True)
class Manner:
    """How music is written, whichever network writes it.

    Attributes:
        count: How many notes; for the article's language, how many onsets.
        sampling: How tokens are drawn.
        style: One of `jamd.grid.tokens.STYLES`.
        seed: Seed of the draws, 0..2**63-1.
        bpm: Quarter notes a minute.
        meter: The meter.
        changes: The chord changes to write over; None: whatever the network likes.
        before: What is to be continued; empty: silence.
        faithful: Whether to write with the article's faults.
        music21: Whether music21 writes MIDI files.
    """

    count: int
    sampling: Sampling
    style: str
    seed: int
    bpm: float
    meter: Meter
    changes: Changes | None
    before: Sequence[Note]
    faithful: bool
    music21: bool


def run(args: argparse.Namespace) -> int:
    from jamd.bundle.bundle import Bundle, resolve
    from jamd.daemon.model.improviser import Improviser
    from jamd.export.opening import drafted, open_run
    from jamd.training.learning.run_folder import is_meant_as_run
    from jamd.writing import MIDI, check_output

    check_output(args.output, "a MIDI file or a score", (*MIDI, *_SCORES), Path(args.model))
    folder = resolve(args.model)
    if is_meant_as_run(folder):
        found = open_run(folder)
        manner = manner_of(args, found.language, found)
        with drafted(found) as bundle, _shown(args.notes) as wrote:
            notes = write(Improviser(bundle), manner, args.output, wrote)
    else:
        bundle = Bundle.read(folder)
        manner = manner_of(args, bundle.manifest.language)
        with _shown(args.notes) as wrote:
            notes = write(Improviser(bundle), manner, args.output, wrote)
    print(f"{args.output}: {len(notes)} notes, seed {manner.seed}")
    return 0


def manner_of(args: argparse.Namespace, language: str, run: Run | None = None) -> Manner:
    """How music is to be written in `language`, by the options and by the run if there is one.

    Raises:
        UserError: `--faithful` is given for another language than the article's, or chord changes,
            a style or a meter for that one, or a corpus of the run is gone.
    """
    from jamd.daemon.settings import expect_chords, settings_from
    from jamd.errors import UserError
    from jamd.notes import Meter

    in_force = config_file.in_force(args)
    settings = settings_from(in_force.config)
    expect_chords(settings.chart, language)
    article = language == "article"
    for key in ("model.style", "transport.meter"):
        if article and in_force.on_command_line(key):
            option = in_force.origins[key]
            raise UserError(f"{option}: expected a model of the grid language, found {language}")
    if args.faithful and not article:
        raise UserError(f"--faithful: expected a model of the article language, found {language}")
    remembered = run is not None and run.settings.faithful
    faithful = remembered if args.faithful is None else bool(args.faithful)
    sampling = replace(settings.sampling, argmax=args.argmax or faithful)
    if faithful:
        sampling = replace(sampling, memory=0.0)
    before: Sequence[Note] = ()
    if article and run is not None:
        from jamd.article import Article
        from jamd.training.judging.subjects import opening

        before = Article(run.vocabulary).decode(opening(run, settings.seed))
    by_music21 = article and run is not None if args.music21 is None else args.music21
    return Manner(
        args.notes,
        sampling,
        settings.style,
        settings.seed,
        settings.bpm,
        Meter(4, 4) if article else settings.meter,
        settings.changes,
        before,
        faithful,
        by_music21,
    )


@contextmanager
def _shown(count: int) -> Generator[Callable[[int], None]]:
    """What shows on a terminal how many of `count` notes there are, once it has taken a while."""
    if not sys.stderr.isatty() or find_spec("rich") is None:  # only what learns needs rich
        yield _unseen
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))
    task = bar.add_task("writing", total=count)
    begun = time.monotonic()

    def wrote(done: int) -> None:
        bar.update(task, completed=done)
        if time.monotonic() >= begun + SHOWN_AFTER_S:
            bar.start()  # does nothing the second time

    try:
        yield wrote
    finally:
        if bar.live.is_started:
            bar.stop()


def _unseen(done: int) -> None:
    """Notes that nobody counts."""


def write(
    improviser: Improviser,
    manner: Manner,
    output: Path,
    wrote: Callable[[int], None] = _unseen,
) -> list[Note]:
    """Write music to a file; return what the model wrote, before any fault was added.

    Args:
        improviser: The model.
        manner: How.
        output: The file.
        wrote: As for `jamd.daemon.model.generate.generate`.
    """
    from jamd.article import as_the_article_writes
    from jamd.daemon.model.generate import generate, to_entries
    from jamd.daemon.takes.take import to_midi
    from jamd.language import Constraints
    from jamd.writing import written_whole

    # The article takes any chord, however many notes it has.
    limits = Constraints(lowest=0, highest=127, polyphony=12) if manner.faithful else None
    notes = generate(
        improviser,
        manner.count,
        manner.sampling,
        manner.style,
        manner.seed,
        before=manner.before,
        constraints=limits,
        meter=manner.meter,
        changes=manner.changes,
        wrote=wrote,
    )
    written = as_the_article_writes(notes) if manner.faithful else notes
    if manner.music21 or output.suffix.lower() in _SCORES:
        from jamd.training.score_writer import write_score

        write_score(written, manner.bpm, output, manner.meter)
    else:
        with written_whole(output) as new:
            to_midi(to_entries(written, manner.bpm, manner.meter, manner.changes)).save(new)
    return notes


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"expected 1..{MOST} notes; found {text!r}")
    return int(text)
