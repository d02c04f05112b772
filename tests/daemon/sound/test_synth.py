"""`--sound`: a FluidSynth that jamd starts, plays, replaces and ends."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from mido import Message
from waiting import until

from jamd.config.config import Config
from jamd.config.sections import Sound
from jamd.daemon.clock import MonotonicClock
from jamd.daemon.events import Output
from jamd.daemon.ports.connections import Connected
from jamd.daemon.rehearsal import RehearsalRoom
from jamd.daemon.settings import Settings
from jamd.daemon.sound import fluidsynth
from jamd.daemon.sound.fluidsynth import Installed, command, expect_installed, find, setup
from jamd.daemon.sound.synth import RETRY_S, Sounding, Synth, drivers
from jamd.errors import UserError

ON, OFF = Message("note_on", note=60, velocity=80), Message("note_off", note=60)
PEDAL = Message("control_change", control=64, value=127)

# A shell like FluidSynth's, which notes in `told` what it is told.
FAKE = """#!/bin/sh
for font; do :; done
echo "Type 'help' for help topics."
while read -r verb rest; do
  case $verb in
    fonts) printf '> fonts\\nID  Name\\n 1  %s\\n' "$font" ;;
    echo) printf '> echo %s\\n%s\\n' "$rest" "$rest" ;;
    *) echo "$verb $rest" >> "${font%/*}/told" ;;
  esac
done
echo ended >> "${font%/*}/told"
"""
NO_DEVICE = """#!/bin/sh
echo "ALSA lib: error: cannot find card '0'"
echo 'fluidsynth: error: Failed to open the "default" audio device'
echo 'Failed to create the audio driver. Giving up.'
exit 255
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in and its sound font are."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "piano.sf2").touch()
    return tmp_path


def install(folder: Path, script: str = FAKE) -> Installed:
    (folder / "fluidsynth").write_text(script)
    (folder / "fluidsynth").chmod(0o755)
    return expect_installed(str(folder / "piano.sf2"))


def started(folder: Path, script: str = FAKE) -> Synth:
    synth = Synth(install(folder, script), [""])
    synth.start(MonotonicClock())
    return synth


def running(synth: Synth) -> int:
    """The process id; 0: there is none."""
    return synth.pid or 0


def kill(synth: Synth) -> int:
    """Kill it; the id that it had."""
    os.kill(pid := running(synth), signal.SIGKILL)
    return pid


def told(folder: Path) -> list[str]:
    file = folder / "told"
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (Message("note_on", channel=9, note=76, velocity=110), "noteon 9 76 110"),
        (Message("note_on", channel=1, note=60, velocity=0), "noteoff 1 60"),
        (Message("note_off", channel=1, note=60, velocity=64), "noteoff 1 60"),
        (Message("control_change", control=64, value=127), "cc 0 64 127"),
        (Message("program_change", channel=2, program=5), "prog 2 5"),
        (Message("pitchwheel", pitch=-8192), "pitch_bend 0 0"),
        (Message("pitchwheel", pitch=8191), "pitch_bend 0 16383"),
        (Message("aftertouch", value=3), ""),
        (Message("clock"), ""),
    ],
)
def test_a_message_is_a_line_of_the_shell(message: Message, line: str) -> None:
    assert command(message) == line


def test_what_the_player_plays_has_channels_of_its_own() -> None:
    assert command(Message("note_on", channel=2, note=60, velocity=80), 16) == "noteon 18 60 80"
    assert command(Message("control_change", control=64, value=127), 16) == "cc 16 64 127"


def test_no_pedal_of_the_players_reaches_jamds_notes_on_any_channel(folder: Path) -> None:
    pedals = [PEDAL.copy(channel=c) for c in range(16)]
    synth = started(folder)
    ports = Sounding(RehearsalRoom([], None), synth, Settings())
    for pedal in pedals:
        ports.send(pedal, Output.THRU)
    ports.send(ON)
    ports.close()
    drums = 9  # whoever plays those has the same ones as the click
    assert told(folder) == [
        *(f"cc {c if c == drums else 16 + c} 64 127" for c in range(16)),
        *("noteon 0 60 80", "sleep 300", "ended"),
    ]


