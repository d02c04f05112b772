"""Whole takes to read: the answer, its turn and its end (`readable_takes` has the rows).

The scripted improviser answers a tune with its mirror image, so what is tested is when jamd plays,
not what.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mido import Message
from turn_taking import jam

from jamd.bundle.bundle import Bundle
from jamd.config.control import Control, ControlKind
from jamd.daemon.control.controls import Action
from jamd.daemon.events import (
    Again,
    Event,
    Heard,
    Mode,
    Panic,
    SetMode,
)
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import Sampling
from jamd.daemon.playing.yielding import Yield
from jamd.language import Constraints
from readable_takes import ONE_BAR, play, rows, seconds

TINY = Bundle.read(Path(__file__).parents[1] / "fixtures" / "tiny-bundle")


def test_an_answer_starts_on_the_next_beat_and_is_as_long_as_the_phrase() -> None:
    # Quarter notes: 1.5 beats without an onset end the phrase, at 2.1.6. The next strong beat, 2.3,
    # is more than two beats away from the last key's release, so the answer starts on 2.2.
    played = play(jam(), ONE_BAR)
    assert played.turns == ["2.1 jamd", "3.2 player"]
    assert played.jamds == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 9
        3.1.0 Lead 55 86 6
    """)


def test_a_drone_is_answered_over_and_never_struck_again() -> None:
    # 60 is held from 1.1 to 5.1: it counts as up from 1.3, and the last key above it is up at 2.1.
    # The answer would strike it on 2.3 and 3.3.
    played = play(
        jam(),
        """
        1.1.0 player 60 80 192
        1.2.0 player 64 80 9
        1.3.0 player 67 80 9
        1.4.0 player 65 80 11
        """,
    )
    assert played.turns == ["2.1 jamd", "3.3 player"]
    assert played.jamds == rows("""
        2.4.0 Lead 56 80 9
        3.1.0 Lead 53 86 9
        3.2.0 Lead 55 80 11
    """)


def test_a_pad_is_answered_over_and_never_struck_again() -> None:
    # 48, 60 and 64 are held from 1.1 to 9.1: they count as up from 3.1. The tune above them, of
    # half notes, has paused for long enough whenever the next is due, and at 4.3 there is no next.
    # The answer would strike all three on 5.1.
    played = play(
        jam(),
        """
        1.1.0 player 48 80 384
        1.1.0 player 60 80 384
        1.1.0 player 64 80 384
        1.3.0 player 67 80 9
        2.1.0 player 70 80 9
        2.3.0 player 72 80 9
        3.1.0 player 71 80 9
        3.3.0 player 69 80 9
        4.1.0 player 71 80 9
        """,
        bars=10,
    )
    assert played.turns[-2:] == ["4.3 jamd", "9.1 player"]
    assert played.jamds == rows("""
        5.3.0 Lead 61 80 9
        6.1.0 Lead 58 86 9
        6.3.0 Lead 56 80 9
        7.1.0 Lead 57 86 9
        7.3.0 Lead 59 80 9
        8.1.0 Lead 57 86 9
    """)


def test_over_a_long_last_note_the_answer_starts_on_a_strong_beat() -> None:
    # 71 is held from 1.4 to 4.4: it counts as up from 2.2, so the phrase is over at 2.2.10.
    played = play(
        jam(),
        """
        1.1.0 player 64 80 9
        1.2.0 player 65 80 9
        1.3.0 player 69 80 9
        1.4.0 player 71 80 144
        """,
    )
    assert played.turns == ["2.2 jamd", "4.1 player"]
    assert played.jamds == rows("""
        3.1.0 Lead 64 86 9
        3.2.0 Lead 63 80 9
        3.3.0 Lead 59 80 9
        3.4.0 Lead 57 80 11.975
    """)


def test_keys_that_never_come_up_silence_nobody_for_good() -> None:
    # The last of the two is struck at 1.3.6 and counts as up two bars later, at 3.3.6.
    played = play(
        jam(),
        """
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        1.3.0 player 67 80 480
        1.3.6 player 65 80 480
        """,
    )
    assert played.turns == ["3.4 jamd", "5.1 player"]
    assert played.jamds == rows("""
        4.1.0 Lead 60 86 9
        4.2.0 Lead 56 80 9
        4.3.0 Lead 53 80 12
        4.3.6 Lead 55 75 12
    """)


def test_two_notes_are_not_answered() -> None:
    played = play(jam(), "1.1.0 player 60 80 9\n1.2.0 player 64 80 9")
    assert played.jamds == []


def test_a_note_before_the_answer_goes_on_with_the_phrase() -> None:
    played = play(jam(), ONE_BAR + "    2.1.8 player 72 80 6")
    assert played.turns == ["2.1 jamd", "2.1 player", "2.3 jamd", "3.4 player"]
    assert played.jamds[0] == "2.4.0 Lead 72 80 6"


def test_playing_takes_the_turn_back_and_what_sounds_ends_within_a_beat() -> None:
    phrase = """
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        1.3.0 player 67 80 22
    """
    assert play(jam(), phrase, bars=4).jamds == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 22
    """)
    played = play(jam(yields=Yield.NOW), phrase + "    2.4.3 player 72 80 6", bars=2)
    assert played.turns == ["2.1 jamd", "2.4 player"]
    assert played.jamds == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 12
    """)


