"""Open and close jamd's ports again and again while messages rush in and out of them.

    python port_storm.py jack ROUNDS MESSAGES_A_SECOND
    python port_storm.py alsa ROUNDS MESSAGES_A_SECOND FILE_OF_SO_MANY_A_SECOND

Run by the tests in a process of its own, because what it looks for are hangs and crashes. On JACK a
child of its own plays and swallows; on ALSA aplaymidi plays the file to the sequencer's Midi
Through, to which jamd listens, and aseqdump swallows, so that nothing slow is between them. Prints
a JSON object:

    rounds    done
    played    messages a second that were played to the port, from the first round to the last
    arrived   messages a second that arrived at the port while it was open
    sent      messages a second that jamd sent while its port was open
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import rtmidi
from mido import Message

from jamd.config.sections import Midi
from jamd.daemon.ports.live_ports import open_ports
from jamd.daemon.ports.midi_system import SYSTEMS

CLIENTS = Path("/proc/asound/seq/clients")
ROUND_S = 0.05
NOTE_OFF = Message("note_off", note=60)


@dataclass(frozen=True)
class Storm:
    """What rages at the other ends.

    Attributes:
        settings: With which jamd's ports connect to it.
        a_second: Messages that jamd sends.
        played: How many messages it has played so far; None: it does not tell.
        arrived: How many of them have arrived at jamd's input; None: as many as jamd polls.
    """

    settings: Midi
    a_second: int
    played: Callable[[], int] | None = None
    arrived: Callable[[], int] | None = None


@contextlib.contextmanager
def jack_storm(a_second: int) -> Iterator[Storm]:
    command = [sys.executable, __file__, "jack", "storm", str(a_second)]
    with running(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        settings = Midi(api="jack", connect_input=("storm:source",), connect_output=("storm*",))
        yield Storm(settings, a_second)


def play_and_swallow(a_second: int) -> None:
    """Send messages from a virtual port, and swallow what comes, as long as the parent lives."""
    parent = os.getppid()
    source = rtmidi.MidiOut(SYSTEMS["jack"], "storm")
    source.open_virtual_port("source")
    drain = rtmidi.MidiIn(SYSTEMS["jack"], "storm", queue_size_limit=8192)
    drain.open_virtual_port("drain")
    print("ready", flush=True)
    began, sent = time.monotonic(), 0
    while os.getppid() == parent:
        due = int((time.monotonic() - began) * a_second)
        for _ in range(min(due - sent, 200)):
            source.send_message([0x80, 60, 64])
        sent = due  # what could not be sent in time is not made up for
        while drain.get_message() is not None:
            pass
        time.sleep(0.001)


@contextlib.contextmanager
def alsa_storm(a_second: int, file: str) -> Iterator[Storm]:
    with (
        running(["aseqdump"], stdout=subprocess.DEVNULL),
        running(["aplaymidi", "--delay=0", "--port=Midi Through", file]) as player,
    ):

        def played() -> int:
            assert player.poll() is None, "the file is over"
            return pooled("aplaymidi", "Output")

        while '"aseqdump" (-We-)' not in CLIENTS.read_text() or not played():
            time.sleep(0.01)
        yield Storm(
            Midi(api="alsa", connect_input=("Midi Through:*",), connect_output=("aseqdump:*",)),
            a_second,
            played,
            lambda: pooled("jamd", "Input"),
        )


def pooled(client: str, way: str) -> int:
    """How many events the sequencer has put into the pools of all clients of that name, one way."""
    entries = re.split(r"^Client +\d+ : ", CLIENTS.read_text(), flags=re.MULTILINE)
    own = "".join(entry for entry in entries if entry.startswith(f'"{client}"'))
    pool = rf"  {way} pool :\n(?:    .*\n)*?    Alloc success +: (\d+)"
    return sum(map(int, re.findall(pool, own)))


@contextlib.contextmanager
def running(command: list[str], stdout: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=stdout) as process:
        try:
            yield process
        finally:
            process.kill()


def one_round(storm: Storm) -> tuple[int, int, float]:
    """Open, play and listen for a moment, close in the middle of it: (arrived, sent, seconds)."""
    ports = open_ports(storm.settings)
    try:
        before = storm.arrived() if storm.arrived else 0
        began = time.monotonic()
        heard = sent = 0
        while (now := time.monotonic()) < began + ROUND_S or not heard or not sent:
            heard += len(ports.poll(now))
            ports.tend(now)
            due = int((time.monotonic() - began) * storm.a_second)
            for _ in range(min(due - sent, 200)):
                ports.send(NOTE_OFF)
                sent += 1
            time.sleep(0.001)
            if now > began + 10:
                sys.exit("nothing heard for 10 s")
        arrived = storm.arrived() - before if storm.arrived else heard
        return arrived, sent, time.monotonic() - began
    finally:
        ports.close()


def main() -> None:
    api, rounds, a_second = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if rounds == "storm":
        play_and_swallow(a_second)
        return
    raging = jack_storm(a_second) if api == "jack" else alsa_storm(a_second, sys.argv[4])
    with raging as storm:
        began, before = time.monotonic(), storm.played() if storm.played else 0
        done = [one_round(storm) for _ in range(int(rounds))]
        played = storm.played() - before if storm.played else None
        storm_s = time.monotonic() - began
    arrived, sent, open_s = (sum(column) for column in zip(*done, strict=True))
    print(
        json.dumps(
            {
                "rounds": len(done),
                "played": None if played is None else round(played / storm_s),
                "arrived": round(arrived / open_s),
                "sent": round(sent / open_s),
            }
        )
    )


if __name__ == "__main__":
    main()
