"""The MIDI ports of the live side.

`open_ports` opens the two virtual ports that others connect to, `jamd listens` and `jamd plays`,
and one each for the click and the clock if they are to have their own, and keeps up the connections
whose patterns are configured. The loop uses the result like this:

    ports = open_ports(config.midi)          # NoMidiSystem if there is nothing to open
    try:
        for received in ports.poll(now): ...     # every millisecond
        ports.send(message)
        for line in ports.tend(now): ...         # now and then: hot-plug, a lost server
        ports.connected()                        # for the status line
    finally:
        ports.close()

Everything is polled and nothing calls back. python-rtmidi runs a callback in the driver's own
thread, under the interpreter's lock: a busy interpreter then makes JACK late, and closing a port
joins a thread that waits for the lock held by the closing one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from mido import Message

from jamd.config.config import Config
from jamd.config.sections import Midi
from jamd.daemon.events import Output
from jamd.daemon.midi.terms import ends_note
from jamd.daemon.ports.connections import (
    Connected,
    Connection,
    Direction,
    OwnPorts,
    PortPatterns,
    Snapshot,
    Watcher,
    news,
    offered,
    others,
    sources,
    unmet,
)
from jamd.daemon.ports.leading_clock import LeadingClock
from jamd.daemon.ports.loopback import has_virtual_ports, lacking, loops
from jamd.daemon.ports.midi_system import System, open_system
from jamd.daemon.ports.port_opening import alone
from jamd.daemon.ports.rtmidi_ports import Received, RtmidiInput, RtmidiOutput
from jamd.daemon.ports.said_again import AGAIN_S, SaidAgain
from jamd.daemon.sound.instruments import programs
from jamd.daemon.sound.program_changes import ProgramChanges
from jamd.errors import PortError

MOST_PUT_OFF = 10
"""How many times in a row a connection is postponed because another jamd is opening ports; after
that, the other one is taken to hang."""

RETRY_S = 2.0
"""Seconds between two attempts to reopen a lost MIDI system."""

UNSEEN_LIMIT, UNSEEN_ENDS = 2000, 2200
"""Maximum number of messages sent between two looks at JACK, and of those if they end notes. RtMidi
waits for ever once some 2,300 lie in the buffer of a JACK server that has died, so no more are
sent. The first is four times what MIDI's own wire carries in that time."""


class Ports(Protocol):
    """What the loop plays and listens through: real ports, or the rehearsal room's."""

    def poll(self, now: float) -> Sequence[Received]:
        """What has come in since the last call, oldest first; never waits."""

    def send(self, message: Message, output: Output = Output.MAIN) -> None:
        """Send a message at once. If its port is lost the message is dropped, without an error."""

    def tend(self, now: float) -> Sequence[str]:
        """Keep connections up and reopen what was lost; cheap. Returns news, one line each."""

    def connected(self) -> Connected:
        """What is connected to the input and to the output, as of the last look."""

    def close(self) -> None:
        """Close every port. Whatever must still be sent has to be sent before."""


class Instruments(Ports, Protocol):
    """Ports to instruments, which can be asked for other sounds."""

    def change_sounds(self, config: Config) -> None:
        """Ask for the sounds of `config` from now on."""


def open_ports(
    settings: Midi,
    own_ports: Mapping[Output, str] = {},
    programs: Mapping[int, int] = {},
    *,
    sounds: bool = False,
) -> LivePorts:
    """Open the virtual ports, and connect those wanted ports that are present.

    Args:
        settings: The ports' names, and the connections wanted.
        own_ports: The names of ports of their own for the click or the clock.
        programs: The program, 0..127, that is asked for on a channel, 0..15, of the main port.
        sounds: Whether jamd makes the sound, which decides what it listens to if `settings` do not.

    Raises:
        NoMidiSystem: There is no MIDI system, or not the one asked for.
        PortError: It is there but refuses.
    """
    system = open_system(settings.api)
    if todo := lacking(system, settings, own_ports, sounds):
        system.close()
        raise PortError(f"Windows has no virtual ports: {todo}")
    ports = LivePorts(system, settings, own_ports, programs, sounds=sounds)
    ports.tend(0.0)
    return ports


