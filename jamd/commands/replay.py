"""`jamd replay`: runs a session again, from its journal."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.commands import Subparsers, named

if TYPE_CHECKING:
    from jamd.daemon.takes.replay import Replay
    from jamd.notes import Meter, Note


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "replay",
        help="play a take's session again, bit for bit",
        description="Feed a session again everything that it received, from the journal beside "
        "every take, and compare what it does, bit for bit: every message and every request to the "
        "model. The exit status is 0 if all is the same, 1 if anything differs. Prints the notes: "
        "bar.beat.step part pitch velocity length.",
    )
    parser.add_argument("take", type=Path, metavar="TAKE", help="a take's MIDI file, or a journal")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="OUT.mid", help="write what was played as MIDI"
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="also ask the model anew, and show where its answers differ from the original ones",
    )
    parser.add_argument(
        "--bundle",
        type=named,
        help='the model that --again asks: a bundle, or "default" (default: the original one)',
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.daemon.takes.recorder import journal_of
    from jamd.daemon.takes.replay import replay
    from jamd.daemon.takes.take import rows, to_midi
    from jamd.errors import SourceError, UserError
    from jamd.writing import MIDI, check_output, written_whole

    if args.bundle is not None and not args.again:
        raise UserError("--bundle: expected --again beside it, found none")
    if args.output is not None:
        check_output(args.output, "a MIDI file", MIDI, args.take)
    with journal_of(args.take) as lines:
        try:
            again = replay(lines)
        except SourceError as error:
            raise SourceError(f"{args.take}: {error}") from error
    print("\n".join(rows(again.entries)))
    if args.output is not None:
        with written_whole(args.output) as new:
            to_midi(again.entries, again.opened.sounds).save(new)
    opened, difference = again.opened, again.difference
    print(f"A session of {opened.began}, by jamd {opened.jamd}, seed {opened.settings.seed}.")
    if not again.whole:
        print("Its journal was cut off.")
    if difference is None:
        print(f"The same, bit for bit: {again.effects} messages, requests and entries.")
    else:
        print(f"It differs, first {difference.seconds:.3f} s after its beginning,")
        print(f"  told: {difference.call}")
        print(f"  then: {difference.then or 'nothing more'}")
        print(f"  now:  {difference.now or 'nothing more'}")
    answers_differ = args.again and _ask_again(again, args.bundle or opened.bundle)
    return 1 if difference or answers_differ else 0


def _ask_again(again: Replay, name: str) -> bool:
    """Compare the model's answers; return whether any differs."""
    from jamd.bundle.bundle import Bundle, resolve
    from jamd.daemon.model import providers
    from jamd.daemon.model.improviser import Improviser
    from jamd.daemon.takes.replay import ask_again
    from jamd.daemon.timing.transport import position

    bundle = Bundle.read(resolve(name))
    if providers.fingerprint(bundle) != again.opened.model:
        print(f'The model "{name}" is not the one of then.')
    meter = again.opened.settings.meter
    differ = 0
    for compared in ask_again(again, Improviser(bundle)):
        request = compared.request
        line = f"request {request.id}, from {position(request.context.until, meter)}: "
        if not compared.answered:
            line += "was not answered then"
        elif compared.same:
            line += f"the same {compared.notes} notes"
        else:
            differ += 1
            line += f"then {_shown(compared.then, meter)}, now {_shown(compared.now, meter)}"
        print(line)
    print(f"{differ} of {len(again.requests)} answers differ.")
    return differ > 0


def _shown(note: Note | None, meter: Meter) -> str:
    """`5.2.6 Lead 64 80 12`: a note as in the rows."""
    from jamd.daemon.timing.transport import position
    from jamd.notes import TICKS_PER_STEP

    if note is None:
        return "no more"
    place = position(note.onset, meter)
    return (
        f"{place}.{place.tick / TICKS_PER_STEP:g} {note.part.value} {note.pitch} {note.velocity} "
        f"{note.duration / TICKS_PER_STEP:g}"
    )
