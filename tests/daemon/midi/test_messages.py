from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.midi.messages import PACKET_LIMIT, ByteStream

# Whole channel messages, each its own status byte and data.
CHANNEL_MESSAGES = st.one_of(
    st.tuples(st.integers(0x80, 0xBF), st.integers(0, 127), st.integers(1, 127)),
    st.tuples(st.integers(0xC0, 0xDF), st.integers(0, 127)),
    st.tuples(st.integers(0xE0, 0xEF), st.integers(0, 127), st.integers(0, 127)),
).map(bytes)
REAL_TIME = st.sampled_from([0xF8, 0xFA, 0xFB, 0xFC, 0xFE, 0xFF])  # with active sensing


def heard(*packets: bytes) -> list[str]:
    """The messages that a new port makes of `packets`."""
    stream = ByteStream()
    return [str(message) for packet in packets for message in stream.feed(packet)]


def row(*packets: bytes) -> list[list[int]]:
    stream = ByteStream()
    return [message.bytes() for packet in packets for message in stream.feed(packet)]


def test_a_packet_of_several_messages_with_running_status() -> None:
    packet = bytes.fromhex("90 3c 40 40 41 43 42  b0 40 7f 40 00")

    assert row(packet) == [
        [0x90, 60, 64],
        [0x90, 64, 65],
        [0x90, 67, 66],
        [0xB0, 64, 127],
        [0xB0, 64, 0],
    ]


def test_running_status_holds_from_packet_to_packet() -> None:
    assert row(b"\x90\x3c\x40", b"\x3e\x41") == [[0x90, 60, 64], [0x90, 62, 65]]


def test_a_message_cut_in_two_is_whole_with_its_second_half() -> None:
    assert row(b"\x90\x3c", b"\x40") == [[0x90, 60, 64]]


def test_real_time_bytes_may_stand_inside_a_message() -> None:
    assert row(b"\x90\x3c\xf8\x40") == [[0xF8], [0x90, 60, 64]]


def test_velocity_0_is_a_note_off() -> None:
    [message] = ByteStream().feed(b"\x92\x3c\x00")

    assert (message.type, message.channel, message.note) == ("note_off", 2, 60)


@pytest.mark.parametrize("system", [b"\xf0\x01\x02\xf7", b"\xf3\x01", b"\xf6", b"\xf4"])
def test_system_messages_end_running_status(system: bytes) -> None:
    stream = ByteStream()
    stream.feed(b"\x90\x3c\x40")
    stream.feed(system)

    assert stream.feed(b"\x3e\x41") == []


def test_song_position_comes_through() -> None:
    assert heard(b"\xf2\x00\x08") == ["songpos pos=1024 time=0"]


def test_system_exclusive_is_dropped_without_its_end_too() -> None:
    assert row(b"\xf0\x7d" + b"\x01" * 100, b"\x02" * 100, b"\xf7\x90\x3c\x40") == [[0x90, 60, 64]]


@given(st.lists(st.binary(max_size=64), max_size=20))
def test_no_bytes_break_it_and_none_are_invented(packets: list[bytes]) -> None:
    stream = ByteStream()
    for packet in packets:
        for message in stream.feed(packet):
            assert message.type != "sysex"
            assert not (message.type == "note_on" and message.velocity == 0)
    # A complete message is understood, whatever came before it.
    assert stream.feed(b"\x90\x3c\x40")[0].bytes() == [0x90, 60, 64]


@given(st.lists(CHANNEL_MESSAGES, max_size=30), st.data())
def test_however_a_wire_cuts_it_the_same_messages_arrive(
    messages: list[bytes], data: st.DataObject
) -> None:
    wire, status = b"", -1
    for message in messages:
        leave_out = message[0] == status and data.draw(st.booleans(), label="running status")
        for byte in message[1 if leave_out else 0 :]:
            wire += bytes([byte])
            if data.draw(st.integers(0, 9)) == 0:
                wire += bytes([data.draw(REAL_TIME)])
        status = message[0]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8), label="cuts"))
    packets = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]

    arrived = [m for m in row(*packets) if m[0] < 0xF8]

    assert arrived == [m.bytes() for m in map(_alone, messages)]


def _alone(message: bytes) -> Message:
    [whole] = ByteStream().feed(message)
    return whole


@pytest.mark.parametrize(
    "unit",
    ["f0", "00", "ff", "f8", "f7", "90", "90 3c", "90 3c 40", "f0 f8"],
)
def test_a_megabyte_is_bounded_in_work_and_in_messages(unit: str) -> None:
    stream = ByteStream()
    packet = (b"\x90" + bytes.fromhex(unit) * 1_000_000)[:1_000_000]

    began = time.process_time()
    messages = stream.feed(packet)

    assert len(messages) <= 2 * PACKET_LIMIT
    assert time.process_time() - began < 0.5  # mido's own parser takes 1.5 s
    assert stream.feed(b"\x90\x3c\x40")[-1].bytes() == [0x90, 60, 64]
