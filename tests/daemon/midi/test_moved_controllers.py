"""Controllers that thru has moved return to rest when it ends; nothing else is touched."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.events import Event, Heard, InputLost, Mode, Panic, Send, SetMode
from jamd.daemon.midi.terms import PEDALS
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings

OFF = Settings(bpm=120, start_at_once=True, mode=Mode.OFF)


def control(number: int, value: int, channel: int = 0) -> Message:
    return Message("control_change", control=number, value=value, channel=channel)


def sent(session: Session, event: Event, now: float) -> list[Message]:
    return [e.message for e in session.handle(event, now) if isinstance(e, Send)]


MOVES = [
    (Message("pitchwheel", pitch=-3000), Message("pitchwheel")),
    (Message("aftertouch", value=70), Message("aftertouch", value=0)),
    (Message("polytouch", note=60, value=70), Message("polytouch", note=60, value=0)),
    (control(1, 100), control(1, 0)),
    (control(11, 40), control(11, 127)),
]


@pytest.mark.parametrize(("move", "rest"), MOVES)
@pytest.mark.parametrize("event", [SetMode(Mode.ANSWER), InputLost(), Panic()])
def test_a_wheel_is_at_rest_when_nobody_is_to_turn_it_back(
    move: Message, rest: Message, event: Event
) -> None:
    session = Session(OFF)
    assert sent(session, Heard(move), 0.1) == [move]
    assert sent(session, event, 0.2)[-1] == rest
    assert not sent(session, SetMode(Mode.ANSWER), 0.3), "once is enough"
    assert not sent(session, Heard(rest), 0.4)


@pytest.mark.parametrize("pedal", set(PEDALS) - {66})  # the middle one is a control
def test_a_pedal_stays_down_with_the_foot_when_the_mode_changes(pedal: int) -> None:
    session = Session(OFF)
    assert sent(session, Heard(control(pedal, 127)), 0.1)
    assert not sent(session, SetMode(Mode.ANSWER), 0.2)
    assert not sent(session, Heard(control(pedal, 90)), 0.3)
    assert sent(session, Heard(control(pedal, 0)), 0.4) == [control(pedal, 0)]
    assert not sent(session, Heard(control(pedal, 127)), 0.5)


def test_with_thru_a_change_of_mode_moves_nothing() -> None:
    session = Session(replace(OFF, thru=True))
    sent(session, Heard(MOVES[0][0]), 0.1)
    assert not sent(session, SetMode(Mode.ANSWER), 0.2)
    assert [e.message for e in session.shutdown(0.3) if isinstance(e, Send)] == [MOVES[0][1]]


@given(
    moved=st.lists(
        st.one_of(
            st.builds(control, st.integers(0, 119), st.integers(0, 127), st.integers(0, 2)),
            st.builds(Message, st.just("pitchwheel"), pitch=st.integers(-8192, 8191)),
        ),
        max_size=12,
    ),
    event=st.sampled_from([InputLost(), Panic()]),
)
@examples(deadline=None, max_examples=60)
def test_what_the_player_has_not_touched_is_not_told_anything(
    moved: list[Message], event: Event
) -> None:
    session = Session(replace(OFF, controls={}))
    touched = set()
    for message in moved:
        sent(session, Heard(message), 0.1)
        touched.add((message.type, message.channel, getattr(message, "control", None)))
    for message in sent(session, event, 0.2):
        if not (isinstance(event, Panic) and getattr(message, "control", None) in (64, 120, 123)):
            assert (message.type, message.channel, getattr(message, "control", None)) in touched
