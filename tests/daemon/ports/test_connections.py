from __future__ import annotations

import pytest
import rtmidi
from hypothesis import given
from hypothesis import strategies as st

from jamd.daemon.ports.connections import (
    Connection,
    Direction,
    OwnPorts,
    PortPatterns,
    missing,
    offered,
    others,
    unmet,
)
from jamd.daemon.ports.midi_system import PortSeen, parse_sequencer_clients, stable_name

OWN_NAMES = ("jamd listens", "jamd plays")

# As the kernel writes it: a keyboard connected to jamd's input, and a synthesizer that is not.
CLIENTS = """\
Client info
  cur  clients : 5
  peak clients : 5
  max  clients : 192

Client   0 : "System" [Kernel Legacy]
  Port   0 : "Timer" (Rwe-)
  Port   1 : "Announce" (R-e-)
    Connecting To: 128:0
Client  20 : "Keystation Mini 32" [Kernel Legacy]
  Port   0 : "Keystation Mini 32 MIDI 1" (RWeX)
    Connecting To: 128:0, 131:0
  Port   1 : "Keystation: (transport)" (RWeX)
Client 128 : "jamd" [User Legacy]
  Port   0 : "jamd listens" (-We-)
    Connected From: 20:0
  Output pool :
    Pool size          : 500
Client 129 : "jamd" [User Legacy]
  Port   0 : "jamd plays" (R-e-)
Client 130 : "FLUID Synth (42)" [User Legacy]
  Port   0 : "Synth input port (42:0)" (-We-)
"""
OWN = OwnPorts({Direction.IN: {"128:0"}, Direction.OUT: {"129:0"}})


def rows(links: list[Connection]) -> list[tuple[str, str]]:
    return [(link.direction.value, link.port.id) for link in links]


def test_the_kernels_list_of_ports_is_read() -> None:
    assert [
        (p.id, p.name, p.source, p.destination, p.peers) for p in parse_sequencer_clients(CLIENTS)
    ] == [
        ("20:0", "Keystation Mini 32:Keystation Mini 32 MIDI 1", True, True, ("128:0", "131:0")),
        ("20:1", "Keystation Mini 32:Keystation: (transport)", True, True, ()),
        ("128:0", "jamd:jamd listens", False, True, ("20:0",)),
        ("129:0", "jamd:jamd plays", True, False, ()),
        ("130:0", "FLUID Synth (42):Synth input port (42:0)", False, True, ()),
    ]


def test_who_is_connected_is_known_by_name() -> None:
    ports = parse_sequencer_clients(CLIENTS)

    assert others(ports, OWN, Direction.IN) == ("Keystation Mini 32:Keystation Mini 32 MIDI 1",)
    assert others(ports, OWN, Direction.OUT) == ()


def test_only_what_is_wanted_and_not_yet_connected_is_missing() -> None:
    ports = parse_sequencer_clients(CLIENTS)
    patterns = PortPatterns(("KEYSTATION*",), ("*synth*", "keystation*midi 1"), OWN_NAMES)

    assert rows(missing(ports, patterns, OWN)) == [
        ("in", "20:1"),
        ("out", "20:0"),
        ("out", "130:0"),
    ]


def test_what_comes_back_under_another_number_is_missing_again() -> None:
    patterns = PortPatterns(("*mini 32 midi*",), (), OWN_NAMES)
    unplugged = CLIENTS.replace("    Connecting To: 128:0, 131:0\n", "")
    back = unplugged.replace("Client  20", "Client  24").replace("Connected From: 20:0", "")

    assert rows(missing(parse_sequencer_clients(back), patterns, OWN)) == [("in", "24:0")]


def test_without_patterns_nothing_is_connected() -> None:
    assert missing(parse_sequencer_clients(CLIENTS), PortPatterns(own_names=OWN_NAMES), OWN) == []


@pytest.mark.parametrize(
    "name",
    ["jamd:jamd plays", "jamd-01:jamd plays", "jamd listens", "RtMidi:jamd listens", "jamd:x"],
)
def test_jamds_own_ports_are_never_connected_to_each_other(name: str) -> None:
    port = PortSeen(name, name, source=True, destination=True, peers=None)

    assert missing([port], PortPatterns(("*",), ("*",), OWN_NAMES), OwnPorts()) == []


