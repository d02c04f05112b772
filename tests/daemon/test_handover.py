"""A session goes on from another: what the player holds is not lost, and nothing hangs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from looped_jam import LoopedJam
from looping_daw import Eighths
from mido import Message
from relay import Relay, note, told
from stories import BEGINNINGS, Story, all_settings, left_sounding, stories, tell

from jamd.config.control import Control
from jamd.daemon.control.controls import Action
from jamd.daemon.events import (
    Answered,
    Ask,
    ControlUsed,
    Event,
    Heard,
    Journal,
    Leave,
    Mode,
    Output,
    Press,
    Send,
    Sounded,
    WorkerReady,
)
from jamd.daemon.model.requests import Planned, PlanRequest
from jamd.daemon.settings import Settings
from jamd.daemon.takes.replay import replay
from jamd.notes import Note, Tick

THRU = Settings(thru=True)


def pedal(value: int, control: int = 64) -> Message:
    return Message("control_change", control=control, value=value)


@examples(deadline=None, max_examples=150)
@given(
    first=all_settings,
    second=all_settings,
    begin=st.sampled_from(BEGINNINGS),
    before=stories,
    after=stories,
    punctual=st.booleans(),
)
def test_whatever_is_played_around_it_every_note_sent_is_ended_and_every_pedal_lifted(
    first: Settings, second: Settings, begin: Story, before: Story, after: Story, punctual: bool
) -> None:
    relay = Relay(first, second)
    change: Story = [(0.0, Leave())]
    effects, _ = tell(relay, [*begin, *before, *change, *begin, *after], punctual)
    assert not left_sounding(effects)
    sent = [effect.message for effect in effects if isinstance(effect, Send)]
    assert not any({m.channel: m.value >= 64 for m in sent if m.is_cc(64)}.values())
    for journal in relay.journals:
        again = replay(journal)
        assert again.difference is None
        assert again.whole


def test_a_key_that_is_sent_on_sounds_until_it_is_released() -> None:
    relay = Relay(THRU, THRU)
    assert told(relay, (1.0, note(60)), (2.0, Leave())) == [note(60)]
    assert told(relay, (3.0, note(60, 0))) == [Message("note_off", note=60)]
    assert told(relay, (4.0, note(60)), (4.5, note(60, 0))) == [
        note(60),
        Message("note_off", note=60),
    ]


def test_a_key_that_is_held_begins_nothing() -> None:
    relay = Relay(Settings(), Settings())
    told(relay, (1.0, note(60)), (2.0, Leave()), (3.0, note(60, 0)))
    assert relay.status(4.0).bar == 0, "it waits for the first note"
    assert relay.status(4.0).last_note is None


def test_a_pedal_that_is_down_holds_what_is_played_next_and_is_sent_on_once() -> None:
    relay = Relay(THRU, THRU)
    assert told(relay, (1.0, pedal(127)), (2.0, Leave())) == [pedal(127)]
    assert relay.status(100.0).rested_s == 0, "it is down"
    assert told(relay, (3.0, pedal(0))) == [pedal(0)]


def test_the_take_that_begins_with_a_pedal_down_says_so() -> None:
    relay = Relay(Settings(), Settings())
    relay.handle(Heard(pedal(127)), 1.0)
    effects = relay.handle(Leave(), 2.0)
    entries = [effect.entry for effect in effects if isinstance(effect, Journal)]
    pedals = [entry.message for entry in entries if isinstance(entry, Sounded)]
    assert pedals == [pedal(0), pedal(127)], "lifted in the last take"


def test_the_pedal_of_an_mpe_keyboard_is_down_once_though_it_holds_every_channel() -> None:
    relay = Relay(Settings(mpe=True), Settings(mpe=True))
    relay.handle(Heard(pedal(127)), 1.0)
    effects = relay.handle(Leave(), 2.0)
    effects += relay.handle(Heard(pedal(0)), 3.0)
    entries = [effect.entry for effect in effects if isinstance(effect, Journal)]
    pedals = [entry.message for entry in entries if isinstance(entry, Sounded)]
    assert pedals == [pedal(0), pedal(127), pedal(0)]


def test_where_nothing_is_sent_on_any_more_keys_wait_and_wheels_rest() -> None:
    relay = Relay(Settings(mode=Mode.OFF), Settings())
    wheel = Message("pitchwheel", pitch=2000)
    assert told(relay, (1.0, note(60)), (1.0, wheel)) == [note(60), wheel]
    assert told(relay, (2.0, Leave())) == [wheel.copy(pitch=0)]
    assert told(relay, (3.0, note(62)), (3.0, note(60, 0))) == [Message("note_off", note=60)]


def test_a_panic_ends_what_was_handed_over() -> None:
    relay = Relay(THRU, THRU)
    told(relay, (1.0, note(60)), (2.0, Leave()))
    assert Message("note_off", note=60) in told(relay, (3.0, pedal(0, control=120)))


def test_a_panic_reaches_the_channels_of_earlier_songs() -> None:
    """There a note may hang whose note-off was lost on the way to its instrument."""
    relay = Relay(THRU, THRU, THRU)
    struck = note(60).copy(channel=5)
    told(relay, (1.0, struck), (1.2, struck.copy(velocity=0)), (2.0, Leave()), (3.0, Leave()))
    panic = told(relay, (4.0, pedal(0, control=120)))
    assert {m.control for m in panic if m.channel == 5} == {64, 120, 123}


def test_while_messages_come_back_all_that_was_sent_on_is_ended() -> None:
    """Only the session that sent them knows which release is the player's."""
    relay = Relay(Settings(mode=Mode.OFF), Settings(mode=Mode.OFF))
    for at, pitch in ((1.0, 60), (1.1, 62)):  # the second one goes out with a mark
        (sent,) = told(relay, (at, note(pitch)))
        assert told(relay, (at + 0.01, sent)) == []
    assert relay.status(1.2).loop
    ends = [Message("note_off", note=pitch) for pitch in (60, 62)]
    assert told(relay, (1.2, Leave())) == ends


