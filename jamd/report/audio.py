"""Writes notes as a MIDI file, and renders one as sound."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from jamd.daemon.model.generate import to_entries
from jamd.daemon.sound.fluidsynth import Installed
from jamd.daemon.takes.take import to_midi
from jamd.notes import Note

BPM = 110.0
"""The tempo of everything, since a corpus keeps no tempo."""

_LIMIT_S = 120
_RATE_HZ = 22_050


def render(installed: Installed, midi: Path, output: Path) -> bool:
    """Render a MIDI file as an Ogg Vorbis file; return whether that succeeded."""
    options = ["-n", "-i", "-q", "-g", "0.8", "-r", str(_RATE_HZ), "-T", "oga"]
    command = [installed.program, *options, "-F", str(output), str(installed.font), str(midi)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and output.is_file() and output.stat().st_size > 0


def write_midi(notes: Sequence[Note], path: Path) -> None:
    """Write notes as a MIDI file, each part on a track."""
    to_midi(to_entries(notes, BPM)).save(path)
