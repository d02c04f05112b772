"""When an instrument is told to change its sound."""

from __future__ import annotations

from pathlib import Path

import pytest
from mido import Message
from paper_system import KEYBOARD, SYNTH, PaperSystem, look, on_paper, opened

from jamd.config.config import Config
from jamd.config.sections import Midi, Sound
from jamd.daemon.ports import live_ports as ports_module
from jamd.daemon.ports.live_ports import RETRY_S

WANTED = Midi(connect_output=("*synth*",))


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PaperSystem:
    return on_paper(monkeypatch, tmp_path)


def test_an_instrument_is_told_its_sounds_whenever_it_comes_and_after_a_panic(
    system: PaperSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports_module, "open_system", lambda _: system)
    ports = opened(system, WANTED, {1: 11, 2: 5})

    def told() -> list[str]:
        """To which port each program went since the last call."""
        sent, system.sent = system.sent, []
        assert {kind for _, kind in sent} <= {"program_change"}
        return [name for name, _ in sent]

    look(ports)
    assert told() == ["jamd plays"] * 2, "whoever listens there may not be seen"
    system.plug(SYNTH)
    look(ports)
    both = ["jamd plays", "FLUID Synth:in"] * 2
    assert told() == both
    for _ in range(3):
        look(ports)
    assert told() == []

    system.plug()
    look(ports)
    system.plug(SYNTH)
    look(ports)
    assert told() == both

    for kind, channel in ((120, 1), (123, 1), (123, 0)):
        ports.send(Message("control_change", control=kind, channel=channel))
    sent, system.sent = system.sent, []
    assert [kind for name, kind in sent if name == "jamd plays"] == [
        *("control_change", "control_change", "program_change", "control_change")
    ]

    plugged, system.ports = system.ports, None
    look(ports)
    system.ports = plugged
    ports.tend(RETRY_S)
    look(ports, RETRY_S)
    assert told() == both, "the system came back, and everything was opened anew"


def test_a_song_with_other_sounds_asks_for_those_alone_and_from_then_on(
    system: PaperSystem,
) -> None:
    system.plug(SYNTH)
    ports = opened(system, WANTED, {1: 11, 2: 5})
    look(ports)
    system.sent = []
    for lead, asked in ((57, ["program_change"]), (57, []), (None, [])):
        ports.change_sounds(Config(sound=Sound(lead=lead, comp=6)))
        assert [kind for name, kind in system.sent if name == "FLUID Synth:in"] == asked
        system.sent = []
    ports.change_sounds(Config(sound=Sound(lead=12, comp=6)))
    system.sent = []
    ports.send(Message("control_change", control=123, channel=1))
    assert len(system.sent) == 4, "after a panic, too, on both ports"


def test_nobodys_sound_is_changed_unasked(system: PaperSystem) -> None:
    system.plug(KEYBOARD, SYNTH)
    ports = opened(system, WANTED)
    look(ports)
    ports.send(Message("control_change", control=123))
    assert {kind for _, kind in system.sent} == {"control_change"}
