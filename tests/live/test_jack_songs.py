"""A pedal changes the song among real JACK clients, in the middle of the music."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import mido
import pytest
import rtmidi
from waiting import until

from jamd.cli import main

if TYPE_CHECKING:
    from tests.live.conftest import JackServer

pytestmark = [pytest.mark.needs("jackd", "setpriv", "jack_lsp", "jack_connect"), pytest.mark.slow]

CONFIG = """
[midi]
thru = true
channel_lead = 2
channel_comp = 2
[click]
when = "off"
[controls]
next_song = ["cc 67"]
"""
FIRST = """
[transport]
bpm = 200
start = "at once"
[play]
mode = "endless"
[sound]
lead = "trumpet"
"""
SECOND = """
[transport]
bpm = 150
meter = "3/4"
[sound]
lead = "flute"
"""
PHRASE = (60, 64, 67, 72)
HELD = 43
SUSTAIN, LEFT = 64, 67  # pedals
TRUMPET, FLUTE = 56, 73  # as sent, from 0


class Stage:
    """A jamd that plays songs, a JACK client that plays to it, and one that hears it.

    Attributes:
        heard: What jamd sent.
        lines: What it printed.
    """

    def __init__(self, folder: Path) -> None:
        self.heard: list[mido.Message] = []
        self.lines: list[str] = []
        self._out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "musician")
        self._out.open_virtual_port("plays")
        self._in = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "ears")
        self._in.open_virtual_port("hears")
        jamd = Path(sys.executable).with_name("jamd")
        routes = ["--connect-input", "musician*", "--connect-output", "ears*", "--songs", "set"]
        self.process = subprocess.Popen(
            [jamd, "play", "--api", "jack", "--seed", "1", *routes],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line)

    def has_said(self, told: str) -> bool:
        return told in "".join(self.lines)

    def send(self, *message: int) -> None:
        self._out.send_message(list(message))

    def control(self, number: int, value: int) -> None:
        self.send(0xB0, number, value)

    def until(self, wanted: Callable[[], object], what: str) -> None:
        def look() -> object:
            while packet := self._in.get_message():
                self.heard.append(mido.Message.from_bytes(packet[0]))
            return wanted()

        try:
            until(look, 30, what)
        except AssertionError as error:
            raise AssertionError(self.lines) from error

    def play_phrase(self) -> None:
        """Each note once the one before has come back: they are sent on."""
        for pitch in PHRASE:
            for status, kind in ((0x90, "note_on"), (0x80, "note_off")):
                before = self.count(kind, 0, pitch)
                self.send(status, pitch, 80)
                self.until(partial(self.has_more, before, kind, pitch), "the note")

    def has_more(self, before: int, kind: str, pitch: int) -> bool:
        return self.count(kind, 0, pitch) > before

    def count(self, kind: str, channel: int, pitch: int | None = None) -> int:
        """How many note-ons or note-offs have come on a channel."""
        return sum(
            (m.type, m.channel) == (kind, channel) and pitch in (None, m.note)
            for m in self.heard
            if m.type in ("note_on", "note_off")
        )

    def sounding(self) -> set[tuple[int, int]]:
        """What has begun and not ended."""
        keys: set[tuple[int, int]] = set()
        for message in self.heard:
            if message.type == "note_on":
                keys.add((message.channel, message.note))
            elif message.type == "note_off":
                keys.discard((message.channel, message.note))
        return keys

    def programs(self) -> list[int]:
        """The programs that jamd asked for on its channel, as they came, without repeats."""
        asked = [m.program for m in self.heard if m.type == "program_change" and m.channel == 1]
        return [program for program, _ in groupby(asked)]

    def pedals(self) -> list[int]:
        """The values of the sustain pedal, as they came."""
        return [m.value for m in self.heard if m.is_cc(SUSTAIN)]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        for port in (self._out, self._in):
            port.close_port()
            port.delete()


def test_a_pedal_changes_the_song_while_jamd_plays_and_a_key_is_held(
    jack_server: JackServer, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "1 fast.toml").write_text(FIRST)
    (tmp_path / "set" / "2 waltz.toml").write_text(SECOND)
    stage = Stage(tmp_path)
    try:
        for told in ("Ready", "listening to musician", "playing to ears"):
            stage.until(partial(stage.has_said, told), told)
        stage.play_phrase()
        stage.until(lambda: stage.count("note_on", 1) >= 4, "jamd's music")
        stage.send(0x90, HELD, 90)
        stage.control(SUSTAIN, 127)
        stage.until(lambda: (0, HELD) in stage.sounding() and stage.pedals() == [127], "both")
        stage.until(
            lambda: any(channel == 1 for channel, _ in stage.sounding()), "a note of jamd's"
        )
        for value in (66, 90, 127):  # a pedal that says all of its way
            stage.control(LEFT, value)
        stage.until(lambda: "Song 2 of 2: waltz.\n" in stage.lines, "the next song")
        stage.until(lambda: stage.sounding() == {(0, HELD)}, "the end of jamd's notes alone")
        assert stage.pedals() == [127], "it is down still"
        stage.until(lambda: stage.programs() == [TRUMPET, FLUTE], "the sound of the second")
        played = stage.count("note_on", 1)
        stage.send(0x80, HELD, 64)
        stage.control(SUSTAIN, 0)
        stage.control(LEFT, 0)
        stage.until(lambda: not stage.sounding() and stage.pedals() == [127, 0], "their release")
        stage.play_phrase()
        assert stage.count("note_on", 1) == played, "nothing more of the first"
        stage.until(lambda: stage.count("note_on", 1) >= played + 2, "an answer in the second")
        assert not stage.has_said("No other song"), "one press is one song"
        stage.process.terminate()
        assert stage.process.wait(20) == 0, stage.lines
        stage.until(lambda: not stage.sounding(), "the end of every note")
    finally:
        stage.close()
    takes = sorted((tmp_path / "takes").glob("*.mid"))
    assert [take.stem.rpartition("_")[2] for take in takes] == ["fast", "waltz"]
    for take in takes:
        assert main(["replay", str(take)]) == 0, "bit for bit"
