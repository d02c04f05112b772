"""Who takes the turn back, as readable takes: `bar.beat.step part pitch velocity length`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mido import Message
from turn_taking import BEAT_S, UNBROKEN, ToTheEnd, jam

from jamd.daemon.events import (
    Adjust,
    Again,
    Event,
    Heard,
    Mode,
    SetMode,
    TurnTaken,
    WorkerReady,
    YourTurn,
)
from jamd.daemon.playing.yielding import Patience, Yield
from jamd.daemon.session import Session
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.notes import TICKS_PER_BEAT, Tick
from readable_takes import ONE_BAR, Take, play, seconds, unshaded


def test_a_stray_note_does_not_take_the_turn_back_nor_is_it_answered() -> None:
    for stray in (
        "2.3.6 player 72 80 3",
        "2.3.6 player 72 80 3\n    2.3.6 player 76 80 3",  # a chord is one onset
        "2.2.6 player 72 80 3\n    2.4.0 player 74 80 3",  # more than a beat apart
        "2.3.6 player 72 103 3",  # not loud enough
    ):
        played = play(jam(), ONE_BAR + "    " + stray)
        assert unshaded(played.jamds) == unshaded(UNBROKEN), stray
        assert played.turns == ["2.1 jamd", "3.2 player"], stray


def test_a_stray_note_early_in_an_answer_is_no_part_of_the_phrase_that_follows_it() -> None:
    # Four bars, an answer of four, in whose first bar one note is struck; then one bar.
    four = "\n".join(f"{1 + i // 4}.{1 + i % 4}.0 player {60 + i % 5} 80 9" for i in range(16))
    one = "\n".join(f"9.{beat}.0 player {60 + beat} 80 9" for beat in (1, 2, 3, 4))
    for stray in ("", "5.4.0 player 72 80 3\n"):
        played = play(jam(), f"{four}\n{stray}{one}\n", bars=16)
        assert played.turns == ["5.1 jamd", "9.2 player", "10.1 jamd", "11.2 player"], stray


@pytest.mark.parametrize("ahead", ["2.1.10", "2.1.11", "2.1.11.9"])
def test_a_note_just_before_the_answer_begins_holds_all_of_it_back(ahead: str) -> None:
    played = play(jam(), ONE_BAR + f"    {ahead} player 72 80 9", bars=4)
    assert played.jamds[0].startswith("2.4.0"), played.jamds  # the longer phrase is answered


def test_two_notes_within_a_beat_take_the_turn_back() -> None:
    # The second is struck at 2.4.3: what begins before 2.4.6 is played, then nothing.
    played = play(jam(), ONE_BAR + "    2.3.6 player 72 80 3\n    2.4.3 player 74 80 36", bars=2)
    assert played.turns[:2] == ["2.1 jamd", "2.4 player"]
    assert played.jamds == UNBROKEN[:3]


def test_a_loud_note_takes_the_turn_back() -> None:
    played = play(jam(), ONE_BAR + "    2.3.6 player 72 104 48", bars=2)
    assert played.turns[:2] == ["2.1 jamd", "2.3 player"]
    assert played.jamds == UNBROKEN[:2]


def test_what_is_loud_is_the_same_when_the_answer_is_played_again() -> None:
    # 24 above the phrase, or 127: during the answer from 2.2 on, and its repeat from 6.1 on.
    again = (seconds("5.4.0"), Again())
    for own, struck, takes in ((50, 73, False), (50, 74, True), (120, 126, False)):
        phrase = ONE_BAR.replace(" 80 ", f" {own} ")
        at_first = play(jam(), f"{phrase}    2.3.6 player 72 {struck} 3", bars=5)
        repeated = play(jam(), f"{phrase}    6.2.6 player 72 {struck} 3", again, bars=9)
        assert (at_first.turns[1] == "2.3 player") == takes, (own, struck)
        assert (repeated.turns[3] == "6.2 player") == takes, (own, struck)


def test_what_takes_the_turn_back_can_be_set_while_jamd_answers() -> None:
    def taken_back(rule: str, first: Yield, text: str) -> list[str]:
        story = (seconds("2.2.6"), Adjust("yield", rule))
        return play(jam(yields=first), ONE_BAR + text, story, bars=2).turns[1:]

    one, two = "    2.3.6 player 72 20 48", "    2.3.6 player 72 80 3\n    2.4.3 player 74 80 36"
    assert taken_back("now", Yield.NOTE, one) == ["2.3 player"]
    assert taken_back("note", Yield.NEVER, two) == ["2.4 player"]
    assert taken_back("note", Yield.NOW, one) == []
    assert taken_back("never", Yield.NOTE, two) == []
    # One note before it is set and one after are two, unless the first could never have counted.
    early = "    2.2.3 player 72 80 3\n    2.2.9 player 74 80 36"
    assert taken_back("note", Yield.NOTE, early) == ["2.2 player"]
    assert taken_back("note", Yield.NEVER, early) == []


def test_any_note_takes_the_turn_back_if_that_is_wanted() -> None:
    played = play(jam(yields=Yield.NOW), ONE_BAR + "    2.3.6 player 72 20 48", bars=2)
    assert played.turns[:2] == ["2.1 jamd", "2.3 player"]
    assert played.jamds == UNBROKEN[:2]


def test_an_answer_that_never_yields_is_played_out() -> None:
    over = """
    2.3.6 player 72 120 3
    2.4.0 player 74 120 3
    2.4.6 player 76 120 3
    """
    played = play(jam(yields=Yield.NEVER), ONE_BAR + over)
    assert unshaded(played.jamds[:4]) == unshaded(UNBROKEN)
    assert played.turns[:3] == ["2.1 jamd", "3.2 player", "3.2 jamd"]


@pytest.mark.parametrize("offset_s", [-0.1, 0.0, 0.1])
def test_an_answer_begins_when_its_first_note_has_left(offset_s: float) -> None:
    # By its offset it leaves so much before or after 2.2.0.
    never = replace(jam(yields=Yield.NEVER), output_offset_s=offset_s)
    left = seconds("2.2.0") + offset_s
    for lag, is_stray in ((0.02, True), (0.08, True), (-0.02, False)):
        story = (left + lag, Heard(Message("note_on", note=90, velocity=80)))
        assert (play(never, ONE_BAR, story).turns[1] == "3.2 player") == is_stray


def test_a_trade_handed_over_is_answered_with_all_its_notes_though_they_leave_early() -> None:
    phrase = "1.1.0 player 60 80 6\n1.3.0 player 64 80 6\n1.4.0 player 67 80 6"
    early = replace(jam(trade=2), output_offset_s=-0.1)
    for pressed in ("1.4.7", "1.4.8", "1.4.8.9"):
        story = (seconds(pressed), YourTurn())
        played = play(early, phrase, story, bars=6, improviser=ToTheEnd())
        assert played.jamds[0].split()[0] == "2.1.0", pressed


def test_who_plays_on_at_the_answers_end_goes_on_with_his_phrase() -> None:
    # One note in the answer's last beat is a stray; with two more it begins a phrase.
    on = """
    3.1.6 player 72 80 5
    3.2.3 player 74 80 5
    3.2.9 player 76 80 5
    """
    played = play(jam(), ONE_BAR + on)
    assert played.turns[:2] == ["2.1 jamd", "3.2 player"]
    assert played.jamds[:4] == UNBROKEN
    assert played.turns[2] == "3.4 jamd"


@given(
    bpm=st.floats(50, 220),
    strikes=st.lists(st.tuples(st.floats(0, 6), st.integers(1, 127)), max_size=6),
    mode=st.sampled_from([Mode.ANSWER, Mode.ENDLESS]),
    yields=st.sampled_from([Yield.NOW, Yield.NOTE]),
    trade=st.sampled_from([0, 2]),
    change=st.none() | st.tuples(st.floats(0, 8), st.sampled_from(Mode)),
)
@examples(deadline=None, max_examples=60)
def test_once_the_turn_is_taken_back_nothing_begins_after_a_sixteenth_and_all_ends_in_a_beat(
    bpm: float,
    strikes: list[tuple[float, int]],
    mode: Mode,
    yields: Yield,
    trade: int,
    change: tuple[float, Mode] | None,
) -> None:
    beat = 60 / bpm
    story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
    for place, velocity in [(i / 2, 80) for i in range(8)] + [(9 + at, v) for at, v in strikes]:
        story.append((place * beat, Heard(Message("note_on", note=60, velocity=velocity))))
        story.append(((place + 0.3) * beat, Heard(Message("note_off", note=60))))
    if change is not None:
        story.append(((8 + change[0]) * beat, SetMode(change[1])))
    performance = VirtualJam(
        Session(jam(mode, yields, trade, bpm)),
        ScriptedImproviser(),
        sorted(story, key=lambda s: s[0]),
    )
    performance.run(24 * beat)
    played = Take(performance.entries, performance)
    turns = [entry for entry in played.entries if isinstance(entry, TurnTaken)]
    for taken, following in zip(turns, [*turns[1:], None], strict=True):
        if taken.turn.value == "player":
            until = Tick(following.tick) if following else Tick(10**9)
            for note in played.notes:
                assert not taken.tick + 120 < note.onset < until
                if note.onset <= taken.tick + 120:
                    assert note.end <= taken.tick + TICKS_PER_BEAT + 1


def test_a_loud_note_is_one_louder_than_the_phrase_by_more_than_a_dynamic_mark() -> None:
    assert not Patience(Yield.NOTE, 60).ends(83, 0.0, BEAT_S)
    assert Patience(Yield.NOTE, 60).ends(84, 0.0, BEAT_S)
    assert Patience(Yield.NOTE, 120).ends(127, 0.0, BEAT_S), "nobody strikes harder than 127"


@pytest.mark.parametrize("velocity", [64, 100, 127])
def test_a_keyboard_that_sends_one_velocity_for_every_note_plays_none_that_is_loud(
    velocity: int,
) -> None:
    phrase = ONE_BAR.replace(" 80 ", f" {velocity} ")
    played = play(jam(), f"{phrase}    2.3.6 player 72 {velocity} 3")
    assert played.turns == ["2.1 jamd", "3.2 player"]


@given(
    begins=st.floats(0, 1000),
    bpm=st.floats(50, 220),
    off_s=st.floats(-0.04, 0.04),
)
def test_quarters_played_by_hand_take_the_turn_back_with_the_second(
    begins: float, bpm: float, off_s: float
) -> None:
    beat = 60 / bpm
    patience = Patience(Yield.NOTE, 80)
    assert not patience.ends(80, begins, beat)
    assert patience.ends(80, begins + beat + off_s, beat)


def test_notes_further_than_a_beat_apart_are_strays() -> None:
    patience = Patience(Yield.NOTE, 80)
    assert not any(patience.ends(80, i * 1.15 * BEAT_S, BEAT_S) for i in range(5))
