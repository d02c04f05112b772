"""Which ports jamd connects itself to, and keeps connected.

The decisions are functions of the ports there are; `Watcher` looks about twice a second, in a
thread of its own, because a look may have to wait for the MIDI system's server.
"""

from __future__ import annotations

import itertools
import re
import shlex
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from fnmatch import fnmatch

from jamd.daemon.ports.midi_system import CLIENT, PortSeen, System

LOOK_S = 0.5
"""From one look to the next. A keyboard that is plugged in is connected after at most two looks."""


MOST_OFFERED = 4
"""How many ports are offered one by one."""

_THROUGH = re.compile("midi.through", re.IGNORECASE)  # ALSA's, on every machine: nobody plays it


class Direction(Enum):
    """Which of jamd's two directions a connection is for."""

    IN = "in"  # the other port is listened to
    OUT = "out"  # the other port is played to


@dataclass(frozen=True, slots=True)
class PortPatterns:
    """Which ports are wanted.

    Attributes:
        listen: Patterns of the ports to listen to: `*`, `?`, `[...]`; case does not matter.
        play: Patterns of the ports to play to.
        own_names: The names of jamd's virtual ports, which are never connected to each other.
        loops: Where there are no virtual ports (Windows): the names of the loopback ports that
            stand for them. Each is wanted in its own direction, and never in the other.
        listen_to_all: Listen to whatever can be played, too.
    """

    listen: tuple[str, ...] = ()
    play: tuple[str, ...] = ()
    own_names: tuple[str, ...] = ()
    loops: Mapping[Direction, str] = field(default_factory=dict)
    listen_to_all: bool = False

    def wanted(self, port: PortSeen, direction: Direction) -> bool:
        """Whether this port should be connected."""
        fits, patterns = (
            (port.source, self.listen)
            if direction is Direction.IN
            else (port.destination, self.play)
        )
        if port.name == self.loops.get(direction):
            return fits
        client, _, short = port.name.partition(":")
        own = re.fullmatch(rf"{CLIENT}(-\d+)?", client) or {port.name, short} & {*self.own_names}
        if not fits or own:
            return False
        if direction is Direction.IN and self.listen_to_all and not _THROUGH.search(port.name):
            return True
        return any(
            fnmatch(name.casefold(), pattern.casefold())
            for pattern in patterns
            for name in (port.name, short)
        )


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection between jamd and a port."""

    direction: Direction
    port: PortSeen


@dataclass(slots=True)
class OwnPorts:
    """The ids of jamd's open ports, as the system knows them."""

    ids: dict[Direction, set[str]] = field(
        default_factory=lambda: {Direction.IN: set(), Direction.OUT: set()}
    )

    def seen(self, ports: Iterable[PortSeen], direction: Direction) -> list[PortSeen]:
        return [port for port in ports if port.id in self.ids[direction]]


def missing(ports: Collection[PortSeen], patterns: PortPatterns, own: OwnPorts) -> list[Connection]:
    """The wanted connections that are not there.

    If the system does not report connections, all that are wanted: the caller knows what it opened.
    """
    return [
        Connection(direction, port)
        for direction in Direction
        for port in ports
        if patterns.wanted(port, direction)
        and not own.ids[direction].intersection(port.peers or ())
    ]


def unmet(ports: Collection[PortSeen], patterns: PortPatterns) -> list[str]:
    """The patterns that no port fits."""
    one_by_one = [
        *(
            (Direction.IN, pattern, replace(patterns, listen=(pattern,), loops={}))
            for pattern in patterns.listen
        ),
        *(
            (Direction.OUT, pattern, replace(patterns, play=(pattern,), loops={}))
            for pattern in patterns.play
        ),
    ]
    return [
        pattern
        for direction, pattern, wish in one_by_one
        if not any(wish.wanted(port, direction) for port in ports)
    ]


