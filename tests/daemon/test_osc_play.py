"""A `jamd play` that is a process of its own is controlled through OSC, and tells its beat."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from mido import MidiFile
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg
from rehearsing import BUNDLE, PLAY, kept, rows, started, until_shown
from waiting import until

from jamd.cli import main

OSC = "sys.argv[2], '--osc', '{listen}', '--osc-to', '{to}'"


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets there")
def test_what_osc_sets_and_presses_is_in_the_take_and_a_replay_is_the_same(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lights:
        lights.bind(("127.0.0.1", 0))
        lights.settimeout(60)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        program = PLAY.replace("sys.argv[2]", OSC.format(listen=port, to=lights.getsockname()[1]))
        with started(program, tmp_path) as process:
            until_shown(process, f"OSC: at 127.0.0.1:{port} you can control jamd.")
            beats: list[list[int]] = []
            while len(beats) < 4:
                message = OscMessage(lights.recv(2000))
                beats += [message.params] if message.address == "/jamd/beat" else []
            assert beats == [[1, 1], [1, 2], [1, 3], [1, 4]]
            for address, value in (
                ("/jamd/set/temperature", 1.2),
                ("/jamd/press/next_mode", 1),
                ("/jamd/press/next_mode", 0),
            ):
                lights.sendto(build_msg(address, value).dgram, ("127.0.0.1", port))
            until(lambda: "mode        endless" in rows(process.pid), 60, "the mode")
            until(lambda: "temperature 1.2" in rows(process.pid), 60, "the temperature")
            told = next(row for row in rows(process.pid) if row.startswith("OSC"))
            assert told.startswith(f"OSC         at 127.0.0.1:{port}, last heard 127.0.0.1, tells ")
            lights.sendto(build_msg("/jamd/panic", 1).dgram, ("127.0.0.1", port))
            until(lambda: kept(tmp_path, '"Panic"'), 60, "the panic")
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors == ""
    (take,) = tmp_path.glob("*.mid")
    cues = [m.text for m in MidiFile(take).tracks[0] if m.type == "cue_marker"]
    assert {*cues} == {"temperature 1.2", "control: next mode"}
    assert main(["replay", str(take)]) == 0, "the same, bit for bit"


def test_a_port_in_use_ends_it_with_a_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as used:
        used.bind(("127.0.0.1", 0))
        program = PLAY.replace("sys.argv[2]", f"sys.argv[2], '--osc', '{used.getsockname()[1]}'")
        done = subprocess.run(
            [sys.executable, "-c", program, BUNDLE, tmp_path],
            text=True,
            capture_output=True,
            check=False,
        )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("jamd: osc.listen: expected a UDP port of this computer that is free; ")
    assert done.stdout == ""
