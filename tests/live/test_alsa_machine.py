from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.live.conftest import AlsaMachine

SCRIPT = """
import pathlib, subprocess, sys
subprocess.run(["aconnect", "-l"])
pathlib.Path("/alsa-out/result").write_text(sys.executable)
sys.exit(7)
"""


@pytest.mark.needs("alsa machine")
def test_the_machine_has_a_sequencer_keyboards_and_this_python(
    alsa_machine: AlsaMachine, tmp_path: Path
) -> None:
    done = alsa_machine(sys.executable, "-c", SCRIPT)

    assert done.returncode == 7, done.stdout + done.stderr
    assert "Midi Through Port-0" in done.stdout
    assert "VirMIDI 0-0" in done.stdout
    assert (tmp_path / "alsa-out" / "result").read_text() == sys.executable