def test_a_program_that_only_sounds_like_jamd_is_connected() -> None:
    port = PortSeen("jamdance:out", "jamdance:out", source=True, destination=False)

    assert rows(missing([port], PortPatterns(("*",), ("*",), OWN_NAMES), OwnPorts())) == [
        ("in", "jamdance:out")
    ]


@given(st.text(), st.text())
def test_any_pattern_and_any_name_may_meet(pattern: str, name: str) -> None:
    port = PortSeen(name, name, source=True, destination=True)

    missing([port], PortPatterns((pattern,), (pattern,), OWN_NAMES), OwnPorts())


@given(st.text())
def test_any_list_of_clients_is_read_without_an_error(text: str) -> None:
    parse_sequencer_clients(text)


@pytest.mark.parametrize(
    ("api", "listed", "name"),
    [
        (rtmidi.API_WINDOWS_MM, "jamd listens 0", "jamd listens"),
        (rtmidi.API_WINDOWS_MM, "Keystation 61 12", "Keystation 61"),
        (rtmidi.API_MACOSX_CORE, "Keystation 61", "Keystation 61"),
    ],
)
def test_numbers_that_change_are_no_part_of_a_name(api: int, listed: str, name: str) -> None:
    assert stable_name(listed, api) == name


def keyboard(name: str) -> PortSeen:
    return PortSeen(name, name, source=True, destination=False)


def test_who_has_not_said_what_to_listen_to_is_offered_what_there_is() -> None:
    ports = parse_sequencer_clients(CLIENTS)
    anything = PortPatterns(own_names=OWN_NAMES)
    assert offered(ports, anything) == [
        f"to listen to {name}: --connect-input '{name}'"
        for name in ("Keystation Mini 32 MIDI 1", "Keystation: (transport)")
    ]
    assert offered(ports, PortPatterns(listen=("pads*",), own_names=OWN_NAMES)) == []
    assert offered([keyboard("Midi Through:Midi Through Port-0")], anything) == []


THROUGH = (
    "Midi Through:Midi Through Port-0",
    "a2j:Midi Through [14] (capture): Midi Through Port-0",
    "alsa_pcm:Midi-Through/midi_capture_1",
)


@pytest.mark.parametrize("through", THROUGH)
def test_whoever_listens_to_all_hears_every_keyboard_and_neither_jamd_nor_what_nobody_plays(
    through: str,
) -> None:
    everything = PortPatterns(own_names=OWN_NAMES, listen_to_all=True)
    clients = parse_sequencer_clients(CLIENTS.replace(", 131:0", "").replace("128:0, ", ""))
    ports = [*clients, keyboard(through)]
    assert rows(missing(ports, everything, OwnPorts())) == [("in", "20:0"), ("in", "20:1")]
    assert offered(ports, everything) == []
    assert unmet(ports, everything) == []


def test_midi_through_is_listened_to_if_it_is_asked_for() -> None:
    asked = PortPatterns(listen=("*through*",), listen_to_all=True)
    assert all(asked.wanted(keyboard(name), Direction.IN) for name in THROUGH)


def test_what_is_offered_fits_as_a_pattern() -> None:
    (line,) = offered([keyboard("Pads [2]")], PortPatterns())
    assert line == "to listen to Pads [2]: --connect-input 'Pads [[]2]'"
    assert PortPatterns(listen=("Pads [[]2]",)).wanted(keyboard("Pads [2]"), Direction.IN)


def test_ports_that_are_called_alike_are_offered_apart() -> None:
    twins = [keyboard("Left:out"), keyboard("Right:out")]
    assert offered(twins, PortPatterns()) == [
        "to listen to Left:out: --connect-input Left:out",
        "to listen to Right:out: --connect-input Right:out",
    ]


def test_few_are_offered_one_by_one() -> None:
    lines = offered([keyboard(f"Pads {n}") for n in range(7)], PortPatterns())
    assert lines[3:] == [
        "to listen to Pads 3: --connect-input 'Pads 3'",
        "and 3 more, which jamd ports lists",
    ]
