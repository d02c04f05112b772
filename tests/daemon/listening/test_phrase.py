from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.daemon.listening.phrase import Phrase
from jamd.daemon.midi.terms import NoteKey
from jamd.notes import Meter, Tick

BEAT = 0.5


def played(onsets: Sequence[float], held: float = 0.1) -> Phrase:
    """A phrase at 120 bpm, its onsets in seconds."""
    phrase = Phrase()
    for i, onset in enumerate(onsets):
        phrase.press(NoteKey(0, i), 64, Tick(round(onset * 960)), onset)
        phrase.release(NoteKey(0, i), Tick(round((onset + held) * 960)), onset + held)
    return phrase


@pytest.mark.parametrize(
    ("onsets", "pause"),
    [
        ([0.0], 1.0),  # no pace yet: the longest
        ([0.0, 0.1, 0.2], 0.5),  # quick: a beat
        ([0.0, 0.4, 0.8], 0.6),  # 1.5 times the median gap
        ([0.0, 0.4, 2.0, 2.4], 0.6),  # a breath inside does not change the median
        ([0.0, 0.9, 1.8], 1.0),  # slow: two beats
        ([0.0, 0.04, 0.5, 0.54, 1.0], 0.75),  # chords count once
    ],
)
def test_the_pause_that_ends_a_phrase_follows_its_pace(onsets: list[float], pause: float) -> None:
    assert played(onsets).pause(BEAT) == pytest.approx(pause)


def test_a_phrase_does_not_end_while_keys_are_down() -> None:
    phrase = played([0.0, 0.2, 0.4])
    assert phrase.ends(BEAT) == pytest.approx(0.5 + 7 / 16)
    for pitch in (98, 99):
        phrase.press(NoteKey(0, pitch), 64, Tick(600), 0.6)
    assert phrase.ends(BEAT) == 0.6 + 4.0 + 7 / 16, "two bars later they count as up"
    assert phrase.pauses(BEAT) == 0.6 + 4.0 + 7 / 32
    for pitch in (98, 99):
        phrase.release(NoteKey(0, pitch), Tick(3000), 3.0)
    assert phrase.ends(BEAT) == 3.0 + 7 / 16
    assert phrase.pauses(BEAT) == 3.0 + 7 / 32


def test_a_key_held_alone_for_two_beats_is_a_drone() -> None:
    phrase = Phrase()
    phrase.press(NoteKey(0, 38), 64, Tick(0), 0.0)
    phrase.press(NoteKey(0, 60), 64, Tick(240), 0.25)
    assert phrase.ends(BEAT) == 4.25 + 7 / 16, "it is not alone"
    phrase.release(NoteKey(0, 60), Tick(480), 0.5)
    assert phrase.ends(BEAT) == 1.0 + 7 / 16, "it counts as up from two beats after its strike"
    for tick in (960, 1200, 1440):
        phrase.press(NoteKey(0, 62), 64, Tick(tick), tick / 960)
        assert phrase.ends(BEAT) == tick / 960 + 4.0 + 7 / 16
        phrase.release(NoteKey(0, 62), Tick(tick + 60), (tick + 60) / 960)
    assert phrase.ends(BEAT) == pytest.approx(1.5625 + 7 / 16), "when the last key above it came up"


def test_keys_held_together_for_two_bars_are_a_pad() -> None:
    phrase = Phrase()
    for pitch in (48, 52, 55):
        phrase.press(NoteKey(0, pitch), 64, Tick(0), 0.0)
    for onset in (1.0, 4.5):
        phrase.press(NoteKey(0, 72), 64, Tick(round(onset * 960)), onset)
        phrase.release(NoteKey(0, 72), Tick(round(onset * 960) + 240), onset + 0.25)
        assert phrase.ends(BEAT) == max(4.0 + 7 / 16, onset + 1.0), "when the tune above it pauses"


@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.integers(60, 64), st.booleans(), st.floats(0.15, 1.5)),
        min_size=1,
        max_size=20,
    )
)
def test_whatever_keys_never_come_up_a_phrase_is_over_nine_beats_after_the_last_was_struck(
    strokes: list[tuple[float, int, bool, float]],
) -> None:
    phrase, now = Phrase(), 0.0
    for wait, pitch, comes_up, length in strokes:
        now += wait
        phrase.press(NoteKey(0, pitch), 64, Tick(round(now * 960)), now)
        struck, last = now, now
        if comes_up:
            now += length
            last = now
            phrase.release(NoteKey(0, pitch), Tick(round(now * 960)), now)
    ends = phrase.ends(BEAT)
    assert ends is not None
    assert ends - max(struck + 8 * BEAT, last) <= BEAT


def test_a_run_is_not_of_the_chord_with_which_a_phrase_was_handed_over() -> None:
    phrase = played([0.0, 0.5])
    phrase.hand_over(1.0)
    for now, joins in ((1.03, True), (1.045, True), (1.06, False), (1.09, False)):
        assert phrase.is_handed_over_with(now) == joins
        if joins:
            phrase.hand_over(now)  # as the floor does with each key of the chord


def test_a_phrase_that_is_handed_over_is_over_now() -> None:
    phrase = played([0.0, 0.2, 0.4])
    phrase.press(NoteKey(0, 98), 64, Tick(600), 0.6)
    phrase.press(NoteKey(0, 99), 64, Tick(600), 0.6)
    phrase.hand_over(0.7)
    assert phrase.ends(BEAT) == phrase.pauses(BEAT) == 0.7
    phrase.press(NoteKey(0, 97), 64, Tick(720), 0.75)
    assert phrase.ends(BEAT) == 0.75 + 4.0 + 7 / 16, "the player goes on after all"
    nothing = Phrase()
    nothing.hand_over(1.0)
    assert nothing.ends(BEAT) is None


def test_the_answer_is_thought_of_before_the_phrase_is_over() -> None:
    assert played([0.0, 0.2, 0.4]).pauses(BEAT) == pytest.approx(0.5 + 7 / 32)


def test_nothing_played_never_ends() -> None:
    assert Phrase().ends(BEAT) is None


@pytest.mark.parametrize(
    ("last_onset", "bars"),
    [(1.5, 1), (2.4, 1), (2.95, 2), (4.5, 2), (6.0, 4), (8.5, 4), (11.9, 8), (40.0, 8)],
)
def test_an_answer_lasts_whole_bars(last_onset: float, bars: int) -> None:
    phrase = played([0.0, 0.5, last_onset])
    assert phrase.answer_ticks(Meter(4, 4)) == bars * 1920


@pytest.mark.parametrize(("bars_played", "bars"), [(1.5, 2), (3, 4), (6, 8)])
def test_half_way_between_two_lengths_the_longer_one_answers(bars_played: float, bars: int) -> None:
    seconds = 2 * bars_played
    for early in (0.0, 0.01, 0.1, 0.2):
        phrase = played([0.0, 0.5, seconds - 1], held=1 - early)
        assert phrase.answer_ticks(Meter(4, 4)) == bars * 1920, early


@pytest.mark.parametrize(("first", "last", "bars"), [
    (1.5, 3.9, 1),  # a beat before a bar line, and a bar
    (1.48, 3.9, 1),
    (1.75, 5.9, 2),
    (0.5, 3.9, 2),  # from the second beat on: no pickup
])  # fmt: skip
def test_a_pickup_does_not_make_the_answer_longer(first: float, last: float, bars: int) -> None:
    phrase = played([first, first + 0.5, last])
    assert phrase.answer_ticks(Meter(4, 4)) == bars * 1920
