"""Real MIDI systems for the live tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
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