@pytest.mark.parametrize("settings", [Settings(mpe=True), Settings(listen_channel=9)])
def test_keys_on_channel_10_are_no_drums(folder: Path, settings: Settings) -> None:
    synth = started(folder)
    ports = Sounding(RehearsalRoom([], None), synth, settings)
    ports.send(ON.copy(channel=9), Output.THRU)
    ports.send(Message("note_on", channel=9, note=76, velocity=110))
    ports.close()
    assert told(folder)[:-2] == ["noteon 25 60 80", "noteon 9 76 110"], "while the click is"


def test_the_pedal_of_an_mpe_keyboard_holds_all_its_notes(folder: Path) -> None:
    synth = started(folder)
    ports = Sounding(RehearsalRoom([], None), synth, Settings(mpe=True))
    for message in (PEDAL, Message("pitchwheel", channel=3, pitch=0)):
        ports.send(message, Output.THRU)
    ports.close()
    assert told(folder)[:-2] == [
        *(f"cc {channel} 64 127" for channel in range(16, 32)),
        "pitch_bend 19 8192",
    ]
    assert setup({}, 0, mpe=True)[16:] == [f"pitch_bend_range {c} 48" for c in range(16, 32)]


def test_a_panic_is_for_everybody(folder: Path) -> None:
    synth = started(folder)
    ports = Sounding(RehearsalRoom([], None), synth, Settings())
    for control in (64, 120, 123):
        ports.send(Message("control_change", control=control, channel=2))
    ports.close()
    assert told(folder)[:-2] == [
        *("cc 2 64 0", "cc 2 120 0", "cc 18 120 0", "cc 2 123 0", "cc 18 123 0"),
    ]


def test_each_one_that_is_started_is_told_the_sounds(folder: Path) -> None:
    lines = setup({1: 11, 2: 5}, 4, mpe=False)
    assert lines == ["prog 1 11", "prog 2 5", *(f"prog {channel} 4" for channel in range(16, 32))]
    synth = Synth(install(folder), [""], lines)
    synth.start(MonotonicClock())
    assert told(folder) == lines
    kill(synth)
    news: list[str] = []
    until(lambda: len(news) == 1, 10, "its end", lambda: news.extend(synth.tend(0.0)))
    until(lambda: len(news) == 2, 10, "another", lambda: news.extend(synth.tend(RETRY_S)))
    assert told(folder) == lines * 2
    synth.close()


def test_the_next_song_may_sound_different(folder: Path) -> None:
    before = setup({1: 11, 2: 5}, 0, mpe=False)
    after = setup({2: 5, 1: 56}, 24, mpe=False)
    synth = Synth(install(folder), [""], before)
    synth.start(MonotonicClock())
    ports = Sounding(RehearsalRoom([], None), synth, Settings())
    ports.change_sounds(Config(sound=Sound(on=True, lead=57, player=25)))
    until(lambda: told(folder) == [*before, *after], 10, "its sounds")
    news: list[str] = []
    kill(synth)
    until(lambda: len(news) == 1, 10, "its end", lambda: news.extend(ports.tend(0.0)))
    until(lambda: len(news) == 2, 10, "another", lambda: news.extend(ports.tend(RETRY_S)))
    assert told(folder) == [*before, *after, *after]
    ports.close()


def test_what_is_sent_is_told_in_order_and_the_last_notes_ring_before_it_ends(folder: Path) -> None:
    synth = started(folder)
    for message in (ON, Message("clock"), OFF):
        synth.send(message)
    synth.close()
    assert told(folder) == ["noteon 0 60 80", "noteoff 0 60", "sleep 300", "ended"]
    assert not running(synth)


def test_what_is_missing_is_said_with_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    install(folder)
    with pytest.raises(UserError, match=r"sound.font: expected .*there is no nowhere.sf2"):
        expect_installed("nowhere.sf2")
    with pytest.raises(UserError, match=r"sound.font: expected .* is a folder: name a sound font"):
        expect_installed(str(folder))
    monkeypatch.setattr(fluidsynth, "FOLDERS", (str(folder / "fonts"), str(folder)))
    assert find() == Installed(str(folder / "fluidsynth"), folder / "piano.sf2")
    monkeypatch.setattr(fluidsynth, "FOLDERS", (str(folder / "fonts"),))
    with pytest.raises(UserError, match=r"no sound font .*`sudo apt install fluidsynth fluid-"):
        expect_installed("")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"not installed: `sudo apt install fluidsynth fluid-"):
        expect_installed("")


