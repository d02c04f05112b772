"""FluidSynth: where it is, and one that runs.

It is played through its shell (`noteon 0 60 80`), by a pipe. It ends with its input, in whatever
way jamd ends. Nothing here waits for it, except for its end.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mido import Message

from jamd.daemon.midi.terms import begins_note, ends_note
from jamd.errors import UserError, printable

FOLDERS = (
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
    "~/.local/share/soundfonts",
    "/opt/homebrew/share/fluid-synth/sf2",  # what Homebrew installs with FluidSynth
    "/usr/local/share/fluid-synth/sf2",
)
"""Where sound fonts are looked for; the first found is used."""

_INSTALL = {
    "linux": "`sudo apt install fluidsynth fluid-soundfont-gm`",
    "darwin": "`brew install fluid-synth`",
}

TAIL_MS = 300
"""How long the last notes may ring after their end, in milliseconds."""

LEAVE_S = 2.0
"""A FluidSynth that is told to leave and has not after this long is killed."""

THEIRS = 16
"""Its first channel for what the player plays, sent on. The sixteen before are jamd's, so no pedal
or wheel of the player's reaches jamd's notes, whichever MIDI channel it comes on."""

_CHANNELS = 32

MPE_BEND = 48
"""How far, in semitones, a wheel bends a note of an MPE keyboard that has not said otherwise (MIDI
Manufacturers Association, RP-053)."""

GAIN = 0.6
"""Its loudness; its own default, 0.2, is meant for an orchestra. Ten notes of a piano and a click,
all at full velocity, reach 0.9 of what can be sounded."""

_BUFFERS = () if sys.platform == "win32" else ("-z", "256", "-c", "3")
"""Three buffers of 256 frames: 17 ms at 44.1 kHz. Its own 16 of 64 are 23 ms on ALSA, but on
PipeWire, which takes one of them, less than 2. JACK's are JACK's own."""

_READ_BYTES = 1 << 16  # what a pipe holds
_KEPT_BYTES = 4096
_LISTED = re.compile(rb"(?:\n|> )jamd\n")  # the answer to `echo jamd`, not the command itself
_ERROR = re.compile(rb"fluidsynth: (?:error|panic): (.*)")


@dataclass(frozen=True, slots=True)
class Installed:
    """What makes notes sound.

    Attributes:
        program: FluidSynth's path.
        font: A sound font.
    """

    program: str
    font: Path


def find(font: str = "") -> Installed | str:
    """FluidSynth and a sound font; or, in words, what is missing.

    Args:
        font: The sound font's path; empty: the first one found in `FOLDERS`.
    """
    program = shutil.which("fluidsynth")
    if program is None:
        return "FluidSynth is not installed"
    if font:
        with suppress(RuntimeError):  # `~name`, but there is no such user
            font = str(Path(font).expanduser())
        if Path(font).is_dir():
            return f"{font} is a folder: name a sound font in it (*.sf2, *.sf3)"
        return Installed(program, Path(font)) if Path(font).is_file() else f"there is no {font}"
    fonts = (
        file
        for folder in FOLDERS
        for file in sorted(Path(folder).expanduser().glob("*.sf[23]"))
        if file.is_file()
    )
    first = next(fonts, None)
    if first is None:
        return f"FluidSynth is there, but no sound font (*.sf2, *.sf3) in {', '.join(FOLDERS)}"
    return Installed(program, first)


def expect_installed(font: str) -> Installed:
    """`find`. Raises UserError if something is missing."""
    found = find(font)
    if isinstance(found, Installed):
        return found
    if font and shutil.which("fluidsynth"):
        raise UserError(f"sound.font: expected the path of a sound font, but {found}")
    how = _INSTALL.get(sys.platform, "see fluidsynth.org, and name a sound font by --sound-font")
    raise UserError(f"--sound needs FluidSynth and a sound font, but {found}: {how}")


def command(message: Message, first: int = 0) -> str:
    """What FluidSynth's shell is told for a message; empty if it has no command for it.

    Args:
        message: Any message.
        first: Its channel, of 32, that stands for MIDI's first.
    """
    channel = first + getattr(message, "channel", 0)
    if begins_note(message):
        return f"noteon {channel} {message.note} {message.velocity}"
    if ends_note(message):
        return f"noteoff {channel} {message.note}"
    match message.type:
        case "control_change":
            return f"cc {channel} {message.control} {message.value}"
        case "program_change":
            return f"prog {channel} {message.program}"
        case "pitchwheel":
            return f"pitch_bend {channel} {message.pitch + 8192}"
    return ""


def setup(jamds: Mapping[int, int], theirs: int, *, mpe: bool) -> list[str]:
    """What FluidSynth's shell is to be told first.

    Args:
        jamds: The program, 0..127, of each of jamd's channels, 0..15.
        theirs: That of all the player's channels.
        mpe: Whether the player bends each note on a channel of its own.
    """
    players = range(THEIRS, _CHANNELS)
    lines = [f"prog {channel} {program}" for channel, program in jamds.items()]
    lines += [f"prog {channel} {theirs}" for channel in players]
    return lines + [f"pitch_bend_range {c} {MPE_BEND}" for c in players if mpe]


class Process:
    """One FluidSynth, from its start to its end.

    Attributes:
        ready: It plays what it is sent.
        knows_font: False if it has started, but cannot read the sound font.
    """

    def __init__(self, installed: Installed, driver: str, setup: Sequence[str] = ()) -> None:
        """Start it. Raises OSError if the system does not.

        Args:
            installed: Where it is.
            driver: Its audio driver; empty: its own choice.
            setup: What its shell is told first.
        """
        options = ["-q", "-n", "-g", str(GAIN), *_BUFFERS]
        if driver:
            options += ["-a", driver]
        if driver == "jack":
            options += ["-j", "-o", "audio.jack.id=jamd sound"]
        options += ["-K", str(_CHANNELS)]
        # No JACK server is started to find out whether there is one, and no key is bound.
        plain = {"JACK_NO_START_SERVER": "1", "INPUTRC": os.devnull}
        self._popen = subprocess.Popen(
            [installed.program, *options, str(installed.font)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | plain,
            process_group=0,  # a terminal's Ctrl-C is for jamd alone: the last notes are to end
        )
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._writes, self._reads = self._popen.stdin, self._popen.stdout
        for pipe in (self._writes, self._reads):
            os.set_blocking(pipe.fileno(), False)
        self._font = os.fsencode(installed.font) + b"\n"
        self._said = b""
        self._hangs = False
        self.ready = False
        self.knows_font = True
        for line in setup:
            self.tell(line)
        self.tell("fonts")
        self.tell("echo jamd")

    @property
    def pid(self) -> int:
        return self._popen.pid

    def tell(self, line: str) -> None:
        """Give it a command: all of it, or nothing if its pipe is full."""
        with suppress(BrokenPipeError):  # `look` finds that it has ended
            if self._writes.write(f"{line}\n".encode()) is None:
                self._hangs = True

    def look(self) -> str:
        """See how it is doing. Returns what is wrong with it, or an empty text. Never waits."""
        ended = self._popen.poll()
        while read := self._reads.read(_READ_BYTES):
            self._said = (self._said + read.replace(b"\r", b""))[-_KEPT_BYTES:]
        if ended is not None:
            return self._complaint() or f"it ended with status {ended}"
        if self._hangs:
            return "it hangs"
        if not self.ready and (listed := _LISTED.search(self._said)):
            self.ready = self.knows_font = self._font in self._said[: listed.end()]
            self._said = b""
            return "" if self.ready else "it cannot read the sound font"
        return ""

    def _complaint(self) -> str:
        """The last error that it reported itself, among what its libraries print."""
        errors = _ERROR.findall(self._said)
        return printable(errors[-1].decode(errors="replace").rstrip(".")) if errors else ""

    def kill(self) -> None:
        """Kill it, and leave waiting for its end to a thread."""
        self._popen.kill()
        self._writes.close()
        self._reads.close()
        threading.Thread(target=self._popen.wait, daemon=True).start()

    def close(self) -> None:
        """Let the last notes ring for `TAIL_MS`, end it, and wait until it has ended."""
        if self.ready:
            self.tell(f"sleep {TAIL_MS}")
        self._writes.close()  # at the end of its input it leaves
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(LEAVE_S if self.ready else 0)
        self._popen.kill()
        self._popen.wait()
        self._reads.close()
