"""Whose turn it is, as takes to read: `bar.beat.step part pitch velocity length`.

The tempo is 120 bpm: a sixteenth, which is also the commit window, lasts 125 ms. The scripted
improviser answers a tune with its mirror image, so what is tested is when jamd plays, not what.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeGuard

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.events import (
    Again,
    Event,
    Heard,
    Mode,
    SetMode,
    Sounded,
    Turn,
    TurnTaken,
    WorkerReady,
    YourTurn,
)
from jamd.daemon.modes import PROMPT_SECONDS, Scene, Trade
from jamd.daemon.phrase import Phrase
from jamd.daemon.requests import Planned, PlanRequest
from jamd.daemon.schedule import Key
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.transport import SIXTEENTH, Transport
from jamd.daemon.virtual import Performance, ScriptedImproviser
from jamd.daemon.yielding import Patience, Yield
from jamd.notes import METERS, STEPS_PER_BEAT, TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Tick
from readable_takes import AMAZING_GRACE, FOUR, ONE_BAR, Take, heard, play, seconds, unshaded

BAR = FOUR.ticks_per_bar
BEAT_S = 0.5
UNBROKEN = [
    "2.2.0 Lead 60 80 9",
    "2.3.0 Lead 56 80 9",
    "2.4.0 Lead 53 80 9",
    "3.1.0 Lead 55 86 6",
]
"""What answers one bar when nobody takes the turn back."""


def jam(
    mode: Mode = Mode.ANSWER, yields: Yield = Yield.NOTE, trade: int = 0, bpm: float = 120
) -> Settings:
    return Settings(mode=mode, bpm=bpm, start_at_once=True, yields=yields, trade_bars=trade)


class ToTheEnd:
    """Answers with sixteenths up to the last moment that it is asked for."""

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        first = -(-request.context.until // SIXTEENTH) * SIXTEENTH
        onsets = range(first, request.through, SIXTEENTH)
        notes = tuple(Note(Tick(onset), 72, 80, SIXTEENTH) for onset in onsets)
        yield Planned(request.id, notes, request.through, done=True)


# Yielding


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
    performance = Performance(
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


# The start


def test_a_phrase_handed_over_is_answered_on_the_next_sixteenth() -> None:
    # Its last note ends at 1.4.6. An answer takes 25 ms to ask for: too long at 1.4.8.9.
    for pressed, begins in (("1.4.7", "1.4.9"), ("1.4.8", "1.4.9"), ("1.4.8.9", "2.1.0")):
        played = play(jam(), ONE_BAR, (seconds(pressed), YourTurn()), bars=4)
        assert played.turns[0] == "1.4 jamd"
        assert played.jamds[0].split()[0] == begins


def test_a_phrase_handed_over_too_early_is_none() -> None:
    for settings in (jam(), jam(trade=2)):
        assert play(settings, "1.1.0 player 60 80 9", (seconds("1.2.0"), YourTurn())).jamds == []


@given(
    bpm=st.floats(50, 220),
    place=st.floats(3, 3.5),
    lags=st.lists(st.floats(-0.024, 0.024), min_size=1, max_size=4),
    mode=st.sampled_from([Mode.ANSWER, Mode.ENDLESS]),
    trade=st.sampled_from([0, 2]),
)
@examples(deadline=None, max_examples=60)
def test_a_phrase_handed_over_with_its_last_chord_is_answered_whichever_came_first(
    bpm: float, place: float, lags: list[float], mode: Mode, trade: int
) -> None:
    beat = 60 / bpm
    pressed = place * beat
    story: list[tuple[float, Event]] = [(0.0, WorkerReady()), (pressed, YourTurn())]
    for i in range(6):
        story.append((i / 2 * beat, Heard(Message("note_on", note=60, velocity=80))))
        story.append(((i / 2 + 0.3) * beat, Heard(Message("note_off", note=60))))
    for pitch, lag in zip((48, 52, 55, 60), lags, strict=False):
        story.append((pressed + lag, Heard(Message("note_on", note=pitch, velocity=80))))
    performance = Performance(Session(jam(mode, trade=trade, bpm=bpm)), ToTheEnd(), story)
    performance.run(pressed + 2 * beat)
    over = max([pressed, *(pressed + lag for lag in lags)])
    known = Tick(round((over + PROMPT_SECONDS) / beat * TICKS_PER_BEAT))
    first, *_ = Take(performance.entries, performance).notes
    assert known - 1 <= first.onset <= known + SIXTEENTH


@pytest.mark.parametrize("seed", range(8))
def test_an_answer_whose_first_note_wandered_early_has_begun(seed: int) -> None:
    wandering = replace(jam(yields=Yield.NEVER), humanise_s=0.04, seed=seed)
    alone = play(wandering, ONE_BAR)
    left = min(entry.seconds for entry in alone.entries if is_own_onset(entry))
    stray = (left + 0.003, Heard(Message("note_on", note=90, velocity=80)))
    assert play(wandering, ONE_BAR, stray).turns[1] == "3.2 player"


def is_own_onset(entry: object) -> TypeGuard[Sounded]:
    if not isinstance(entry, Sounded) or entry.part is None:
        return False
    return bool(entry.message.type == "note_on")


def test_your_turn_in_the_midst_of_an_answer_leaves_the_player_his_way_back() -> None:
    # Two notes within a beat take the turn back, also right after the pedal.
    for yields, kept in ((Yield.NOTE, 3), (Yield.NOW, 2)):
        notes = "    2.3.6 player 72 80 3\n    2.4.3 player 74 80 36"
        story = (seconds("2.3.6") - 0.01, YourTurn())
        played = play(jam(yields=yields), ONE_BAR + notes, story, bars=2)
        assert played.jamds == UNBROKEN[:kept], yields


@pytest.mark.parametrize("trade", [0, 2])
def test_who_hands_over_while_jamd_waits_for_its_beat_is_answered_on_the_next_sixteenth(
    trade: int,
) -> None:
    # Known to be over at 2.2.2, it would be answered on 2.3; where twos are traded, on 3.1.
    places = [f"1.{beat}.{step}" for beat in range(1, 5) for step in (0, 6)] + ["2.1.0"]
    phrase = "\n".join(f"{place} player 60 80 3" for place in places)
    slow = jam(trade=trade, bpm=60)
    last = "3.1.0" if trade else "2.3.0"
    for pressed, begins in (("2.2.4", "2.2.6"), ("2.2.5.9", "2.2.9"), (last, last)):
        story = (seconds(pressed, 60) - 0.01, YourTurn())
        played = play(slow, phrase, story, bars=6, improviser=ToTheEnd())
        assert played.jamds[0].split()[0] == begins, pressed


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize("bpm", [50, 120, 220])
@pytest.mark.parametrize("gap", [6, 12, 18, 23])  # steps from one note to the next
def test_the_silence_before_an_answer_is_at_most_two_beats_and_a_32nd(
    meter: Meter, bpm: float, gap: int
) -> None:
    # Where the end is known later than that allows, it is the next eighth after a sixteenth.
    step = 60 / bpm / STEPS_PER_BEAT
    for held, wait in itertools.product((gap // 3, gap - 1, gap, 21), range(0, 36, 6)):
        story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
        for i, length in enumerate([min(held, gap - 1)] * 7 + [held]):
            begin = wait + i * gap
            story.append((begin * step, Heard(Message("note_on", note=60 + i, velocity=80))))
            story.append(((begin + length) * step, Heard(Message("note_off", note=60 + i))))
        performance = Performance(
            Session(replace(jam(bpm=bpm), meter=meter)),
            ScriptedImproviser(),
            sorted(story, key=lambda s: s[0]),
        )
        performance.run((wait + 7 * gap + 120) * step)
        up = (wait + 7 * gap + held) * TICKS_PER_STEP
        begun = next(e for e in performance.entries if isinstance(e, TurnTaken))
        first = Take(performance.entries, performance).notes[0].onset
        earliest = begun.tick + SIXTEENTH
        eighth = -(-earliest // (2 * SIXTEENTH)) * 2 * SIXTEENTH
        assert first - up <= max(2 * TICKS_PER_BEAT + 60, eighth - up), (held, wait)
        assert SIXTEENTH <= first - begun.tick <= 2 * TICKS_PER_BEAT, (held, wait)


# Trading


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
        phrase.press(Key(0, 60), 80, transport.tick_at(now), now)
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
