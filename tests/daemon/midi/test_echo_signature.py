"""What is marked stays what it is, whatever its value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.midi.echo_signature import MARK, marked, sign_of

levels = st.integers(0, 127)
beginnings = st.builds(Message, st.just("note_on"), note=levels, velocity=st.integers(1, 127))
messages = st.one_of(
    beginnings,
    st.builds(Message, st.just("control_change"), control=levels, value=levels),
    st.builds(Message, st.just("aftertouch"), value=levels),
    st.builds(Message, st.just("polytouch"), note=levels, value=levels),
    st.builds(Message, st.just("pitchwheel"), pitch=st.integers(-8192, 8191)),
    st.builds(Message, st.just("program_change"), program=levels),
)


@given(messages, st.booleans(), st.booleans())
def test_a_mark_may_be_sent_and_changes_little(
    message: Message, again: bool, once_more: bool
) -> None:
    sent = marked(message, again)
    assert all(0 <= byte < 128 for byte in sent.bytes()[1:])
    assert sign_of(sent)[0] == sign_of(message)[0], "a beginning stays one"
    names = [name for name, value in vars(sent).items() if value != vars(message)[name]]
    assert len(names) <= 1
    assert all(abs(vars(sent)[name] - vars(message)[name]) == MARK for name in names)
    marked(sent, once_more)


@given(beginnings)
def test_a_marked_note_is_another(message: Message) -> None:
    assert sign_of(marked(message)) != sign_of(message)


@given(st.sampled_from(sorted({*range(128)} - {1})), levels)
def test_a_controller_but_modulation_is_sent_on_as_it_is(control: int, value: int) -> None:
    message = Message("control_change", control=control, value=value)
    assert marked(message) is message
