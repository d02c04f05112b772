"""Single ports of python-rtmidi: polled, and safe to close while messages come in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import rtmidi
from mido import Message

from jamd.daemon.midi.held import Held
from jamd.daemon.midi.messages import ByteStream
from jamd.daemon.ports.midi_system import CLIENT, PortSeen, System
from jamd.errors import PortError

QUEUE_LIMIT = 8192
"""Number of messages that may wait to be polled: over a second and a half at 5,000 a second."""

POLL_LIMIT = 256
"""Maximum number of packets taken in one poll, so that a flood does not hold up the beat. At one
poll a millisecond that is fifty times 5,000 a second."""

STALL_S = 0.05
"""The longest time that a message is assumed to have waited to be polled."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came in, and when, in seconds of the loop's clock."""

    message: Message
    seconds: float


class Arrival:
    """Works out when messages arrived, although they are only polled later.

    The driver reports the seconds between two messages, measured as they arrived. Their sum is a
    clock of its own; its offset to ours is the smallest difference seen, because a poll can only be
    late. The offset is taken anew when the two clocks diverge: after a stall, or a lost message.
    """

    def __init__(self) -> None:
        self._driver_s = 0.0
        self._offset_s: float | None = None
        self._last_s = float("-inf")

    def place(self, since_last_s: float, now: float) -> float:
        """The moment at which a message arrived: at most `now`, and never before the previous one.

        Args:
            since_last_s: Seconds since the previous message, as reported by the driver.
            now: When it was polled.
        """
        self._driver_s += max(0.0, since_last_s)
        offset = now - self._driver_s
        if self._offset_s is None or not 0 <= offset - self._offset_s <= STALL_S:
            self._offset_s = offset
        self._last_s = min(now, max(self._last_s, self._driver_s + self._offset_s))
        return self._last_s


class RtmidiInput:
    """An input port: virtual, or opened on `target`."""

    def __init__(self, system: System, name: str, target: PortSeen | None = None) -> None:
        """Open it. Raises PortError if the system refuses."""
        self._stream = ByteStream()
        self._arrival = Arrival()
        self._held = Held()
        try:
            self._midi = rtmidi.MidiIn(system.api, CLIENT, queue_size_limit=QUEUE_LIMIT)
        except rtmidi.RtMidiError as error:
            raise PortError(f"{system.name} refuses an input: {error}") from None
        # Before it opens, since from then on the driver handles what comes in. On JACK, RtMidi
        # loses the time up to what it ignores: later notes would be taken to have come early.
        ignores = system.api != rtmidi.API_UNIX_JACK
        self._midi.ignore_types(sysex=ignores, timing=False, active_sense=ignores)
        _open(self._midi, system, name, target)

    def poll(self, now: float) -> list[Received]:
        """What has come since the last poll, oldest first; in a flood, the rest comes next time."""
        received: list[Received] = []
        for data, since_last_s in islice(iter(self._midi.get_message, None), POLL_LIMIT):
            seconds = self._arrival.place(since_last_s, now)
            received += (Received(m, seconds) for m in self._stream.feed(bytes(data)))
        for one in received:
            self._held.hear(one.message)
        return received

    def let_go(self, now: float) -> list[Received]:
        """The releases of everything held down on this port, for when its sender is gone."""
        return [Received(message, now) for message in self._held.releases()]

    def close(self) -> None:
        self._midi.close_port()
        self._midi.delete()


class RtmidiOutput:
    """An output port: virtual, or opened on `target`."""

    def __init__(self, system: System, name: str, target: PortSeen | None = None) -> None:
        """Open it. Raises PortError if the system refuses."""
        try:
            self._midi = rtmidi.MidiOut(system.api, CLIENT)
        except rtmidi.RtMidiError as error:
            raise PortError(f"{system.name} refuses an output: {error}") from None
        _open(self._midi, system, name, target)

    def send(self, message: Message) -> None:
        """Send a message at once; it is dropped if the port has gone."""
        try:
            self._midi.send_message(message.bytes())
        except rtmidi.RtMidiError:
            return  # unplugged; the next look closes it

    def close(self) -> None:
        """Close it once the driver has taken what was sent (JACK: at its next period)."""
        self._midi.close_port()
        self._midi.delete()


def _open(midi: rtmidi.MidiIn, system: System, name: str, target: PortSeen | None) -> None:
    try:
        if target is None:
            midi.open_virtual_port(name)
            return
        for number, listed in enumerate(midi.get_ports()):
            if listed == target.id or listed.endswith(f" {target.id}"):
                midi.open_port(number, name)
                return
    except rtmidi.RtMidiError as error:
        midi.delete()
        raise PortError(
            f"{system.name} does not open {target.name if target else name}: {error}"
        ) from None
    midi.delete()
    raise PortError(f"{target.name} has gone")
