"""A panic arrives, in whichever way: all of it is out within two of JACK's periods.

`jack_midi_dump` hears both the player and jamd, and says at which frame each message came.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import rtmidi
from waiting import until

from jamd.daemon.control.remote import PANIC, ask

if TYPE_CHECKING:
    from tests.live.conftest import JackServer

Arrival = tuple[int, tuple[int, ...]]  # (period, message)
Way = Callable[[int, rtmidi.MidiOut], None]  # how a panic comes to a jamd, perhaps by the player

PERIOD = 256  # frames, as the server has it
TIMES = 10
CHORD = (48, 52, 55, 60, 64, 67)
PLAYED, CLICK = (0, 1), 9  # channels
PAD = 36
MARK = (0xBE, 119, 0)  # means nothing to jamd; sent just before each panic, to tell when that came
CONFIG = f"""
[controls]
panic = ["note {PAD} channel 10"]

[click]
when = "on"
"""

WHOLE = {(0x80 + channel, pitch) for channel in PLAYED for pitch in CHORD} | {
    (0xB0 + channel, control) for channel in (*PLAYED, CLICK) for control in (64, 120, 123)
}
"""A panic: of each message the status, and which key or control."""

pytestmark = [pytest.mark.needs("jackd", "setpriv", "jack_lsp", "jack_midi_dump"), pytest.mark.slow]


def jack(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout


def port(name: str) -> str:
    """The one port whose name ends so."""
    (found,) = [line for line in jack("jack_lsp").splitlines() if line.endswith(name)]
    return found


@contextmanager
def stage(folder: Path) -> Iterator[tuple[int, rtmidi.MidiOut, list[str]]]:
    """A jamd that passes on what is played; its process, who plays to it, and what both sent."""
    (folder / "config.toml").write_text(CONFIG)
    lines: list[str] = []
    player = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "player")
    player.open_virtual_port("plays")
    with (
        subprocess.Popen(["jack_midi_dump", "-a"], stdout=subprocess.PIPE, text=True) as ears,
        subprocess.Popen(
            [
                *(Path(sys.executable).with_name("jamd"), "play", "--api", "jack", "--thru"),
                *("--takes", folder / "takes"),
            ],
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        ) as jamd,
    ):
        assert ears.stdout is not None
        reader = threading.Thread(target=lines.extend, args=(ears.stdout,))
        reader.start()
        try:
            assert jamd.stdout is not None
            for line in jamd.stdout:
                if line.startswith("Ready"):
                    break
            jack("jack_connect", port("player:plays"), port("jamd listens"))
            jack("jack_connect", port("player:plays"), "midi-monitor:input")
            jack("jack_connect", port("jamd plays"), "midi-monitor:input")
            yield jamd.pid, player, lines
        finally:
            player.close_port()
            player.delete()
            jamd.send_signal(signal.SIGTERM)
            try:
                jamd.communicate(timeout=20)
            finally:
                jamd.kill()
                ears.terminate()
                reader.join()


def arrivals(lines: Sequence[str]) -> list[Arrival]:
    """All that was heard, in order."""
    line = re.compile(r"\s*(\d+): ((?:[0-9a-f]{2} )+)")
    found = map(line.match, lines)
    return [(int(match[1]) // PERIOD, tuple(bytes.fromhex(match[2]))) for match in found if match]


def play_a_chord(player: rtmidi.MidiOut, velocity: int) -> None:
    """Keys on two channels, each with a velocity of its own, and the pedal."""
    for channel in PLAYED:
        player.send_message([0xB0 + channel, 64, 127])
        for pitch in CHORD:
            player.send_message([0x90 + channel, pitch, velocity + channel])


def let_go(player: rtmidi.MidiOut) -> None:
    """What has been ended is still down under the player's fingers."""
    for channel in PLAYED:
        player.send_message([0xB0 + channel, 64, 0])
        for pitch in CHORD:
            player.send_message([0x80 + channel, pitch, 64])


# Controllers come on a channel on which nothing is played, so as to be told from jamd's own.


def by_all_sound_off(jamd: int, player: rtmidi.MidiOut) -> None:
    player.send_message([0xBE, 120, 0])


def by_all_notes_off(jamd: int, player: rtmidi.MidiOut) -> None:
    player.send_message([0xBE, 123, 0])


def by_pad(jamd: int, player: rtmidi.MidiOut) -> None:
    player.send_message([0x99, PAD, 100])


def by_signal(jamd: int, player: rtmidi.MidiOut) -> None:
    os.kill(jamd, signal.SIGUSR1)


def by_command(jamd: int, player: rtmidi.MidiOut) -> None:
    assert ask(PANIC, jamd).given


WAYS = (by_all_sound_off, by_all_notes_off, by_pad, by_signal, by_command)


def test_a_panic_is_whole_in_the_first_or_second_period(
    jack_server: JackServer, tmp_path: Path
) -> None:
    """Of each way the median, for a busy computer keeps the player and jamd waiting for it."""
    took: dict[str, list[int]] = {way.__name__: [] for way in WAYS}
    # What comes again at once might have come round: jamd would send it on a little changed.
    velocities = cycle(range(40, 120, 5))
    with stage(tmp_path) as (jamd, player, lines):
        for way in WAYS * TIMES:

            def attempt(way: Way = way) -> None:
                start, velocity = len(lines), next(velocities)
                play_a_chord(player, velocity)
                until(lambda: passed_on(arrivals(lines[start:]), velocity), 1, "the chord")
                start = len(lines)
                player.send_message(MARK)
                try:
                    way(jamd, player)
                    until(lambda: is_whole(arrivals(lines[start:])), 1, way.__name__)
                finally:
                    let_go(player)
                took[way.__name__].append(periods(arrivals(lines[start:])))

            jack_server.undisturbed(attempt)
    print(took)
    assert all(statistics.median(each) <= 2 for each in took.values()), took


def passed_on(heard: Sequence[Arrival], velocity: int) -> bool:
    """Whether the chord's last note has come from the player and from jamd."""
    last = (0x90 + PLAYED[-1], CHORD[-1], velocity + PLAYED[-1])
    return [message for _, message in heard].count(last) == 2


def is_whole(heard: Sequence[Arrival]) -> bool:
    """Whether the mark and all of a panic have come."""
    return {message[:2] for _, message in heard} >= {MARK[:2], *WHOLE}


def periods(heard: Sequence[Arrival]) -> int:
    """JACK's periods from the mark to a panic's end, in the midst of which nothing begins."""
    kinds = [message[:2] for _, message in heard]
    places = [kinds.index(kind) for kind in WHOLE]
    begin, end = min(places), max(places)
    assert not [status for status, _ in kinds[begin:end] if status & 0xF0 == 0x90]
    return heard[end][0] - heard[kinds.index(MARK[:2])][0]
