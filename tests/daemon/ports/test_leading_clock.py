"""Two instruments that send a clock: one of them leads."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge
from pathlib import Path

import pytest
from mido import Message
from paper_system import KEYBOARD, PaperPort, look, on_paper, opened

from jamd.config.sections import Midi
from jamd.daemon.events import Heard, WorkerReady
from jamd.daemon.ports.leading_clock import LEADS_S, LeadingClock
from jamd.daemon.ports.midi_system import PortSeen
from jamd.daemon.ports.rtmidi_ports import Received
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.status import Status
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam

CLOCK, START, STOP = (Message(kind) for kind in ("clock", "start", "stop"))
Played = Sequence[tuple[float, str, Message]]
"""(seconds, input, message)."""


def ticking(source: str, bpm: float, begin_s: float, end_s: float) -> Played:
    period = 2.5 / bpm
    count = round((end_s - begin_s) / period)
    return [(begin_s + i * period, source, CLOCK) for i in range(count)]


def led(*played: Played, until_s: float) -> Status:
    """The status of a jam that hears several instruments."""
    leading = LeadingClock()
    story = [
        (one.seconds, Heard(one.message))
        for seconds, source, message in merge(*played, key=lambda one: one[0])
        for one in leading.of(source, [Received(message, seconds)])
    ]
    jam = VirtualJam(Session(Settings()), ScriptedImproviser(), [(0.0, WorkerReady()), *story])
    jam.run(until_s)
    return jam.session.status(until_s)


@pytest.mark.parametrize("behind_s", [0.0, 0.0003, 0.0104])
def test_two_keyboards_that_tick_all_the_time_are_no_beat_twice_as_fast(behind_s: float) -> None:
    keys, pads = ticking("keys", 120, 1, 20), ticking("pads", 119.5, 1 + behind_s, 20)
    assert led(keys, pads, until_s=19).bpm == pytest.approx(120, abs=0.01)


def test_whose_start_is_pressed_leads_from_then_on() -> None:
    keys, pads = ticking("keys", 120, 1, 20), ticking("pads", 90, 1.003, 20)
    pressed_s = pads[400][0] - 0.001
    status = led(keys, pads, [(pressed_s, "pads", START)], until_s=pressed_s + 8.1)
    assert status.bpm == pytest.approx(90, abs=0.01)
    assert (status.bar, status.beat) == (4, 1), "twelve beats"


def test_a_sequencer_that_goes_on_from_a_position_goes_on_there() -> None:
    keys = ticking("keys", 120, 1, 20)
    daw = ticking("daw", 90, 12, 20)
    said = [(11.98, "daw", Message("songpos", pos=32)), (11.99, "daw", Message("continue"))]
    assert led(keys, daw, said, until_s=12.1).bar == 3


def test_a_play_button_without_a_clock_takes_none_away() -> None:
    keys = ticking("keys", 120, 1, 20)
    pressed_s = keys[400][0] + 0.003
    status = led(keys, [(pressed_s, "pads", START)], until_s=pressed_s + 0.4)
    assert status.from_clock
    assert status.bpm == pytest.approx(120, abs=0.5)
    assert status.bar == 1, "by the clock that ticks, its song begins, as on one port"


def test_the_first_pulse_after_start_is_of_whose_start_it_is() -> None:
    """A pulse of the clock that led until then falls between."""
    keys, pads = ticking("keys", 120, 1, 20), ticking("pads", 120, 1.012, 20)
    pressed_s = keys[400][0] - 0.003
    leading = LeadingClock()
    for seconds, source, message in merge(keys, pads, [(pressed_s, "pads", START)]):
        passed = list(leading.of(source, [Received(message, seconds)]))
        if seconds > pressed_s:
            assert bool(passed) == (source == "pads")


def test_where_nobody_leads_whose_start_is_pressed_does_and_not_who_ticks_first() -> None:
    leading, led_by = LeadingClock(), ""
    for seconds, source, message in (
        *((1.0, "pads", START), (1.005, "keys", CLOCK), (1.02, "pads", CLOCK)),
        *((1.025, "keys", CLOCK), (1.04, "pads", CLOCK)),
    ):
        led_by += source[0] * len([*leading.of(source, [Received(message, seconds)])])
    assert led_by == "ppp"


def test_a_stop_of_another_stops_nothing() -> None:
    keys, pads = ticking("keys", 120, 1, 20), ticking("pads", 90, 1.003, 20)
    said = [(keys[200][0] - 0.001, "keys", START), (14.0, "pads", STOP)]
    assert led(keys, pads, said, until_s=15).bar > 1


def test_one_that_has_gone_or_long_been_silent_leads_no_more() -> None:
    leading = LeadingClock()

    def leads(source: str, at: float, message: Message = CLOCK) -> bool:
        return bool(list(leading.of(source, [Received(message, at)])))

    assert leads("a", 1.0)
    assert not leads("b", 1.0 + LEADS_S)
    assert leads("b", 1.1 + LEADS_S)
    assert not leads("a", 1.2 + LEADS_S)
    leading.gone("a")
    assert not leads("a", 1.3 + LEADS_S)
    leading.gone("b")
    assert leads("a", 1.4 + LEADS_S)
    assert leads("b", 1.5 + LEADS_S, Message("note_on")), "all else is heard"


def test_what_is_unplugged_leads_no_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    system = on_paper(monkeypatch, tmp_path)
    pads = PortSeen("pads", "Keystation:pads", source=True, destination=False)
    system.plug(KEYBOARD, pads)
    ports = opened(system, Midi(connect_input=("Keystation*",)))
    look(ports)

    def heard(id_: str, at: float) -> int:
        port = ports._inputs[id_]
        assert isinstance(port, PaperPort)
        port.waiting = [Received(CLOCK, at)]
        return len(ports.poll(at))

    assert (heard("keyboard", 1.0), heard("pads", 1.01)) == (1, 0)
    system.plug(pads)
    for _ in range(3):
        look(ports, 1.1)
    ports.poll(1.1)  # the releases of what was down
    assert heard("pads", 1.2) == 1
