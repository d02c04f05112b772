"""MIDI bytes -> messages.

mido knows what each message means; what it does not do is survive a wire. Its parser keeps an
unterminated system exclusive for ever and drops running status, so the bytes are cut into whole
messages here and mido is only shown those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import mido

PACKET_LIMIT = 1024
"""Most messages taken from one packet. At some 10 us each that is 10 ms of work; a real packet
holds one message, or a few."""

_REAL_TIME = bytes(range(0xF8, 0x100))
_UNDEFINED = frozenset({0xF4, 0xF5, 0xF9, 0xFD})
_CHANNEL_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0}
# A status byte, missing where a packet begins with data, and the data up to the next one.
_STRETCH = re.compile(rb"([\x80-\xf7])([\x00-\x7f]*)|([\x00-\x7f]+)")


class ByteStream:
    """What one port receives, cut into messages: any packets in, only whole messages out.

    Follows the MIDI 1.0 specification: a channel message may leave out its status byte where it
    repeats the last one (running status); real-time bytes may stand anywhere, even inside another
    message; system common and system exclusive end running status. System exclusive is dropped,
    however long. A message cut off by the packet's end waits for the next packet. Nothing raises.
    """

    def __init__(self) -> None:
        self._status = 0  # running status; 0: none, so that data bytes mean nothing
        self._begun = b""  # data bytes of a message that is not whole yet

    def feed(self, packet: bytes) -> list[mido.Message]:
        """The messages completed by `packet`, in order; of each kind at most `PACKET_LIMIT`.

        Real-time messages come first: all that is in one packet happens at one moment. A note-on
        with velocity 0 becomes the note-off that it means. Channels are mido's, 0..15.
        """
        clocks = [byte for byte in packet[:PACKET_LIMIT] if byte >= 0xF8]
        messages = [mido.Message.from_bytes((b,)) for b in clocks if b not in _UNDEFINED]
        room = PACKET_LIMIT
        for stretch in _STRETCH.finditer(packet.translate(None, delete=_REAL_TIME)):
            whole = list(self._cut(stretch, room))
            messages += whole
            room -= len(whole)
            if room <= 0:  # noise: begin afresh at the next status byte
                self._status, self._begun = 0, b""
                break
        return messages

    def _cut(self, stretch: re.Match[bytes], room: int) -> Iterator[mido.Message]:
        """At most `room` messages out of one stretch of data bytes; the rest of it is kept."""
        if stretch[1]:
            self._status, self._begun = stretch[1][0], b""
        if self._status >= 0xF0:
            needed = _SYSTEM_DATA_BYTES.get(self._status)
        else:
            needed = _CHANNEL_DATA_BYTES.get(self._status & 0xF0)
        if needed is None:
            self._status = 0
            return
        data = self._begun + (stretch[2] or stretch[3] or b"")[: needed * room + needed]
        whole = len(data) // needed if needed and self._status < 0xF0 else int(len(data) >= needed)
        for start in range(0, min(whole, room) * needed or whole, needed or 1):
            yield _message(self._status, data[start : start + needed])
        self._begun = data[whole * needed :]
        if self._status >= 0xF0 and whole:
            self._status, self._begun = 0, b""


def _message(status: int, data: bytes) -> mido.Message:
    """One whole message, as mido has it."""
    message = mido.Message.from_bytes((status, *data))
    if message.type == "note_on" and message.velocity == 0:
        return mido.Message("note_off", channel=message.channel, note=message.note, velocity=64)
    return message
