"""Packets are read as OSC 1.0 has them; whatever else comes from a network is refused, at once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from jamd.daemon.control.osc_addresses import Value
from jamd.daemon.control.osc_packets import LONGEST, Packets
from jamd.errors import UserError

PACKETS = Packets()
TAP = PACKETS.write("/jamd/press/tap", [1])


def bundle(*elements: bytes) -> bytes:
    parts = (len(element).to_bytes(4, "big") + element for element in elements)
    return b"#bundle\0" + bytes(7) + b"\1" + b"".join(parts)


def refusal(packet: bytes) -> str:
    with pytest.raises(UserError) as refused:
        list(PACKETS.read(packet))
    return str(refused.value)


@pytest.mark.parametrize("values", [[], [1], [0.5], ["C4 ø"], [True], [False], [None], [2**40]])
def test_what_is_written_is_read(values: Sequence[Value]) -> None:
    packet = PACKETS.write("/jamd/x", values)
    assert list(PACKETS.read(packet)) == [("/jamd/x", values[0] if values else None)]


def test_a_message_that_has_no_types_has_no_value() -> None:
    assert list(PACKETS.read(b"/jamd/panic\0")) == [("/jamd/panic", None)]


def test_the_messages_of_a_bundle_are_read_in_their_order() -> None:
    builder = OscBundleBuilder(2)  # a moment long past
    for value in (1, 2):
        message = OscMessageBuilder("/jamd/x")
        message.add_arg(value)
        builder.add_content(message.build())
    packet = builder.build().dgram
    assert list(PACKETS.read(packet)) == [("/jamd/x", 1), ("/jamd/x", 2)]
    assert list(PACKETS.read(bundle(packet, TAP)))[1:] == [("/jamd/x", 2), ("/jamd/press/tap", 1)]
    assert list(PACKETS.read(bundle())) == []


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        (b"", "a packet of Open Sound Control"),
        (b"tap", "a packet of Open Sound Control"),
        (b"/jamd/press/tap", "a packet of Open Sound Control"),
        (TAP[:-1], "a packet of Open Sound Control"),
        (TAP[:-4], "no value or one, a number or a text"),
        (TAP + bytes(LONGEST), "at most 1472 bytes"),
        (b"/x\0\0,ii\0" + bytes(8), "no value or one"),
        (
            b"/x\0\0,b\0\0" + bytes(4),
            "/x: expected no value or one, a number or a text; found OSC's",
        ),
        (b"/x\0\0,q\0\0" + bytes(4), "no value or one"),
        (b"/x\0\0,d\0\0" + bytes(4), "a whole packet"),
        (b"/x\0\0,s\0\0full", "a whole packet"),
        (b"/\xff\0\0,\0\0\0", "a whole packet"),
        (b"#bundle\0", "a whole bundle"),
        (bundle(TAP)[:-4], "a whole bundle"),
        (bundle() + b"\xff\xff\xff\xfc", "a whole bundle"),  # -4: python-osc never comes to an end
        (bundle() + bytes(4), "a whole bundle"),
        (bundle(TAP) + b"\0", "a whole bundle"),
    ],
)
def test_another_packet_is_refused(packet: bytes, told: str) -> None:
    assert told in refusal(packet)


def test_bundles_in_bundles_are_read_as_deep_as_a_packet_holds_them() -> None:
    packet = TAP
    while len(bundle(packet)) <= LONGEST:
        packet = bundle(packet)
    assert list(PACKETS.read(packet)) == [("/jamd/press/tap", 1)]


_PIECES = st.sampled_from(
    [TAP, bundle(TAP), b"#bundle\0", b"/x\0\0", b",f\0\0", b",s\0\0", b"\xff" * 4, bytes(4), b"/"]
)


@given(st.binary(max_size=64) | st.lists(_PIECES | st.binary(max_size=9)).map(b"".join))
def test_whatever_comes_in_is_read_or_refused(packet: bytes) -> None:
    said = logging.getLogger().handlers[:]
    with suppress(UserError):
        for address, value in PACKETS.read(packet):
            assert address.startswith("/")
            assert value is None or isinstance(value, bool | int | float | str)
    assert logging.getLogger().handlers == said, "nothing was logged, which would set handlers up"
