"""jamd's end of Open Sound Control (OSC): it is controlled through a network, and tells its state.

All of it happens in a thread of its own. The loop, which sends the notes, never waits for it: it is
handed a few events at a time (`Pace`), and it leaves its status for the thread to read.
"""

from __future__ import annotations

import math
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jamd.config.endpoint import Endpoint
from jamd.config.sections import Osc
from jamd.daemon.clock import Clock
from jamd.daemon.control.osc_addresses import COMMANDS, STATE, Value, command_of
from jamd.daemon.control.osc_pace import Pace
from jamd.daemon.control.osc_packets import LONGEST, Packets
from jamd.daemon.control.osc_teller import Teller
from jamd.daemon.ports.connections import Connected
from jamd.daemon.status import Status
from jamd.errors import UserError

WORK_S, REST_S = 0.001, 0.004
"""How long packets are read at a stretch, and how long none is after that: of a flood the system
drops the rest, and four fifths of the time are left to the loop."""

MOST_COMPLAINTS = 16
"""How many lines are said of messages that are refused, one for each address or setting."""

Answer = Callable[[str], dict[str, object]]
"""Carries out a command as for `remote.ask`; the answer may be an `error`."""


@dataclass(slots=True)
class _Listener:
    """Somebody who is told."""

    name: Endpoint
    socket: socket.socket
    address: Any
    reached: bool = True


