"""Whole takes to read: a beat shared with other machines (`readable_takes` has the rows).

What the others of an Ableton Link session do is told to the session as `LinkPeer` tells it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from jamd.daemon.events import LinkState, Output
from jamd.daemon.follower import Source
from jamd.daemon.settings import Settings
from jamd.daemon.transport import position
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP
from readable_takes import FOUR, ONE_BAR, Story, Take, heard, play, rows, seconds

LINK = Settings(bpm=120, source=Source.LINK)
THEIRS = LinkState(peers=1, bpm=90, bar_line=0.0, playing=False, since=-1.0)


def moved(by: float, story: Story) -> Story:
    return [(by + at, event) for at, event in story]


def told(played: Take) -> list[str]:
    """`1.1.0 start`, `1.1.0 clock 24`: what followers of jamd's clock are told; equals counted."""
    bpm = 120
    messages = [
        (round(send.due * bpm / 60 * TICKS_PER_BEAT), send.message.type)
        for send in played.performance.port.sent
        if send.output is Output.CLOCK
    ]
    found = []
    for kind, group in groupby(messages, key=lambda message: message[1]):
        same = list(group)
        count = f" {len(same)}" if kind == "clock" else ""
        place = position(same[0][0], FOUR)
        found.append(f"{place}.{place.tick // TICKS_PER_STEP} {kind}{count}")
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
