"""Ports on a real ALSA sequencer, in a machine of its own. Time there means nothing."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.live.conftest import AlsaMachine

pytestmark = [pytest.mark.needs("alsa machine"), pytest.mark.slow]

HERE = Path(__file__).parent

# A keyboard and a synthesizer are raw MIDI devices; unbinding the driver pulls their plugs while
# the ports are in use.
HOT_PLUG = """
import contextlib, os, subprocess, time
from mido import Message
from jamd.config.sections import Midi
from jamd.daemon.ports.live_ports import open_ports

DRIVER = "/sys/bus/platform/drivers/snd_virmidi/"
DEVICE = next(name for name in os.listdir(DRIVER) if name.startswith("snd_virmidi."))

def until(ports, line):
    lines, end = [], time.monotonic() + 20
    while line not in lines:
        assert time.monotonic() < end, (line, lines)
        lines += ports.tend(time.monotonic())
        time.sleep(0.01)
    print(line, flush=True)

def hears(ports, line):
    "A note from the keyboard arrives."
    raw, end = os.open("/dev/snd/midiC0D0", os.O_WRONLY), time.monotonic() + 20
    os.write(raw, bytes([0x90, 60, 64, 62, 65]))
    heard = []
    while len(heard) < 2 and time.monotonic() < end:
        heard += [r.message.bytes() for r in ports.poll(time.monotonic())]
    os.close(raw)
    print("heard", heard, flush=True)

def plays(ports):
    "A note to the synthesizer arrives."
    raw = os.open("/dev/snd/midiC0D1", os.O_RDONLY | os.O_NONBLOCK)
    arrived, end = b"", time.monotonic() + 20
    while len(arrived) < 3 and time.monotonic() < end:
        with contextlib.suppress(BlockingIOError):  # the first look makes the device listen
            arrived += os.read(raw, 3)
        ports.send(Message("note_on", note=64, velocity=80))
        time.sleep(0.1)
    os.close(raw)
    print("arrived", list(arrived), flush=True)

ports = open_ports(Midi(connect_input=("VIRMIDI 0-0",), connect_output=("virmidi 0-1", "jamd*")))
print(ports.system_name, ports.connected().complete, flush=True)
print(ports.connected().to_input, ports.connected().from_output, flush=True)
for _ in range(2):
    until(ports, "listening to Virtual Raw MIDI 0-0:VirMIDI 0-0")
    hears(ports, "first")
    plays(ports)
    with open(DRIVER + "unbind", "w") as file:
        file.write(DEVICE)
    until(ports, "no longer listening to Virtual Raw MIDI 0-0:VirMIDI 0-0")
    print("let go", [r.message.bytes() for r in ports.poll(time.monotonic())], flush=True)
    ports.send(Message("note_off", note=64))
    with open(DRIVER + "bind", "w") as file:
        file.write(DEVICE)
until(ports, "listening to Virtual Raw MIDI 0-0:VirMIDI 0-0")
print(subprocess.run(["aconnect", "-l"], capture_output=True, text=True).stdout, flush=True)
ports.close()
print("closed", flush=True)
"""


def test_what_is_unplugged_and_comes_back_is_connected_again(alsa_machine: AlsaMachine) -> None:
    done = alsa_machine(sys.executable, "-c", HOT_PLUG)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ALSA True")
    assert done.stdout.count("\nlistening to Virtual Raw MIDI 0-0:VirMIDI 0-0") == 3
    assert done.stdout.count("\nheard [[144, 60, 64], [144, 62, 65]]") == 2
    assert done.stdout.count("\nlet go [[128, 60, 64], [128, 62, 64]]") == 2
    assert done.stdout.count("\narrived [144, 64, 80]") == 2
    assert "'jamd listens" in done.stdout
    assert "'jamd plays" in done.stdout
    assert done.stdout.endswith("closed\n")


AS_AFTER_A_START = """
for module in virmidi seq-virmidi seq-midi seq-dummy seq-midi-event seq; do
    modprobe -r snd-$module
done
# The kernel loads modules from its first root, where this machine has none.
printf '#!/bin/sh\\nexec busybox chroot /new/root /sbin/modprobe "$@"' > /proc/1/root/bin/load
chmod 755 /proc/1/root/bin/load
echo /bin/load > /proc/sys/kernel/modprobe
rm -f /dev/snd/seq
mknod /dev/snd/seq c 116 1
"$0" ports
"""


def test_the_first_to_ask_after_a_start_sees_the_ports(alsa_machine: AlsaMachine) -> None:
    """The sequencer's file is there from the start; its module comes when somebody opens that."""
    command = Path(sys.executable).with_name("jamd")
    done = alsa_machine("bash", "-c", AS_AFTER_A_START, command)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Midi Through:Midi Through Port-0") == 2, done.stdout


def test_ports_survive_traffic(alsa_machine: AlsaMachine, tmp_path: Path) -> None:
    """5,000 messages a second come in, as the sequencer counts them.

    What goes out comes from Python, which an emulated processor runs slowly: it is some hundred a
    second, and 5,000 on JACK, where nothing is emulated.
    """
    folder = tmp_path / "alsa-out"
    folder.mkdir()
    (folder / "dense.mid").write_bytes(note_offs(a_ms=5, seconds=570))
    command = [sys.executable, HERE / "port_storm.py", "alsa", "200", "5000", "/alsa-out/dense.mid"]
    done = alsa_machine(*command, limit_s=600)

    assert done.returncode == 0, done.stdout + done.stderr
    storm = json.loads(done.stdout.splitlines()[-1])
    print(storm)
    assert storm["rounds"] == 200
    assert storm["played"] > 4900
    assert storm["arrived"] > 4000  # a busy computer does not fetch all
    assert storm["sent"] > 0


def note_offs(a_ms: int, seconds: int) -> bytes:
    """A MIDI file with so many messages in each millisecond."""
    first, more = b"\x01\x80\x3c\x40", b"\x00\x3c\x40"  # running status
    tempo, end = b"\x00\xff\x51\x03\x0f\x42\x40", b"\x00\xff\x2f\x00"  # a beat lasts 1 s
    track = tempo + (first + more * (a_ms - 1)) * 1000 * seconds + end
    header = struct.pack(">4sIHHH4sI", b"MThd", 6, 0, 1, 1000, b"MTrk", len(track))
    return header + track
