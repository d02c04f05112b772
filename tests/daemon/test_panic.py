"""A panic is complete, and takes precedence over everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from mido import Message

from jamd.config.control import Control, ControlKind
from jamd.daemon.control.controls import Action
from jamd.daemon.events import (
    Answered,
    Ask,
    ControlUsed,
    Effect,
    Event,
    Heard,
    Journal,
    Mode,
    Panic,
    Press,
    Send,
    WorkerReady,
)
from jamd.daemon.model.requests import Planned
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes import take
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.notes import Note, Part, Tick
from readable_takes import ONE_BAR, Story, Take, heard

PAD = Control(ControlKind.NOTE, 36)
SETTINGS = Settings(lead_channel=2, comp_channel=3, thru=True)
SETTINGS = replace(SETTINGS, controls={**SETTINGS.controls, PAD: Action.PANIC})


def control(number: int, value: int = 0, channel: int = 0) -> Message:
    return Message("control_change", control=number, value=value, channel=channel)


def sent(effects: list[Effect]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Send)]


PLANNED = ((0, 50, Part.COMP), (0, 72, Part.LEAD), (120, 74, Part.LEAD), (240, 76, Part.LEAD))


def answering() -> tuple[Session, float]:
    """A session at the first two notes of an answer, the pedal down, and the moment it is there."""
    session = Session(SETTINGS)
    messages: list[Message] = []

    def do(effects: list[Effect], now: float) -> None:
        messages.extend(sent(effects))
        for effect in effects:
            if isinstance(effect, Ask):
                begin, through = effect.request.context.until, effect.request.through
                notes = tuple(
                    Note(Tick(begin + at), pitch, 80, Tick(1000), part)
                    for at, pitch, part in PLANNED
                )
                planned = Planned(effect.request.id, notes, through, done=True)
                do(session.handle(Answered(planned), now), now)

    do(session.handle(WorkerReady(), 0.0), 0.0)
    do(session.handle(Heard(control(64, 127)), 0.0), 0.0)
    for i, pitch in enumerate((60, 64, 67)):
        for now, kind in ((i / 2, "note_on"), (i / 2 + 0.4, "note_off")):
            do(session.handle(Heard(Message(kind, note=pitch)), now), now)
    while not any(m.type == "note_on" and m.note == 72 for m in messages):
        deadline = session.next_deadline()
        assert deadline is not None
        now = max(now, deadline)
        do(session.advance(now), now)
    return session, now


@pytest.mark.parametrize(
    "event",
    [
        Panic(),
        Press("panic"),
        Heard(control(120)),
        Heard(control(123)),
        Heard(control(120, channel=9)),
        Heard(Message("note_on", note=36, channel=9)),
    ],
)
def test_all_that_sounds_ends_on_every_channel_before_anything_else(event: Event) -> None:
    session, now = answering()
    late = now + 0.2  # the loop was late: two more notes have become due
    messages = sent(session.handle(event, late))
    assert messages == [
        Message("note_off", note=72, channel=2),
        Message("note_off", note=50, channel=3),
        control(64),
        *(control(number, 0, channel) for channel in (0, 2, 3) for number in (64, 120, 123)),
    ]
    for later in range(1, 40):
        assert not sent(session.advance(late + later / 10)), "what was planned is forgotten"


def test_the_habit_of_a_keyboard_to_send_all_notes_off_with_its_last_note_off_loses_no_phrase() -> (
    None
):
    for number, answered in ((123, True), (120, False)):
        story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
        for i, pitch in enumerate((60, 64, 67, 72)):
            story.append((i / 2, Heard(Message("note_on", note=pitch))))
            story.append((i / 2 + 0.4, Heard(Message("note_off", note=pitch))))
            story.append((i / 2 + 0.4, Heard(control(number))))
        jam = VirtualJam(Session(Settings(bpm=120)), ScriptedImproviser(), story)
        jam.run(8.0)
        assert any(send.message.type == "note_on" for _, send in jam.sent) == answered


def with_habit(text: str, channels: Sequence[int] = (0,), later_s: float = 0.001) -> Story:
    """What a player plays on a keyboard that sends All Notes Off when the last key comes up."""
    story: Story = []
    down: set[int] = set()
    for at, event in sorted(heard(text), key=lambda one: one[0]):
        assert isinstance(event, Heard)
        message = event.message
        story += [(at, Heard(message.copy(channel=channel))) for channel in channels]
        (down.add if message.type == "note_on" else down.discard)(message.note)
        if not down:
            story += [(at + later_s, Heard(control(123, channel=channel))) for channel in channels]
    return story


@pytest.mark.parametrize("channels", [(0,), (0, 1)])
@pytest.mark.parametrize("mode", [Mode.ANSWER, Mode.ENDLESS])
def test_with_that_habit_a_stray_note_costs_no_answer_either(
    mode: Mode, channels: Sequence[int]
) -> None:
    played = []
    text = f"{ONE_BAR}    2.3.0 player 72 60 3"
    for story in (heard(text), with_habit(text, channels)):
        settings = Settings(bpm=120, mode=mode)
        jam = VirtualJam(Session(settings), ScriptedImproviser(), [(0.0, WorkerReady()), *story])
        jam.run(12.0)
        played.append(Take(jam.entries, jam).jamds)
    assert played[0] == played[1] != []


def test_that_habit_of_one_keyboard_leaves_the_keys_of_another_down() -> None:
    session = Session(Settings(mode=Mode.OFF))
    theirs = Message("note_on", note=48, channel=1)
    press, lift = Message("note_on", note=60), Message("note_off", note=60)
    out = [sent(session.handle(Heard(m), 1.0)) for m in (theirs, press, lift, control(123))]
    assert out == [[theirs], [press], [lift], []]


def test_that_habit_leaves_the_pedal_down_where_playing_is_sent_on() -> None:
    session = Session(Settings(mode=Mode.OFF))
    press, lift = Message("note_on", note=60), Message("note_off", note=60)
    played = (press, control(64, 127), lift, control(123))
    out = [sent(session.handle(Heard(message), 1.0)) for message in played]
    assert out == [[press], [control(64, 127)], [lift], []]
    assert control(64) in sent(session.handle(Heard(control(123)), 2.0)), "who asks again means it"


def test_a_control_whose_release_was_lost_counts_as_released_after_a_panic() -> None:
    session = Session(SETTINGS)
    used = []
    story: tuple[Event, ...] = (Heard(control(66, 127)), Panic(), Heard(control(66, 127)))
    for now, event in enumerate(story):
        effects = session.handle(event, float(now))
        used += [e.entry for e in effects if isinstance(e, Journal)]
    assert sum(isinstance(entry, ControlUsed) for entry in used) == 2


def test_a_channel_that_is_not_listened_to_asks_for_silence_too() -> None:
    session = Session(replace(SETTINGS, listen_channel=5))
    for message in (control(7), Message("note_on", note=60)):
        assert not sent(session.handle(Heard(message), 0.0))
    assert sent(session.handle(Heard(control(123)), 0.1))


def test_what_was_moved_comes_to_rest_after_that_and_nothing_else_does() -> None:
    session = Session(SETTINGS)
    wheel = Message("pitchwheel", channel=1, pitch=4000)
    for message in (wheel, control(67, 127), control(1, 100), control(7, 90), control(11, 127)):
        session.handle(Heard(message), 0.0)
    session.handle(Heard(control(1, 0)), 0.1)  # at rest again
    messages = sent(session.handle(Panic(), 0.2))
    assert messages == [
        control(67),
        *(control(number, 0, channel) for channel in (0, 1, 2, 3) for number in (64, 120, 123)),
        Message("pitchwheel", channel=1, pitch=0),
    ]


def test_it_is_told_to_the_channels_that_jamd_would_use_too() -> None:
    """A synthesiser may still sound notes of a jamd that was killed."""
    assert sent(Session(SETTINGS).handle(Panic(), 0.0)) == [
        control(number, 0, channel) for channel in (2, 3) for number in (64, 120, 123)
    ]


@pytest.mark.parametrize("event", [Panic(), Heard(control(123))])
def test_a_key_whose_end_was_lost_is_up_afterwards(event: Event) -> None:
    story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
    for begin in (1.0, 9.0):
        for i, pitch in enumerate((60, 55, 62, 59)):
            at = begin + i / 2
            story += [
                (at, Heard(Message("note_on", note=pitch))),
                (at + 0.4, Heard(Message("note_off", note=pitch))),
            ]
    hung = (2.6, Heard(Message("note_on", note=65)))

    def taken(end: Event) -> list[str]:
        performance = VirtualJam(
            Session(Settings()), ScriptedImproviser(), [*story, hung, (2.9, end)]
        )
        performance.run(18.0)
        return [row for row in take.rows(performance.entries) if int(row.split(".")[0]) >= 4]

    assert taken(event) == taken(Heard(Message("note_off", note=65)))
