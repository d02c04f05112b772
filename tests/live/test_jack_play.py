"""`jamd play` among real JACK clients. What is waited for is an event, up to a deadline."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import mido
import psutil
import pytest
import rtmidi
from waiting import until

from jamd.cli import main

if TYPE_CHECKING:
    from tests.live.conftest import JackServer

BUNDLE = "default"
SOUND_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
BPM = 60  # a step of the grid is 83 ms: far more than a loaded machine is late
BEAT_S = 60 / BPM
PHRASE = (60, 64, 67, 72)

pytestmark = [pytest.mark.needs("jackd", "setpriv", "jack_lsp", "jack_connect"), pytest.mark.slow]


def jack(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout


class Jamd:
    """A running `jamd play`, and what it printed."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [
                *(Path(sys.executable).with_name("jamd"), "play", "--bundle", BUNDLE),
                *("--api", "jack", "--bpm", str(BPM), "--seed", "1", *options),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
        )
        threading.Thread(target=self._read, daemon=True).start()
        try:
            until(lambda: any(line.startswith("Ready") for line in self.lines), 30, "Ready")
        except AssertionError:
            self.process.kill()
            raise AssertionError(self.lines) from None

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line)

    def workers(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def synthesisers(self) -> list[int]:
        children = psutil.Process(self.process.pid).children()
        return [child.pid for child in children if child.name() == "fluidsynth"]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()


def test_at_the_start_it_says_who_is_connected_and_who_is_not_there(
    jack_server: JackServer, tmp_path: Path
) -> None:
    keys = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "keys")
    keys.open_virtual_port("play")
    jamd = Jamd(tmp_path, "--connect-input", "KEYS*", "--connect-output", "*synth*")
    told = {"listening to keys:play\n", "waiting for '*synth*'\n"}
    until(lambda: told <= {*jamd.lines}, 5, "what is connected")  # a busy server may be slow to
    assert jamd.end(signal.SIGTERM) == 0
    keys.close_port()
    keys.delete()


class Musician:
    """A JACK client that plays to jamd and hears it; with `--sound` jamd connects itself to it.

    Attributes:
        heard: (moment, message), as they came.
    """

    def __init__(self, connects: bool = True) -> None:
        self._out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "musician")
        self._out.open_virtual_port("plays")
        self._in = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "musician-ears")
        self._in.open_virtual_port("hears")
        self.heard: list[tuple[float, mido.Message]] = []
        self.struck: list[float] = []
        try:
            self._connect(connects)
        except BaseException:
            self.close()
            raise

    def _connect(self, connects: bool) -> None:
        names = jack("jack_lsp").splitlines()
        (listens,) = [name for name in names if name.endswith("jamd listens")]
        (plays,) = [name for name in names if name.endswith("jamd plays")]
        (mine,) = [name for name in names if name.startswith("musician:")]
        (ears,) = [name for name in names if name.startswith("musician-ears:")]
        if connects:
            jack("jack_connect", mine, listens)
        until(lambda: mine in jack("jack_lsp", "-c", listens), 5, "the way in")
        jack("jack_connect", plays, ears)
        self.plays, self.listens, self.mine = plays, listens, mine

    def listen(self) -> None:
        while packet := self._in.get_message():
            self.heard.append((time.monotonic(), mido.Message.from_bytes(packet[0])))

    def listen_until(self, wanted: Callable[[], object], limit_s: float, what: str) -> None:
        def look() -> object:
            self.listen()
            return wanted()

        until(look, limit_s, what)

    def listen_up_to(self, moment: float) -> None:
        self.listen_until(lambda: time.monotonic() >= moment, 10, "the beat")

    def play_phrase(self) -> None:
        """Four notes on four beats."""
        start = time.monotonic()
        for i, pitch in enumerate(PHRASE):
            for moment, status in ((i, 0x90), (i + 0.9, 0x80)):
                self.listen_up_to(start + moment * BEAT_S)
                self._out.send_message([status, pitch, 80])
                if status == 0x90:
                    self.struck.append(time.monotonic())

    def press(self, pitch: int, channel: int = 1) -> None:
        self._out.send_message([0x90 + channel - 1, pitch, 80])

    def onsets(self) -> list[float]:
        return [at for at, message in self.heard if begins(message)]

    def sounding(self) -> set[tuple[int, int]]:
        """What has begun and not ended, after all that was heard."""
        keys: set[tuple[int, int]] = set()
        for _, message in self.heard:
            if begins(message):
                keys.add((message.channel, message.note))
            elif message.type in ("note_on", "note_off"):
                keys.discard((message.channel, message.note))
        return keys

    def close(self) -> None:
        self._out.close_port()
        self._in.close_port()
        self._out.delete()
        self._in.delete()


def assert_on_the_grid(player: Musician, onsets: list[float]) -> None:
    """The grid begins with the first note played. JACK takes a period, 5 ms, each way."""
    step_s, early_s = BEAT_S / 12, 0.02
    late_s = [(at - player.struck[0] + early_s) % step_s - early_s for at in onsets]
    usual_s = statistics.median(late_s)
    assert 0 <= usual_s < 0.03, late_s
    assert sum(abs(one - usual_s) < 0.012 for one in late_s) >= 0.9 * len(late_s), late_s


