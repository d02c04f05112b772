"""A panic arrives: all that sounds has ended within two of JACK's periods.

`jack_midi_dump` hears both the player and jamd, and says at which frame each message came.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import rtmidi

from jamd.daemon.remote import PANIC, ask

if TYPE_CHECKING:
    from tests.live.conftest import JackServer

PERIOD = 256  # frames, as the server has it
TIMES = 10
MARK = (0xBF, 119)  # what means nothing to jamd, sent with each panic and with its number

pytestmark = [pytest.mark.needs("jackd", "setpriv", "jack_lsp", "jack_midi_dump"), pytest.mark.slow]


def jack(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout


def port(name: str) -> str:
    """The one port whose name ends so."""
    (found,) = [line for line in jack("jack_lsp").splitlines() if line.endswith(name)]
    return found


@contextmanager
def stage(folder: Path) -> Iterator[tuple[int, rtmidi.MidiOut, Path]]:
    """A jamd that passes on what is played; its process, who plays to it, and what both sent."""
    heard = folder / "heard.txt"
    player = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "player")
    player.open_virtual_port("plays")
    with (
        heard.open("wb") as file,
        subprocess.Popen(["jack_midi_dump", "-a"], stdout=file) as ears,
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
        try:
            assert jamd.stdout is not None
            for line in jamd.stdout:
                if line.startswith("Ready"):
                    break
            jack("jack_connect", port("player:plays"), port("jamd listens"))
            jack("jack_connect", port("player:plays"), "midi-monitor:input")
            jack("jack_connect", port("jamd plays"), "midi-monitor:input")
            yield jamd.pid, player, heard
        finally:
            player.close_port()
            player.delete()
            jamd.send_signal(signal.SIGTERM)
            try:
                jamd.communicate(timeout=20)
            finally:
                jamd.kill()
                ears.terminate()


def arrivals(heard: Path) -> list[tuple[int, tuple[int, ...]]]:
    """(period, message) of all that was heard, in order."""
    line = re.compile(r"\s*(\d+): ((?:[0-9a-f]{2} )+)")
    found = map(line.match, heard.read_text().splitlines())
    return [(int(match[1]) // PERIOD, tuple(bytes.fromhex(match[2]))) for match in found if match]


def play_a_chord(player: rtmidi.MidiOut) -> None:
    """Keys on two channels, and the pedal."""
    for channel in (0, 1):
        player.send_message([0xB0 + channel, 64, 127])
        for pitch in (48, 52, 55, 60, 64, 67):
            player.send_message([0x90 + channel, pitch, 80])


def let_go(player: rtmidi.MidiOut) -> None:
    """What has been ended is still down under the player's fingers."""
    for channel in (0, 1):
        player.send_message([0xB0 + channel, 64, 0])
        for pitch in (48, 52, 55, 60, 64, 67):
            player.send_message([0x80 + channel, pitch, 64])


def by_control(jamd: int, player: rtmidi.MidiOut) -> None:
    player.send_message([0xB0, 123, 0])


def by_signal(jamd: int, player: rtmidi.MidiOut) -> None:
    os.kill(jamd, signal.SIGUSR1)


def by_command(jamd: int, player: rtmidi.MidiOut) -> None:
    assert ask(PANIC, jamd)


@pytest.mark.parametrize("panic", [by_control, by_signal, by_command])
def test_all_has_ended_in_the_first_or_second_period(
    panic: Callable[[int, rtmidi.MidiOut], None], jack_server: JackServer, tmp_path: Path
) -> None:
    def attempt() -> None:
        with stage(tmp_path) as (jamd, player, heard):
            for number in range(TIMES):
                play_a_chord(player)
                time.sleep(0.1)
                player.send_message([*MARK, number])
                panic(jamd, player)
                time.sleep(0.1)
                let_go(player)
        everything = arrivals(heard)
        heard_in_order = [message for _, message in everything]  # the player's, then passed on
        marks = [heard_in_order.index((*MARK, number)) for number in range(TIMES)]
        took = []
        for start, end in pairwise([*marks, len(everything)]):
            arrived = everything[start][0]
            answer = everything[start:end]
            last = max(i for i, (_, message) in enumerate(answer) if message == (0xB1, 123, 0))
            offs = {message[:2] for _, message in answer[: last + 1] if message[0] in (0x80, 0x81)}
            assert len(offs) == 12
            took.append(answer[last][0] - arrived)
        assert max(took) <= 2, took

    jack_server.undisturbed(attempt)
