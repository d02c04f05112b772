"""How soon an answer arrives once it is wanted, beside a bare echo through the same JACK ports."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mido import Message

from jamd.bench.answerer import BPM
from jamd.bench.daemon import bound, jack_server
from jamd.bench.report import Row, absolute, left_out, times_as_much
from jamd.daemon.ports.midi_system import PortSeen, System, open_system
from jamd.daemon.ports.rtmidi_ports import RtmidiInput, RtmidiOutput

PHRASE = (60, 64, 67, 72)
NOTE_S = 0.5 * 60 / BPM
LONGEST_S = 15.0
"""How long to wait for a port of the measured process."""

REST_S = 4 * 60 / BPM
"""An answer begins within this time after its phrase, or not at all."""


def rows(bundle: Path, turns: int = 20) -> Iterator[Row]:
    """Measure `turns` answers, and as many phrases played to an echo.

    What is compared is the time from the moment at which a note is wanted (of an answer: it is due
    and the phrase is over; of an echo: it was heard) until a listening JACK client has it.
    """
    with jack_server() as on_jack:
        if not on_jack:
            yield left_out("answer", "it needs jackd")
            return
        answers, heard = _play([sys.executable, "-m", "jamd.bench.answerer", str(bundle)], turns)
        echoes, echoed = _play([sys.executable, "-m", "jamd.bench.echo"], turns)
    name = "first note of an answer"
    late_ms = [1000 * late for _, late in answers]
    yield absolute(
        f"{name} at the port, beyond its wait, quiet machine", "ms", late_ms, 3, percent=99
    )
    yield times_as_much(
        f"{name}, from its moment to a JACK client",
        "ms",
        _ways_ms([wanted for wanted, _ in answers], heard),
        "bare python-rtmidi echo, from hearing a note",
        _ways_ms(echoes, echoed),
        1.5,
    )


def _ways_ms(wanted: Sequence[float], arrived: Sequence[float]) -> list[float]:
    """From each moment wanted to the first arrival after it; the last moment may have none."""
    return [
        1000 * (arrived[place] - moment)
        for moment in wanted
        if (place := bisect_left(arrived, moment)) < len(arrived)
    ]


def _play(command: list[str], turns: int) -> tuple[list[Any], list[float]]:
    """Play phrases to a process; return what it prints at its end, and when its notes arrived."""
    arrived: list[float] = []
    with ExitStack() as stops:
        system = open_system("jack")
        stops.callback(system.close)
        process = stops.enter_context(
            subprocess.Popen([*bound(), *command], stdout=subprocess.PIPE)
        )
        stops.callback(process.terminate)
        output = RtmidiOutput(system, "player", _port(system, "listens"))
        stops.callback(output.close)
        source = RtmidiInput(system, "listener", _port(system, "plays"))
        stops.callback(source.close)

        def listen(seconds: float) -> None:
            end = time.monotonic() + seconds
            while (now := time.monotonic()) < end:
                came = source.poll(now)
                arrived.extend(r.seconds for r in came if r.message.type == "note_on")
                time.sleep(0.0005)

        listen(1.0)  # the worker gets ready
        for _ in range(turns):
            before = 0
            for pitch in PHRASE:
                before = len(arrived)
                output.send(Message("note_on", note=pitch))
                listen(NOTE_S / 2)
                output.send(Message("note_off", note=pitch))
                listen(NOTE_S / 2)
            end = time.monotonic() + REST_S
            while len(arrived) == before and time.monotonic() < end:
                listen(NOTE_S)
        process.terminate()
        said, _ = process.communicate()
    return json.loads(said), arrived


def _port(system: System, name: str) -> PortSeen:
    """The port that the measured process opens under that name."""
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        for port in system.look() or ():
            if port.name.endswith(name):
                return port
        time.sleep(0.01)
    raise RuntimeError(f"no port {name} within {LONGEST_S:g} s")
