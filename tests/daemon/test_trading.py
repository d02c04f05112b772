"""Traded bars, as readable takes: `bar.beat.step part pitch velocity length`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from turn_taking import BAR, BEAT_S, ToTheEnd, jam

from jamd.daemon.events import (
    Adjust,
    Again,
    Event,
    Mode,
    SetMode,
    Turn,
    TurnTaken,
    YourTurn,
)
from jamd.daemon.listening.phrase import Phrase
from jamd.daemon.midi.terms import NoteKey
from jamd.daemon.playing.modes import Trade
from jamd.daemon.playing.scene import Scene
from jamd.daemon.playing.yielding import Yield
from jamd.daemon.settings import Settings
from jamd.daemon.timing.transport import SIXTEENTH, Transport
from jamd.notes import Meter
from readable_takes import AMAZING_GRACE, FOUR, ONE_BAR, Take, heard, play, rows, seconds


def test_twos_are_traded_to_the_bar() -> None:
    played = play(
        jam(trade=2),
        """
        1.1.0 player 60 80 9
        1.3.0 player 64 80 9
        2.1.0 player 67 80 9
        2.4.6 player 65 80 5
        5.1.0 player 72 80 9
        6.1.0 player 71 80 9
        """,
        bars=10,
    )
    assert played.turns == ["2.4 jamd", "5.1 player", "6.4 jamd", "9.1 player"]
    assert played.jamds == [
        "3.1.0 Lead 60 86 9",
        "3.3.0 Lead 56 80 9",
        "4.1.0 Lead 53 86 9",
        "4.4.6 Lead 55 75 5.975",
        "7.1.0 Lead 72 86 9",
        "8.1.0 Lead 73 86 9",
    ]


def test_traded_bars_are_full_and_begin_on_the_bar_line() -> None:
    played = play(jam(trade=2), f"{ONE_BAR}    2.1.0 player 64 80 9\n    2.3.0 player 60 80 9")
    assert played.turns == ["2.4 jamd", "5.1 player"]
    assert played.jamds == rows("""
        3.1.0 Lead 60 86 9
        3.2.0 Lead 56 80 9
        3.3.0 Lead 53 80 9
        3.4.0 Lead 55 80 6
        4.1.0 Lead 56 86 9
        4.3.0 Lead 60 80 9
    """)


FOURS = """
    1.1.0 player 60 80 9
    2.1.0 player 64 80 9
    3.1.0 player 67 80 9
    4.4.0 player 65 80 12
    5.1.0 Lead 60 86 9
    6.1.0 Lead 56 86 9
    7.1.0 Lead 53 86 9
    8.4.0 Lead 55 80 11.975
"""
EIGHTS = """
    1.1.0 player 60 80 9
    3.1.0 player 64 80 9
    6.1.0 player 67 80 9
    8.4.0 player 65 80 12
    9.1.0 Lead 60 86 9
    11.1.0 Lead 56 86 9
    14.1.0 Lead 53 86 9
    16.4.0 Lead 55 80 11.975
