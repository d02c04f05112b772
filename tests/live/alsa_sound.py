"""What `test_alsa_play` runs inside the ALSA machine: `jamd play --sound` and all it needs.

The sound card is a loopback: what is played on it is recorded from it. The keyboard is plugged in
when jamd is ready. Prints what jamd said; ends with 0 if something was heard and nothing is left.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from mido import MidiFile

BUNDLE, FOLDER = sys.argv[1], Path(sys.argv[2])
DRIVER = Path("/sys/bus/platform/drivers/snd_virmidi")
LIMIT_S = 120
LOUD = 2**24  # of 2**31

device = next(path.name for path in DRIVER.glob("snd_virmidi.*"))
(DRIVER / "unbind").write_text(device)
subprocess.run(["modprobe", "snd-aloop"], check=True)
lines: list[str] = []
jamd = subprocess.Popen(
    [
        *(sys.executable, "-c", "import sys; from jamd.cli import main; sys.exit(main())"),
        *("play", "--bundle", BUNDLE, "--api", "alsa", "--sound", "--takes", str(FOLDER)),
    ],
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    env=os.environ | {"ALSA_CARD": "Loopback"},
)


def read() -> None:
    assert jamd.stdout is not None
    for line in jamd.stdout:
        lines.append(line.rstrip())  # noqa: PERF401 - one by one, as they come


def until(wanted: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not wanted():
        if time.monotonic() > deadline or jamd.poll() is not None:
            raise TimeoutError(f"{what}; jamd says {lines}")
        time.sleep(0.05)


def loud() -> bool:
    data = (FOLDER / "sound.raw").read_bytes()
    samples = array("i", data[: len(data) // 4 * 4])
    return max(samples, default=0) > LOUD


threading.Thread(target=read, daemon=True).start()
until(lambda: any(line.startswith("Ready") for line in lines), "ready")
record = ["arecord", "-q", "-D", "hw:Loopback,1", "-t", "raw", "-f", "S32_LE", "-c", "2"]
recorder = subprocess.Popen([*record, "-r", "48000", FOLDER / "sound.raw"])
until((FOLDER / "sound.raw").exists, "the recording")
assert not loud()
(DRIVER / "bind").write_text(device)
until(lambda: any("listening to Virtual" in line for line in lines), "the keyboard")
card = Path("/proc/asound/VirMIDI").readlink().name.removeprefix("card")
with Path(f"/dev/snd/midiC{card}D0").open("wb", buffering=0) as keyboard:
    for message in MidiFile(FOLDER / "phrase.mid").play():
        keyboard.write(message.bin())
until(loud, "a sound")
print(*lines, sep="\n")
recorder.terminate()
jamd.send_signal(signal.SIGTERM)
status = jamd.wait(30)
left = subprocess.run(["pgrep", "fluidsynth"], capture_output=True, check=False).stdout
sys.exit(status or bool(left))