def test_endless_goes_on_until_the_end() -> None:
    played = play(jam(Mode.ENDLESS), ONE_BAR, bars=40)
    assert played.turns == ["2.1 jamd"]
    assert {row.partition(".")[0] for row in played.jamds} == {str(bar) for bar in range(2, 41)}


def test_a_mode_ends_with_its_notes() -> None:
    played = play(jam(Mode.ENDLESS), ONE_BAR, (seconds("3.2.1"), SetMode(Mode.OFF)))
    assert played.turns == ["2.1 jamd", "3.2 player"]
    assert played.jamds[-1] == "3.2.0 Lead 60 80 9"


@pytest.mark.parametrize(
    "event",
    [
        Panic(),
        Heard(Message("control_change", control=120)),
        Heard(Message("control_change", control=123)),
        Heard(Message("note_on", note=36, channel=9)),  # a pad, mapped below
    ],
)
def test_panic_ends_everything_at_once(event: Event) -> None:
    # In an answer and in endless: a step into a note, everything ends, and nothing follows.
    mapped = {Control(ControlKind.NOTE, 36, 10): Action.PANIC}
    for mode in (Mode.ANSWER, Mode.ENDLESS):
        played = play(replace(jam(mode), controls=mapped), ONE_BAR, (seconds("2.3.1"), event))
        assert played.turns == ["2.1 jamd", "2.3 player"]
        assert played.jamds == rows("""
            2.2.0 Lead 60 80 9
            2.3.0 Lead 56 80 1
        """)
        ended = [send.message for _, send in played.performance.sent[-4:]]
        assert [message.bytes() for message in ended] == [
            [0x80, 56, 64],
            [0xB0, 64, 0],
            [0xB0, 120, 0],
            [0xB0, 123, 0],
        ]


def test_a_phrase_handed_over_is_answered_on_the_next_sixteenth() -> None:
    pedal = Heard(Message("control_change", control=66, value=127))
    assert play(jam(), ONE_BAR, (seconds("1.4.7"), pedal)).jamds == rows("""
        1.4.9 Lead 60 75 9
        2.1.9 Lead 56 75 9
        2.2.9 Lead 53 75 9
        2.3.9 Lead 55 75 6
    """)


def test_the_last_answer_can_be_had_again() -> None:
    played = play(jam(), ONE_BAR, (seconds("4.1.0"), Again()), bars=6)
    assert played.turns == ["2.1 jamd", "3.2 player", "4.1 jamd", "5.2 player"]
    assert played.jamds[4:] == rows("""
        4.2.0 Lead 60 80 9
        4.3.0 Lead 56 80 9
        4.4.0 Lead 53 80 9
        5.1.0 Lead 55 86 6
    """)


def test_endless_music_rests_for_a_beat_within_eight_bars() -> None:
    full = ONE_BAR.replace(" 9", " 12").replace(" 6\n", " 12\n")
    places = [row.split()[0] for row in play(jam(Mode.ENDLESS), full, bars=10).jamds]
    assert places[0] == "2.3.0"
    missing = {f"{bar}.{beat}.0" for bar in range(3, 10) for beat in (1, 2, 3, 4)} - set(places)
    assert missing == {"9.4.0"}
    assert "10.1.0" not in places


def test_what_would_repeat_for_ever_changes_after_so_many_bars() -> None:
    # The scripted improviser asks nobody what it may write: here is the one that plays, whose
    # model is replaced by one that wants a single note on every beat.
    improviser = Improviser(TINY)
    vocabulary = improviser.language.vocabulary
    wanted = [f"Position_{step}" for step in (0, 12, 24, 36)]
    wanted += ["Bar_4/4", "Lead_60", "Lead_62", "Velocity_4", "Duration_12"]
    logits = np.zeros(len(vocabulary), np.float32)
    logits[[vocabulary.id(token) for token in wanted]] = range(len(wanted), 0, -1)
    improviser.logits = lambda _: logits
    endless = replace(jam(Mode.ENDLESS), sampling=Sampling(argmax=True))
    free = play(endless, ONE_BAR, bars=5, improviser=improviser)
    assert {row.split()[2] for row in free.jamds} == {"60"}
    guarded = replace(endless, constraints=Constraints(repeat_bars=2))
    assert play(guarded, ONE_BAR, bars=4, improviser=improviser).jamds == rows("""
        2.2.0 Lead 60 80 12
        2.3.0 Lead 60 80 12
        2.4.0 Lead 60 80 12
        3.1.0 Lead 60 86 12
        3.2.0 Lead 60 80 12
        3.3.0 Lead 60 80 12
        3.4.0 Lead 60 80 12
        4.1.0 Lead 60 86 12
        4.2.0 Lead 60 80 12
        4.3.0 Lead 62 80 12
        4.4.0 Lead 60 80 12
    """)


def test_off_is_thru_alone_and_thru_is_off_elsewhere() -> None:
    off = play(jam(Mode.OFF), ONE_BAR)
    assert off.jamds == []
    assert off.struck == [(0, 60), (0, 64), (0, 67), (0, 65)]
    assert play(jam(trade=2), ONE_BAR, bars=1).struck == []
