"""Whole takes to read: a beat shared with other machines (`readable_takes` has the rows).

The scripted improviser answers a tune with its mirror image, so what is tested is when jamd plays,
not what. What the others of an Ableton Link session do is told to the session as `LinkPeer` tells
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

import pytest
from mido import Message

from jamd.daemon.events import Event, Heard, LinkState, Output
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource, ClockLost
from jamd.daemon.timing.transport import position
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP
from readable_takes import FOUR, ONE_BAR, Story, Take, heard, play, rows, seconds

CLOCK, START, STOP, CONTINUE = (
    Heard(Message(kind)) for kind in ("clock", "start", "stop", "continue")
)
LINK = Settings(bpm=120, source=BeatSource.LINK)
THEIRS = LinkState(peers=1, bpm=90, bar_line=0.0, playing=False, since=-1.0)


def moved(by: float, story: Story) -> Story:
    return [(by + at, event) for at, event in story]


def clock(begin: float, end: float, bpm: float) -> Iterator[tuple[float, Event]]:
    for pulse in range(round((end - begin) * bpm * 24 / 60)):
        yield begin + pulse * 60 / bpm / 24, CLOCK


def after_the_clock_is_lost(how: ClockLost) -> Take:
    """A DAW's clock, 120 bpm, says Start at 1 s and is not heard any more from 3.5 s on, 2.2."""
    return play(
        Settings(bpm=90, on_clock_lost=how),
        "",
        *clock(0.0, 3.5, 120),
        (0.99, START),
        *moved(1.0, heard(ONE_BAR)),
    )


def test_a_clock_is_followed_and_where_it_is_lost_the_tempo_is_kept() -> None:
    assert after_the_clock_is_lost(ClockLost.KEEP).rows == rows("""
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        1.3.0 player 67 80 9
        1.4.0 player 65 80 6
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 9
        3.1.0 Lead 55 86 6
    """)


def test_or_the_song_stops_a_quarter_of_a_second_later() -> None:
    assert after_the_clock_is_lost(ClockLost.STOP).jamds == rows("""
        2.2.0 Lead 60 80 5.5
    """)


def following(*said: tuple[float, Event], pulses: Story) -> Take:
    """A DAW's clock says Start at 1 s, and the player plays a bar; besides, the DAW says more."""
    phrase = moved(1.0, heard(ONE_BAR))
    return play(Settings(bpm=90), "", *pulses, (0.99, START), *phrase, *said)


def test_a_single_glitch_of_a_clock_moves_nothing() -> None:
    # At 2.8 s, in the player's last beat, and at 4.3 s, while jamd plays: a pulse too many, one
    # that comes 15 ms late (of 21 between two of them), and one that is missing.
    steady = list(clock(0.0, 9.0, 120))
    glitches = [round(at * 48) for at in (2.8, 4.3)]
    stray = [(number / 48 + 0.005, CLOCK) for number in glitches]
    late = [
        (at + 0.015 if number in glitches else at, pulse)
        for number, (at, pulse) in enumerate(steady)
    ]
    missing = [pulse for number, pulse in enumerate(steady) if number not in glitches]
    for pulses in ([*steady, *stray], late, missing):
        played = following(pulses=pulses)
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
        due = [send.due for _, send in played.performance.sent if send.message.type == "note_on"]
        assert due == pytest.approx([3.5, 4.0, 4.5, 5.0], abs=0.0005)


def test_a_change_of_a_clocks_tempo_is_followed_within_two_beats() -> None:
    # From 120 to 90 on 3.1, which is at 5 s. The player plays at 90 from 3.3 on.
    again = moved(5.0 + seconds("1.3.0", 90), heard(ONE_BAR, 90))
    played = following(*again, pulses=[*clock(0.0, 5.0, 120), *clock(5.0, 14.0, 90)])
    assert played.rows[4:] == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 9
        3.1.0 Lead 55 86 6
        3.3.0 player 60 80 9
        3.4.0 player 64 80 9
        4.1.0 player 67 80 9
        4.2.0 player 65 80 6
        4.4.0 Lead 67 80 9
        5.1.0 Lead 69 86 6
    """)


def test_stop_ends_what_sounds_and_continue_goes_on_from_there() -> None:
    # Stop comes shortly before the pulse of 2.3.6: with Continue the next pulse, at 7 s, is that.
    stop = (1.0 + seconds("2.3.5.75"), STOP)
    rest = """
        2.4.0 player 60 80 9
        3.1.0 player 62 80 9
        3.2.0 player 64 80 6
    """
    goes_on = [(6.99, CONTINUE), *moved(7.0 - seconds("2.3.6"), heard(rest))]
    played = following(stop, *goes_on, pulses=list(clock(0.0, 16.0, 120)))
    assert played.turns == ["2.1 jamd", "2.3 player", "4.3 jamd", "5.4 player"]
    # The take counts a bar more: bar 2 has begun once, and its ticks only rise.
    assert played.rows[4:] == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 5.75
        3.4.0 player 60 80 9
        4.1.0 player 62 80 9
        4.2.0 player 64 80 6
        4.4.0 Lead 62 80 9
        5.1.0 Lead 60 86 6
    """)


