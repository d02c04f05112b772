"""MIDI bytes -> messages.

mido knows what each message means, but its parser is not made for a raw wire: it keeps an
unterminated system exclusive for ever and drops running status. So the bytes are cut into whole
messages here, and mido is only given those.
"""

from __future__ import annotations

import re
from itertools import islice

from mido import Message

PACKET_LIMIT = 1024
"""Maximum number of messages taken from one packet. At about 10 us each that is 10 ms of work; a
real packet holds one message, or a few."""

_REAL_TIME = bytes(range(0xF8, 0x100))
_REAL_TIME_DEFINED = frozenset({0xF8, 0xFA, 0xFB, 0xFC, 0xFF})
# Number of data bytes after each status byte. Any other message (system exclusive, tune request,
# undefined) is dropped with all its data.
_DATA_BYTES = {
    status: 1 if status & 0xF0 in (0xC0, 0xD0) else 2 for status in range(0x80, 0xF0)
} | {0xF1: 1, 0xF2: 2, 0xF3: 1}
# A status byte, absent if a packet begins with data, and all data bytes up to the next one.
_STRETCH = re.compile(rb"([\x80-\xf7])([\x00-\x7f]*)|([\x00-\x7f]+)")


class ByteStream:
    """Cuts the bytes that one port receives into messages: any packets in, only whole messages out.

    Follows the MIDI 1.0 specification: a channel message may leave out its status byte if it
    repeats the last one (running status); real-time bytes may appear anywhere, even inside another
    message; system common and system exclusive end running status. System exclusive is dropped,
    however long, and so is active sensing. A message cut off by the packet's end waits for the next
    packet. Nothing raises.
    """

    def __init__(self) -> None:
        self._status = 0  # running status; 0: none, and data bytes are ignored
        self._begun = b""  # data bytes of a message that is not complete yet

    def feed(self, packet: bytes) -> list[Message]:
        """The messages completed by `packet`, in order.

        At most `PACKET_LIMIT` real-time messages and as many others. Real-time messages come
        first, since everything in one packet happens at one moment. A note-on with velocity 0
        becomes the note-off that it means. Channels are mido's, 0..15.
        """
        clocks = [
            Message.from_bytes((byte,))
            for byte in packet[:PACKET_LIMIT]
            if byte in _REAL_TIME_DEFINED
        ]
        whole: list[Message] = []
        rest = packet.translate(None, delete=_REAL_TIME)
        stretches = 0
        for stretch in islice(_STRETCH.finditer(rest), PACKET_LIMIT):
            stretches += 1
            room = PACKET_LIMIT - len(whole)
            if stretch[1]:
                self._status, self._begun = stretch[1][0], b""
                whole += self._cut(stretch[2], room)
            else:
                whole += self._cut(stretch[3], room)
        if PACKET_LIMIT in (stretches, len(whole)):  # noise: start over at the next status byte
            self._status, self._begun = 0, b""
        return clocks + whole

    def _cut(self, data: bytes, room: int) -> list[Message]:
        """At most `room` messages of the current status; an incomplete rest of `data` is kept."""
        size = _DATA_BYTES.get(self._status)
        if size is None:
            self._status = 0
            return []
        data = self._begun + data
        system = self._status >= 0xF0
        count = min(len(data) // size, 1 if system else room)
        messages = [
            _message(self._status, data[at : at + size]) for at in range(0, count * size, size)
        ]
        self._begun = data[count * size :][: size - 1]
        if system and messages:
            self._status, self._begun = 0, b""
        return messages


def _message(status: int, data: bytes) -> Message:
    """One whole message as a mido message."""
    message = Message.from_bytes((status, *data))
    if message.type == "note_on" and message.velocity == 0:
        return Message("note_off", channel=message.channel, note=message.note)
    return message
