"""Real MIDI systems for the live tests."""

from __future__ import annotations

import subprocess
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
    """A JACK server and its log, which tells when it stumbled."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def undisturbed(self, attempt: Callable[[], None]) -> None:
        """Do it again, at most five times, where it failed while the server itself stumbled.

        The server has no real-time priority here: on a busy computer it is late and loses messages.
        """
        for _ in range(4):
            before = self._log.read_bytes()
            try:
                return attempt()
            except AssertionError:
                if self._log.read_bytes() == before:
                    raise
        return attempt()


@pytest.fixture
def jack_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[JackServer]:
    """A JACK server of the test's own, without a sound card: 48 kHz, periods of 256 frames.

    Every program started by the test, and the test itself, finds it by its environment. Mark the
    test with `@pytest.mark.needs("jackd")`.
    """
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
    name = "jamd-test"  # the same each time: JACK keeps a place for each of eight names
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    log = tmp_path / "jackd.log"
    with (
        log.open("wb") as file,
        subprocess.Popen(
            ["jackd", priority, "-n", name, "-d", "dummy", "-r", "48000", "-p", "256"],
            stdout=file,
            stderr=file,
        ) as server,
    ):
        subprocess.run(["jack_wait", "-w", "-t", "20"], check=True, stdout=subprocess.DEVNULL)
        yield JackServer(log)
        server.terminate()
