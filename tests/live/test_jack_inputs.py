"""Keyboards on a real JACK server: of active sensing, and of one that goes with a key held down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
import rtmidi

from jamd.config.sections import Midi
from jamd.daemon.clock import MonotonicClock
from jamd.daemon.events import Event, Mode
from jamd.daemon.loop import Loop
from jamd.daemon.model.requests import Request
from jamd.daemon.ports.live_ports import open_ports
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.status import Status

if TYPE_CHECKING:
    from tests.live.conftest import JackServer

pytestmark = pytest.mark.needs("jackd", "setpriv", "jack_lsp")

KEYS, PADS = "Keystation", "Pads"


class Nobody:
    """No improviser is asked while jamd is off."""

    def ask(self, request: Request, now: float) -> None:
        raise AssertionError(request)

    def poll(self, now: float) -> list[Event]:
        return []


def keyboard(name: str) -> rtmidi.MidiOut:
    midi = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name)
    midi.open_virtual_port("MIDI 1")
    return midi


def unplug(midi: rtmidi.MidiOut | rtmidi.MidiIn) -> None:
    midi.close_port()
    midi.delete()


@contextmanager
def passing_on() -> Iterator[Loop]:
    """A jamd that is off: it sends on what is played."""
    settings = Midi(api="jack", connect_input=(f"{KEYS}*", f"{PADS}*"), connect_output=("Synth*",))
    ports = open_ports(settings)

    def tend(now: float, status: Status) -> None:
        ports.tend(now)

    loop = Loop(
        Session(Settings(mode=Mode.OFF)),
        ports,
        Nobody(),
        lambda entry: None,
        MonotonicClock(),
        tend=tend,
    )
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield loop
    finally:
        loop.stop()
        thread.join()
        ports.close()


def until(condition: Callable[[], bool], doing: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        doing()
        time.sleep(0.05)


def test_no_note_hangs_where_one_of_two_keyboards_goes(jack_server: JackServer) -> None:
    sounding: set[int] = set()
    with ExitStack() as stage:
        synth = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "Synth")
        synth.open_virtual_port("in")
        stage.callback(unplug, synth)
        keys = keyboard(KEYS)
        stage.callback(unplug, keys)
        pads = keyboard(PADS)

        def listen() -> None:
            for (status, pitch, *_), _ in iter(synth.get_message, None):
                if status & 0xE0 == 0x80:
                    (sounding.add if status & 0x10 else sounding.discard)(pitch)

        def sounds(*pitches: int) -> Callable[[], bool]:
            def condition() -> bool:
                listen()
                return sounding == {*pitches}

            return condition

        def press(midi: rtmidi.MidiOut, pitch: int) -> Callable[[], None]:
            return lambda: midi.send_message([0x90, pitch, 80])

        stage.enter_context(passing_on())
        until(sounds(60), press(keys, 60))  # the server may lose one on a busy computer
        until(sounds(60, 36), press(pads, 36))
        unplug(pads)
        until(sounds())
        until(sounds(60), press(keys, 60))  # who is still there plays on
        keys.send_message([0x80, 60, 64])
        until(sounds())


def test_a_keyboard_that_sends_active_sensing_plays_no_earlier(jack_server: JackServer) -> None:
    """RtMidi restarts its stopwatch with each message, also with those that it ignores."""
    ports = open_ports(Midi(api="jack", connect_input=(f"{KEYS}*",)))
    keys = keyboard(KEYS)
    clock = MonotonicClock()
    try:
        until(lambda: bool(ports.connected().to_input), lambda: ports.tend(clock.now()))
        early_s = []
        for _ in range(8):
            keys.send_message([0xFE])
            clock.sleep_until(clock.now() + 0.03)
            sent_s = clock.now()
            keys.send_message([0x90, 60, 80])
            received = ports.poll(clock.now())
            while not received:
                assert clock.now() < sent_s + 5
                clock.sleep_until(clock.now() + 0.001)
                received = ports.poll(clock.now())
            early_s += [sent_s - one.seconds for one in received]
        assert len(early_s) == 8
        assert max(early_s) < 0.01
    finally:
        ports.close()
        unplug(keys)
