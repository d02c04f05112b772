"""What `test_alsa_play` runs inside the ALSA machine: `jamd play` among alsa-utils.

Prints a line of JSON with what was found. Timings in that machine say nothing; behaviour does.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

BUNDLE, FOLDER = sys.argv[1], Path(sys.argv[2])
DRIVER = Path("/sys/bus/platform/drivers/snd_virmidi")
LIMIT_S = 200


def until(wanted: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not wanted():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}; jamd says {lines}")
        time.sleep(0.05)


def aconnect(*arguments: str) -> str:
    return subprocess.run(
        ["aconnect", *arguments], check=False, capture_output=True, text=True
    ).stdout


def client(name: str) -> str:
    """The number of the client that has a port called `name`, and the port's: `128:0`."""
    number = ""
    for line in aconnect("-l").splitlines():
        if match := re.match(r"client (\d+):", line):
            number = match[1]
        elif (match := re.match(r" +(\d+) '(.*?) *'", line)) and match[2] == name:
            return f"{number}:{match[1]}"
    return ""


def keyboards() -> int:
    """How many virtual keyboards jamd listens to, as aconnect sees it."""
    found, source = 0, ""
    for line in aconnect("-l").splitlines():
        if match := re.match(r" +\d+ '(.*?) *'", line):
            source = match[1]
        elif "Connecting To" in line and source.startswith("VirMIDI"):
            found += 1
    return found


lines: list[str] = []
jamd = subprocess.Popen(
    [
        *(sys.executable, "-c", "import sys; from jamd.cli import main; sys.exit(main())"),
        *("play", "--bundle", BUNDLE, "--api", "auto", "--seed", "1", "--mode", "endless"),
        *("--connect-input", "VirMIDI 0-0*", "--takes", str(FOLDER / "takes")),
    ],
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
)


def read() -> None:
    assert jamd.stdout is not None
    for line in jamd.stdout:
        lines.append(line.rstrip())  # noqa: PERF401 - one by one, as they come


threading.Thread(target=read, daemon=True).start()
found: dict[str, object] = {}
until(lambda: any(line.startswith("Ready") for line in lines), "ready")
until(lambda: client("jamd listens") and client("jamd plays"), "both ports")
found["ports"] = aconnect("-l")

until(lambda: keyboards() == 1, "the keyboard is listened to")
device = next(path.name for path in DRIVER.glob("snd_virmidi.*"))
(DRIVER / "unbind").write_text(device)  # the plug is pulled, in use or not
until(lambda: keyboards() == 0, "the keyboard is gone")
(DRIVER / "bind").write_text(device)
before = time.monotonic()
until(lambda: keyboards() == 1, "the keyboard is listened to again")
found["reconnected_s"] = time.monotonic() - before

with (FOLDER / "heard.txt").open("w") as file:
    # By the line: into a file it would keep its lines back, four kilobytes at a time.
    command = ["stdbuf", "-oL", "aseqdump", "-p", client("jamd plays")]
    dump = subprocess.Popen(command, stdout=file)
until(lambda: "aseqdump" in aconnect("-l"), "aseqdump")
subprocess.run(["aplaymidi", "-p", client("jamd listens"), str(FOLDER / "phrase.mid")], check=True)


def heard(kind: str) -> int:
    return (FOLDER / "heard.txt").read_text().count(kind)


def answered() -> int:
    """How many notes are no click: that is on channel 10, which is told as 9."""
    return len(re.findall(r"Note on +(?!9,)\d", (FOLDER / "heard.txt").read_text()))


until(lambda: answered() >= 4, "an answer")
jamd.send_signal(signal.SIGTERM)
found["status"] = jamd.wait(20)
until(lambda: "jamd" not in aconnect("-l"), "the ports are closed")
dump.terminate()
dump.wait()
found["begun"], found["ended"] = heard("Note on"), heard("Note off")
found["lines"] = lines
(FOLDER / "found.json").write_text(json.dumps(found))
