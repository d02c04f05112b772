"""Open and close jamd's ports again and again while messages rush in and out of them.

    python port_storm.py alsa|jack ROUNDS MESSAGES_A_SECOND

Run by the tests in a process of its own, because what it looks for are hangs and crashes. Prints
one line of figures; the exit status is 0 where every round heard something.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time

import rtmidi
from mido import Message

from jamd.config import Midi
from jamd.daemon.midi_system import SYSTEMS
from jamd.daemon.ports import open_ports

ROUND_S = 0.05
NOTE_OFF = Message("note_off", note=60)


def storm(api: str, a_second: int) -> None:
    """Send messages from a virtual port, and swallow what comes, as long as the parent lives."""
    parent = os.getppid()
    source = rtmidi.MidiOut(SYSTEMS[api], "storm")
    source.open_virtual_port("source")
    drain = rtmidi.MidiIn(SYSTEMS[api], "storm", queue_size_limit=8192)
    drain.open_virtual_port("drain")
    print("ready", flush=True)
    began, sent = time.monotonic(), 0
    while os.getppid() == parent:
        due = int((time.monotonic() - began) * a_second)
        for _ in range(min(due - sent, 200)):
            with contextlib.suppress(rtmidi.RtMidiError):  # the sequencer's pool is full
                source.send_message([0x80, 60, 64])
        sent = due  # what could not be sent in time is not made up for
        while drain.get_message() is not None:
            pass
        time.sleep(0.001)


def one_round(settings: Midi, a_second: int) -> tuple[int, int, float]:
    """Open, play and listen for a moment, close in the middle of it: (heard, sent, seconds)."""
    ports = open_ports(settings)
    began = time.monotonic()
    heard = sent = 0
    try:
        while (now := time.monotonic()) < began + ROUND_S or not heard:
            heard += len(ports.poll(now))
            ports.tend(now)
            while sent < (now - began) * a_second:
                ports.send(NOTE_OFF)
                sent += 1
            time.sleep(0.001)
            if now > began + 10:
                sys.exit("nothing heard for 10 s")
    finally:
        ports.close()
    return heard, sent, now - began


def main() -> None:
    api, rounds, a_second = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if rounds == "storm":
        storm(api, a_second)
        return
    with subprocess.Popen(
        [sys.executable, __file__, api, "storm", sys.argv[3]], stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            settings = Midi(api=api, connect_input=("storm:source",), connect_output=("storm*",))
            done = [one_round(settings, a_second) for _ in range(int(rounds))]
        finally:
            child.kill()
    heard, sent, seconds = (sum(column) for column in zip(*done, strict=True))
    print(
        f"{len(done)} rounds on {api}: heard {heard / seconds:.0f} and sent {sent / seconds:.0f} "
        "messages a second while open"
    )


if __name__ == "__main__":
    main()
