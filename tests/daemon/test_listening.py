"""Which of the player's notes are heard, which are passed on, and which hand has the turn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mido import Message

from jamd.daemon.events import Event, Heard, Mode, Send, SetMode, Turn, WorkerReady
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.notes import Part
from jamd.parts import parts_by_hand
from readable_takes import ONE_BAR, play

OFF = Settings(mode=Mode.OFF, bpm=120)
SPLIT = Settings(bpm=120, split=55)


def on(pitch: int, channel: int = 0) -> Message:
    return Message("note_on", note=pitch, velocity=70, channel=channel)


def off(pitch: int, channel: int = 0) -> Message:
    return Message("note_off", note=pitch, channel=channel)


def cc(control: int, value: int) -> Message:
    return Message("control_change", control=control, value=value)


def sent(settings: Settings, *heard: Message | SetMode) -> list[Message]:
    """What is sent immediately when the messages in `heard` come in, a second apart."""
    session, out = Session(settings), []
    for i, one in enumerate(heard):
        event = one if isinstance(one, SetMode) else Heard(one)
        out += [e.message for e in session.handle(event, 1.0 + i) if isinstance(e, Send)]
    return out


def test_off_sends_on_what_is_played() -> None:
    played = [on(60), cc(64, 127), off(60), cc(64, 0)]
    assert sent(OFF, *played) == played


def test_the_other_modes_send_nothing_on_unless_that_is_wanted() -> None:
    assert sent(Settings(), on(60), off(60)) == []
    assert sent(Settings(thru=True), on(60), off(60)) == [on(60), off(60)]


def test_what_was_sent_on_ends_when_it_is_let_go_in_another_mode() -> None:
    heard = (on(60), cc(64, 127), SetMode(Mode.ANSWER), on(62), off(62), off(60), cc(64, 0))
    assert sent(OFF, *heard) == [on(60), cc(64, 127), off(60), cc(64, 0)]


def test_drums_start_no_beat_and_are_answered_by_nothing_but_sent_on() -> None:
    drums = [on(36, channel=9), off(36, channel=9)] * 4
    assert sent(replace(OFF, thru=True), *drums) == drums
    for channel, answers in ((None, False), (9, True)):
        settings = Settings(bpm=120, listen_channel=channel)
        heard = [(1 + i / 4, Heard(message)) for i, message in enumerate(drums)]
        jam = VirtualJam(Session(settings), ScriptedImproviser(), [(0.0, WorkerReady()), *heard])
        jam.run(12.0)
        assert any(send.message.type == "note_on" for _, send in jam.sent) is answers


def test_program_changes_and_banks_are_ignored_unless_wanted() -> None:
    program, bank = Message("program_change", program=5), cc(32, 1)
    assert sent(OFF, program, bank, on(60)) == [on(60)]
    assert sent(replace(OFF, program_changes=True), program, bank) == [program, bank]


def test_other_channels_are_not_heard() -> None:
    settings = replace(OFF, listen_channel=3)
    assert sent(settings, on(60, 3), on(62, 4), off(62, 4), off(60, 3)) == [on(60, 3), off(60, 3)]


@pytest.mark.parametrize(
    ("listen", "heard", "unheard"),
    [
        (None, [on(60), off(60)], None),
        (None, [on(36, 9), off(36, 9), on(60)], 10),
        (3, [on(60, 3), on(62, 4), off(62, 4)], 5),
        (3, [off(60, 4), cc(74, 3)], None),
    ],
)
def test_the_channel_of_a_note_that_is_not_heard_is_known(
    listen: int | None, heard: list[Message], unheard: int | None
) -> None:
    session = Session(Settings(listen_channel=listen))
    for message in heard:
        session.handle(Heard(message), 1.0)
    assert session.status(1.0).unheard == unheard


def test_an_mpe_keyboard_is_heard_on_channel_10_and_its_pedal_holds_every_note() -> None:
    """Each note is on the next channel, 2 to 16; the pedal is on the zone's own, 1."""
    session = Session(Settings(bpm=120, mpe=True))
    story = [(1.0, on(60, 8)), (1.1, off(60, 8)), (1.5, on(62, 9)), (1.6, off(62, 9))]
    story += [(1.05, cc(64, 127)), (3.0, cc(64, 0))]
    for seconds, message in sorted(story, key=lambda one: one[0]):
        session.handle(Heard(message), seconds)
    heard = session._memory.heard.notes(session._transport.tick_at(4.0))
    assert [(note.pitch, note.onset, note.end) for note in heard] == [
        (60, 0, 1920),
        (62, 480, 1920),
    ]
    assert session.status(4.0).unheard is None


