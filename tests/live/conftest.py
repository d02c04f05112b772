"""Real MIDI systems for the live tests."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

AlsaMachine = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def alsa_machine(tmp_path: Path) -> AlsaMachine:
    """Boot a machine with ALSA's sequencer and run one command in it: `alsa_machine("aconnect")`.

    A boot takes about 12 s, so a test does all it has to do in one command, a script mostly. What
    that writes to /alsa-out is in `tmp_path / "alsa-out"` afterwards. Mark the test with
    `@pytest.mark.needs("alsa machine")`.
    """

    def run(*command: str | Path, limit_s: int = 240) -> subprocess.CompletedProcess[str]:
        script = Path(__file__).with_name("alsa_vm")
        options = ["-o", str(tmp_path / "alsa-out"), "-t", str(limit_s)]
        return subprocess.run(
            [script, *options, "--", *map(str, command)],
            text=True,
            capture_output=True,
            check=False,
            timeout=limit_s + 120,  # the first call may install and unpack a kernel
        )

    return run


class JackServer:
    """A JACK server without a sound card: 48 kHz, periods of 256 frames.

    Every program started meanwhile finds it by its environment, as the test itself does.

    Attributes:
        log: What it prints; it tells when it stumbled.
    """

    def __init__(self, log: Path, priority: str) -> None:
        self.log = log
        self._priority = priority
        self.start()

    def start(self) -> None:
        """Start it (again), and wait until it answers."""
        name = os.environ["JACK_DEFAULT_SERVER"]
        command = ["setpriv", "--pdeathsig", "TERM"]  # it ends even where the tests are killed
        command += ["jackd", self._priority, "-n", name, "-d", "dummy", "-r", "48000", "-p", "256"]
        with self.log.open("ab") as file:
            self._process = subprocess.Popen(command, stdout=file, stderr=file)
        for _ in range(400):
            if subprocess.run(["jack_lsp"], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.05)
        self.stop()
        raise AssertionError(self.log.read_text())

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Let it end, or die."""
        self._process.send_signal(how)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def leave(self) -> None:
        """Stop it for good.

        JACK has room for eight names, and keeps that of a server that was killed until another of
        the same name has come and ended.
        """
        if self._process.poll() is None:
            self.stop()
        for _ in range(3):
            if self._process.returncode != -signal.SIGKILL:
                return
            self.start()
            self.stop()

    def xruns(self) -> int:
        """How often a client of jamd's was not ready in time, so far."""
        return self.log.read_text(errors="replace").count("JackEngine::XRun: client = jamd")

    def undisturbed(self, attempt: Callable[[], None], times: int = 5) -> None:
        """Do it again, at most so many times, where it failed while the server itself stumbled.

        The server has no real-time priority here: on a busy computer it is late and loses messages.
        """
        for _ in range(times - 1):
            before = self.log.read_bytes()
            try:
                return attempt()
            except AssertionError:
                if self.log.read_bytes() == before:
                    raise
        return attempt()


@pytest.fixture
def jack_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[JackServer]:
    """A JACK server of the test's own: mark `needs("jackd", "setpriv", "jack_lsp")`."""
    with _serving(monkeypatch, tmp_path, "--no-realtime") as server:
        yield server


@pytest.fixture
def realtime_jack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[JackServer]:
    """`jack_server`, with real-time priority where the system grants it: its frames are steady."""
    with _serving(monkeypatch, tmp_path, "--realtime") as server:
        yield server


@contextmanager
def _serving(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, priority: str
) -> Iterator[JackServer]:
    # One name for each run of the tests, so that two at once do not meet.
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"jamd-test-{os.getpid()}")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    server = JackServer(tmp_path / "jackd.log", priority)
    try:
        yield server
    finally:
        server.leave()
