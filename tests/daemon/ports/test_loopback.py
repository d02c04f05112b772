"""Where there are no virtual ports (Windows): the loopback ports that stand for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import rtmidi
from paper_system import KEYBOARD, SYNTH, PaperSystem, on_paper

from jamd.config.sections import Midi
from jamd.daemon.ports import live_ports as ports_module
from jamd.daemon.ports.live_ports import open_ports
from jamd.daemon.ports.midi_system import PortSeen
from jamd.errors import PortError


def loop(name: str) -> tuple[PortSeen, PortSeen]:
    """A loopback port as WinMM shows it: once to read from, once to write to."""
    return (
        PortSeen(f"{name} 0, in", name, source=True, destination=False),
        PortSeen(f"{name} 0, out", name, source=False, destination=True),
    )


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PaperSystem:
    """A computer with no virtual ports."""
    system = on_paper(monkeypatch, tmp_path)
    system.name, system.api = "WinMM", rtmidi.API_WINDOWS_MM
    monkeypatch.setattr(ports_module, "open_system", lambda _: system)
    return system


def test_without_virtual_ports_the_loopback_ports_of_those_names_are_opened(
    windows: PaperSystem,
) -> None:
    windows.plug(*loop("jamd listens"), *loop("jamd plays"), KEYBOARD)
    ports = open_ports(Midi())

    assert ports.as_opened() == ["listening to jamd listens", "playing to jamd plays"]
    assert windows.opened == ["jamd listens", "jamd plays"]


def test_who_plays_into_what_makes_the_sound_needs_no_loopback_ports(windows: PaperSystem) -> None:
    windows.plug(KEYBOARD, SYNTH)
    ports = open_ports(Midi(), sounds=True)

    assert ports.as_opened() == ["listening to Keystation:MIDI 1"]


def test_a_loopback_port_is_never_opened_from_its_other_end(windows: PaperSystem) -> None:
    windows.plug(*loop("jamd listens"), *loop("jamd plays"), KEYBOARD, SYNTH)
    ports = open_ports(Midi(connect_input=("*",), connect_output=("*", "absent")))

    assert ports.as_opened() == [
        "listening to Keystation:MIDI 1",
        "listening to jamd listens",
        "playing to FLUID Synth:in",
        "playing to jamd plays",
        "waiting for 'absent'",
    ]


@pytest.mark.parametrize(
    ("settings", "absent"),
    [
        (Midi(), '"jamd listens" or "jamd plays"'),
        (Midi(connect_input=("key*",), output_name="band"), '"band"'),
    ],
)
def test_loopback_ports_that_are_missing_are_named(
    windows: PaperSystem, settings: Midi, absent: str
) -> None:
    with pytest.raises(PortError, match=f"found none called {absent}: make them with loopMIDI"):
        open_ports(settings)
    assert windows.closed == ["system"]
