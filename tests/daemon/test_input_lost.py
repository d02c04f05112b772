"""When no input is connected any more, held keys are released: no note hangs, none waits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mido import Message

from jamd.config.control import Control, ControlKind
from jamd.daemon.control.controls import Action
from jamd.daemon.events import Event, Heard, InputLost, Mode, Send, SetMode
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource
from readable_takes import play, rows, seconds

SETTINGS = Settings(bpm=120, start_at_once=True)


def pedal(value: int, channel: int = 0) -> Heard:
    return Heard(Message("control_change", control=64, value=value, channel=channel))


def test_what_is_down_comes_up_and_the_phrase_can_be_answered() -> None:
    played = play(
        SETTINGS,
        """
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        1.3.0 player 67 80 480
        1.3.6 player 65 80 480
        """,
        (seconds("1.4.0"), InputLost()),
    )
    assert played.players == rows("""
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        1.3.0 player 67 80 12
        1.3.6 player 65 80 6
    """)
    assert played.turns == ["2.1 jamd", "3.2 player"]
    assert played.jamds == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 12
        2.4.6 Lead 55 75 6
    """)


@pytest.mark.parametrize("channel", [0, 9])
@pytest.mark.parametrize("mode", Mode)
def test_what_was_sent_on_ends_and_pedals_are_lifted(mode: Mode, channel: int) -> None:
    """Drums too, and after a change of mode, and where the song stands."""
    for source in (BeatSource.INTERNAL, BeatSource.MIDI):
        session = Session(replace(SETTINGS, mode=Mode.OFF, source=source))
        session.handle(Heard(Message("note_on", note=60, channel=channel)), 0.0)
        session.handle(pedal(127, channel), 0.1)
        session.handle(Heard(Message("note_on", note=64, channel=channel)), 0.2)
        session.handle(SetMode(mode), 0.3)
        effects = session.handle(InputLost(), 1.0)
        sent = [effect.message for effect in effects if isinstance(effect, Send)]
        assert {(message.type, message.bytes()[1]) for message in sent} == {
            ("note_off", 60),
            ("note_off", 64),
            ("control_change", 64),
        }
        assert len(sent) == 3


def test_a_pedal_that_is_a_control_can_be_pressed_again() -> None:
    mapped = {Control(ControlKind.CC, 64): Action.YOUR_TURN}
    story = [
        (seconds(place), event)
        for place, event in (
            ("1.1.1", pedal(127)),  # held down: too early to be an answer's beginning
            ("1.3.0", InputLost()),
            ("2.3.7", pedal(127)),
        )
    ]
    phrase = "".join(f"2.{beat}.0 player {60 + beat} 80 6\n" for beat in (1, 2, 3))
    played = play(replace(SETTINGS, controls=mapped), phrase, *story, bars=4)
    assert played.turns[0] == "2.3 jamd"


@given(
    mode=st.sampled_from(Mode),
    thru=st.booleans(),
    messages=st.lists(
        st.one_of(
            st.builds(
                Message,
                st.sampled_from(["note_on", "note_on", "note_off"]),
                note=st.integers(60, 63),
                channel=st.sampled_from([0, 1, 9]),
            ),
            st.builds(
                Message,
                st.just("control_change"),
                control=st.just(64),
                value=st.sampled_from([0, 127]),
                channel=st.sampled_from([0, 1]),
            ),
        ),
        max_size=20,
    ),
)
@examples(deadline=None, max_examples=60)
def test_nothing_of_the_players_sounds_afterwards(
    mode: Mode, thru: bool, messages: list[Message]
) -> None:
    session = Session(replace(SETTINGS, mode=mode, thru=thru))
    events: list[Event] = [*map(Heard, messages), InputLost()]
    sounding: set[tuple[int, int]] = set()
    pedals: set[int] = set()
    for i, event in enumerate(events):
        for effect in session.handle(event, i / 10):
            if not isinstance(effect, Send):
                continue
            message = effect.message
            if message.type == "control_change":
                (pedals.add if message.value >= 64 else pedals.discard)(message.channel)
            elif message.type == "note_on":
                sounding.add((message.channel, message.note))
            else:
                sounding.discard((message.channel, message.note))
    assert not sounding
    assert not pedals
    assert not [e for e in session.handle(InputLost(), 9.0) if isinstance(e, Send)], "once is all"
