"""Ports on a real JACK server with a dummy sound card."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
import rtmidi
from mido import Message
from waiting import until

from jamd.config.sections import Midi
from jamd.daemon.ports.live_ports import LivePorts, open_ports

if TYPE_CHECKING:
    from tests.live.conftest import JackServer

pytestmark = pytest.mark.needs("jackd", "setpriv", "jack_lsp")

HERE = Path(__file__).parent
Client = TypeVar("Client", rtmidi.MidiIn, rtmidi.MidiOut)
JAMD = (sys.executable, "-c", "import sys; from jamd.cli import main; sys.exit(main())")


@contextlib.contextmanager
def opened(settings: Midi, programs: Mapping[int, int] = {}) -> Iterator[LivePorts]:
    ports = open_ports(settings, programs=programs)
    try:
        yield ports
    finally:
        ports.close()


@contextlib.contextmanager
def client(kind: type[Client], name: str, port: str) -> Iterator[Client]:
    """Another program's port. It must have gone before the server does."""
    midi = kind(rtmidi.API_UNIX_JACK, name)
    try:
        midi.open_virtual_port(port)
        yield midi
    finally:
        midi.close_port()
        midi.delete()


def press(keyboard: rtmidi.MidiOut) -> None:
    keyboard.send_message([0x90, 60, 64])


def lsp() -> list[str]:
    return subprocess.run(["jack_lsp"], capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )


def test_both_ports_are_there_and_messages_pass(jack_server: JackServer) -> None:
    with opened(Midi(api="jack")) as ports:
        assert {"jamd:jamd listens", "jamd-01:jamd plays"} <= set(lsp())
        assert ports.system_name == "JACK"
        subprocess.run(["jack_connect", "jamd-01:jamd plays", "jamd:jamd listens"], check=True)
        until(lambda: ports.tend(0.0) and ports.connected().to_input, 2)
        assert ports.connected().to_input == ("jamd-01:jamd plays",)

        def pass_messages() -> None:
            sent = [Message("note_on", note=n, velocity=n) for n in range(1, 100)]
            for message in sent:
                ports.send(message)
            heard: list[Message] = []
            until(
                lambda: len(heard) >= len(sent),
                2,
                doing=lambda: heard.extend(received.message for received in ports.poll(1.0)),
            )
            assert heard == sent

        jack_server.undisturbed(pass_messages, times=20)
    assert "jamd:jamd listens" not in lsp()


LISTENER = """
import sys, rtmidi
ears = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "ears")
ears.open_virtual_port("hears")
ears.set_callback(lambda event, _: print(*event[0], flush=True))
sys.stdin.read()
"""


