"""The rehearsal room, and what the screen shows."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import TextIO

import pytest
from mido import Message

from jamd.daemon.display.screen import MOST_WAITING, Screen, note_rows, status_line, status_rows
from jamd.daemon.events import Mode, Sounded, Turn
from jamd.daemon.ports.connections import Connected
from jamd.daemon.rehearsal import Player, RehearsalRoom, period_s, seed_phrase
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.notes import Meter, Part

PHRASE = [(0.0, Message("note_on", note=60)), (0.5, Message("note_off", note=60))]


def heard(room: RehearsalRoom, until_s: float, step_s: float = 0.01) -> list[tuple[float, str]]:
    """What comes in up to `until_s`, polled every `step_s`."""
    polls = (i * step_s for i in range(round(until_s / step_s) + 1))
    return [(one.seconds, one.message.type) for now in polls for one in room.poll(now)]


def test_the_phrase_comes_in_on_time_however_late_it_is_polled() -> None:
    room = RehearsalRoom(PHRASE, 2.0)
    assert heard(room, 1.0) == [], "it waits until the model is ready"
    room.begin(1.0)
    expected = [(1.0, "note_on"), (1.5, "note_off"), (3.0, "note_on"), (3.5, "note_off")]
    assert heard(room, 4.0) == expected
    late = RehearsalRoom(PHRASE, 2.0)
    late.begin(1.0)
    assert heard(late, 4.2, step_s=2.1) == expected


def test_once_is_once_and_the_end_is_the_end() -> None:
    once = RehearsalRoom(PHRASE, None)
    once.begin(0.0)
    assert len(heard(once, 10.0)) == 2
    ended = RehearsalRoom(PHRASE, 2.0, length_s=2.0)
    ended.begin(0.0)
    assert len(heard(ended, 10.0)) == 2


def test_another_player_begins_when_told_and_no_key_of_the_first_stays_down() -> None:
    room = RehearsalRoom(PHRASE, 2.0)
    room.begin(0.0)
    assert heard(room, 0.2) == [(0.0, "note_on")]
    other = [(0.0, Message("note_on", note=72)), (0.25, Message("note_off", note=72))]
    room.change(Player(other, None, 10.0), 0.3, 1.0)
    (up,) = room.poll(0.31)
    assert (up.message, up.seconds) == (Message("note_off", note=60), 0.3)
    came = [(one.seconds, one.message) for one in (*room.poll(0.9), *room.poll(5.0))]
    assert came == [(1.0, other[0][1]), (1.25, other[1][1])]
    room.change(Player(PHRASE, None, 10.0), 6.0, 6.0)
    assert [one.message for one in room.poll(6.0)] == [PHRASE[0][1]]


def test_the_bundled_phrase_fits_its_period() -> None:
    for bpm in (60.0, 200.0):
        bar_s = 4 * 60 / bpm
        phrase = seed_phrase(bpm)
        assert phrase[0][0] == 0
        assert phrase[-1][0] <= 2 * bar_s
        assert period_s(phrase, bar_s) == 4 * bar_s
        starts = sum(m.type == "note_on" and m.velocity > 0 for _, m in phrase)
        assert starts == len(phrase) - starts > 8, "every note ends"


def test_rows_say_when_and_who() -> None:
    sounded = [
        Sounded(480, 0.5, None, Message("note_on", note=60)),
        Sounded(720, 0.6, None, Message("note_off", note=60)),
        Sounded(1920, 2.0, Part.COMP, Message("note_on", note=55)),
        Sounded(1920, 2.0, Part.COMP, Message("note_on", note=52)),
        Sounded(2160, 2.0, Part.LEAD, Message("note_on", note=70)),
    ]
    assert [row.split() for row in note_rows(sounded, Meter(4, 4))] == [
        ["1.2.00", "you", "C4"],
        ["2.1.00", "jamd", "chords", "E3", "G3"],
        ["2.1.50", "jamd", "lead", "B♭4"],
    ]
    eighth_and_a_half = Sounded(1440 + 360, 1.0, None, Message("note_on", note=60))
    assert note_rows([eighth_and_a_half], Meter(6, 8))[0].split()[0] == "2.2.50"


WAITING = replace(Session(Settings(bpm=92.5)).status(0.0), settings={})
PLAYING = replace(
    WAITING, last_note=60, bar=3, beat=2, turn=Turn.JAMD, bpm=100.0, sounding=2, worker=True
)


def test_the_status_line_says_what_is_connected_or_that_nothing_is() -> None:
    assert status_line(PLAYING, Connected(("Keystation",), ())) == (
        "C4 · bar 3.2 · 100 bpm (set) · answer, jamd's turn · in: Keystation · out: none"
    )
    over = status_line(replace(PLAYING, chord="Dm7"), Connected(("Keystation",), ()))
    assert over.startswith("C4 · bar 3.2 Dm7 · 100 bpm (set) · ")
    assert status_line(WAITING, Connected(complete=False)) == (
        "waiting for your first note · 92.5 bpm (set) · answer · the model is not there · "
        "in: ask your DAW · out: ask your DAW"
    )


def test_the_status_line_says_where_the_tempo_comes_from() -> None:
    line = status_line(replace(PLAYING, bpm=119.97, from_clock=True), Connected())
    assert "bar 3.2 · 120 bpm (clock) · answer, jamd's turn" in line
    line = status_line(replace(PLAYING, bar=0, beat=0, waits=True), Connected())
    assert "waiting for the clock to start · 100 bpm (set) · answer" in line
    line = status_line(replace(PLAYING, bar=0, beat=0, waits=True, link_peers=1), Connected())
    assert "waiting for somebody to start · 100 bpm (Link, 1 more) · answer" in line


ADJUSTED = replace(
    PLAYING, settings={"style": "jazz", "in_key": 0.9, "temperature": 1.12}, adjusted="temperature"
)


def test_the_status_line_says_what_was_adjusted() -> None:
    line = status_line(ADJUSTED, Connected())
    assert "bar 3.2 · 100 bpm (set) · temperature 1.12 · answer, jamd's turn" in line
    line = status_line(replace(ADJUSTED, adjusted="in_key"), Connected())
    assert "100 bpm (set) · in key 0.9 · answer" in line
    rows = status_rows(ADJUSTED, Connected())
    assert rows[5:8] == ["style       jazz", "in key      0.9", "temperature 1.12"]


def test_the_status_says_which_channel_is_not_heard() -> None:
    deaf = replace(WAITING, unheard=10)
    assert "not heard   channel 10" in status_rows(deaf, Connected())
    line = status_line(deaf, Connected())
    assert line.startswith("channel 10 is not heard · waiting for your first note · ")
    assert status_line(replace(PLAYING, unheard=10), Connected()).startswith("C4 · bar 3.2")


def test_the_status_line_fits_a_terminal() -> None:
    worst = replace(PLAYING, last_note=70, bar=123, bpm=220.0, from_clock=True, mode=Mode.ENDLESS)
    far = Connected(("Keystation Mini 32 MK3:Keystation Mini",), ("FLUID Synth (1234):port 0",))
    assert status_line(worst, far, 79) == (
        "B♭4 · bar 123.2 · 220 bpm (clock) · endless, jamd's turn · in: Keys… · out: FL…"
    )
    assert status_line(PLAYING, Connected(), 79) == (
        "C4 · bar 3.2 · 100 bpm (set) · answer, jamd's turn · in: none · out: none"
    )
    line = status_line(PLAYING, far, 100)
    assert line.endswith("in: Keystation Mini 3… · out: FLUID Synth (123…")
    assert len(line) == 100


def test_the_whole_status_says_all_of_it() -> None:
    rows = status_rows(PLAYING, Connected(("Keystation",), ("FLUID Synth", "Surge")))
    assert [row.split(maxsplit=1) for row in rows] == [
        ["heard", "last  C4, note 60"],
        ["place", "bar 3.2"],
        ["tempo", "100 bpm (set)"],
        ["mode", "answer"],
        ["turn", "jamd's"],
        ["model", "there"],
        ["listens", "to  Keystation"],
        ["plays", "to    FLUID Synth, Surge"],
    ]
    *_, listens, plays = status_rows(PLAYING, Connected(gone="JACK"))
    assert listens == "listens to  none (JACK has gone)"
    assert plays == "plays to    none (JACK has gone)"


@pytest.fixture
def terminal() -> Iterator[tuple[TextIO, FileIO]]:
    """A terminal to write to, and what it shows."""
    if sys.platform == "win32":
        pytest.skip("no such terminals there")
    import pty
    import tty

    master, slave = pty.openpty()
    tty.setraw(slave)
    with os.fdopen(master, "rb", buffering=0) as shows, os.fdopen(slave, "w") as stream:
        yield stream, shows


def test_a_terminal_keeps_one_line_up_to_date_below_the_news(
    terminal: tuple[TextIO, FileIO],
) -> None:
    stream, shows = terminal
    screen = Screen(stream)
    screen.status("one")
    screen.status("one")
    screen.news("news")
    screen.close()
    erase = "\r\x1b[2K"
    expected = f"{erase}one{erase}news\none{erase}"
    shown = b""
    while len(shown) < len(expected):  # a terminal hands over what it has, not all at once
        shown += shows.read(100)
    assert shown.decode() == expected


def test_a_terminal_that_was_stopped_is_not_shown_all_that_it_has_missed(
    terminal: tuple[TextIO, FileIO],
) -> None:
    import termios

    stream, shows = terminal
    screen = Screen(stream)
    termios.tcflow(stream, termios.TCOOFF)
    for beat in range(1000):
        screen.status(f"beat {beat}")
    for row in range(2 * MOST_WAITING):
        screen.draw(f"row {row}")
    screen.news("the end")
    screen.close()
    termios.tcflow(stream, termios.TCOON)
    shown = ""
    while "the end" not in shown:
        shown += shows.read(100_000).decode()
    screen._thread.join()
    assert 0 < len(set(re.findall(r"beat \d+", shown))) < 4
    assert shown.count("row") <= MOST_WAITING


def test_elsewhere_only_news_is_written(tmp_path: Path) -> None:
    file = tmp_path / "shown"
    with file.open("w", encoding="utf-8") as stream:
        screen = Screen(stream)
        screen.status("one")
        screen.news("news")
        screen.close()
    assert file.read_text(encoding="utf-8") == "news\n"


def test_what_a_port_calls_itself_is_not_obeyed(tmp_path: Path) -> None:
    file = tmp_path / "shown"
    with file.open("w", encoding="utf-8") as stream:
        screen = Screen(stream)
        screen.news("listening to \x1b]0;evil\x07Keys\nReady")
        screen.close()
    assert file.read_text(encoding="utf-8") == "listening to \\x1b]0;evil\\x07Keys\\nReady\n"


def test_a_closed_window_does_not_stop_the_music(terminal: tuple[TextIO, FileIO]) -> None:
    stream, shows = terminal
    screen = Screen(stream)
    shows.close()
    with pytest.raises(OSError, match="Input/output error"):
        os.write(stream.fileno(), b"news")
    screen.news("news")
    screen.status("one")
    screen.close()
