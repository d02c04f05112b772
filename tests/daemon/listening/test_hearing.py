"""What jamd hears of the player: onsets as intended, note ends as they sound."""

from __future__ import annotations

from itertools import pairwise

import pytest

from jamd.daemon.listening.hearing import Hearing
from jamd.daemon.midi.terms import NoteKey
from jamd.notes import HELD, Meter, Note, Part, Tick

FOUR = Meter(4, 4)
BAR = FOUR.ticks_per_bar
RATE = 960  # ticks a second, at 120 bpm


def press(hearing: Hearing, pitch: int, tick: int, channel: int = 0) -> None:
    hearing.press(NoteKey(channel, pitch), 80, Tick(tick), tick / RATE, RATE)


def release(hearing: Hearing, pitch: int, tick: int, channel: int = 0) -> None:
    hearing.release(NoteKey(channel, pitch), Tick(tick))


def durations(hearing: Hearing, until: int = 8 * BAR) -> list[int]:
    return [note.duration for note in hearing.notes(Tick(until))]


def test_a_key_still_down_is_a_held_note() -> None:
    hearing = Hearing(FOUR)
    press(hearing, 60, 0)
    assert hearing.notes(Tick(480)) == [Note(Tick(0), 60, 80, HELD)]
    release(hearing, 60, 500)
    release(hearing, 60, 600)
    assert hearing.notes(Tick(960)) == [Note(Tick(0), 60, 80, Tick(500))]


def test_notes_within_50_ms_of_the_first_are_one_chord_and_find_their_parts() -> None:
    hearing = Hearing(FOUR)
    for tick, pitch in ((0, 48), (20, 64), (48, 67), (130, 72)):
        press(hearing, pitch, tick)
    assert [(n.onset, n.pitch, n.part) for n in hearing.notes(Tick(480))] == [
        (0, 48, Part.COMP),
        (0, 64, Part.COMP),
        (0, 67, Part.LEAD),
        (120, 72, Part.LEAD),
    ]


def test_a_low_tune_is_a_tune_and_a_bass_lies_under_one() -> None:
    hearing = Hearing(FOUR)
    for i, pitch in enumerate((45, 48, 52, 57, 55, 52, 50, 45, 72, 45, 74, 48)):
        press(hearing, pitch, 240 * i)
        release(hearing, pitch, 240 * i + 200)
    under = [(n.onset // 240, n.pitch) for n in hearing.notes(Tick(BAR)) if n.part is Part.COMP]
    assert under == [(9, 45), (11, 48)]


def test_a_key_pressed_twice_was_let_go_between() -> None:
    hearing = Hearing(FOUR)
    press(hearing, 60, 0)
    press(hearing, 60, 240)
    assert durations(hearing) == [240, HELD]


def test_a_note_put_later_ends_before_its_key_is_struck_again() -> None:
    hearing = Hearing(FOUR)
    for tick in (0, 215, 240 + 210, 480 + 240):
        press(hearing, 60, tick)
        release(hearing, 60, tick + 230)
    notes = hearing.notes(Tick(BAR))
    assert [note.onset for note in notes] == [0, 240, 480, 720]
    assert all(a.end <= b.onset for a, b in pairwise(notes))
    assert all(note.duration >= 40 for note in notes)


def test_a_short_note_is_still_a_note() -> None:
    hearing = Hearing(FOUR)
    press(hearing, 60, 0)
    release(hearing, 60, 2)
    assert durations(hearing) == [40]


def test_the_pedal_lengthens_what_was_let_go() -> None:
    hearing = Hearing(FOUR)
    press(hearing, 60, 0)
    hearing.pedal(0, True, Tick(100))
    release(hearing, 60, 200)
    assert durations(hearing, until=700) == [700]  # it sounds on
    hearing.pedal(0, False, Tick(960))
    assert durations(hearing) == [960]


def test_the_pedal_holds_only_its_own_channel() -> None:
    hearing = Hearing(FOUR)
    hearing.pedal(1, True, Tick(0))
    press(hearing, 60, 0)
    release(hearing, 60, 200)
    press(hearing, 62, 480, channel=1)
    release(hearing, 62, 700, channel=1)
    hearing.pedal(1, False, Tick(1440))
    assert durations(hearing) == [200, 960]


def test_a_key_struck_again_under_the_pedal_ends_what_it_held() -> None:
    hearing = Hearing(FOUR)
    hearing.pedal(0, True, Tick(0))
    press(hearing, 60, 0)
    release(hearing, 60, 200)
    press(hearing, 60, 480)
    release(hearing, 60, 600)
    hearing.pedal(0, False, Tick(720))
    assert durations(hearing) == [480, 240]


@pytest.mark.parametrize(("key_up", "heard"), [(200, 2 * BAR), (3 * BAR, 3 * BAR)])
def test_a_foot_left_on_the_pedal_lengthens_to_two_bars_and_no_key_is_cut(
    key_up: int, heard: int
) -> None:
    hearing = Hearing(FOUR)
    hearing.pedal(0, True, Tick(0))
    press(hearing, 60, 0)
    release(hearing, 60, key_up)
    assert durations(hearing, until=7 * BAR) == [heard]
    hearing.pedal(0, False, Tick(7 * BAR))
    assert durations(hearing) == [heard]


def test_a_drone_is_heard_where_it_began_whatever_is_settled_after_it() -> None:
    hearing = Hearing(FOUR)
    press(hearing, 36, 0)
    for number in range(1, 200):
        press(hearing, 60, 240 * number)
        release(hearing, 60, 240 * number + 200)
        hearing.notes(Tick(240 * number + 240))
    notes = hearing.notes(Tick(240 * 200))
    assert [note.onset for note in notes] == [240 * i for i in range(200)]
    assert [note.duration for note in notes] == [HELD, *[200] * 199]


def test_what_is_settled_stays_in_order_with_what_came_after() -> None:
    hearing = Hearing(FOUR)
    for number in range(200):
        for pitch in (48, 52, 67):
            press(hearing, pitch + number % 5, 240 * number)
        for pitch in (48, 52, 67):
            release(hearing, pitch + number % 5, 240 * number + 200)
        hearing.notes(Tick(240 * number + 240))
    notes = hearing.notes(Tick(240 * 200))
    assert [note.onset for note in notes] == [240 * (i // 3) for i in range(600)]
    assert [note.part for note in notes] == [Part.COMP, Part.COMP, Part.LEAD] * 200


def test_a_drone_that_has_ended_stays_where_it_began_when_later_notes_are_moved() -> None:
    hearing = Hearing(FOUR)
    press(hearing, 40, 0)  # settled last of all, as it is held
    for number in range(1, 120):
        press(hearing, 60, 240 * number)
        release(hearing, 60, 240 * number + 200)
        hearing.notes(Tick(240 * number + 240))
    release(hearing, 40, 240 * 120)
    hearing.notes(Tick(240 * 121))
    hearing.move(Tick(4800), lambda tick: Tick(tick + 480))
    onsets = [note.onset for note in hearing.notes(Tick(240 * 121))]
    assert onsets == [240 * i if i < 20 else 240 * i + 480 for i in range(120)]
