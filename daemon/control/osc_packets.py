"""Packets of Open Sound Control (OSC) 1.0: bytes to messages and back, through python-osc.

python-osc reads single messages only, once they are known to have the form that jamd takes. On the
packets of strangers it is not to be relied on: a bundle with an element of negative length keeps
version 1.10.2 busy for ever, and unknown types are logged to the terminal, one line each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jamd.daemon.control.osc_addresses import Value
from jamd.errors import UserError

LONGEST = 1472
"""Bytes: what one Ethernet frame carries. No message that jamd takes is longer."""

_BUNDLE = b"#bundle\0"
_BUNDLE_HEAD = len(_BUNDLE) + 8  # the time tag follows
_TYPES = {b",\0\0\0", b",T\0\0", b",F\0\0", b",N\0\0"}  # the type is the value
_TYPES_OF_DATA = {b",i\0\0", b",f\0\0", b",s\0\0", b",h\0\0", b",d\0\0"}


class Packets:
    """Reads and writes packets.

    Raises:
        UserError: python-osc is not installed.
    """

    def __init__(self) -> None:
        try:
            from pythonosc.osc_message import OscMessage, ParseError
            from pythonosc.osc_message_builder import OscMessageBuilder
        except ImportError as error:
            raise UserError(
                "OSC needs the package python-osc, found none: pip install 'jamd[osc]'"
            ) from error
        self._message = OscMessage
        self._not_osc = ParseError
        self._builder = OscMessageBuilder

    def read(self, packet: bytes) -> Iterator[tuple[str, Value]]:
        """The address and the value of each message.

        Those of a bundle are meant for the moment of its time tag, which is ignored: no two clocks
        agree well enough.

        Raises:
            UserError: It is none of OSC's packets, or one that jamd takes no part of.
        """
        if len(packet) > LONGEST:
            raise UserError(f"expected at most {LONGEST} bytes in a packet")
        for element in _elements(packet):
            yield self._read(element)

    def write(self, address: str, values: Sequence[Value]) -> bytes:
        """The packet of one message."""
        builder = self._builder(address)
        for value in values:
            builder.add_arg(value)
        return builder.build().dgram

    def _read(self, element: bytes) -> tuple[str, Value]:
        types_at = (element.find(b"\0") // 4 + 1) * 4
        types, has_data = element[types_at : types_at + 4], len(element) > types_at + 4
        if not element.startswith(b"/") or len(element) % 4 or not types_at:
            raise UserError("expected a packet of Open Sound Control")
        if types and not (types in _TYPES or (types in _TYPES_OF_DATA and has_data)):
            address = element[:types_at].rstrip(b"\0").decode(errors="replace")
            given = element[types_at + 1 :].partition(b"\0")[0].decode(errors="replace")
            found = f"{len(given)} values" if len(given) > 1 else f"OSC's type {given!r}"
            raise UserError(
                f"{address}: expected no value or one, a number or a text; found {found}"
            )
        try:
            message = self._message(element)
        except (self._not_osc, UnicodeDecodeError) as error:
            raise UserError("expected a whole packet of Open Sound Control") from error
        return message.address, next(iter(message), None)


def _elements(packet: bytes) -> Iterator[bytes]:
    """The messages in a packet: itself, or what a bundle holds, perhaps in further bundles."""
    if not packet.startswith(_BUNDLE):
        yield packet
        return
    at = _BUNDLE_HEAD
    while at != len(packet):
        length = int.from_bytes(packet[at : at + 4], "big")
        element = packet[at + 4 : at + 4 + length]
        if not 0 < length == len(element):
            raise UserError("expected a whole bundle of Open Sound Control")
        yield from _elements(element)
        at += 4 + length
