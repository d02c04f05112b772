"""`jamd freewheel`: a MIDI file in, the jam out, faster than real time."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.commands import Subparsers, bars
from jamd.config import file as config_file
from jamd.config.config import Config
from jamd.errors import SourceError, UserError
from jamd.notes import METERS, TICKS_PER_BEAT, Meter
from jamd.writing import MIDI, check_output, written_whole

if TYPE_CHECKING:
    from jamd.daemon.settings import Settings
    from jamd.daemon.takes.take import MidiSong
    from jamd.daemon.virtual import Improvises

_SETTINGS = (
    "play.mode",
    "play.trade",
    "play.yield",
    "play.parts",
    "play.changes",
    "play.in_key",
    "transport.bpm",
    "transport.meter",
    "model.bundle",
    "model.style",
    "model.temperature",
    "model.seed",
)


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "freewheel",
        help="jam with a MIDI file, faster than real time",
        description="Play a MIDI file into a session and write the take: the live code with a "
        "simulated clock. The same arguments give the same bytes. The file's tempos, clamped to 20 "
        "to 400 bpm, and its meter are followed unless --bpm or --meter is given; its drums "
        "(channel 10) are left out; without a seed, the seed is 0.",
    )
    parser.add_argument("input", type=Path, metavar="IN.mid", help="what the player plays")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.mid")
    parser.add_argument("--bars", type=bars, help="bars to play (default: the file's and 8 more)")
    parser.add_argument(
        "--scripted", action="store_true", help="answer by a fixed rule instead of a model"
    )
    parser.add_argument(
        "--rows",
        action="store_true",
        help="also print the notes: bar.beat.step part pitch velocity length",
    )
    config_file.add_options(parser, *_SETTINGS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.daemon.freewheel import freewheel, summary
    from jamd.daemon.sound.instruments import sounds
    from jamd.daemon.takes.take import MOST_BARS, read_song, rows, to_midi

    in_force = config_file.in_force(args)
    for key in ("model.bundle", "model.style", "model.temperature"):
        if args.scripted and in_force.on_command_line(key):
            raise UserError(
                f"{in_force.origins[key]}: expected no --scripted beside it: leave one out"
            )
    check_output(args.output, "a MIDI file", MIDI, args.input)
    song = read_song(args.input)
    if in_force.on_command_line("transport.bpm"):
        song = replace(song, tempos=())
    settings = _settings(in_force, song, args.input)
    if args.bars is None and song.end > MOST_BARS * settings.meter.ticks_per_bar:
        raise SourceError(
            f"{args.input}: expected at most {MOST_BARS} bars, found more: say with --bars how "
            "many to play"
        )
    take = freewheel(song, settings, _improviser(args, in_force.config, settings), args.bars)
    with written_whole(args.output) as new:
        to_midi(take, sounds(in_force.config)).save(new)
    if args.rows:
        print("\n".join(rows(take)))
    told = summary(song, settings, take)
    print(f"{args.output}: {told}", file=sys.stderr if args.rows else sys.stdout)
    return 0


def _settings(in_force: config_file.InForce, song: MidiSong, path: Path) -> Settings:
    """The settings in force, with the song's tempo and meter unless the command line names any."""
    from jamd.daemon.settings import settings_from
    from jamd.daemon.timing.follower import BeatSource

    settings = settings_from(in_force.config)
    # A file holds no clock, and its bar 1 is the song's.
    settings = replace(settings, start_at_once=True, count_in=0, source=BeatSource.INTERNAL)
    if in_force.config.model.seed < 0:
        settings = replace(settings, seed=0)
    if song.tempos:
        settings = replace(settings, bpm=song.tempos[0][1])
    if song.meters and not in_force.on_command_line("transport.meter"):
        settings = replace(settings, meter=_meter(song, path))
        chart, most = settings.chart, settings.meter.numerator
        if chart is not None and chart.fullest > most:
            raise SourceError(
                f"{path}: expected a meter for the changes, of which a bar has {chart.fullest} "
                f"chords; found {settings.meter}"
            )
    return settings


def _meter(song: MidiSong, path: Path) -> Meter:
    """The only meter of a song that names a meter."""
    (_, meter), *changes = song.meters
    if meter not in METERS:
        known = ", ".join(map(str, METERS))
        raise SourceError(f"{path}: expected one of {known}; found {meter}: set --meter")
    if changes:
        tick, other = changes[0]
        place = f"after {tick / TICKS_PER_BEAT:g} quarter notes"
        raise SourceError(
            f"{path}: expected one meter; found {meter}, and {other} {place}: "
            "set --meter to count all of it in one"
        )
    return meter


def _improviser(args: argparse.Namespace, config: Config, settings: Settings) -> Improvises:
    if args.scripted:
        from jamd.daemon.virtual import ScriptedImproviser

        return ScriptedImproviser()
    from jamd.bundle.bundle import Bundle, resolve
    from jamd.daemon.model.improviser import Improviser
    from jamd.daemon.settings import expect_chords

    bundle = Bundle.read(resolve(config.model.bundle))
    expect_chords(settings.chart, bundle.manifest.language)
    return Improviser(bundle, threads=config.model.threads)
