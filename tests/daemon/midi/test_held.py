"""Whatever is held down when a keyboard disappears is released, once and completely."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.midi.held import Held

CHANNELS, KEYS = st.integers(0, 1), st.integers(60, 62)
MESSAGES = st.one_of(
    st.builds(
        Message,
        st.just("note_on"),
        channel=CHANNELS,
        note=KEYS,
        velocity=st.sampled_from([0, 64, 127]),
    ),
    st.builds(Message, st.just("note_off"), channel=CHANNELS, note=KEYS),
    st.builds(
        Message,
        st.just("control_change"),
        channel=CHANNELS,
        control=st.sampled_from([1, 64, 66]),
        value=st.sampled_from([0, 63, 64, 127]),
    ),
    st.builds(Message, st.sampled_from(["clock", "program_change", "pitchwheel"])),
)


def test_keys_come_up_before_pedals() -> None:
    held = Held()
    held.hear(Message("control_change", control=64, value=127))
    held.hear(Message("note_on", note=60, velocity=80))
    held.hear(Message("control_change", control=7, value=127))  # a volume is not held
    assert held.releases() == [
        Message("note_off", note=60),
        Message("control_change", control=64, value=0),
    ]


@given(st.lists(MESSAGES, max_size=40))
def test_nothing_is_down_afterwards_and_nothing_is_let_go_that_was_not_down(
    messages: list[Message],
) -> None:
    held, sounding = Held(), dict[tuple[int, ...], bool]()
    for message in messages:
        held.hear(message)
        if message.type in ("note_on", "note_off"):
            down = message.type == "note_on" and message.velocity > 0
            sounding[message.channel, message.note] = down
    down = {key for key, is_down in sounding.items() if is_down}
    releases = held.releases()
    assert {(m.channel, m.note) for m in releases if m.type == "note_off"} == down
    for message in releases:
        held.hear(message)
    assert held.releases() == []