def test_a_font_that_is_none_is_refused_although_fluidsynth_takes_another(folder: Path) -> None:
    other = FAKE.replace("fonts)", "fonts) font=/usr/share/default.sf2;")
    assert other != FAKE
    with pytest.raises(UserError, match=r"cannot read the sound font .*piano.sf2: choose another"):
        started(folder, other)


def test_the_next_driver_is_tried_and_the_first_ones_complaint_is_told(folder: Path) -> None:
    fussy = NO_DEVICE + FAKE
    fussy = fussy.replace("exit 255", "exit 255; }")
    fussy = fussy.replace("#!/bin/sh\n", '[ "$9 ${10}" = "-a pulseaudio" ] || {\n', 1)
    synth = Synth(install(folder, f"#!/bin/sh\n{fussy}"), ["", "pulseaudio", "jack"])
    synth.start(MonotonicClock())
    assert synth.ready
    synth.close()

    silent = Synth(install(folder, NO_DEVICE), ["", "pulseaudio"])
    with pytest.raises(UserError) as caught:
        silent.start(MonotonicClock())
    assert str(caught.value).startswith(
        'FluidSynth does not start: Failed to open the "default" audio device: connect'
    )
    assert not running(silent)


def test_on_jack_it_plays_through_jack_alone() -> None:
    assert drivers(jack=True) == ("jack",)
    assert drivers(jack=False)[0] == ""


def test_one_that_dies_is_replaced_after_a_while_and_hears_nothing_of_the_past(
    folder: Path,
) -> None:
    synth = started(folder)
    first = kill(synth)
    news: list[str] = []
    until(lambda: news, 10, "the news", lambda: news.extend(synth.tend(100.0)))
    assert news == ["FluidSynth is gone: it ended with status -9. jamd plays on, and restarts it."]
    synth.send(ON)
    assert synth.tend(100.0 + RETRY_S - 0.1) == []
    assert not running(synth)
    assert synth.tend(100.0 + RETRY_S) == []
    until(lambda: running(synth), 10, "another")
    assert running(synth) != first
    news.clear()
    until(lambda: news, 10, "the news", lambda: news.extend(synth.tend(101.0 + RETRY_S)))
    assert news == ["FluidSynth is back."]
    synth.send(OFF)
    synth.close()
    assert told(folder) == ["noteoff 0 60", "sleep 300", "ended"]


def test_one_that_dies_again_and_again_is_told_once(folder: Path) -> None:
    synth = started(folder)
    install(folder, NO_DEVICE)
    news: list[str] = []
    pids = {kill(synth)}
    now = 0.0

    def look() -> None:
        nonlocal now
        now += 0.1
        news.extend(synth.tend(now))
        pids.add(running(synth))

    until(lambda: len(pids - {0}) >= 4, 20, "three attempts", look)
    synth.close()
    assert len(news) == 1


def test_one_that_hangs_holds_nothing_up(folder: Path) -> None:
    synth = started(folder, FAKE.replace("*) echo", '*) kill -STOP "$$"; echo'))
    for _ in range(20_000):
        synth.send(ON)
    assert synth.tend(1.0) == ["FluidSynth is gone: it hangs. jamd plays on, and restarts it."]
    synth.close()


def test_it_goes_and_comes_back_with_the_system_that_it_plays_on(folder: Path) -> None:
    room = GoneAndBack()
    synth = started(folder)
    ports = Sounding(room, synth, Settings())
    assert ports.connected().from_output == ("FluidSynth",)
    room.gone = "JACK"
    assert ports.tend(1.0) == []
    assert not running(synth)
    room.gone = ""
    news: list[str] = []
    until(lambda: news, 10, "the news", lambda: news.extend(ports.tend(2.0)))
    assert news == ["FluidSynth is back."]
    ports.close()


class GoneAndBack(RehearsalRoom):
    def __init__(self) -> None:
        super().__init__([], None)
        self.gone = ""

    def connected(self) -> Connected:
        return Connected(gone=self.gone)


def test_an_output_with_a_port_of_its_own_is_left_to_that(folder: Path) -> None:
    click = Message("note_on", channel=9, note=76, velocity=110)
    synth = started(folder)
    ports = Sounding(RehearsalRoom([], None), synth, Settings(), [Output.CLICK])
    ports.send(click, Output.CLICK)
    ports.send(ON)
    ports.close()
    assert told(folder) == ["noteon 0 60 80", "sleep 300", "ended"]