def test_a_song_that_stands_is_sought_by_its_position() -> None:
    stop = (1.0 + seconds("2.3.5.75"), STOP)
    bar_nine = (6.5, Heard(Message("songpos", pos=8 * 16)))
    again = moved(7.0, heard(ONE_BAR))
    played = following(stop, bar_nine, (6.99, CONTINUE), *again, pulses=list(clock(0.0, 16.0, 120)))
    session = played.performance.session
    assert isinstance(session, Session)
    status = session.status(16.0)  # 9 s after 9.1
    assert (status.bar, status.beat) == (13, 3)
    assert played.rows[5:] == rows("""
        2.3.0 Lead 56 80 5.75
        3.1.0 player 60 80 9
        3.2.0 player 64 80 9
        3.3.0 player 67 80 9
        3.4.0 player 65 80 6
        4.2.0 Lead 60 80 9
        4.3.0 Lead 56 80 9
        4.4.0 Lead 53 80 9
        5.1.0 Lead 55 86 6
    """)


def test_a_song_that_goes_on_within_a_bar_keeps_its_bar_lines() -> None:
    # The transport counts bars of its own, which lie where the song's do.
    middle = 16 * 4 + 8  # sixteenths: 5.3
    played = play(
        Settings(bpm=90),
        "",
        *clock(0.0, 9.0, 120),
        (0.98, Heard(Message("songpos", pos=middle))),
        (0.99, CONTINUE),
        *moved(2.0, heard(ONE_BAR)),
        (2.2, Heard(Message("songpos", pos=0))),  # rolling: no news
    )
    assert played.rows == rows("""
        2.1.0 player 60 80 9
        2.2.0 player 64 80 9
        2.3.0 player 67 80 9
        2.4.0 player 65 80 6
        3.2.0 Lead 60 80 9
        3.3.0 Lead 56 80 9
        3.4.0 Lead 53 80 9
        4.1.0 Lead 55 86 6
    """)


def told(played: Take) -> list[str]:
    """`1.1.0 start`, `1.1.0 clock 24`: what followers of jamd's clock are told; equals counted."""
    bpm = 120
    messages = [
        (round(send.due * bpm / 60 * TICKS_PER_BEAT), send.message)
        for _, send in played.performance.sent
        if send.output is Output.CLOCK
    ]
    found = []
    for kind, group in groupby(messages, key=lambda message: message[1].type):
        same = list(group)
        number = {"clock": len(same), "songpos": getattr(same[0][1], "pos", 0)}.get(kind)
        said = kind if number is None else f"{kind} {number}"
        place = position(same[0][0], FOUR)
        found.append(f"{place}.{place.tick // TICKS_PER_STEP} {said}")
    return found


def test_among_peers_the_first_note_is_where_they_are_in_the_bar_at_their_tempo() -> None:
    from_two = "\n".join(rows(ONE_BAR)[1:])
    played = play(LINK, "", (0.1, THEIRS), *moved(seconds("3.1.0", 90), heard(from_two, 90)))
    assert played.rows == rows("""
        1.2.0 player 64 80 9
        1.3.0 player 67 80 9
        1.4.0 player 65 80 6
        2.2.0 Lead 64 80 9
        2.3.0 Lead 61 80 9
        2.4.0 Lead 63 80 6
    """)


def test_a_peer_starts_the_song_on_their_bar_line_and_stops_it_at_once() -> None:
    stop = seconds("3.3.1", 90)  # their bar 3 is the song's bar 2
    played = play(
        LINK,
        "",
        (0.1, THEIRS),
        (1.0, replace(THEIRS, playing=True, since=1.0)),
        *moved(seconds("2.1.0", 90), heard(ONE_BAR, 90)),
        (stop, replace(THEIRS, since=stop)),
    )
    assert played.rows == rows("""
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        1.3.0 player 67 80 9
        1.4.0 player 65 80 6
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 1
    """)


def test_who_follows_jamds_clock_is_counted_in_and_starts_with_bar_one() -> None:
    played = play(Settings(bpm=120, count_in=1, send_clock=True), "", bars=2)
    assert told(played) == [
        "1.1.0 clock 96",
        "2.1.0 start",
        "2.1.0 clock 96",
        "3.1.0 stop",
    ]


def test_who_follows_jamds_clock_is_told_where_the_song_goes_on() -> None:
    # A DAW's clock leads from 2 s on and is lost a quarter of a second after its last pulse, at
    # 2.1.5 of its song. jamd leads from there, with Continue on the next sixteenth: 18 lie before.
    started = [(1.99, START), *clock(2.0, 4.0, 120)]
    played = play(Settings(bpm=120, send_clock=True), "", *started, bars=4)
    assert told(played)[-5:] == [
        "3.1.5 songpos 18",
        "3.1.5 clock 1",
        "3.1.6 continue",
        "3.1.6 clock 180",
        "5.1.0 stop",
    ]
