"""Ports over a fake MIDI system: what is opened and closed, when, and what is reported."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from mido import Message
from paper_system import HELD, KEYBOARD, SYNTH, PaperPort, PaperSystem, look, on_paper, opened

from jamd.config.sections import Midi
from jamd.daemon.events import Output
from jamd.daemon.ports import live_ports as ports_module
from jamd.daemon.ports.connections import Connected
from jamd.daemon.ports.live_ports import RETRY_S, UNSEEN_ENDS, UNSEEN_LIMIT, LivePorts
from jamd.daemon.ports.midi_system import NoMidiSystem, PortSeen, System
from jamd.daemon.ports.port_opening import PATIENCE_S, alone
from jamd.daemon.ports.rtmidi_ports import Received
from jamd.daemon.ports.said_again import AGAIN_S


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PaperSystem:
    return on_paper(monkeypatch, tmp_path)


def live(system: PaperSystem) -> LivePorts:
    return opened(system, Midi(connect_input=("keystation*",), connect_output=("*synth*",)))


def test_what_is_there_at_the_start_is_connected(system: PaperSystem) -> None:
    system.plug(KEYBOARD, SYNTH)
    ports = live(system)

    assert look(ports) == ["listening to Keystation:MIDI 1", "playing to FLUID Synth:in"]
    assert ports.connected() == Connected(("Keystation:MIDI 1",), ("FLUID Synth:in",), False)
    assert system.opened == ["jamd listens", "jamd plays", "Keystation:MIDI 1", "FLUID Synth:in"]


def test_at_the_start_it_is_told_who_is_there_and_who_is_not(system: PaperSystem) -> None:
    ports = live(system)
    look(ports)
    assert ports.as_opened() == ["waiting for 'keystation*'", "waiting for '*synth*'"]
    ports.close()

    system.plug(KEYBOARD)
    ports = live(system)
    look(ports)
    assert ports.as_opened() == ["listening to Keystation:MIDI 1", "waiting for '*synth*'"]


def test_what_ended_just_before_the_system_stumbled_is_ended_again(system: PaperSystem) -> None:
    ports = live(system)
    ports.poll(1.0)
    ports.send(Message("note_on", note=60))
    ports.send(Message("note_off", note=60))
    ports.poll(1.01)
    assert [kind for _, kind in system.sent] == ["note_on", "note_off"]

    system.stumbled = True
    ports.poll(1.02)
    ports.poll(1.02 + AGAIN_S)
    assert [kind for _, kind in system.sent] == ["note_on", "note_off", "note_off"]


def test_what_is_sent_on_is_no_port_of_its_own(system: PaperSystem) -> None:
    """So a note that sounds on its key again is not ended by mistake."""
    ports = live(system)
    ports.poll(1.0)
    ports.send(Message("note_off", note=60))
    ports.send(Message("note_on", note=60), Output.THRU)
    system.stumbled = True
    ports.poll(1.0)
    ports.poll(1.0 + AGAIN_S)
    assert [kind for _, kind in system.sent] == ["note_off", "note_on"]


def test_what_is_unplugged_is_closed_and_what_comes_back_is_opened(system: PaperSystem) -> None:
    ports = live(system)
    assert look(ports) == []

    system.plug(KEYBOARD)
    assert look(ports) == ["listening to Keystation:MIDI 1"]
    assert look(ports) == look(ports) == []
    system.plug()
    assert look(ports) == ["no longer listening to Keystation:MIDI 1"]
    assert system.closed == ["Keystation:MIDI 1"]
    system.plug(replace(KEYBOARD, id="keyboard, number two"))
    assert look(ports) == ["listening to Keystation:MIDI 1"]


def test_what_was_down_on_a_keyboard_of_its_own_comes_up_when_it_has_gone(
    system: PaperSystem,
) -> None:
    """The other inputs keep their keys down, and there is no reason to release all."""
    ports = live(system)
    system.plug(KEYBOARD, replace(KEYBOARD, id="pads", name="Keystation:pads"))
    assert len(look(ports)) == 2
    look(ports)
    system.plug(KEYBOARD)
    assert look(ports, 9.0) == ["no longer listening to Keystation:pads"]
    assert ports.poll(9.0) == [Received(Message("note_off", note=HELD["Keystation:pads"]), 9.0)]
    assert ports.poll(9.1) == []
    assert ports.connected().mixed == frozenset()


def test_whose_messages_come_in_on_one_port_is_known(
    system: PaperSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on JACK, where jamd connects others to its virtual port and learns of all connections."""
    listens = PortSeen("jamd:in", "jamd:jamd listens", False, True, ())
    plays = PortSeen("jamd:out", "jamd:jamd plays", True, False, ())

    class Opened(PaperPort):
        def __init__(self, system: PaperSystem, name: str, target: PortSeen | None = None) -> None:
            super().__init__(system, name, target)
            assert system.ports is not None
            own = listens if name == "jamd listens" else plays
            system.ports[own.id] = own

    monkeypatch.setattr(ports_module, "RtmidiInput", Opened)
    monkeypatch.setattr(ports_module, "RtmidiOutput", Opened)
    ports = opened(system, Midi())
    for peers in (("keys", "pads", "jamd:out"), ("keys",), ()):
        system.plug(
            replace(listens, peers=peers),
            plays,
            *(PortSeen(id_, id_, True, False, ()) for id_ in ("keys", "pads")),
        )
        look(ports)
        assert ports.connected().mixed == {*peers} - {"jamd:out"}


needs_locks = pytest.mark.skipif(sys.platform == "win32", reason="ports are not told apart there")


