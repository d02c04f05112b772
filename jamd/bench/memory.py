"""The memory that the daemon alone takes while it plays.

Unique set size: what would be freed if the process ended. It excludes pages shared with others, and
so JACK's shared memory, about 100 MB that its library maps into every client; that has a row of its
own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mido import Message

from jamd.bench.answering import PHRASE
from jamd.bench.daemon import jack_server, playing
from jamd.bench.report import Row, absolute, left_out
from jamd.daemon.ports.midi_system import open_system
from jamd.daemon.ports.rtmidi_ports import RtmidiOutput

if TYPE_CHECKING:
    import psutil

_JACK = "/dev/shm/jack"  # noqa: S108 - where JACK puts it; nothing is written there


def rows(bundle: Path, seconds: float = 8.0) -> Iterator[Row]:
    """Measure the daemon after it has played for `seconds`, in `endless` at 200 bpm."""
    try:
        import psutil
    except ModuleNotFoundError:
        yield left_out("memory", "it needs pip install 'jamd[train]'")
        return
    with (
        jack_server() as on_jack,
        playing(bundle, "--mode", "endless", "--bpm", "200", "--provider", "cpu") as daemon,
    ):
        if on_jack:
            _play_phrase()
        time.sleep(seconds)
        front = psutil.Process(daemon.process.pid)
        workers = front.children(recursive=True)
        jack_mb = _jack_mb(front)
        front_mb = _unique_mb(front)
        all_mb = front_mb + sum(map(_unique_mb, workers))
    yield absolute(f"unique memory of the front, {daemon.where}", "MB", [front_mb], 45)
    count = 1 + len(workers)
    yield absolute(f"unique memory of all {count} processes, {daemon.where}", "MB", [all_mb], 160)
    if on_jack:
        yield Row("JACK's shared memory in the front, not counted above", jack_mb, unit="MB")


def _play_phrase() -> None:
    """Play a phrase into the daemon's input, from which it goes on by itself."""
    system = open_system("jack")
    try:
        target = next(
            port for port in system.look() or () if port.destination and "listens" in port.name
        )
        output = RtmidiOutput(system, "bench", target)
        for pitch in PHRASE:
            output.send(Message("note_on", note=pitch))
            time.sleep(0.1)
            output.send(Message("note_off", note=pitch))
        output.close()
    finally:
        system.close()


def _unique_mb(process: psutil.Process) -> float:
    return float(process.memory_full_info().uss) / 1e6


def _jack_mb(process: psutil.Process) -> float:
    maps = process.memory_maps(grouped=True)
    return sum(m.rss for m in maps if m.path.startswith(_JACK)) / 1e6