def newest_take(folder: Path) -> Path:
    return max((folder / "takes").glob("*.mid"))


def begins(message: mido.Message) -> bool:
    return bool(message.type == "note_on" and message.velocity)


@contextmanager
def session(folder: Path, *options: str) -> Iterator[tuple[Jamd, Musician]]:
    """A daemon, and a musician connected to it who has played the phrase."""
    daemon = Jamd(folder, *options)
    try:
        player = Musician(connects="--sound" not in options)
        try:
            player.play_phrase()
            yield daemon, player
        finally:
            player.close()
    finally:
        if daemon.process.poll() is None:
            daemon.end(signal.SIGTERM)


def test_a_phrase_is_answered_in_time_and_every_note_ends(
    jack_server: JackServer, tmp_path: Path
) -> None:
    def attempt() -> None:
        with session(tmp_path) as (daemon, player):
            player.listen_until(lambda: len(player.onsets()) >= 2, 15, "an answer")
            assert daemon.end(signal.SIGINT) == 0, daemon.lines
            player.listen_until(lambda: not player.sounding(), 2, "the end of every note")
        assert_on_the_grid(player, player.onsets())
        tracks = {track.name: track for track in mido.MidiFile(newest_take(tmp_path)).tracks}
        assert [m.note for m in tracks["player"] if begins(m)] == list(PHRASE)
        assert main(["replay", str(newest_take(tmp_path)), "--again"]) == 0, "the same, bit for bit"

    jack_server.undisturbed(attempt)


def test_when_the_worker_is_killed_the_beat_goes_on_and_another_one_plays(
    jack_server: JackServer, tmp_path: Path
) -> None:
    def attempt() -> None:
        with session(tmp_path, "--mode", "endless") as (daemon, player):
            player.listen_until(lambda: len(player.onsets()) >= 4, 15, "music")
            old = daemon.workers()
            os.kill(old[0], signal.SIGKILL)
            killed = time.monotonic()
            player.listen_until(lambda: set(daemon.workers()) - set(old), 2, "another worker")
            # It plans two bars ahead, so what sounds after three is the new worker's.
            enough = killed + 3 * 4 * BEAT_S
            player.listen_until(lambda: player.onsets()[-1] > enough, 30, "music again")
            assert daemon.end(signal.SIGTERM) == 0, daemon.lines
            player.listen_until(lambda: not player.sounding(), 2, "the end of every note")
        assert_on_the_grid(player, [at for at in player.onsets() if at > killed])

    jack_server.undisturbed(attempt)


def test_what_a_route_brings_back_is_not_heard(jack_server: JackServer, tmp_path: Path) -> None:
    def attempt() -> None:
        with session(tmp_path, "--mode", "endless") as (daemon, player):
            jack("jack_connect", player.plays, player.listens)
            player.listen_until(lambda: "comes back" in "".join(daemon.lines), 40, "the news")
            before = len(player.onsets())
            player.listen_until(lambda: len(player.onsets()) >= before + 8, 30, "music")
            assert daemon.end(signal.SIGINT) == 0, daemon.lines
        tracks = {track.name: track for track in mido.MidiFile(newest_take(tmp_path)).tracks}
        echoes = sum(map(begins, tracks["player"])) - len(PHRASE)
        assert 0 < echoes < before

    jack_server.undisturbed(attempt)


