"""The MIDI ports of the live side.

`open_ports` opens the two virtual ports that others connect to, `jamd listens` and `jamd plays`,
and keeps the connections wanted by pattern. What the loop does with the result:

    ports = open_ports(settings)             # NoMidiSystem where there is nothing to open
    try:
        ...each millisecond:
        for received in ports.poll(clock.now()): ...
        ports.send(message)
        for news in ports.tend(clock.now()): show(news)     # hot-plug, a lost server; cheap
        ports.connected()                                     # for the status line
    finally:
        ports.close()

Everything is polled and nothing calls back. python-rtmidi runs a callback in the driver's own
thread, under the GIL: a busy interpreter then makes JACK late, and closing a port joins a thread
that waits for the GIL which the closing one holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import mido


@dataclass(frozen=True, slots=True)
class PortSettings:
    """`[midi]` of config.toml, as far as ports go.

    Attributes:
        api: `auto`, `alsa`, `jack`, `coremidi` or `winmm`.
        input_name: Name of the virtual input.
        output_name: Name of the virtual output.
        connect_input: Patterns (`*`, `?`, `[...]`; case does not matter) of ports to listen to.
        connect_output: Patterns of ports to play to.
    """

    api: str = "auto"
    input_name: str = "jamd listens"
    output_name: str = "jamd plays"
    connect_input: tuple[str, ...] = ()
    connect_output: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came in: on which port, and when on the loop's clock, in seconds."""

    message: mido.Message
    seconds: float
    port: str


@dataclass(frozen=True, slots=True)
class Connected:
    """Who is at the other end, by name.

    None where the system does not tell; then at least what jamd connected itself is unknown too
    only for the outside.
    """

    to_input: tuple[str, ...] | None
    from_output: tuple[str, ...] | None


class Ports(Protocol):
    """What the loop plays and listens through: real ports, or the rehearsal room's."""

    def poll(self, now: float) -> Sequence[Received]:
        """What has come in since the last call, oldest first; never waits."""

    def send(self, message: mido.Message) -> None:
        """Hand a message out at once. Where a port is lost it goes nowhere, without an error."""

    def tend(self, now: float) -> Sequence[str]:
        """Keep connections and lost ports up; call it often. Returns news, one line each."""

    def connected(self) -> Connected:
        """Who is connected to the input and to the output, as last looked."""

    def close(self) -> None:
        """Close every port. Send what must still be sent before."""