@needs_locks
def test_no_other_jamd_opens_ports_between_two_looks(
    system: PaperSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have the same names, so each jamd would take the other's ports for its own."""
    alone_meanwhile: dict[str, bool] = {}

    class Opened(PaperPort):
        def __init__(self, system: PaperSystem, name: str, target: PortSeen | None = None) -> None:
            super().__init__(system, name, target)
            with alone(0.0) as undisturbed:
                alone_meanwhile[self.name] = undisturbed

    monkeypatch.setattr(ports_module, "RtmidiInput", Opened)
    monkeypatch.setattr(ports_module, "RtmidiOutput", Opened)
    system.plug(KEYBOARD)
    live(system).tend(0.0)
    assert alone_meanwhile == dict.fromkeys(("jamd listens", "jamd plays", KEYBOARD.name), False)
    with alone(0.0) as undisturbed:
        assert undisturbed


@needs_locks
def test_another_that_opens_ports_is_waited_for_but_not_for_ever(
    system: PaperSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited_s: list[float] = []
    other = ExitStack()

    def pause(seconds: float) -> None:
        assert system.opened == []
        waited_s.append(seconds)
        if len(waited_s) == 3:
            other.close()

    monkeypatch.setattr("jamd.daemon.ports.port_opening.pause", pause)
    other.enter_context(alone())
    live(system)
    assert len(waited_s) == 3
    assert system.opened == ["jamd listens", "jamd plays"]

    system.opened.clear()
    with alone():  # it hangs
        live(system)
    assert sum(waited_s[3:]) == pytest.approx(PATIENCE_S)
    assert system.opened == ["jamd listens", "jamd plays"]


@needs_locks
def test_while_it_plays_nobody_is_waited_for(
    system: PaperSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jamd.daemon.ports.port_opening.pause", lambda _: pytest.fail("waited"))
    ports = live(system)
    system.plug(KEYBOARD)
    with alone():
        assert look(ports) == []
    assert look(ports) == ["listening to Keystation:MIDI 1"]


def test_a_port_that_refuses_is_tried_again(system: PaperSystem) -> None:
    system.plug(SYNTH)
    system.refuses = True
    ports = live(system)
    assert look(ports) == []

    system.refuses = False
    assert look(ports) == ["playing to FLUID Synth:in"]


def test_what_is_sent_goes_to_every_output(system: PaperSystem) -> None:
    system.plug(SYNTH)
    ports = live(system)
    look(ports)

    ports.send(Message("note_on", note=60))

    assert system.sent == [("jamd plays", "note_on"), ("FLUID Synth:in", "note_on")]


def test_what_came_in_on_several_ports_is_in_order(system: PaperSystem) -> None:
    system.plug(KEYBOARD)
    ports = live(system)
    look(ports)
    virtual, keyboard = ports._inputs.values()
    note = Message("note_on", note=60)
    assert isinstance(virtual, PaperPort)
    assert isinstance(keyboard, PaperPort)
    virtual.waiting = [Received(note, 2.0), Received(note, 4.0)]
    keyboard.waiting = [Received(note, 3.0)]

    assert [r.seconds for r in ports.poll(5.0)] == [2.0, 3.0, 4.0]


def test_a_lost_system_is_told_once_and_comes_back(
    system: PaperSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = live(system)
    look(ports)
    asked: list[str] = []

    def nothing_yet(api: str) -> System:
        asked.append(api)
        raise NoMidiSystem("none")

    monkeypatch.setattr(ports_module, "open_system", nothing_yet)
    system.ports = None
    assert look(ports, now=10.0) == ["CoreMIDI has gone: waiting for it to come back"]
    assert ports.connected() == Connected(gone="CoreMIDI")
    assert system.closed == ["jamd listens", "jamd plays", "system"]

    ports.send(Message("note_off", note=60))  # to nobody, and no error
    assert ports.poll(10.0) == []
    assert ports.tend(10.0 + RETRY_S / 2) == []
    assert ports.tend(10.0 + RETRY_S) == []
    assert asked == ["coremidi"]

    system.plug(SYNTH)
    monkeypatch.setattr(ports_module, "open_system", lambda api: system)
    assert ports.tend(10.0 + 2 * RETRY_S) == ["CoreMIDI is back"]
    assert ports.tend(10.0 + 2 * RETRY_S) == ["playing to FLUID Synth:in"]
    assert not ports.connected().gone


def test_nothing_piles_up_in_a_jack_that_is_not_seen_to_live(system: PaperSystem) -> None:
    system.name = "JACK"
    ports = live(system)
    look(ports)
    wheel, end = Message("pitchwheel", pitch=1), Message("note_off", note=60)
    for _ in range(UNSEEN_LIMIT + 10):
        ports.send(wheel)
    assert len(system.sent) == UNSEEN_LIMIT
    ports.send(end)
    assert len(system.sent) == UNSEEN_LIMIT + 1, "no note hangs for that"
    for _ in range(UNSEEN_ENDS):
        ports.send(end)
    assert len(system.sent) < UNSEEN_ENDS

    look(ports)
    ports.send(wheel)
    assert system.sent[-1] == ("jamd plays", "pitchwheel")


def test_nothing_is_held_back_from_a_system_that_does_not_need_it(system: PaperSystem) -> None:
    ports = live(system)
    look(ports)
    for _ in range(UNSEEN_ENDS + 10):
        ports.send(Message("pitchwheel", pitch=1))
    assert len(system.sent) == UNSEEN_ENDS + 10


def test_closing_twice_is_closing_once_and_each_port_in_quiet(system: PaperSystem) -> None:
    ports = live(system)
    ports.close()
    ports.close()

    assert system.hushed == 2
    assert system.closed == ["jamd listens", "jamd plays", "system"]