class OscPeer:
    """jamd's end of Open Sound Control.

    Args:
        settings: Where to listen, and who is told.
        clock: The session's.

    Raises:
        UserError: python-osc is not installed, or an address is not one that can be used.
    """

    def __init__(self, settings: Osc, clock: Clock) -> None:
        self._packets = Packets()
        self._clock = clock
        self._name = settings.listen
        self._input: socket.socket | None = None
        self._pace = Pace()
        self._teller = Teller()
        self._complained: set[str] = set()
        self._lines: deque[str] = deque()
        self._sender = ""
        self._rests_until = -math.inf
        self._seen: tuple[Status, Connected] | None = None
        self._thread: threading.Thread | None = None
        self._closing = False
        self._wakes, self._woken = socket.socketpair()
        self._wakes.setblocking(False)
        self._sockets = [self._wakes, self._woken]
        try:
            if settings.listen is not None:
                self._input = self._bound(settings.listen)
            self._listeners = [_Listener(each, *self._open("osc.to", each)) for each in settings.to]
        except UserError:
            self.close()
            raise

    def start(self, answer: Answer) -> None:
        """Begin. `answer` is called in the thread, where it must be fast and safe."""
        self._lines.extend(self._as_opened())
        self._thread = threading.Thread(target=self._serve, args=(answer,), name="osc", daemon=True)
        self._thread.start()

    def tend(self, status: Status, connected: Connected) -> list[str]:
        """Have the thread tell what has changed. Does not block.

        To be called when the loop has nothing to do just then: the thread needs the interpreter.

        Returns:
            What there is to say, line by line; each once.
        """
        self._seen = status, connected
        if self._listeners:
            self._wake()
        return [self._lines.popleft() for _ in range(len(self._lines))]

    def close(self) -> None:
        """Leave the network."""
        self._closing = True
        self._wake()
        if self._thread is not None:
            self._thread.join(1)
        for each in self._sockets:
            each.close()

    def _as_opened(self) -> list[str]:
        """What to say of it at the start, line by line."""
        lines = []
        if self._input is not None:
            host = self._input.getsockname()[0]
            local = host == "::1" or host.startswith("127.")
            whom = "" if local else ", and so can everybody in that network"
            lines.append(f"OSC: at {self._name} you can control jamd{whom}.")
        return lines + [f"OSC: {each.name} is told what jamd does." for each in self._listeners]

    @property
    def described(self) -> str:
        """Where it listens, who was heard last, and who is told, for `jamd status`."""
        parts = [] if self._name is None else [f"at {self._name}"]
        parts += [f"last heard {self._sender}"] if self._sender else []
        parts += [f"tells {each.name}" for each in self._listeners]
        return ", ".join(parts)

    def _bound(self, at: Endpoint) -> socket.socket:
        opened, address = self._open("osc.listen", at)
        try:
            opened.bind(address)
        except OSError as error:
            raise UserError(
                f"osc.listen: expected a UDP port of this computer that is free; found {at}: "
                f"{error.strerror}"
            ) from error
        return opened

    def _open(self, setting: str, at: Endpoint) -> tuple[socket.socket, Any]:
        """A socket for an endpoint, and its address, which may have to be looked up by name."""
        try:
            found = socket.getaddrinfo(at.host, at.port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise UserError(
                f"{setting}: expected the address of a computer; found {at}: {why}"
            ) from error
        # Of localhost's two addresses the older one: few of OSC's apps speak IPv6.
        family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        opened = socket.socket(family, socket.SOCK_DGRAM)
        self._sockets.append(opened)
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        return opened, address

    def _wake(self) -> None:
        with suppress(OSError):  # it has not yet woken for earlier ones, or is gone
            self._wakes.send(b"\0")

    # In the thread

    def _serve(self, answer: Answer) -> None:
        while not self._closing:
            now = self._clock.now()
            for command in self._pace.take(now):
                refused = answer(command).get("error")
                if refused is not None:
                    self._complain(" ".join(command.split(" ")[:2]), str(refused))
            wake_at = min(self._tell(now), self._pace.deadline)
            waited_for = [self._woken]
            if self._input is not None and now >= self._rests_until:
                waited_for.append(self._input)
            elif self._input is not None:
                wake_at = min(wake_at, self._rests_until)
            wait_s = None if wake_at == math.inf else max(0.0, wake_at - self._clock.now())
            ready, _, _ = select.select(waited_for, [], [], wait_s)
            if self._woken in ready:
                self._woken.recv(LONGEST)
            if self._input in ready:
                self._read(self._clock.now())

    def _read(self, now: float) -> None:
        assert self._input is not None
        stop_at = now + WORK_S
        while now < stop_at:
            try:
                packet, sender = self._input.recvfrom(LONGEST + 1)
            except BlockingIOError:
                return
            except OSError:  # so Windows says that an earlier packet has reached nobody
                break
            self._sender = sender[0]
            try:
                for address, value in self._packets.read(packet):
                    self._hear(address, value, now)
            except UserError as error:
                self._complain(str(error).partition(":")[0], str(error))
            now = self._clock.now()
        self._rests_until = now + REST_S

    def _hear(self, address: str, value: Value, now: float) -> None:
        try:
            command = command_of(address, value)
        except UserError as error:
            self._complain(address, f"{address}: {error}")
            return
        if command == STATE:
            self._teller.forget()
        elif command:
            self._teller.hear(address, now)
            self._pace.offer(COMMANDS[address], command, now)

    def _complain(self, subject: str, why: str) -> None:
        """Say why a message was refused, once for each subject."""
        if subject not in self._complained and len(self._complained) < MOST_COMPLAINTS:
            self._complained.add(subject)
            self._lines.append(f"OSC from {self._sender}: {why}. This is said once.")

    def _tell(self, now: float) -> float:
        """Tell what there is to tell; return when there is a beat to tell."""
        if self._seen is None or not self._listeners:
            return math.inf
        status, connected = self._seen
        for address, values in self._teller.news(status, connected, now):
            packet = self._packets.write(address, values)
            for listener in self._listeners:
                self._send(packet, listener)
        beat = status.next_beat
        return beat[0] if beat is not None and beat[0] > now else math.inf

    def _send(self, packet: bytes, listener: _Listener) -> None:
        try:
            listener.socket.sendto(packet, listener.address)
        except OSError as error:
            if listener.reached:
                self._lines.append(f"OSC: {listener.name} cannot be told: {error.strerror}.")
            listener.reached = False
