"""The MIDI system of this computer: which ports there are, and which is connected to which.

python-rtmidi opens ports by number and does not report connections, so the systems that do are
asked directly: ALSA's sequencer by its file in /proc, JACK by its library
(`jamd.daemon.ports.jack`).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import rtmidi

from jamd.errors import PortError

CLIENT = "jamd"
"""The name under which jamd's ports appear on a system that groups ports by program."""

_SEQUENCER = Path("/dev/snd/seq")
_SEQUENCER_CLIENTS = Path("/proc/asound/seq/clients")


class NoMidiSystem(PortError):
    """This computer has no MIDI system, or not the one that was asked for."""


class NotAllowed(NoMidiSystem):
    """There is ALSA's sequencer, but not for this user."""


@dataclass(frozen=True, slots=True)
class PortSeen:
    """A port of this computer.

    Attributes:
        id: What the system calls it: `20:0` for ALSA, else its full name.
        name: For people, without numbers that change: `Keystation:Keystation MIDI 1`.
        source: Whether it can be listened to.
        destination: Whether it can be played to.
        peers: The ids of the ports connected to it; None if the system does not report them.
    """

    id: str
    name: str
    source: bool
    destination: bool
    peers: tuple[str, ...] | None = None


class System(Protocol):
    """A MIDI system."""

    @property
    def name(self) -> str:
        """Its usual name; in lower case, its name in `[midi] api`."""

    @property
    def api(self) -> int:
        """python-rtmidi's number for it."""

    def look(self) -> tuple[PortSeen, ...] | None:
        """Every port there is now; None if the system itself has gone. May take a few ms."""

    def connect(self, source: PortSeen, destination: PortSeen) -> bool:
        """Connect two ports of other programs; False if only one's own can be connected."""

    def has_lost(self) -> bool:
        """Whether messages may have been lost since it was last asked."""

    def hush(self, ids: Collection[str]) -> None:
        """Disconnect these inputs of ours before a port closes, if traffic would do harm then."""

    def close(self) -> None: ...


class AlsaSystem:
    """ALSA's sequencer."""

    name = "ALSA"
    api = rtmidi.API_LINUX_ALSA

    def look(self) -> tuple[PortSeen, ...] | None:
        try:
            return parse_sequencer_clients(_SEQUENCER_CLIENTS.read_text(errors="replace"))
        except OSError:
            return None

    def connect(self, source: PortSeen, destination: PortSeen) -> bool:  # noqa: ARG002 - protocol
        return False

    def has_lost(self) -> bool:
        return False

    def hush(self, ids: Collection[str]) -> None:
        pass

    def close(self) -> None:
        pass


_CLIENT_LINE = re.compile(r'Client +(\d+) : "(.*)" \[(\w+)')
_PORT_LINE = re.compile(r'  Port +(\d+) : "(.*)" \((.)(.)..\)')
_PEERS_LINE = re.compile(r"    Connect(?:ing To|ed From): (.*)")


def parse_sequencer_clients(text: str) -> tuple[PortSeen, ...]:
    """/proc/asound/seq/clients (linux/sound/core/seq/seq_clientmgr.c) -> ports.

    A capital R or W means that others may subscribe to reading or writing. Client 0, the system's
    own timer and announcements, is left out.
    """
    ports: list[PortSeen] = []
    number = client = ""
    for line in text.splitlines():
        if match := _CLIENT_LINE.match(line):
            number, client = match[1], match[2]
        elif (match := _PORT_LINE.match(line)) and number != "0":
            name = f"{client}:{match[2]}"
            ports.append(
                PortSeen(f"{number}:{match[1]}", name, match[3] == "R", match[4] == "W", ())
            )
        elif (match := _PEERS_LINE.match(line)) and ports and number != "0":
            last = ports.pop()
            peers = tuple(re.findall(r"\d+:\d+", match[1]))
            ports.append(
                PortSeen(
                    last.id, last.name, last.source, last.destination, (last.peers or ()) + peers
                )
            )
    return tuple(ports)