def routed_back(relay: Relay, delay_s: float, *story: tuple[float, Message | Event]) -> None:
    """Tell `relay` a story of 12 s while all it sends comes back, its clock, too."""
    events = [(at, Heard(said) if isinstance(said, Message) else said) for at, said in story]
    jam = LoopedJam(
        relay, Eighths(), [(0.0, WorkerReady()), *events], lambda _: delay_s, routed=list(Output)
    )
    jam.run(12)


FOUR = [
    (0.1 + 0.25 * i + length, note(pitch, velocity))
    for i, pitch in enumerate((60, 62, 64, 65))
    for length, velocity in ((0.0, 64), (0.2, 0))
]


@pytest.mark.parametrize("late_s", [0.0, 0.015, 0.035])
@pytest.mark.parametrize("delay_s", [0.04, 0.1])
def test_a_note_of_jamds_that_comes_back_does_not_begin_the_next_song(
    delay_s: float, late_s: float
) -> None:
    relay = Relay(Settings(mode=Mode.ENDLESS), Settings())
    note_s = 8.1  # one of many eighths
    routed_back(relay, delay_s, *FOUR, (note_s + late_s, Leave()))
    struck = [line for line in relay.journals[0] if line.startswith('{"class":"Send","message":"9')]
    assert any(f'"due":{note_s}' in line for line in struck)
    assert relay.status(11.9).bar == 0
    assert relay.status(11.9).last_note is None
    assert relay.status(11.9).loop


@pytest.mark.parametrize("delay_s", [0.01, 0.1])
def test_jamds_own_stop_that_comes_back_holds_up_no_song(delay_s: float) -> None:
    leads = Settings(send_clock=True)
    relay = Relay(leads, replace(leads, bpm=80))
    routed_back(relay, delay_s, *FOUR, (8.0, Leave()), (8.0 + delay_s + 0.01, note(60)))
    status = relay.status(8.3 + delay_s)
    assert (status.bar, status.bpm, status.from_clock) == (1, 80, False)


def asked(relay: Relay, begin: float) -> PlanRequest:
    """The request that a phrase of four notes causes, played from `begin` on."""
    for i, pitch in enumerate((60, 62, 64, 65)):
        told(relay, (begin + 0.15 * i, note(pitch)), (begin + 0.15 * i + 0.1, note(pitch, 0)))
    while (deadline := relay.next_deadline()) is not None and deadline < begin + 2:
        for effect in relay.advance(deadline):
            if isinstance(effect, Ask):
                return effect.request
    raise AssertionError("no request")


def test_what_a_slow_worker_answers_to_the_last_session_is_not_played() -> None:
    endless = Settings(mode=Mode.ENDLESS)
    relay = Relay(endless, endless)
    told(relay, (1.0, WorkerReady()))
    old = asked(relay, 1.1)
    told(relay, (2.9, Leave()))
    new = asked(relay, 3.0)
    notes = tuple(Note(Tick(new.context.until + 240 * i), 99, duration=Tick(200)) for i in range(8))
    late = Answered(Planned(old.id, notes, new.through, done=True))
    played = told(relay, (4.5, late), (7.0, Press(Action.YOUR_TURN.value)))
    assert [message for message in played if message.type == "note_on"] == []


CHANGES = replace(Settings(), controls={Control.parse("cc 67"): Action.AGAIN})


def test_a_pedal_that_wavers_through_the_change_is_pressed_once() -> None:
    relay = Relay(CHANGES, CHANGES)
    told(relay, (1.0, pedal(70, 67)), (1.01, Leave()))
    for value, at, presses in ((90, 1.02, 0), (127, 2.0, 0), (0, 3.0, 0), (80, 4.0, 1)):
        effects = relay.handle(Heard(pedal(value, 67)), at)
        used = [e for e in effects if isinstance(e, Journal) and isinstance(e.entry, ControlUsed)]
        assert len(used) == presses, value


@pytest.mark.parametrize("action", [Action.AGAIN, Action.SONG])
def test_a_pad_that_bounces_through_the_change_is_struck_once(action: Action) -> None:
    pads = replace(Settings(), controls={Control.parse("note 36"): action})
    relay = Relay(pads, pads)
    told(relay, (1.0, note(36)), (1.01, Leave()))
    for at, struck in ((1.05, 0), (2.0, 1)):
        effects = relay.handle(Heard(note(36)), at)
        assert sum(isinstance(effect, Journal) for effect in effects) == struck
