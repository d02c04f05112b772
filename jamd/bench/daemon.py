"""`jamd play` as a user starts it, in a MIDI system of its own if there can be one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL

JAMD = (sys.executable, "-c", "import sys; from jamd.cli import main; sys.exit(main(sys.argv[1:]))")
"""The command `jamd`, whether it is installed or not."""

_READY = "Ready"  # how the line that `jamd play` prints when ready begins
_NO_SYSTEM = "There is no MIDI system"  # how its first line begins if there is none


@dataclass(frozen=True, slots=True)
class Started:
    """A daemon that is ready.

    Attributes:
        process: The process; its input is closed and its output is not read any further.
        ready_s: Seconds from its start until it printed that it was ready.
        where: What its ports are on: `JACK`, `ALSA`, …, or `no MIDI system`.
    """

    process: subprocess.Popen[str]
    ready_s: float
    where: str


def bound() -> list[str]:
    """A prefix that makes a command end with this process, even if that is killed (Linux)."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


@contextmanager
def jack_server() -> Iterator[bool]:
    """As a context: processes started meanwhile use a JACK server made here, without a sound card.

    Yields False, and changes nothing, if jackd or jack_wait is not installed.
    """
    if shutil.which("jackd") is None or shutil.which("jack_wait") is None:
        yield False
        return
    name = f"jamd-bench-{os.getpid()}"
    server = ["jackd", "--no-realtime", "-n", name]
    device = ["-d", "dummy", "-r", "48000", "-p", "256"]
    with (
        variables(JACK_DEFAULT_SERVER=name, JACK_NO_START_SERVER="1"),
        subprocess.Popen([*bound(), *server, *device], stdout=DEVNULL, stderr=DEVNULL) as process,
    ):
        try:
            subprocess.run(
                ["jack_wait", "-w", "-t", "20"], check=True, stdout=DEVNULL, stderr=DEVNULL
            )
            yield True
        finally:
            process.terminate()


@contextmanager
def variables(**values: str) -> Iterator[None]:
    """As a context: set environment variables for this process and those it starts meanwhile."""
    before = os.environ.copy()
    os.environ |= values
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


@contextmanager
def playing(bundle: Path, *arguments: str) -> Iterator[Started]:
    """As a context: a `jamd play` that has just become ready, and is ended as by Ctrl-C.

    Args:
        bundle: The model's folder.
        arguments: More of the command's arguments.

    Raises:
        RuntimeError: It ended before it was ready.
    """
    began = time.perf_counter()
    play = [*JAMD, "play", "--no-keep", "--bundle", str(bundle), *arguments]
    process = subprocess.Popen(
        [*bound(), *play],
        stdin=DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield _wait(process, began)
        finally:
            process.send_signal(signal.SIGINT)


def _wait(process: subprocess.Popen[str], began: float) -> Started:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(_READY):
            ready_s = time.perf_counter() - began
            system = said[0].partition(":")[0]
            where = "no MIDI system" if said[0].startswith(_NO_SYSTEM) else system
            return Started(process, ready_s, where)
    raise RuntimeError(f"jamd play ended before it was ready: {''.join(said).strip()}")
