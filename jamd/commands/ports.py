"""`jamd ports`: the MIDI systems and ports there are, and a chord to hear whether they work."""

from __future__ import annotations

import argparse

from jamd.commands import Subparsers
from jamd.config import file as config_file
from jamd.config.config import Config
from jamd.notes import Part

CHORD = (60, 64, 67)  # C major
CHORD_S = 1.0


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "ports",
        help="list the MIDI ports, or play a test chord",
        description="List this computer's MIDI systems and their ports, or play a test chord.",
    )
    parser.add_argument(
        "--test",
        action="store_true",
        help="open jamd's ports, make the configured connections, and play C major for a second",
    )
    config_file.add_options(
        parser,
        "midi.api",
        "midi.input_name",
        "midi.output_name",
        "midi.connect_input",
        "midi.connect_output",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    config = config_file.in_force(args).config
    if args.test:
        _play_chord(config)
    else:
        _list(config.midi.api)
    return 0


def _list(api: str) -> None:
    """Print each MIDI system that answers, and its ports by the names that patterns match."""
    from jamd.daemon.ports.midi_system import SYSTEMS, NoMidiSystem, open_system

    found = 0
    for choice in SYSTEMS if api == "auto" else (api,):
        try:
            system = open_system(choice)
        except NoMidiSystem:
            if api == "auto":
                continue
            raise
        found += 1
        try:
            ports = system.look() or ()
            print(f"{system.name}{' (what auto takes)' if found == 1 and api == 'auto' else ''}")
            for heading, names in (
                ("to listen to (connect_input)", [p.name for p in ports if p.source]),
                ("to play to (connect_output)", [p.name for p in ports if p.destination]),
            ):
                print(f"  {heading}:", *(names or ["none"]), sep="\n    ")
        finally:
            system.close()
    if not found:
        open_system("auto")  # raises, and states what was expected


def _play_chord(config: Config) -> None:
    from mido import Message

    from jamd.daemon.clock import MonotonicClock
    from jamd.daemon.ports.live_ports import open_ports
    from jamd.daemon.sound.instruments import channels, programs

    clock, channel = MonotonicClock(), channels(config)[Part.COMP]
    ports = open_ports(config.midi, programs=programs(config))
    try:
        nobody = (
            "nobody" if config.midi.connect_output else "nobody: name one with --connect-output"
        )
        to = ", ".join(ports.connected().from_output) or nobody
        print(f"C major on {ports.system_name}, port {ports.output_name!r}, connected to {to}")
        for pattern in ports.awaited():
            print(f"no port matches {pattern!r}: `jamd ports` lists them")
        for pitch in CHORD:
            ports.send(Message("note_on", channel=channel, note=pitch, velocity=80))
        clock.sleep_until(clock.now() + CHORD_S)
    finally:
        for pitch in CHORD:
            ports.send(Message("note_off", channel=channel, note=pitch))
        ports.close()
