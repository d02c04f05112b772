"""Which ports jamd connects itself to, and keeps connected.

The decisions are functions of what there is; `Watcher` looks about twice a second, in a thread of
its own, because a look may wait for the MIDI system's server.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from fnmatch import fnmatch

from jamd.daemon.midi_system import CLIENT, PortSeen, System

LOOK_S = 0.5
"""From one look to the next. A keyboard plugged in is connected after at most two."""


class Way(Enum):
    """Which of jamd's two directions a connection is for."""

    IN = "in"  # the other port is listened to
    OUT = "out"  # the other port is played to


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted.

    Attributes:
        listen: Patterns of the ports to listen to: `*`, `?`, `[...]`; case does not matter.
        play: Patterns of the ports to play to.
        own_names: The names of jamd's virtual ports, which are never connected to each other.
    """

    listen: tuple[str, ...] = ()
    play: tuple[str, ...] = ()
    own_names: tuple[str, ...] = ()

    def wanted(self, port: PortSeen, way: Way) -> bool:
        """Whether this port should be connected."""
        fits, patterns = (
            (port.source, self.listen) if way is Way.IN else (port.destination, self.play)
        )
        client, _, short = port.name.partition(":")
        own = re.fullmatch(rf"{CLIENT}(-\d+)?", client) or {port.name, short} & {*self.own_names}
        return (
            fits
            and not own
            and any(
                fnmatch(name.casefold(), pattern.casefold())
                for pattern in patterns
                for name in (port.name, short)
            )
        )


@dataclass(frozen=True, slots=True)
class Link:
    """A connection between jamd and a port."""

    way: Way
    port: PortSeen


@dataclass(slots=True)
class Own:
    """The ids of jamd's open ports, as the system has them."""

    ids: dict[Way, set[str]] = field(default_factory=lambda: {Way.IN: set(), Way.OUT: set()})

    def seen(self, ports: Iterable[PortSeen], way: Way) -> list[PortSeen]:
        return [port for port in ports if port.id in self.ids[way]]


def missing(ports: Collection[PortSeen], wishes: Wishes, own: Own) -> list[Link]:
    """The wanted connections that are not there.

    Where the system does not tell of connections, all that are wanted: whoever opened one knows.
    """
    return [
        Link(way, port)
        for way in Way
        for port in ports
        if wishes.wanted(port, way) and not own.ids[way].intersection(port.peers or ())
    ]


def unmet(ports: Collection[PortSeen], wishes: Wishes) -> list[str]:
    """The patterns that no port fits."""
    one_by_one = [
        *((Way.IN, pattern, replace(wishes, listen=(pattern,))) for pattern in wishes.listen),
        *((Way.OUT, pattern, replace(wishes, play=(pattern,))) for pattern in wishes.play),
    ]
    return [
        pattern
        for way, pattern, wish in one_by_one
        if not any(wish.wanted(port, way) for port in ports)
    ]


def others(ports: Collection[PortSeen], own: Own, way: Way) -> tuple[str, ...]:
    """The names of the ports connected to jamd's, sorted."""
    peers = {peer for port in own.seen(ports, way) for peer in port.peers or ()}
    return tuple(sorted({port.name for port in ports if port.id in peers}))


def sources(ports: Collection[PortSeen], own: Own, inputs: Collection[str]) -> frozenset[str]:
    """The ids of the ports of others that play to these inputs of jamd's."""
    peers = {peer for port in ports if port.id in inputs for peer in port.peers or ()}
    return frozenset(peers - own.ids[Way.OUT])


@dataclass(frozen=True, slots=True)
class Connected:
    """Who is at the other end, by name, sorted.

    Attributes:
        to_input: What can be heard.
        from_output: What is played to.
        complete: False where the system only tells of the connections that jamd made itself.
        mixed: The ids of those whose messages come in on one port, so that whose is whose cannot be
            told. jamd's own are left out.
        gone: The system's name where it has gone and is waited for; else empty.
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
class Sight:
    """One look.

    Attributes:
        number: Counts up from 1.
        ports: Every port; None where the system has gone.
        to_open: Wanted connections for which jamd must open a port of its own.
    """

    number: int
    ports: tuple[PortSeen, ...] | None
    to_open: tuple[Link, ...] = ()


class Watcher:
    """Looks at a MIDI system again and again, and connects what the system itself can connect.

    Attributes:
        sight: The newest look; replaced, never changed.
    """

    def __init__(self, system: System, wishes: Wishes, own: Own) -> None:
        self._system = system
        self._wishes = wishes
        self._own = own
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ports", daemon=True)
        self.sight = self.look()

    def start(self) -> None:
        """Begin looking every `LOOK_S`."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; waits for a look that is under way."""
        self._leave.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2)

    def look(self) -> Sight:
        """Look once."""
        number = self.sight.number + 1 if hasattr(self, "sight") else 1
        ports = self._system.look()
        if ports is None:
            self.sight = Sight(number, None)
            return self.sight
        links = missing(ports, self._wishes, self._own)
        to_open = tuple(link for link in links if not self._connect(link, ports))
        if len(to_open) < len(links):
            ports = self._system.look()
        self.sight = Sight(number, ports, to_open)
        return self.sight

    def _connect(self, link: Link, ports: tuple[PortSeen, ...]) -> bool:
        for own in self._own.seen(ports, link.way):
            ends = (link.port, own) if link.way is Way.IN else (own, link.port)
            if self._system.connect(*ends):
                return True
        return False

    def _watch(self) -> None:
        while not self._leave.wait(LOOK_S):
            if self.look().ports is None:
                return