@pytest.mark.parametrize(
    ("settings", "channel", "why"),
    [
        ("", 10, "because they are drums in General MIDI"),
        ("[midi]\nchannel_in = 3\n", 1, "channel 1, but jamd hears only 3 (channel_in)"),
    ],
)
def test_who_plays_on_a_channel_that_is_not_heard_is_told_why(
    settings: str, channel: int, why: str, jack_server: JackServer, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(settings)
    daemon = Jamd(tmp_path)
    player = Musician()
    for pitch in (36, 38):
        player.press(pitch, channel)
    player.listen_until(lambda: why in "".join(daemon.lines), 10, "the reason")
    player.close()
    assert daemon.end(signal.SIGTERM) == 0, daemon.lines
    assert "".join(daemon.lines).count("Notes come in on channel") == 1


def test_a_keyboard_that_goes_away_leaves_no_note_behind(
    jack_server: JackServer, tmp_path: Path
) -> None:
    def attempt() -> None:
        with session(tmp_path, "--mode", "off") as (daemon, player):
            player.press(60)
            player.listen_until(lambda: player.sounding() == {(0, 60)}, 5, "the note")
            jack("jack_disconnect", player.mine, player.listens)
            player.listen_until(lambda: not player.sounding(), 5, "its end")
            assert daemon.end(signal.SIGINT) == 0, daemon.lines
        assert main(["replay", str(newest_take(tmp_path))]) == 0, "the same, bit for bit"

    jack_server.undisturbed(attempt)


@pytest.mark.needs("fluidsynth", "sox", "jack_rec")
def test_a_synthesiser_makes_it_sound(jack_server: JackServer, tmp_path: Path) -> None:
    sound = tmp_path / "sound.wav"
    with (
        session(tmp_path, "--mode", "endless") as (_, player),
        subprocess.Popen(
            [
                *("fluidsynth", "--server", "--no-shell", "-a", "jack", "-m", "jack"),
                *("-o", "midi.jack.id=synth", "-o", "audio.jack.id=synth", str(SOUND_FONT)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as synth,
    ):
        try:
            until(lambda: jack("jack_lsp").count("synth") >= 3, 20, "the synthesiser")
            names = jack("jack_lsp").splitlines()
            (keys,) = [name for name in names if "synth" in name and "midi" in name]
            left = next(name for name in names if "synth" in name and "left" in name.lower())
            jack("jack_connect", player.plays, keys)
            player.listen_until(player.onsets, 15, "music")
            jack("jack_rec", "-f", str(sound), "-d", "4", left)
        finally:
            synth.terminate()
    assert loudness(sound) > 0.001


@pytest.mark.needs("fluidsynth", "sox", "jack_rec")
def test_with_sound_it_needs_no_synthesiser_and_falls_silent_when_it_ends(
    jack_server: JackServer, tmp_path: Path
) -> None:
    sound = tmp_path / "sound.wav"
    options = ("--sound", "--no-thru", "--click", "off", "--mode", "endless")
    with session(tmp_path, *options) as (daemon, player):
        assert "You hear jamd through FluidSynth.\n" in daemon.lines
        player.listen_until(player.onsets, 15, "music")
        record = ["jack_rec", "-f", str(sound), "-d", "8", "jamd sound:left"]
        with subprocess.Popen(record, stdout=subprocess.DEVNULL) as recorder:
            until(lambda: sound.exists() and sound.stat().st_size > 4 * 48_000, 10, "a second")
            assert daemon.end(signal.SIGINT) == 0, daemon.lines
            assert recorder.wait(20) == 0
    assert "jamd sound" not in jack("jack_lsp")
    assert loudness(sound, "trim", "0", "1") > 0.001
    assert loudness(sound, "trim", "-1") == 0


@pytest.mark.needs("fluidsynth")
def test_with_sound_the_player_is_heard_too_and_nothing_sounds_on_after_a_kill(
    jack_server: JackServer, tmp_path: Path
) -> None:
    with session(tmp_path, "--sound", "--click", "off") as (daemon, player):
        player.listen_until(lambda: len(player.onsets()) >= 4, 5, "the phrase")
        sent = [message.note for _, message in player.heard if begins(message)]
        assert sent[:4] == list(PHRASE)
        (synth,) = daemon.synthesisers()
        daemon.end(signal.SIGKILL)
        until(lambda: not psutil.pid_exists(synth), 5, "its end")
    until(lambda: "jamd sound" not in jack("jack_lsp"), 5, "its ports' end")


@pytest.mark.needs("fluidsynth")
def test_with_sound_it_sounds_again_when_jack_is_back(
    jack_server: JackServer, tmp_path: Path
) -> None:
    daemon = Jamd(tmp_path, "--sound")
    jack_server.stop(signal.SIGKILL)
    until(lambda: "JACK has gone" in "".join(daemon.lines), 10, "the news")
    jack_server.start()
    until(lambda: "FluidSynth is back.\n" in daemon.lines, 20, "the sound")
    assert "jamd sound:left" in jack("jack_lsp")
    assert daemon.end(signal.SIGTERM) == 0, daemon.lines


def loudness(sound: Path, *effects: str) -> float:
    """Root mean square of the samples, full scale being 1."""
    stats = subprocess.run(
        ["sox", str(sound), "-n", *effects, "stat"], check=True, capture_output=True, text=True
    ).stderr
    (line,) = [line for line in stats.splitlines() if line.startswith("RMS     amplitude")]
    return float(line.split(":")[1])


def test_after_a_rest_the_take_is_saved_and_the_next_note_begins_another(
    jack_server: JackServer, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("[takes]\nrest_min = 0.05\n", encoding="utf-8")
    with session(tmp_path, "--click", "off") as (jamd, player):

        def saved() -> list[Path]:
            return sorted((tmp_path / "takes").glob("*.jamd-journal.gz"))

        player.listen_until(saved, 40, "a take")
        answered = len(player.onsets())
        assert answered
        assert not player.sounding()
        player.play_phrase()
        player.listen_until(lambda: len(player.onsets()) > answered, 10, "another answer")
        assert jamd.end(signal.SIGTERM) == 0
    told = [line.split()[-1].removesuffix(".") for line in jamd.lines if "The take is" in line]
    assert len(told) == 2
    assert [tmp_path / name for name in told] == sorted((tmp_path / "takes").glob("*.mid"))
    for name in told:
        assert main(["replay", str(tmp_path / name)]) == 0
        starts = [message for message in mido.MidiFile(tmp_path / name) if begins(message)]
        assert [message.note for message in starts[:4]] == list(PHRASE)