class LivePorts:
    """The virtual ports on one MIDI system and everything connected to them.

    Its arguments are those of `open_ports`, but for the system, which is open; it closes that, too.

    Attributes:
        system_name: `ALSA`, `JACK`, `CoreMIDI` or `WinMM`.
        input_name: The virtual input's name.
        output_name: The virtual output's name.
    """

    def __init__(
        self,
        system: System,
        settings: Midi,
        own_ports: Mapping[Output, str],
        programs: Mapping[int, int],
        *,
        sounds: bool,
    ) -> None:
        self._own_ports = own_ports
        self._programs = ProgramChanges(programs)
        self.system_name = system.name
        self.input_name = settings.input_name
        self.output_name = settings.output_name
        self._patterns = PortPatterns(
            settings.connect_input or (),
            settings.connect_output,
            (settings.input_name, settings.output_name, *self._own_ports.values()),
            {} if has_virtual_ports(system) else loops(settings),
            listen_to_all=sounds and settings.connect_input is None,
        )
        self._retry_at = 0.0
        self._connected = Connected()
        self._system: System | None = None
        self._own = OwnPorts()
        # By the id of the port at the other end; "" for the virtual ones.
        self._inputs: dict[str, RtmidiInput] = {}
        self._outputs: dict[str, RtmidiOutput] = {}
        # The click's and the clock's own ports.
        self._extra: dict[Output, RtmidiOutput] = {}
        # Ports opened on others: the number of the newest look at that time, and the ids they got.
        self._held_since: dict[tuple[Direction, str], tuple[int, set[str]]] = {}
        self._watcher: Watcher | None = None
        self._acted_on: Snapshot | None = None
        self._unseen = 0
        self._let_go: list[Received] = []  # releases of what was down on an input that has gone
        self._leading_clock = LeadingClock()
        self._said_again = SaidAgain()
        self._polled_at = 0.0
        self._open(system)

    def poll(self, now: float) -> list[Received]:
        """What has come in on every input, oldest first."""
        received, self._let_go = self._let_go, []
        for id_, source in self._inputs.items():
            received += self._leading_clock.of(id_, source.poll(now))
        if len(self._inputs) > 1:
            received.sort(key=lambda r: r.seconds)
        self._polled_at = now
        for one in received:
            self._said_again.heard(one.message)
        self._make_good(now)
        return received

    def send(self, message: Message, output: Output = Output.MAIN) -> None:
        """Send a message to the output's own port, or if it has none to every main one."""
        if output is Output.THRU:
            output = Output.MAIN
        self._said_again.sent(message, output, self._polled_at)
        self._play(message, output)
        if output is Output.MAIN:
            for change in self._programs.after(message):
                self.send(change)

    def _play(self, message: Message, output: Output) -> None:
        self._unseen += 1
        most = UNSEEN_ENDS if ends_note(message) else UNSEEN_LIMIT
        if self.system_name == "JACK" and self._unseen > most:
            return
        extra = self._extra.get(output)
        for port in self._outputs.values() if extra is None else (extra,):
            port.send(message)

    def change_sounds(self, config: Config) -> None:
        for message in self._programs.change(programs(config)):
            self.send(message)

    def connected(self) -> Connected:
        return self._connected

    def awaited(self) -> list[str]:
        """The patterns that no port matches, as of the last look."""
        return unmet((self._acted_on and self._acted_on.ports) or (), self._patterns)

    def as_opened(self) -> list[str]:
        """What is connected now, what is awaited, and what could be connected, one line each."""
        ports = (self._acted_on and self._acted_on.ports) or ()
        waiting = [f"waiting for '{pattern}'" for pattern in self.awaited()]
        return news(Connected(), self._connected) + waiting + offered(ports, self._patterns)

    def tend(self, now: float) -> list[str]:
        """Act on the newest look; return what has changed, one line each."""
        if self._watcher is None:
            return self._try_again(now)
        snapshot = self._watcher.snapshot
        if snapshot is self._acted_on:
            return []
        self._acted_on = snapshot
        self._unseen = 0
        if snapshot.ports is None:
            self._lose(now)
            return [f"{self.system_name} has gone: waiting for it to come back"]
        self._drop_dead(snapshot, now)
        for connection in snapshot.to_open:
            self._hold(connection, snapshot)
        self._tell_programs(snapshot)
        before, self._connected = self._connected, self._look_at_connections(snapshot)
        return news(before, self._connected)

    def close(self) -> None:
        """Close every port, even under traffic. What was sent before is still delivered."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None
        self._close_each(self._inputs.values())
        self._make_good(self._polled_at)  # what came last may be lost, too
        self._make_good(self._polled_at + AGAIN_S)
        self._close_each((*self._outputs.values(), *self._extra.values()))
        self._inputs, self._outputs, self._extra = {}, {}, {}
        # Last, because on JACK the library frees every client of a dead server when next opened.
        if self._system is not None:
            self._system.close()
            self._system = None

    def _close_each(self, ports: Iterable[RtmidiInput | RtmidiOutput]) -> None:
        for port in ports:
            if self._system is not None:
                self._system.hush(self._own.ids[Direction.IN])
            port.close()

    def _make_good(self, now: float) -> None:
        """End once more what has ended shortly before the system lost messages."""
        if self._system is not None and self._system.has_lost():
            self._said_again.lost(now)
        for message, output in self._said_again.due(now):
            self._play(message, output)

    def _open(self, system: System) -> None:
        self._system = system
        self._own = OwnPorts()
        self._held_since = {}
        self._programs.opened()
        self._acted_on = None
        self._unseen = 0
        self._put_off = 0
        try:
            if has_virtual_ports(system):
                with alone():
                    before = self._ids()
                    self._inputs[""] = RtmidiInput(system, self.input_name)
                    between = self._ids()
                    self._outputs[""] = RtmidiOutput(system, self.output_name)
                    self._own.ids[Direction.IN] |= between - before
                    self._own.ids[Direction.OUT] |= self._ids() - between
                for output, name in self._own_ports.items():
                    self._extra[output] = RtmidiOutput(system, name)
        except PortError:
            self.close()
            raise
        self._watcher = Watcher(system, self._patterns, self._own)
        self._watcher.start()

    def _ids(self) -> set[str]:
        """The ids of all jamd ports, including those of other jamds."""
        ports = self._system.look() if self._system else None
        return {
            port.id
            for port in ports or ()
            if port.name.endswith((self.input_name, self.output_name))
        }

    def _hold(self, connection: Connection, snapshot: Snapshot) -> None:
        """Open a port of our own on another, on a system where that is how to connect."""
        if (connection.direction, connection.port.id) in self._held_since or self._system is None:
            return
        with alone(0.0) as undisturbed:
            self._put_off = 0 if undisturbed else self._put_off + 1
            if 0 < self._put_off <= MOST_PUT_OFF:
                return  # no waiting while the beat goes on: the next look tries again
            before = self._ids()
            try:
                if connection.direction is Direction.IN:
                    name = self.input_name
                    self._inputs[connection.port.id] = RtmidiInput(
                        self._system, name, connection.port
                    )
                else:
                    name = self.output_name
                    self._outputs[connection.port.id] = RtmidiOutput(
                        self._system, name, connection.port
                    )
            except PortError:
                return  # gone again, or taken by another program: the next look will show
            ids = self._ids() - before
        self._own.ids[connection.direction] |= ids
        self._held_since[connection.direction, connection.port.id] = snapshot.number, ids

    def _drop_dead(self, snapshot: Snapshot, now: float) -> None:
        """Close what is open on a port that has gone, or that came back as another one.

        No note-off will come for what was down there, so it is released here; other inputs are not
        touched.
        """
        ports = {port.id: port for port in snapshot.ports or ()}
        for (direction, target), (since, ids) in list(self._held_since.items()):
            cut = any(ports[own].peers == () for own in ids if own in ports)
            if snapshot.number < since + 2 or (target in ports and not cut):
                continue  # this look may have begun before the port was opened
            if direction is Direction.IN:
                self._let_go += self._inputs[target].let_go(now)
                self._leading_clock.gone(target)
            port = (
                self._inputs.pop(target) if direction is Direction.IN else self._outputs.pop(target)
            )
            port.close()
            self._own.ids[direction] -= ids
            del self._held_since[direction, target]

    def _tell_programs(self, snapshot: Snapshot) -> None:
        own = self._own.seen(snapshot.ports or (), Direction.OUT)
        reached = {peer for port in own for peer in port.peers or ()}
        reached |= {target for direction, target in self._held_since if direction is Direction.OUT}
        for message in self._programs.due(reached):
            self.send(message)

    def _look_at_connections(self, snapshot: Snapshot) -> Connected:
        ports = snapshot.ports or ()
        if any(port.peers is None for port in ports):
            names = {port.id: port.name for port in ports}
            held = {
                direction: tuple(
                    sorted(names[i] for w, i in self._held_since if w is direction and i in names)
                )
                for direction in Direction
            }
            return Connected(held[Direction.IN], held[Direction.OUT], complete=False)
        told_apart: set[str] = set()
        for (direction, _), (_, ids) in self._held_since.items():
            told_apart |= ids if direction is Direction.IN else set()
        return Connected(
            others(ports, self._own, Direction.IN),
            others(ports, self._own, Direction.OUT),
            mixed=sources(ports, self._own, self._own.ids[Direction.IN] - told_apart),
        )

    def _lose(self, now: float) -> None:
        self._said_again = SaidAgain()
        self.close()
        self._connected = Connected(gone=self.system_name)
        self._retry_at = now + RETRY_S

    def _try_again(self, now: float) -> list[str]:
        if now < self._retry_at:
            return []
        self._retry_at = now + RETRY_S
        try:
            self._open(open_system(self.system_name.lower()))
        except PortError:
            return []
        return [f"{self.system_name} is back"]
