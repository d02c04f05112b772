"""Whole takes to read: the beat, whoever gives it (`readable_takes` has the rows).

The scripted improviser answers a tune with its mirror image, so what is tested is when jamd plays,
not what.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import pytest
from mido import Message

from jamd.config.control import Control, ControlKind
from jamd.daemon.control.controls import Action
from jamd.daemon.events import (
    Event,
    Heard,
    Journal,
    SetTempo,
    Tap,
    WorkerReady,
)
from jamd.daemon.playing.click import When
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource
from jamd.notes import Meter
from readable_takes import ONE_BAR, Take, heard, play, rows, seconds

JAM = Settings(bpm=120, start_at_once=True)


def test_in_compound_time_an_answer_starts_on_a_dotted_quarter() -> None:
    played = play(
        replace(JAM, meter=Meter(6, 8)),
        """
        1.1.0 player 60 80 5
        1.2.0 player 62 80 5
        1.3.0 player 64 80 5
        1.4.0 player 65 80 12
        """,
        bars=4,
    )
    assert played.jamds == rows("""
        2.4.0 Lead 60 80 5
        2.5.0 Lead 58 75 5
        2.6.0 Lead 56 75 5
        3.1.0 Lead 55 86 12
    """)


def test_a_change_of_tempo_keeps_the_beat() -> None:
    played = play(JAM, ONE_BAR, (seconds("2.4.1"), SetTempo(60)))
    assert played.jamds == play(JAM, ONE_BAR).jamds


def test_the_first_note_starts_the_transport() -> None:
    session = Session(Settings(bpm=120))
    session.handle(WorkerReady(), 50.0)
    assert session.next_deadline() is None
    assert session.status(50.0).bar == 0
    effects = session.handle(Heard(Message("note_on", note=60)), 60.0)
    assert [effect.entry.tick for effect in effects if isinstance(effect, Journal)] == [0, 0, 0]
    status = session.status(62.6)
    assert (status.bar, status.beat, status.last_note) == (2, 2, 60)


def test_in_two_four_and_three_four_an_answer_has_their_bars() -> None:
    two = """
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        2.1.0 player 67 80 9
        2.2.0 player 65 80 6
    """
    played = play(replace(JAM, meter=Meter(2, 4)), two)
    assert played.turns == ["3.1 jamd", "5.2 player"]
    assert played.jamds == rows("""
        3.2.0 Lead 60 80 9
        4.1.0 Lead 56 86 9
        4.2.0 Lead 53 80 9
        5.1.0 Lead 55 86 6
    """)
    three = """
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        1.3.0 player 67 80 9
        2.1.0 player 65 80 30
    """
    played = play(replace(JAM, meter=Meter(3, 4)), three)
    assert played.turns == ["3.1 jamd", "5.2 player"]
    assert played.jamds == rows("""
        3.2.0 Lead 60 80 9
        3.3.0 Lead 56 80 9
        4.1.0 Lead 53 86 9
        4.2.0 Lead 55 80 30
    """)


def test_after_a_count_in_the_first_bar_is_bar_two_of_the_take() -> None:
    played = play(Settings(bpm=120, count_in=1), ONE_BAR.replace("    1.", "    2."))
    assert played.turns == ["3.1 jamd", "4.2 player"]
    assert played.jamds == rows("""
        3.2.0 Lead 60 80 9
        3.3.0 Lead 56 80 9
        3.4.0 Lead 53 80 9
        4.1.0 Lead 55 86 6
    """)


PEDAL = Control(ControlKind.CC, 67)


@pytest.mark.parametrize("event", [Tap(), Heard(Message("control_change", control=67, value=127))])
def test_taps_set_the_tempo_and_the_beat(event: Event) -> None:
    taps = [(i * 0.6, event) for i in range(4)]
    up = Heard(Message("control_change", control=67, value=0))
    played = play(
        Settings(bpm=120, source=BeatSource.INTERNAL, controls={PEDAL: Action.TAP}),
        "",
        *taps,
        *[(at + 0.1, up) for at, _ in taps],
        *[(2.4 + at, event) for at, event in heard(ONE_BAR, 100)],
    )
    assert played.rows == rows("""
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        1.3.0 player 67 80 9
        1.4.0 player 65 80 6
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 9
        3.1.0 Lead 55 86 6
    """)


def test_the_players_own_beat_is_answered_on() -> None:
    # 90 bpm; nobody has told jamd, which begins at 120.
    phrase = """
        1.1.0 player 60 80 9
        1.2.0 player 62 80 5
        1.2.6 player 64 80 5
        1.3.0 player 65 80 9
        1.4.0 player 67 80 9
        2.1.0 player 69 80 5
        2.1.6 player 67 80 5
        2.2.0 player 65 80 5
        2.2.6 player 64 80 5
        2.3.0 player 62 80 9
        2.4.0 player 60 80 9
    """
    played = play(Settings(bpm=120, source=BeatSource.PLAYER), "", *heard(phrase, 90))
    assert played.jamds == rows("""
        4.2.0 Lead 60 80 9
        4.3.0 Lead 58 80 5
        4.3.6 Lead 56 75 5
        4.4.0 Lead 55 80 9
        5.1.0 Lead 53 86 9
        5.2.0 Lead 51 80 5
        5.2.6 Lead 53 75 5
        5.3.0 Lead 55 80 5
        5.3.6 Lead 56 75 5
        5.4.0 Lead 58 80 9
        6.1.0 Lead 60 86 9
    """)


def test_where_there_is_no_beat_the_answer_is_in_the_players_median_gap() -> None:
    # It is 0.47 s, and the last note is on the beat, nine beats after a bar line: on 5.2.
    # 1.5 beats end the phrase. 6.1 is too far from the last key's release: the answer is on 5.4.
    gaps = (0.62, 0.47, 0.31, 0.66, 0.39, 0.55, 0.27, 0.59, 0.43)
    struck = [1.0, *(1.0 + end for end in accumulate(gaps))]
    events = [
        (at + held, Heard(Message(kind, note=60)))
        for at in struck
        for held, kind in ((0.0, "note_on"), (0.1, "note_off"))
    ]
    played = play(Settings(bpm=120, source=BeatSource.PLAYER), "", *events)
    assert played.turns == ["5.3 jamd", "7.4 player"]
    assert played.jamds[0] == "5.4.0 Lead 60 64 3"
    assert played.performance.sent[0][1].due == pytest.approx(struck[-1] + 2 * 0.47)
    session = played.performance.session
    assert isinstance(session, Session)
    status = session.status(20.0)
    assert (status.told_by, round(status.bpm, 1)) == ("your median gap", 127.7)


def left(played: Take, channel: int) -> list[str]:
    """`2.100 37 90`: when each note-on of a channel is due, in seconds, its pitch and velocity."""
    return [
        f"{send.due:.3f} {send.message.note} {send.message.velocity}"
        for _, send in played.performance.sent
        if send.message.type == "note_on" and send.message.channel == channel
    ]


def test_the_click_counts_every_beat_until_the_first_answer_sounds() -> None:
    clicking = replace(JAM, click=When.AUTO)
    accent, beat = clicking.click_sound.accent, clicking.click_sound.beat
    played = play(clicking, ONE_BAR)
    one, other = (f"{pitch} {velocity}" for pitch, velocity in (accent, beat))
    assert left(played, clicking.click_sound.channel) == [
        *(f"0.000 {one}", f"0.500 {other}", f"1.000 {other}", f"1.500 {other}"),
        *(f"2.000 {one}", f"2.500 {other}"),
    ]
    assert played.jamds[0] == "2.2.0 Lead 60 80 9"


def test_what_leaves_early_or_late_stands_in_the_take_where_it_was_meant() -> None:
    for offset_s in (-0.05, 0.05):
        shifted = play(replace(JAM, output_offset_s=offset_s), ONE_BAR)
        places = [" ".join(row.split()[:3]) for row in shifted.jamds]
        assert places == [
            "2.2.0 Lead 60",
            "2.3.0 Lead 56",
            "2.4.0 Lead 53",
            "3.1.0 Lead 55",
        ]
        due = [float(row.split()[0]) for row in left(shifted, 0)]
        assert due == [round(at + offset_s, 3) for at in (2.5, 3.0, 3.5, 4.0)]


def test_the_clicks_and_the_clocks_offset_are_their_own() -> None:
    offsets = replace(
        JAM, click=When.ON, click_offset_s=0.03, send_clock=True, clock_offset_s=-0.02
    )
    played = play(offsets, ONE_BAR, bars=3)
    clicks = [float(row.split()[0]) for row in left(played, JAM.click_sound.channel)]
    assert clicks == [round(beat / 2 + 0.03, 3) for beat in range(12)]
    sent = played.performance.sent
    pulses = [round(s.due, 3) for _, s in sent if s.message.type == "clock"]
    assert pulses[24::24] == [round(beat / 2 - 0.02, 3) for beat in range(1, 13)]
    assert [row.split()[0] for row in left(played, 0)] == ["2.500", "3.000", "3.500", "4.000"]
