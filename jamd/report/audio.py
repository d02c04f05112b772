"""Renders notes as sound, if the machine has FluidSynth and a sound font."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jamd.daemon.generate import to_entries
from jamd.daemon.take import to_midi
from jamd.notes import Note

BPM = 110.0
"""The tempo of everything, since a corpus keeps no tempo."""

_FOLDERS = (
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
    "~/.local/share/soundfonts",
)

_LIMIT_S = 120
_RATE_HZ = 22_050


@dataclass(frozen=True, slots=True)
class Synth:
    """What makes notes sound.

    Attributes:
        program: FluidSynth.
        font: A sound font.
    """

    program: str
    font: Path

    def render(self, midi: Path, output: Path) -> bool:
        """Render a MIDI file as an Ogg Vorbis file; return whether that succeeded."""
        options = ["-n", "-i", "-q", "-g", "0.8", "-r", str(_RATE_HZ), "-T", "oga"]
        command = [self.program, *options, "-F", str(output), str(self.font), str(midi)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0 and output.is_file() and output.stat().st_size > 0


def find_synth() -> Synth | str:
    """FluidSynth and the sound font to use; or, in words, which of them is missing."""
    program = shutil.which("fluidsynth")
    if program is None:
        return "FluidSynth is not installed"
    fonts = [
        font
        for folder in _FOLDERS
        for font in sorted(Path(folder).expanduser().glob("*.sf[23]"))
        if font.is_file()
    ]
    if not fonts:
        return f"FluidSynth is there, but no sound font (*.sf2, *.sf3) in {', '.join(_FOLDERS)}"
    return Synth(program, fonts[0])


def write_midi(notes: Sequence[Note], path: Path) -> None:
    """Write notes as a MIDI file, each part on a track."""
    to_midi(to_entries(notes, BPM)).save(path)
