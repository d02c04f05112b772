"""Whole takes to read: what is planned, certain, late or lost (`readable_takes` has the rows).

The scripted improviser answers a tune with its mirror image, at once; if it is late, its answer is
written into the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from jamd.daemon.events import Answered, Event, Mode, WorkerLost, WorkerReady
from jamd.daemon.model.requests import Planned, PlanRequest
from jamd.daemon.playing.yielding import Yield
from jamd.daemon.settings import Settings
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Note, Tick
from readable_takes import ONE_BAR, heard, play, rows, seconds

JAM = Settings(bpm=120, start_at_once=True)
ENDLESS = replace(JAM, mode=Mode.ENDLESS)
NOW = replace(JAM, yields=Yield.NOW)


def tick(place: str) -> Tick:
    return Tick(round(seconds(place) * TICKS_PER_BEAT * JAM.bpm / 60))


class Late:
    """A worker that is asked and does not answer yet; its answer comes later, as an event."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        self.asked.append(request.id)
        yield from ()


def says(place: str, request: int, text: str, through: str) -> tuple[float, Event]:
    """At `place` the worker answers `request`, up to `through`; how loud, jamd sees to."""
    notes = []
    for row in rows(text):
        onset, _, pitch, velocity, length = row.split()
        duration = Tick(int(length) * TICKS_PER_STEP)
        notes.append(Note(tick(onset), int(pitch), int(velocity), duration))
    return seconds(place), Answered(Planned(request, tuple(notes), tick(through), done=True))


ANSWER = """
    2.2.0 Lead 60 80 9
    2.3.0 Lead 56 80 9
    2.4.0 Lead 53 80 9
    3.1.0 Lead 55 80 6
"""


def test_a_note_within_the_commit_window_is_still_played() -> None:
    # The window is a sixteenth, 125 ms here: at 2.3.6 the onset at 2.4.0 is not certain, at 2.3.10
    # it is.
    early = play(NOW, ONE_BAR + "    2.3.6 player 72 80 6", bars=2)
    late = play(NOW, ONE_BAR + "    2.3.10 player 72 80 6", bars=2)
    assert early.jamds == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
    """)
    assert late.jamds[:3] == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 9
    """)


def test_in_endless_what_the_player_does_changes_what_comes_next() -> None:
    untouched = play(ENDLESS, ONE_BAR, bars=3)
    touched = play(ENDLESS, ONE_BAR + "    2.3.6 player 72 80 6", bars=3)
    assert touched.turns == ["2.1 jamd"]
    assert untouched.jamds[:3] == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 9
    """)
    assert touched.jamds[:3] == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 60 80 9
    """)


def test_what_was_planned_is_played_though_the_worker_is_lost() -> None:
    played = play(JAM, ONE_BAR, (seconds("2.1.3"), WorkerLost()))
    assert played.jamds == play(JAM, ONE_BAR).jamds


def test_a_new_worker_plays_what_is_left_of_the_answer() -> None:
    played = play(
        JAM,
        ONE_BAR,
        (seconds("1.2.0"), WorkerLost()),
        (seconds("2.3.1"), WorkerReady()),
    )
    assert played.turns == ["2.1 jamd", "3.2 player"]
    assert played.jamds == rows("""
        2.4.0 Lead 60 80 9
        3.1.0 Lead 56 86 9
    """)


def test_without_a_worker_the_answer_is_silence_and_the_turn_comes_back() -> None:
    played = play(JAM, ONE_BAR, (seconds("1.2.0"), WorkerLost()))
    assert played.turns == ["2.1 jamd", "3.2 player"]
    assert played.jamds == []


def test_an_answer_that_is_late_is_played_from_then_on_and_never_in_a_burst() -> None:
    # It should begin on 2.2, and is there shortly before 2.4: what 2.2 and 2.3 had is left out.
    late = Late()
    played = play(JAM, ONE_BAR, says("2.3.7", 1, ANSWER, "3.2.0"), improviser=late)
    assert late.asked == [1]
    assert played.turns == ["2.1 jamd", "3.2 player"]
    assert played.jamds == rows("""
        2.4.0 Lead 53 80 9
        3.1.0 Lead 55 86 6
    """)
    assert play(JAM, ONE_BAR, says("3.2.1", 1, ANSWER, "3.2.0"), improviser=Late()).jamds == []


def test_a_worker_that_falls_behind_leaves_silence_after_what_is_planned() -> None:
    # The first answer reaches to 5.1. What follows is asked for at 3.1, a bar line, and comes at
    # 5.3.7: the note on 4.4 has become certain since then, which it did not know of, so it is asked
    # for anew. The next answer is played from the first beat on that is still to come.
    late = Late()
    played = play(
        ENDLESS,
        ONE_BAR,
        says("2.1.5", 1, "2.2.0 Lead 60 80 12\n3.1.0 Lead 62 80 12\n4.4.0 Lead 64 80 12", "5.1.0"),
        says("5.3.7", 2, "5.1.0 Lead 70 80 9\n5.2.0 Lead 71 80 9\n5.4.0 Lead 72 80 9", "6.1.0"),
        says("5.4.7", 3, "5.4.0 Lead 80 80 9\n6.1.0 Lead 81 80 9\n6.2.0 Lead 82 80 9", "8.1.0"),
        bars=6,
        improviser=late,
    )
    assert late.asked[:3] == [1, 2, 3]
    assert played.turns == ["2.1 jamd"]
    assert played.jamds == rows("""
        2.2.0 Lead 60 80 12
        3.1.0 Lead 62 86 12
        4.4.0 Lead 64 80 12
        6.1.0 Lead 81 86 9
        6.2.0 Lead 82 80 9
    """)


def test_the_newest_request_wins() -> None:
    # The player seems to pause, and jamd asks; they go on, pause again, and it asks anew. Only
    # then comes the first answer.
    late = Late()
    played = play(
        JAM,
        ONE_BAR + "    2.1.3 player 72 80 9",
        says("2.2.6", 1, "2.4.0 Lead 90 80 9\n3.1.0 Lead 91 80 9\n3.3.0 Lead 92 80 9", "4.4.0"),
        says("2.2.8", 2, "2.4.0 Lead 60 80 9\n3.1.0 Lead 62 80 9", "4.4.0"),
        improviser=late,
    )
    assert late.asked == [1, 2]
    assert played.jamds == rows("""
        2.4.0 Lead 60 80 9
        3.1.0 Lead 62 86 9
    """)


@pytest.mark.parametrize(
    ("bpm", "window_s"),
    [
        (50, 0.150),  # a sixteenth lasts 300 ms
        (120, 0.125),  # a sixteenth
        (220, 0.080),  # a sixteenth lasts 68 ms
    ],
)
def test_certain_is_a_sixteenth_but_never_under_80_ms_nor_over_150(
    bpm: float, window_s: float
) -> None:
    # The player strikes a key 5 ms before the note on 2.4 becomes certain, and 5 ms after that.
    jam = replace(ENDLESS, bpm=bpm)
    key = heard("1.1.0 player 72 80 3", bpm)
    for early_s, on_the_beat in ((0.005, "2.4.0 Lead 60 80 9"), (-0.005, "2.4.0 Lead 53 80 9")):
        struck = seconds("2.4.0", bpm) - window_s - early_s
        played = play(jam, ONE_BAR, *[(struck + at, event) for at, event in key], bars=2)
        assert played.jamds == [
            "2.2.0 Lead 60 80 9",
            "2.3.0 Lead 56 80 9",
            on_the_beat,
        ]