def test_a_note_ends_though_its_note_off_is_lost(jack_server: JackServer) -> None:
    """Who is stopped for some periods misses what is sent meanwhile, as in a real stumble."""
    with (
        client(rtmidi.MidiIn, "witness", "hears") as witness,
        opened(Midi(api="jack", connect_output=("ears:*", "witness:*"))) as ports,
        subprocess.Popen(
            [sys.executable, "-c", LISTENER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as ears,
        contextlib.ExitStack() as ends,
    ):
        ends.callback(ears.kill)
        assert ears.stdout is not None
        heard: list[str] = []
        threading.Thread(target=lambda: heard.extend(ears.stdout or ()), daemon=True).start()

        def send(message: Message) -> None:
            ports.send(message)
            until(witness.get_message, 2, doing=lambda: ports.poll(time.monotonic()))

        until(lambda: len(ports.connected().from_output) == 2, 10, doing=lambda: ports.tend(0.0))
        send(Message("note_on", note=60))
        until(lambda: heard == ["144 60 64\n"], 2)

        ears.send_signal(signal.SIGSTOP)
        for pitch in (60, 62, 64):  # so many periods go by without it
            send(Message("note_off", note=pitch))
        ears.send_signal(signal.SIGCONT)
        until(lambda: "128 60 64\n" in heard, 5, doing=lambda: ports.poll(time.monotonic()))


OPENER = """
import sys
from jamd.config.sections import Midi
from jamd.daemon.ports.live_ports import open_ports
print("ready", flush=True)
sys.stdin.readline()
ports = open_ports(Midi(api="jack"))
print(*(id.partition(":")[0] for ids in ports._own.ids.values() for id in ids), flush=True)
sys.stdin.readline()
ports.close()
"""


def test_each_of_several_that_start_together_has_ports_of_its_own(jack_server: JackServer) -> None:
    with contextlib.ExitStack() as ends:
        jamds = [
            ends.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", OPENER],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(3)
        ]

        def answers(line: str = "") -> list[str]:
            for jamd in jamds:
                assert jamd.stdin is not None
                jamd.stdin.write(line)
                jamd.stdin.flush()
            return [jamd.stdout.readline() for jamd in jamds if jamd.stdout is not None]

        try:
            assert answers() == ["ready\n"] * 3
            clients = [line.split() for line in answers("open\n")]
            assert [len(each) for each in clients] == [2, 2, 2]
            assert len({client for each in clients for client in each}) == 6
            answers("close\n")
        finally:
            for jamd in jamds:
                jamd.kill()


def test_a_keyboard_is_connected_whenever_it_appears(jack_server: JackServer) -> None:
    with opened(Midi(api="jack", connect_input=("*KEYSTATION*",))) as ports:
        for _ in range(2):
            with client(rtmidi.MidiOut, "Keystation", "MIDI 1") as keyboard:
                took_s = until(lambda: ports.tend(0.0) == ["listening to Keystation:MIDI 1"], 2)
                assert took_s < 2
                until(lambda: ports.poll(1.0), 1, doing=partial(press, keyboard))
            until(lambda: ports.tend(0.0) == ["no longer listening to Keystation:MIDI 1"], 2)


def test_an_instrument_is_told_its_sounds_whenever_it_appears(jack_server: JackServer) -> None:
    def until_told(synth: rtmidi.MidiIn, ports: LivePorts) -> None:
        told: set[tuple[int, ...]] = set()

        def look() -> None:
            ports.poll(time.monotonic())  # JACK may lose one, and then it is said again
            ports.tend(0.0)
            told.update(tuple(data) for data, _ in iter(synth.get_message, None))

        until(lambda: told == {(0xC1, 11), (0xC2, 5)}, 5, doing=look)

    with opened(Midi(api="jack", connect_output=("synth*",)), {1: 11, 2: 5}) as ports:
        for _ in range(2):
            with client(rtmidi.MidiIn, "Synth", "in") as synth:
                until_told(synth, ports)
            until(lambda: not ports.connected().from_output, 5, doing=lambda: ports.tend(0.0))


def test_what_is_sent_last_is_delivered_before_the_port_closes(jack_server: JackServer) -> None:
    def send_and_close(synth: rtmidi.MidiIn) -> None:
        with opened(Midi(api="jack", connect_output=("synth*",))) as ports:
            until(synth.get_message, 2, doing=lambda: ports.send(Message("stop")))
            for pitch in range(128):
                ports.send(Message("note_off", note=pitch))
        ended: list[int] = []

        def read() -> None:
            ended.extend(data[1] for data, _ in iter(synth.get_message, None) if data[0] == 0x80)

        until(lambda: len(ended) >= 128, 1, doing=read)
        assert ended == list(range(128))

    with client(rtmidi.MidiIn, "Synth", "in") as synth:
        jack_server.undisturbed(partial(send_and_close, synth), times=20)


SURVIVOR = """
import os, sys, time
from mido import Message
from jamd.config.sections import Midi
from jamd.daemon.ports.live_ports import open_ports
ports = open_ports(Midi(api="jack"))
print("ready", flush=True)
while not os.path.exists(sys.argv[1]):
    now = time.monotonic()
    ports.poll(now)
    ports.send(Message("note_off", note=60))
    for line in ports.tend(now):
        print(line, flush=True)
    time.sleep(0.001)
ports.close()
print("closed", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_dies_is_told_and_comes_back(
    jack_server: JackServer, tmp_path: Path, how: signal.Signals
) -> None:
    lines: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", SURVIVOR, str(tmp_path / "stop")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as front:
        assert front.stdout is not None
        assert front.stderr is not None
        reader = threading.Thread(target=lines.extend, args=[iter(front.stdout.readline, "")])
        reader.start()
        try:
            until(lambda: lines, 10)
            jack_server.stop(how)
            assert until(lambda: len(lines) == 2, 10) < 3
            jack_server.start()
            until(lambda: len(lines) == 3, 10)
            assert {"jamd:jamd listens", "jamd-01:jamd plays"} <= set(lsp())
            (tmp_path / "stop").touch()
            assert front.wait(timeout=10) == 0
        finally:
            front.kill()
            reader.join()
        assert front.stderr.read() == ""
    assert [line.strip() for line in lines] == [
        "ready",
        "JACK has gone: waiting for it to come back",
        "JACK is back",
        "closed",
    ]


def test_without_a_server_there_is_one_line_and_no_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "jamd-test-none")
    done = subprocess.run(
        [*JAMD, "ports", "--test", "--api", "jack"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("jamd: [midi] api is 'jack', but no JACK server answers")
    assert done.stderr.count("\n") == 1


def jamd_ports(*options: str) -> str:
    command = [*JAMD, "ports", "--api", "jack", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_chord_is_played_and_ended(jack_server: JackServer) -> None:
    def attempt() -> None:
        with client(rtmidi.MidiIn, "Synth", "in") as synth:
            assert "Synth:in" in jamd_ports()
            played = jamd_ports("--test", "--connect-output", "synth:*")
            heard = [data for data, _ in iter(synth.get_message, None)]

        assert "connected to Synth:in" in played
        assert [d[:2] for d in heard] == [
            *([0x90, pitch] for pitch in (60, 64, 67)),
            *([0x80, pitch] for pitch in (60, 64, 67)),
        ]

    jack_server.undisturbed(attempt)


def test_a_port_that_is_named_and_missing_is_told_before_the_chord(jack_server: JackServer) -> None:
    assert jamd_ports("--test", "--connect-output", "nope*").splitlines() == [
        "C major on JACK, port 'jamd plays', connected to nobody",
        "no port matches 'nope*': `jamd ports` lists them",
    ]


@pytest.mark.slow
def test_ports_survive_traffic(jack_server: JackServer) -> None:
    done = subprocess.run(
        [sys.executable, HERE / "port_storm.py", "jack", "200", "5000"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    storm = json.loads(done.stdout)
    print(storm)
    assert storm["rounds"] == 200
    assert storm["arrived"] > 4000  # the server loses what a busy computer does not fetch
    assert storm["sent"] > 4000


FRONT = """
import ctypes, sys, threading, time
from jamd.config.sections import Midi
from jamd.daemon.ports.live_ports import open_ports
ports = open_ports(Midi(api="jack", connect_input=("storm:source",)))
def hold_the_interpreter():
    usleep = ctypes.PyDLL(None).usleep  # PyDLL keeps the lock
    while True:
        usleep(20_000)
if sys.argv[1] == "busy":
    threading.Thread(target=hold_the_interpreter, daemon=True).start()
print("ready", flush=True)
while True:
    now = time.monotonic()
    for received in ports.poll(now):
        ports.send(received.message)
    ports.tend(now)
    time.sleep(0.001)
"""


@pytest.mark.slow
def test_a_busy_front_causes_no_more_xruns_than_an_idle_one(jack_server: JackServer) -> None:
    """Something in the front keeps the interpreter to itself for 20 ms, four of JACK's periods.

    It sleeps meanwhile, so that the computer is no busier and all that could make JACK late is a
    wait for the interpreter. With an rtmidi callback it was some eighty xruns in these 2 s.
    """

    def xruns(front: str) -> int:
        command = [sys.executable, "-c", FRONT, front]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()
                time.sleep(0.3)
                before = jack_server.xruns()
                time.sleep(2)
                return jack_server.xruns() - before
            finally:
                process.kill()

    command = [sys.executable, str(HERE / "port_storm.py"), "jack", "storm", "500"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as storm:
        try:
            assert storm.stdout is not None
            storm.stdout.readline()
            # Other work on the computer only ever adds xruns, so the least of several blocks is the
            # front's own, and the more of them the surer.
            idle, busy = [xruns("idle")], [xruns("busy")]
            while len(idle) < 3 or (min(busy) > min(idle) + 5 and len(idle) < 12):
                idle.append(xruns("idle"))
                busy.append(xruns("busy"))
        finally:
            storm.kill()

    assert min(busy) <= min(idle) + 5, (idle, busy)
