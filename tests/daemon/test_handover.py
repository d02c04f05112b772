"""A session goes on from another: what the player holds is not lost, and nothing hangs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from looped_port import LoopedPort
from looping_daw import Eighths
from mido import Message
from stories import BEGINNINGS, Story, all_settings, left_sounding, stories, tell

from jamd.control import Control
from jamd.daemon.controls import Action
from jamd.daemon.events import (
    Answered,
    Ask,
    ControlUsed,
    Effect,
    Event,
    HandedOver,
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
from jamd.daemon.follower import BeatSource
from jamd.daemon.journal import FORMAT, Decides, Journaled, Opened, Record, to_line
from jamd.daemon.replay import replay
from jamd.daemon.requests import Planned, PlanRequest
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.status import Status
from jamd.daemon.virtual import VirtualJam
from jamd.notes import Meter, Note, Tick

THRU = Settings(thru=True)


class Relay:
    """Sessions one after the other, as the loop runs them: `Leave` begins the next."""

    def __init__(self, *settings: Settings) -> None:
        self.journals: list[list[str]] = []
        self._settings = list(settings)
        self.session = self._begin()

    def _begin(self) -> Decides:
        settings = self._settings.pop(0)
        lines = [to_line(Opened(FORMAT, "0.1.0", "today", "default", "", settings))]

        def write(record: Record) -> None:
            lines.append(to_line(record))

        self.journals.append(lines)
        return Journaled(Session(settings), write)

    def handle(self, event: Event, now: float) -> list[Effect]:
        effects = self.session.handle(event, now)
        if event == Leave():
            effects += self.session.shutdown(now)
            (given,) = (effect for effect in effects if isinstance(effect, HandedOver))
            self.session = self._begin()
            effects += self.session.handle(given, now)
            effects += self.session.handle(WorkerReady(), now)
        return effects

    def advance(self, now: float) -> list[Effect]:
        return self.session.advance(now)

    def shutdown(self, now: float) -> list[Effect]:
        return self.session.shutdown(now)

    def next_deadline(self) -> float | None:
        return self.session.next_deadline()

    def status(self, now: float) -> Status:
        return self.session.status(now)


def sends(effects: Sequence[Effect]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Send)]


def told(relay: Relay, *story: tuple[float, Message | Event]) -> list[Message]:
    """What is sent while `relay` is told a story."""
    effects: list[Effect] = []
    for now, said in story:
        while (deadline := relay.next_deadline()) is not None and deadline < now:
            effects += relay.advance(deadline)
        effects += relay.handle(Heard(said) if isinstance(said, Message) else said, now)
    return sends(effects)


def note(pitch: int, velocity: int = 64) -> Message:
    return Message("note_on", note=pitch, velocity=velocity)


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


class RoutedBack(LoopedPort):
    """Its clock comes back, too."""

    def send(self, message: Send) -> None:
        if message.output is Output.CLOCK:
            message = replace(message, output=Output.MAIN)
        super().send(message)


def routed_back(relay: Relay, delay_s: float, *story: tuple[float, Message | Event]) -> None:
    """Tell `relay` a story of 12 s while all it sends comes back."""
    events = [(at, Heard(said) if isinstance(said, Message) else said) for at, said in story]
    jam = VirtualJam(relay, Eighths(), [(0.0, WorkerReady()), *events])
    jam.port = RoutedBack(jam, lambda _: delay_s)
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


def moment(said: tuple[float, Event]) -> float:
    return said[0]


def clocks(first: int, last: int, bpm: float = 120) -> list[tuple[float, Event]]:
    """Pulses of a clock, by their numbers: pulse 0 is at 10 s."""
    return [(10 + i * 2.5 / bpm, Heard(Message("clock"))) for i in range(first, last)]


START, STOP, CONTINUE = (Heard(Message(kind)) for kind in ("start", "stop", "continue"))


def test_a_sequencer_that_rolls_goes_on_to_lead_in_the_meter_of_the_next() -> None:
    waltz = replace(Settings(), meter=Meter(3, 4))
    relay = Relay(Settings(), waltz)
    told(relay, *clocks(-48, 0), (9.99, START), *clocks(0, 24 * 9 + 7))
    assert (relay.status(14.6).bar, relay.status(14.6).beat) == (3, 2)
    told(relay, (14.63, Leave()), *clocks(24 * 9 + 7, 24 * 9 + 8))
    status = relay.status(14.67)
    assert status.from_clock, "at once, not after some pulses"
    assert status.bpm == pytest.approx(120)
    assert (status.bar, status.beat) == (4, 1), "nine beats are three bars of a waltz"
    told(relay, *clocks(24 * 9 + 8, 24 * 15))
    assert relay.status(17.49).bar == 5
    assert relay.status(17.51).bar == 6


@pytest.mark.parametrize("ticks_on", [True, False])  # some send a clock only while they play
def test_a_sequencer_that_is_stopped_goes_on_where_it_is_in_the_next_song(ticks_on: bool) -> None:
    pulse_s = 0.5 / 24
    stopped, left, goes_on = 6 * 24, 8 * 24, 9 * 24
    located = Heard(Message("songpos", pos=4 * 4 + 1))
    for said, place in (([], (2, 3)), ([(14.2, located)], (2, 1))):
        for leaves in ([], [(14.0, Leave())]):
            relay = Relay(Settings(), Settings())
            told(relay, *clocks(-48, 0), (9.99, START), *clocks(0, stopped), (12.999, STOP))
            told(relay, *(clocks(stopped, left) if ticks_on else ()), *leaves)
            told(relay, *sorted([*(clocks(left, goes_on) if ticks_on else ()), *said], key=moment))
            told(relay, (14.495, CONTINUE), *clocks(goes_on, goes_on + 24))
            status = relay.status(14.5 + 13 * pulse_s)
            assert (status.bar, status.beat) == place, leaves


def test_a_sequencer_without_a_clock_that_has_just_said_start_begins_in_the_next_song() -> None:
    relay = Relay(Settings(), Settings())
    told(relay, (9.9, START), (9.95, Leave()), *clocks(0, 12))
    assert relay.status(10.2).bar == 1


def test_after_a_loop_the_next_song_begins_at_the_place_of_the_sequencers() -> None:
    back = Heard(Message("songpos", pos=0))
    relay = Relay(Settings(), Settings())
    told(relay, *clocks(-48, 0), (9.99, START), *clocks(0, 192), (13.999, back))  # two bars
    told(relay, *clocks(192, 216), (14.49, Leave()), *clocks(216, 228))
    assert (relay.status(14.6).bar, relay.status(14.6).beat) == (1, 2)


def test_a_sequencer_that_stands_is_waited_for() -> None:
    relay = Relay(Settings(), Settings())
    told(relay, *clocks(-48, 0), (9.99, START), *clocks(0, 24), (10.5, STOP), *clocks(25, 96))
    assert relay.status(12.0).waits
    told(relay, (12.0, Leave()), (12.1, note(60)))
    assert relay.status(12.1).waits
    assert relay.status(12.1).bar == 0
    told(relay, *clocks(97, 120), (12.495, START), *clocks(120, 122))
    assert relay.status(12.53).bar == 1


def test_a_clock_that_only_ticks_sets_the_tempo_from_the_first_note_on() -> None:
    relay = Relay(Settings(), Settings(bpm=90))
    told(relay, *clocks(-96, 0, bpm=140), (10.0, Leave()), (10.005, note(60)))
    assert relay.status(10.01).bpm == pytest.approx(140)
    kept = Relay(Settings(), Settings(bpm=90, own_tempo=True))
    told(kept, *clocks(-96, 0, bpm=140), (10.0, Leave()), (10.005, note(60)))
    assert kept.status(10.01).bpm == 90


def test_who_goes_by_jamds_clock_is_stopped_and_hears_the_next_tempo_at_once() -> None:
    leads = Settings(bpm=120, send_clock=True, start_at_once=True)
    second = replace(leads, bpm=60, start_at_once=False)
    relay = Relay(leads, second, second)
    told(relay, (1.0, WorkerReady()))
    changed = told(relay, (3.01, Leave()))
    assert [message.type for message in changed if message.type != "clock"][-1:] == ["stop"]
    waiting = told(relay, (5.01, Leave()))
    assert {message.type for message in waiting} == {"clock"}
    assert len(waiting) in (47, 48), "two seconds at 60 bpm"
    sent = told(relay, (5.02, note(60)))
    assert "start" in [message.type for message in sent]


@pytest.mark.parametrize("source", [BeatSource.INTERNAL, BeatSource.PLAYER])
def test_who_keeps_a_beat_of_their_own_goes_by_no_clock(source: BeatSource) -> None:
    relay = Relay(Settings(), Settings(bpm=90, source=source))
    told(relay, *clocks(-48, 0), (9.99, START), *clocks(0, 50), (11.05, Leave()), *clocks(50, 60))
    assert not relay.status(11.3).from_clock
    assert relay.status(11.3).bar == 0
    assert relay.status(11.3).bpm == 90