def offered(ports: Collection[PortSeen], patterns: PortPatterns) -> list[str]:
    """How to listen to what is there, one line each, for who has not said what to listen to."""
    if patterns.listen or patterns.loops or patterns.listen_to_all:
        return []
    anything = replace(patterns, listen_to_all=True)
    shorts = {
        port.name: port.name.partition(":")[2] or port.name
        for port in ports
        if anything.wanted(port, Direction.IN)
    }
    met = Counter(shorts.values())
    names = [name if met[short] > 1 else short for name, short in shorts.items()]
    lines = [
        f"to listen to {name}: --connect-input {shlex.quote(name.replace('[', '[[]'))}"
        for name in names
    ]
    more = [f"and {len(lines) - MOST_OFFERED} more, which jamd ports lists"]
    return lines[:MOST_OFFERED] + (more if len(lines) > MOST_OFFERED else [])


def others(ports: Collection[PortSeen], own: OwnPorts, direction: Direction) -> tuple[str, ...]:
    """The names of the ports connected to jamd's, sorted."""
    peers = {peer for port in own.seen(ports, direction) for peer in port.peers or ()}
    return tuple(sorted({port.name for port in ports if port.id in peers}))


def sources(ports: Collection[PortSeen], own: OwnPorts, inputs: Collection[str]) -> frozenset[str]:
    """The ids of the ports, other than jamd's own, that play to these inputs of jamd's."""
    peers = {peer for port in ports if port.id in inputs for peer in port.peers or ()}
    return frozenset(peers - own.ids[Direction.OUT])


@dataclass(frozen=True, slots=True)
class Connected:
    """The ports at the other end, by name, sorted.

    Attributes:
        to_input: Ports that jamd listens to.
        from_output: Ports that jamd plays to.
        complete: False if the system only reports the connections that jamd made itself.
        mixed: The ids of the ports whose messages come in on one input, so that they cannot be told
            apart. jamd's own are left out.
        gone: The system's name while it is gone and waited for; else empty.
    """

    to_input: tuple[str, ...] = ()
    from_output: tuple[str, ...] = ()
    complete: bool = True
    mixed: frozenset[str] = frozenset()
    gone: str = ""


def news(before: Connected, after: Connected) -> list[str]:
    """What has changed, one line each."""
    lines = []
    for was, is_now, listening in (
        (before.to_input, after.to_input, "listening to"),
        (before.from_output, after.from_output, "playing to"),
    ):
        lines += [f"{listening} {name}" for name in is_now if name not in was]
        lines += [f"no longer {listening} {name}" for name in was if name not in is_now]
    return lines


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one look found.

    Attributes:
        number: Counts up from 1.
        ports: Every port; None if the system is gone.
        to_open: Wanted connections for which jamd must open a port of its own.
    """

    number: int
    ports: tuple[PortSeen, ...] | None
    to_open: tuple[Connection, ...] = ()


class Watcher:
    """Keeps looking at a MIDI system, and connects what the system itself can connect.

    Attributes:
        snapshot: The newest look; replaced, never changed.
    """

    def __init__(self, system: System, patterns: PortPatterns, own: OwnPorts) -> None:
        self._system = system
        self._patterns = patterns
        self._own = own
        self._numbers = itertools.count(1)
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ports", daemon=True)
        self.snapshot = self.look()

    def start(self) -> None:
        """Begin looking every `LOOK_S`."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; waits for a look that is under way."""
        self._leave.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2)

    def look(self) -> Snapshot:
        """Look once."""
        number = next(self._numbers)
        ports = self._system.look()
        if ports is None:
            self.snapshot = Snapshot(number, None)
            return self.snapshot
        connections = missing(ports, self._patterns, self._own)
        to_open = tuple(each for each in connections if not self._connect(each, ports))
        if len(to_open) < len(connections):
            ports = self._system.look()
        self.snapshot = Snapshot(number, ports, to_open)
        return self.snapshot

    def _connect(self, connection: Connection, ports: tuple[PortSeen, ...]) -> bool:
        for own in self._own.seen(ports, connection.direction):
            listens = connection.direction is Direction.IN
            ends = (connection.port, own) if listens else (own, connection.port)
            if self._system.connect(*ends):
                return True
        return False

    def _watch(self) -> None:
        while not self._leave.wait(LOOK_S):
            if self.look().ports is None:
                return
