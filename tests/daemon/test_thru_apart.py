"""What the player plays is sent on apart from jamd's own, where jamd makes the sound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from looped_jam import play_looped
from mido import Message
from stories import BEGINNINGS, Story, all_settings, stories, tell

from jamd.daemon.events import (
    Effect,
    Entry,
    Heard,
    Journal,
    Mode,
    Output,
    Panic,
    Send,
    Sounded,
    WorkerReady,
)
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from readable_takes import ONE_BAR, heard

APART = Settings(bpm=120, start_at_once=True, thru=True, thru_apart=True)
PLAYED = [(0.0, WorkerReady()), *heard(ONE_BAR)]
PEDAL, LIFT = (Message("control_change", control=64, value=value) for value in (127, 0))


def together(effect: Effect) -> Effect:
    """The same, sent on where jamd's own notes go."""
    if isinstance(effect, Send) and effect.output is Output.THRU:
        return replace(effect, output=Output.MAIN)
    return effect


@given(
    settings=all_settings,
    begin=st.sampled_from(BEGINNINGS),
    story=stories,
    punctual=st.booleans(),
)
@examples(deadline=None, max_examples=100)
def test_nothing_else_is_sent_than_without_and_nothing_of_jamds_goes_there(
    settings: Settings, begin: Story, story: Story, punctual: bool
) -> None:
    one, other = (
        tell(Session(replace(settings, thru_apart=apart)), [*begin, *story], punctual)[0]
        for apart in (False, True)
    )
    assert [together(effect) for effect in other] == one
    players = {id(e.message) for e in other if isinstance(e, Send) and e.output is Output.THRU}
    assert not own(e.entry for e in other if isinstance(e, Journal)) & players


def own(entries: Iterable[Entry]) -> set[int]:
    """The identities of the messages that jamd played."""
    return {id(e.message) for e in entries if isinstance(e, Sounded) and e.part is not None}


def sent(effects: Sequence[Effect]) -> list[tuple[Message, Output]]:
    return [(e.message, e.output) for e in effects if isinstance(e, Send)]


def test_all_that_the_player_sends_goes_there_and_comes_to_rest_there() -> None:
    session = Session(APART)
    wheel, rest = (Message("pitchwheel", channel=4, pitch=pitch) for pitch in (900, 0))
    on, off = (Message(kind, note=60, channel=4) for kind in ("note_on", "note_off"))
    for message in (PEDAL, wheel, on):
        assert sent(session.handle(Heard(message), 1.0)) == [(message, Output.THRU)]
    assert sent(session.shutdown(2.0)) == [(message, Output.THRU) for message in (off, LIFT, rest)]


def test_a_panic_ends_it_there_and_then_silences_every_channel() -> None:
    session = Session(APART)
    for message in (PEDAL, Message("note_on", note=60)):
        session.handle(Heard(message), 1.0)
    first, second, *others = sent(session.handle(Panic(), 2.0))
    assert (first, second) == ((Message("note_off", note=60), Output.THRU), (LIFT, Output.THRU))
    assert {output for _, output in others} == {Output.MAIN}
    assert {message.control for message, _ in others} == {64, 120, 123}


def test_jamds_own_notes_go_to_the_main_output_on_the_players_channel_too() -> None:
    jam = VirtualJam(Session(APART), ScriptedImproviser(), PLAYED)
    jam.run(6.0)
    jamds = own(jam.entries)
    outputs = {(id(send.message) in jamds, send.output) for _, send in jam.sent}
    assert outputs == {(True, Output.MAIN), (False, Output.THRU)}


@pytest.mark.parametrize("mode", [Mode.ANSWER, Mode.OFF])
def test_what_comes_back_is_recognised_as_it_is_otherwise(mode: Mode) -> None:
    one, other = (
        play_looped(replace(APART, mode=mode, thru_apart=apart), PLAYED, 20, lambda _: 0.1)
        for apart in (False, True)
    )
    assert [(at, together(send)) for at, send in other.sent] == one.sent
    assert any(send.output is Output.THRU for _, send in other.sent)