"""
# The last note rings to the bar line, and jamd's as long but for a tick: 1/40 of a step.


@pytest.mark.parametrize(
    ("trade", "take", "turns"),
    [(4, FOURS, ["4.4 jamd", "9.1 player"]), (8, EIGHTS, ["8.4 jamd", "17.1 player"])],
)
def test_fours_and_eights_are_traded_to_the_bar(trade: int, take: str, turns: list[str]) -> None:
    phrase = "\n".join(row for row in rows(take) if " player " in row)
    played = play(jam(trade=trade), phrase, bars=4 * trade)
    assert played.turns == turns
    assert played.rows == rows(take)


@pytest.mark.parametrize("seed", range(4))
def test_a_humanised_trade_ends_before_the_players_downbeat(seed: int) -> None:
    human = replace(jam(trade=2), humanise_s=0.03, seed=seed)
    notes = play(human, ONE_BAR, bars=10, improviser=ToTheEnd()).notes
    assert 4 * BAR - SIXTEENTH < notes[-1].end < 4 * BAR


def test_the_players_bars_begin_with_the_one_he_plays_in_and_a_pickup_is_before_it() -> None:
    for first in ("2.4.0", "3.1.0", "3.3.0"):
        played = play(
            jam(trade=2), f"{first} player 60 80 6\n3.3.6 player 64 80 6\n4.1.0 player 67 80 6"
        )
        assert played.turns == ["4.4 jamd", "7.1 player"], first


def test_bars_that_the_player_lets_pass_are_not_answered() -> None:
    phrase = "1.1.0 player 60 80 6\n1.3.0 player 64 80 6\n2.1.0 player 67 80 6"
    assert play(jam(trade=2), phrase, bars=12).turns == ["2.4 jamd", "5.1 player"]
    late = play(jam(trade=2), f"{phrase}\n8.2.0 player 64 80 6", bars=12)
    assert late.turns == ["2.4 jamd", "5.1 player", "9.4 jamd", "12.1 player"]


def test_bars_in_which_too_little_was_played_are_not_answered_in_the_middle_of_the_next() -> None:
    few = "1.1.0 player 60 80 6\n1.2.0 player 62 80 6\n"
    for third, turns in (
        ("3.1.0", ["4.4 jamd", "7.1 player"]),
        ("3.2.0", ["4.4 jamd", "7.1 player"]),
        ("5.4.6", ["7.4 jamd", "10.1 player"]),  # a pickup to bar 6
        ("9.2.0", ["10.4 jamd", "13.1 player"]),
    ):
        played = play(jam(trade=2), f"{few}{third} player 64 80 6", bars=14)
        assert played.turns == turns, third


def test_a_trade_that_begins_in_the_middle_of_a_phrase_begins_with_its_bar() -> None:
    steady = "\n".join(f"{n}.{beat}.0 player 60 80 6" for n in range(1, 9) for beat in range(1, 5))
    changes = [(seconds("1.1.1"), SetMode(Mode.OFF)), (seconds("6.2.6"), SetMode(Mode.ANSWER))]
    assert play(jam(trade=2), steady, *changes, bars=8).turns == ["7.4 jamd"]


def test_to_ask_a_trade_changes_nothing() -> None:
    # Two notes in bar 1, and the third in bar 4, when the bars of the first have passed.
    transport = Transport(120, FOUR)
    transport.start(0.0)
    phrase = Phrase()
    for place in ("1.1.0", "1.2.0", "4.2.0"):
        now = seconds(place)
        phrase.press(NoteKey(0, 60), 80, transport.tick_at(now), now)
    trade = Trade(2)
    scene = Scene(seconds("4.2.0"), transport, phrase, 3, Turn.PLAYER, None)
    fresh = dict(vars(trade))
    due, deadline = trade.is_due(scene), trade.deadline(scene)
    assert vars(trade) == fresh
    trade.wants(scene)
    assert (trade.is_due(scene), trade.deadline(scene)) == (due, deadline) == (False, 9.5)


@pytest.mark.parametrize("stray", [False, True])
def test_bars_that_begin_anew_with_a_pickup_begin_with_the_bar_that_it_leads_to(
    stray: bool,
) -> None:
    # One note and eight bars' rest before it, or not.
    three = Meter(3, 4)
    begin = seconds("10.1.0", meter=three) if stray else 0.0
    story = [(begin + at, event) for at, event in heard(AMAZING_GRACE, meter=three)]
    eights = Settings(meter=three, bpm=120, trade_bars=8)
    played = play(eights, "1.1.0 player 62 70 6" if stray else "", *story, bars=30)
    jamds = next(entry for entry in played.entries if isinstance(entry, TurnTaken))
    eight_bars = seconds("9.1.0", meter=three)
    assert jamds.seconds == pytest.approx(begin + BEAT_S + eight_bars - 0.125, abs=0.001)


def test_a_phrase_may_end_on_the_downbeat_of_jamds_bars() -> None:
    phrase = "1.1.0 player 60 80 6\n1.3.0 player 64 80 6\n2.4.9 player 67 80 3"
    played = play(jam(trade=2), f"{phrase}\n3.1.0 player 72 80 6", bars=4)
    assert played.turns == ["2.4 jamd"]
    assert len(played.jamds) == 3


def test_the_turn_can_be_handed_over_before_the_bars_are_over() -> None:
    phrase = "1.1.0 player 60 80 6\n1.3.0 player 64 80 6\n1.4.0 player 67 80 6"
    played = play(jam(trade=2), phrase, (seconds("1.4.7"), YourTurn()), bars=6)
    assert played.turns == ["1.4 jamd", "4.1 player"]
    assert played.jamds[0] == "1.4.9 Lead 60 75 6"


@pytest.mark.parametrize("again", [4.2, 9.2, 10.9, 13.1, 15.8, 17.0, 19.6])
@pytest.mark.parametrize("handed_over", [[], [(3.37, YourTurn())]])
def test_traded_bars_stay_on_bar_lines_whatever_is_played_again(
    again: float, handed_over: list[tuple[float, Event]]
) -> None:
    bars = "\n".join(f"{n}.{beat}.0 player 60 80 6" for n in (1, 2) for beat in (1, 2, 3, 4))
    story = [*handed_over, (again * BEAT_S, Again())]
    played = play(jam(trade=2), bars, *story, bars=12, improviser=ToTheEnd())
    last = [entry for entry in played.entries if isinstance(entry, TurnTaken)][-1]
    assert last.turn.value == "player"
    assert last.tick % BAR == 0


STEADY = "\n".join(f"{n}.{beat}.0 player 60 80 6" for n in range(1, 25) for beat in range(1, 5))


def traded(first: int, *later: tuple[str, int], text: str = STEADY, bars: int = 20) -> Take:
    """A jam in which other numbers of bars are set at later places; jamd never yields."""
    story = [(seconds(place), Adjust("trade", bars)) for place, bars in later]
    settings = jam(yields=Yield.NEVER, trade=first)
    return play(settings, text, *story, bars=bars, improviser=ToTheEnd())


@pytest.mark.parametrize(
    ("bars", "place", "turns"),
    [
        # In the player's bars they count from where those began,
        (2, "1.3.6", ["2.4 jamd", "5.1 player", "6.4 jamd", "9.1 player"]),
        (8, "1.3.6", ["8.4 jamd", "17.1 player"]),
        (8, "4.2.0", ["8.4 jamd", "17.1 player"]),
        # or with the present one, if that many have passed.
        (2, "3.1.1", ["4.4 jamd", "7.1 player", "8.4 jamd", "11.1 player"]),
        (2, "4.2.0", ["5.4 jamd", "8.1 player", "9.4 jamd", "12.1 player"]),
        # jamd's bars are played out.
        (2, "5.1.0", ["4.4 jamd", "9.1 player", "10.4 jamd", "13.1 player"]),
        (2, "8.4.6", ["4.4 jamd", "9.1 player", "10.4 jamd", "13.1 player"]),
        (8, "6.2.0", ["4.4 jamd", "9.1 player", "16.4 jamd"]),
    ],
)
def test_other_bars_are_traded_from_the_next_turn_on(
    bars: int, place: str, turns: list[str]
) -> None:
    assert traded(4, (place, bars)).turns[: len(turns)] == turns


@pytest.mark.parametrize("bars", [0, 2, 8])
@pytest.mark.parametrize("place", ["4.4.9", "5.1.0", "6.3.4", "8.4.6"])
def test_what_jamd_plays_is_not_cut_by_other_bars(place: str, bars: int) -> None:
    before = [row for row in traded(4).jamds if int(row.split(".")[0]) <= 8]
    after = [row for row in traded(4, (place, bars)).jamds if int(row.split(".")[0]) <= 8]
    assert after == before


def test_a_trade_can_be_begun_and_ended_while_the_player_plays() -> None:
    assert traded(0, ("3.2.6", 4)).turns[:3] == ["4.4 jamd", "9.1 player", "12.4 jamd"]
    ended = "\n".join(row for row in rows(STEADY) if int(row.split(".")[0]) < 10)
    assert traded(4, ("6.2.0", 0), text=ended).turns[:3] == ["4.4 jamd", "9.1 player", "10.1 jamd"]


def test_after_an_answer_that_ends_within_a_bar_the_players_bars_begin_with_the_next() -> None:
    text = f"{ONE_BAR}    3.3.0 player 60 80 9\n    4.1.0 player 62 80 9\n"
    jammed = traded(0, ("2.3.0", 2), text=text, bars=9)
    assert jammed.turns == ["2.1 jamd", "3.2 player", "5.4 jamd", "8.1 player"]


def test_a_knob_that_passes_other_numbers_of_bars_ends_no_turn() -> None:
    swept = [("4.2.0", bars) for bars in (4, 2, 0, 2, 4)]
    assert traded(8, *swept, text=STEADY).turns[0] == "7.4 jamd"


def test_in_another_mode_other_bars_wait_for_the_mode() -> None:
    story: list[tuple[float, Event]] = [
        (seconds("1.1.1"), SetMode(Mode.OFF)),
        (seconds("3.1.0"), Adjust("trade", 4)),
        (seconds("6.2.6"), SetMode(Mode.ANSWER)),
    ]
    assert play(jam(trade=2), STEADY, *story, bars=10).turns == ["9.4 jamd"]
