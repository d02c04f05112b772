"""Where there are no virtual ports (Windows): the loopback ports that stand for them."""

from __future__ import annotations

from collections.abc import Mapping

import rtmidi

from jamd.config.sections import Midi
from jamd.daemon.events import Output
from jamd.daemon.ports.connections import Direction, PortPatterns
from jamd.daemon.ports.midi_system import System


def has_virtual_ports(system: System) -> bool:
    """Whether a program can open ports there that others connect to."""
    return bool(system.api != rtmidi.API_WINDOWS_MM)


def loops(settings: Midi) -> Mapping[Direction, str]:
    """The names of the loopback ports that jamd opens in each direction."""
    return {Direction.IN: settings.input_name, Direction.OUT: settings.output_name}


def lacking(system: System, settings: Midi, own_ports: Mapping[Output, str], sounds: bool) -> str:
    """What is to be done before jamd can open its ports, in words; empty if nothing is.

    The arguments are those of `open_ports`.
    """
    if has_virtual_ports(system):
        return ""
    if own_ports:
        return "leave [click] port and [midi] clock_port empty"
    ports = system.look() or ()
    wanted = PortPatterns(loops=loops(settings))
    spared = {
        Direction.IN: settings.connect_input or (sounds and settings.connect_input is None),
        Direction.OUT: settings.connect_output or sounds,
    }
    absent = [
        f'"{name}"'
        for direction, name in wanted.loops.items()
        if not spared[direction] and not any(wanted.wanted(port, direction) for port in ports)
    ]
    if not absent:
        return ""
    return (
        f"expected loopback ports, found none called {' or '.join(absent)}: make them with "
        "loopMIDI, or name other ports in [midi] connect_input and connect_output"
    )
