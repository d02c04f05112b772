"""A MIDI system on paper: it shows the ports it is told to show, and keeps what is sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mido import Message

from jamd.config.sections import Midi
from jamd.daemon.ports import live_ports as ports_module
from jamd.daemon.ports.connections import Watcher
from jamd.daemon.ports.live_ports import LivePorts
from jamd.daemon.ports.midi_system import PortSeen
from jamd.daemon.ports.rtmidi_ports import Received
from jamd.errors import PortError

KEYBOARD = PortSeen("keyboard", "Keystation:MIDI 1", source=True, destination=False)
SYNTH = PortSeen("synth", "FLUID Synth:in", source=False, destination=True)


@dataclass
class PaperSystem:
    """Shows the ports it is told to show."""

    ports: dict[str, PortSeen] | None = field(default_factory=dict)
    refuses: bool = False
    name: str = "CoreMIDI"
    api: int = 1
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    hushed: int = 0
    stumbled: bool = False
    sent: list[tuple[str, str]] = field(default_factory=list)

    def look(self) -> tuple[PortSeen, ...] | None:
        return None if self.ports is None else tuple(self.ports.values())

    def connect(self, source: PortSeen, destination: PortSeen) -> bool:
        return False

    def has_lost(self) -> bool:
        lost, self.stumbled = self.stumbled, False
        return lost

    def hush(self, ids: Collection[str]) -> None:
        self.hushed += 1

    def close(self) -> None:
        self.closed.append("system")

    def plug(self, *ports: PortSeen) -> None:
        self.ports = {p.id: p for p in ports}


HELD = {KEYBOARD.name: 60, "Keystation:pads": 36}
"""The note that is down on each keyboard."""


class PaperPort:
    def __init__(self, system: PaperSystem, name: str, target: PortSeen | None = None) -> None:
        if system.refuses and target is not None:
            raise PortError("in another program's hands")
        self.name = target.name if target else name
        self.waiting: list[Received] = []
        self._system = system
        system.opened.append(self.name)

    def poll(self, now: float) -> list[Received]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def let_go(self, now: float) -> list[Received]:
        return [Received(Message("note_off", note=HELD[self.name]), now)]

    def send(self, message: Message) -> None:
        self._system.sent.append((self.name, message.type))

    def close(self) -> None:
        self._system.closed.append(self.name)


def on_paper(monkeypatch: pytest.MonkeyPatch, folder: Path) -> PaperSystem:
    """A system for `LivePorts` to open its ports on."""
    monkeypatch.setattr("platformdirs.user_runtime_path", lambda *_, **__: folder / "run")
    monkeypatch.setattr(ports_module, "RtmidiInput", PaperPort)
    monkeypatch.setattr(ports_module, "RtmidiOutput", PaperPort)
    monkeypatch.setattr(Watcher, "start", lambda self: None)  # the tests look by hand
    return PaperSystem()


def opened(system: PaperSystem, settings: Midi, programs: Mapping[int, int] = {}) -> LivePorts:
    """Ports on `system`, with none of its own for the click or the clock; others make the sound."""
    return LivePorts(system, settings, {}, programs, sounds=False)


def look(ports: LivePorts, now: float = 0.0) -> list[str]:
    assert ports._watcher is not None
    ports._watcher.look()
    return ports.tend(now)