def tune(begin: float) -> list[tuple[float, Event]]:
    """Four quarter notes at 120, from `begin` on."""
    events: list[tuple[float, Event]] = []
    for i, pitch in enumerate((60, 64, 67, 65)):
        events.append((begin + i / 2, Heard(on(pitch))))
        events.append((begin + i / 2 + 0.4, Heard(off(pitch))))
    return events


def chords(begin: float, count: int) -> list[tuple[float, Event]]:
    """A left hand that goes on: a chord on each beat, released just before the next."""
    events: list[tuple[float, Event]] = []
    for i in range(count):
        for pitch in (43, 47, 50):
            events.append((begin + i / 2, Heard(on(pitch))))
            events.append((begin + i / 2 + 0.45, Heard(off(pitch))))
    return events


GHOSTS = """
    2.2.0 player 40 9 0.1
    2.2.8 player 45 9 0.1
"""


@pytest.mark.parametrize(("softest", "costs"), [(1, True), (10, False)])
def test_ghost_notes_below_the_softest_neither_take_the_turn_nor_are_sent_on(
    softest: int, costs: bool
) -> None:
    settings = Settings(bpm=120, thru=True, softest=softest)
    alone, beside = (play(settings, text) for text in (ONE_BAR, ONE_BAR + GHOSTS))
    assert (beside.jamds != alone.jamds) is costs
    assert ((0, 40) in beside.struck) is costs


def turn_at(settings: Settings, story: list[tuple[float, Event]], now: float) -> Turn:
    performance = VirtualJam(
        Session(settings), ScriptedImproviser(), [(0.0, WorkerReady()), *story]
    )
    performance.run(now)
    return performance.session.status(now).turn


@pytest.mark.parametrize(("split", "turn"), [(0, Turn.PLAYER), (55, Turn.JAMD)])
def test_a_left_hand_below_the_split_neither_keeps_the_turn_nor_takes_it(
    split: int, turn: Turn
) -> None:
    story = [*tune(1.0), *chords(1.01, 12)]
    assert turn_at(replace(SPLIT, split=split), story, 4.6) is turn


def test_the_right_hand_takes_the_turn_back() -> None:
    story = [*tune(1.0), *chords(1.01, 12), *tune(4.5)]
    assert turn_at(SPLIT, story, 6.0) is Turn.PLAYER


def test_the_left_hand_is_heard_as_an_accompaniment() -> None:
    session = Session(SPLIT)
    for seconds, event in (*chords(1.0, 1), *tune(1.0)):
        session.handle(event, seconds)
    heard = session._memory.heard.notes(session._transport.tick_at(3.0))
    assert {note.pitch: note.part for note in heard} == {
        **dict.fromkeys((43, 47, 50), Part.COMP),
        **dict.fromkeys((60, 64, 67, 65), Part.LEAD),
    }


def test_a_hand_of_its_own_may_play_chords() -> None:
    lead, comp = Part.LEAD, Part.COMP
    assert parts_by_hand([40, 52, 57], 55) == [comp, comp, lead]
    assert parts_by_hand([40, 60, 64, 67], 55) == [comp, comp, comp, lead]
    assert parts_by_hand([40], 55) == [comp]
