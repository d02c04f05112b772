"""`jamd play`: the daemon."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path

from jamd.commands import Subparsers, bars
from jamd.config import file as config_file
from jamd.errors import UserError

_SETTINGS = (
    "play.mode",
    "play.trade",
    "play.yield",
    "play.parts",
    "play.changes",
    "play.in_key",
    "play.swing",
    "play.humanise_ms",
    "songs.folder",
    "transport.source",
    "transport.bpm",
    "transport.meter",
    "transport.count_in",
    "click.when",
    "sound.on",
    "sound.font",
    "sound.lead",
    "sound.comp",
    "sound.player",
    "midi.api",
    "midi.thru",
    "midi.split",
    "midi.connect_input",
    "midi.connect_output",
    "midi.output_offset_ms",
    "midi.send_clock",
    "osc.listen",
    "osc.to",
    "model.bundle",
    "model.provider",
    "model.style",
    "model.temperature",
    "model.seed",
    "takes.keep",
    "takes.folder",
)


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "play",
        help="listen and play along",
        description="Open two MIDI ports and jam until Ctrl-C. Without a MIDI system, jamd "
        "rehearses: a bundled phrase is played to it, silently without --sound, and the take, "
        "which any MIDI player can play, is saved with a picture.",
    )
    parser.add_argument("--bars", type=bars, help="stop after this many bars; a rehearsal has 8")
    parser.add_argument(
        "--rehearse",
        action="store_true",
        help="rehearse even if there is a MIDI system: nothing need be plugged in",
    )
    parser.add_argument(
        "--roll",
        action=argparse.BooleanOptionalAction,
        help="draw what you and jamd play as a piano roll in the terminal, as it is played; a "
        "rehearsal is drawn unless --no-roll is given",
    )
    config_file.add_options(parser, *_SETTINGS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from jamd.daemon.stop_signals import StopSignals

    with StopSignals() as stop_signals, suppress(KeyboardInterrupt):
        from jamd.config.songs import Song, read_songs
        from jamd.daemon.display.screen import Screen
        from jamd.daemon.play import play

        in_force = config_file.in_force(args)
        config = in_force.config
        if config.takes.keep and in_force.on_command_line("takes.folder"):
            _expect_room_for_takes(config.takes.folder)
        songs = [Song(config, own_tempo=in_force.on_command_line("transport.bpm"))]
        if config.songs.folder:
            options = config_file.options_of(args)
            songs = read_songs(config.songs.folder, in_force.file, options)
        screen = Screen(sys.stdout)
        play(config, screen, stop_signals, args.bars, songs, args.rehearse, args.roll)
    return 0


def _expect_room_for_takes(folder: Path) -> None:
    """Refuse a folder that can hold no takes before anybody has played."""
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not there.is_dir():
        raise UserError(f"--takes: expected a folder, found the file {there}: name another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"--takes: expected a folder of yours, found {there}: name another")
