"""What is sent once more after a loss, and what is not."""

from __future__ import annotations

from mido import Message

from jamd.daemon.events import Output
from jamd.daemon.ports.said_again import AGAIN_S, RECENT_S, SaidAgain


def on(pitch: int, channel: int = 0) -> Message:
    return Message("note_on", note=pitch, channel=channel)


def off(pitch: int, channel: int = 0) -> Message:
    return Message("note_off", note=pitch, channel=channel)


def pedal(value: int) -> Message:
    return Message("control_change", control=64, value=value)


def said(again: SaidAgain, lost_at: float) -> list[Message]:
    again.lost(lost_at)
    assert again.due(lost_at) == []
    return [message for message, _ in again.due(lost_at + AGAIN_S)]


def sent(*messages: Message) -> SaidAgain:
    again = SaidAgain()
    for message in messages:
        again.sent(message, Output.MAIN, 1.0)
    return again


def test_nothing_is_said_again_while_nothing_is_lost() -> None:
    assert sent(on(60), off(60), pedal(0)).due(1.0 + AGAIN_S) == []


def test_what_ended_shortly_before_a_loss_is_ended_again() -> None:
    again = sent(on(60), off(60), pedal(127), pedal(0))
    assert said(again, 1.1) == [off(60), pedal(0)]
    assert again.due(1.2) == []


def test_and_again_if_more_is_lost_until_it_is_long_past() -> None:
    again = sent(off(60))
    assert said(again, 1.1) == [off(60)]
    assert said(again, 1.2) == [off(60)]
    assert said(again, 1.1 + RECENT_S) == []


def test_losses_in_a_row_are_made_good_once_they_are_over() -> None:
    again = sent(off(60))
    again.lost(1.0)
    again.lost(1.0 + AGAIN_S / 2)
    assert again.due(1.0 + AGAIN_S) == [(off(60), Output.MAIN)]
    assert again.due(1.0 + 2 * AGAIN_S) == []


def test_a_note_that_sounds_again_is_not_cut() -> None:
    assert said(sent(off(60), on(60)), 1.0) == []
    assert said(sent(pedal(0), pedal(127)), 1.0) == []


def test_nor_is_the_note_that_the_player_strikes() -> None:
    again = sent(off(60), off(64))
    again.heard(on(60, channel=3))
    assert said(again, 1.0) == [off(64)]


def test_each_output_has_its_own_notes() -> None:
    again = sent(off(60))
    again.sent(on(60), Output.CLICK, 1.0)
    assert said(again, 1.0) == [off(60)]


def test_so_is_the_sound_that_was_chosen_last() -> None:
    again = sent(*(Message("program_change", program=n, channel=n // 2) for n in (1, 2, 3)))
    again.heard(on(60))
    assert said(again, 1.0) == [
        Message("program_change", program=1, channel=0),
        Message("program_change", program=3, channel=1),
    ]


def test_nothing_else_is_said_again() -> None:
    others = (
        on(60),
        Message("control_change", control=120),
        Message("control_change", control=7, value=0),
        Message("pitchwheel"),
        Message("clock"),
        Message("start"),
    )
    assert said(sent(*others), 1.0) == []