class RtmidiSystem:
    """Any system as python-rtmidi shows it, by names only: CoreMIDI and WinMM."""

    def __init__(self, api: int, name: str) -> None:
        """Raises `rtmidi.RtMidiError` if the system is not there."""
        self.api = api
        self.name = name
        self._input = rtmidi.MidiIn(api, CLIENT)
        self._output = rtmidi.MidiOut(api, CLIENT)

    def look(self) -> tuple[PortSeen, ...] | None:
        return (
            *(PortSeen(n, stable_name(n, self.api), True, False) for n in self._input.get_ports()),
            *(PortSeen(n, stable_name(n, self.api), False, True) for n in self._output.get_ports()),
        )

    def connect(self, source: PortSeen, destination: PortSeen) -> bool:  # noqa: ARG002 - protocol
        return False

    def has_lost(self) -> bool:
        return False

    def hush(self, ids: Collection[str]) -> None:
        pass

    def close(self) -> None:
        self._input.delete()
        self._output.delete()


def stable_name(listed: str, api: int) -> str:
    """A port's name without its place in the list, which RtMidi puts behind each on WinMM."""
    return re.sub(r" \d+$", "", listed) if api == rtmidi.API_WINDOWS_MM else listed


SYSTEMS = {
    "alsa": rtmidi.API_LINUX_ALSA,
    "jack": rtmidi.API_UNIX_JACK,
    "coremidi": rtmidi.API_MACOSX_CORE,
    "winmm": rtmidi.API_WINDOWS_MM,
}
"""python-rtmidi's numbers for the systems, by their names in `[midi] api`, in `auto`'s order."""

_ADVICE = {
    "alsa": "/dev/snd/seq cannot be opened: load the module snd-seq, or use --api jack",
    "jack": "no JACK server answers: start one (jackd, qjackctl), or use --api alsa",
    "coremidi": "CoreMIDI is macOS's: use --api auto here",
    "winmm": "WinMM is Windows's: use --api auto here",
}


_NOT_ALLOWED = (
    "expected a user who may use ALSA's sequencer, found one who may not open /dev/snd/seq: join "
    "the group audio, by `sudo usermod -aG audio $USER`, and restart the computer"
)


def open_system(api: str = "auto") -> System:
    """The MIDI system asked for, or with `auto` the first found. Prints nothing, starts nothing.

    `auto` prefers ALSA's sequencer to JACK: python-rtmidi's wheel carries a JACK library of its
    own, which does not reach PipeWire.

    Args:
        api: `auto`, `alsa`, `jack`, `coremidi` or `winmm`.

    Raises:
        NoMidiSystem: It is not there; `NotAllowed` if it is, but not for this user.
    """
    barred: NotAllowed | None = None
    for choice in SYSTEMS if api == "auto" else (api,):
        try:
            if system := _try_system(choice):
                return system
        except NotAllowed as error:
            barred = error
    if barred is not None:
        raise barred
    if api == "auto":
        raise NoMidiSystem(
            "no MIDI system found: expected ALSA's sequencer, a running JACK server, CoreMIDI or "
            f"Windows MIDI, and this {sys.platform} machine has none; start one, or play without"
        )
    raise NoMidiSystem(f"[midi] api is {api!r}, but {_ADVICE[api]}")


def _try_system(choice: str) -> System | None:
    api = SYSTEMS[choice]
    if api not in rtmidi.get_compiled_api():
        return None
    if choice == "alsa":
        return AlsaSystem() if _has_sequencer() else None
    if choice == "jack":
        from jamd.daemon.ports.jack import open_jack

        return open_jack()
    try:
        return RtmidiSystem(api, {"coremidi": "CoreMIDI", "winmm": "WinMM"}[choice])
    except rtmidi.RtMidiError:
        return None


def _has_sequencer() -> bool:
    """Whether this kernel has ALSA's sequencer. Raises NotAllowed if this user may not open it.

    Its file tells nothing, since it is there before the module: the kernel loads that when somebody
    opens the file, and before it has, no port is listed.
    """
    try:
        os.close(os.open(_SEQUENCER, os.O_RDWR))
    except PermissionError as error:
        raise NotAllowed(_NOT_ALLOWED) from error
    except OSError:
        return False
    return True
