"""The piano roll that runs down the terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message
from rehearsing import PLAY, started
from turn_taking import jam

from jamd.daemon.display.waterfall import MARGIN, REST_ROWS, TYPED, Waterfall
from jamd.daemon.events import BarLineFound, Entry, Sounded
from jamd.daemon.timing.transport import SIXTEENTH
from jamd.notes import Meter, Part, Tick
from readable_takes import play

FOUR = Meter(4, 4)


def drawn(roll: Waterfall, entries: Iterable[Entry], until: int, width: int = 40) -> list[str]:
    """The rows that `roll` draws up to tick `until`, looking at it every 32nd."""
    rows: list[str] = []
    now = 0
    for entry in (*entries, None):
        if isinstance(entry, BarLineFound):
            now = entry.tick
        else:
            ends = until if entry is None else entry.tick
            for tick in (*range(now, ends, SIXTEENTH // 2), ends):
                rows += roll.rows(Tick(tick), Tick(0), width)
            now = ends
        if entry is not None:
            roll.hear(entry)
    return rows


def note(tick: int, pitch: int, part: Part | None = None, length: int = 240) -> list[Entry]:
    return [
        Sounded(tick, 0.0, part, Message("note_on", note=pitch)),
        Sounded(tick + length, 0.0, part, Message("note_off", note=pitch)),
    ]


def test_a_take_is_drawn_as_it_is_played() -> None:
    take = play(
        jam(),
        """
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        1.3.0 player 67 80 3
        1.4.0 player 65 80 12
        """,
    )
    rows = drawn(Waterfall(FOUR), take.entries, 4 * FOUR.ticks_per_bar)
    assert rows[4:7] + rows[16:33:4] == [
        "    .2│  ┊           ┊   ●       ┊",
        "      │  ┊           ┊   ┃       ┊",
        "      │  ┊           ┊   ┃       ┊",
        "   2.1│──┼───────────┼───────────┼──────",
        "    .2┃  ┊           ┊           ┊",
        "    .3┃  ┊           ◆           ┊",
        "    .4┃  ┊       ◆   ┊           ┊",
        "   3.1┃──┼────◆──────┼───────────┼──────",
    ]


def test_notes_out_of_a_narrow_terminal_are_at_its_edge() -> None:
    rows = drawn(Waterfall(FOUR), [*note(0, 21), *note(480, 108)], 600, width=27)
    assert (rows[0], rows[4]) == ("   1.1│●───────┼───────────", "    .2│        ┊          ●")
    wide = drawn(Waterfall(FOUR), [*note(0, 21), *note(480, 108)], 600, width=200)
    assert (wide[0].index("●"), wide[4].index("●")) == (MARGIN, MARGIN + 87)
    assert len(wide[0]) == MARGIN + 88


def test_when_all_is_silent_for_a_bar_it_stands_still() -> None:
    roll = Waterfall(FOUR)
    rows = drawn(roll, note(0, 60), 20 * FOUR.ticks_per_bar)
    assert len(rows) == 2 + REST_ROWS
    again = drawn(roll, note(30 * FOUR.ticks_per_bar, 60), 30 * FOUR.ticks_per_bar + 400)
    assert [row[:MARGIN] for row in again][:2] == ["  31.1│", "      │"]


def test_a_note_shortly_before_its_sixteenth_is_drawn_on_it() -> None:
    rows = drawn(Waterfall(FOUR), [*note(0, 60), *note(SIXTEENTH * 4 - 20, 64, length=20)], 600)
    assert ["●" in row for row in rows] == [True, False, False, False, True]


def test_what_begins_after_a_row_that_is_drawn_late_does_not_sound_in_it() -> None:
    roll = Waterfall(FOUR)
    for entry in note(320, 64):  # an off-beat that swings, of the row that begins at 300
        roll.hear(entry)
        assert "┃" not in "".join(roll.rows(Tick(325 if entry.tick == 320 else 559), Tick(0), 40))


def test_where_the_beat_leaps_only_rows_in_which_notes_begin_are_drawn() -> None:
    roll, bar = Waterfall(FOUR), FOUR.ticks_per_bar
    drawn(roll, note(0, 60), 240)
    roll.hear(note(250, 62)[0])
    leapt = roll.rows(Tick(bar + 60), Tick(0), 40)
    assert [(row[:MARGIN], "●" in row) for row in leapt] == [("      │", True), ("   2.1│", False)]
    assert [row[:MARGIN] for row in roll.rows(Tick(bar + 180), Tick(0), 40)] == ["      │"]


def test_the_next_session_is_drawn_from_its_first_row() -> None:
    roll = Waterfall(FOUR)
    drawn(roll, note(0, 60), 8 * FOUR.ticks_per_bar)
    assert roll.rows(Tick(0), Tick(0), 40) == []
    rows = drawn(roll, note(0, 60), 300)
    assert [row[:MARGIN] for row in rows] == ["   1.1│", "      │", "      │"]
    assert "●" in rows[0]


def test_when_the_bar_line_is_found_the_rows_go_on_behind_it() -> None:
    beat = 480
    entries = [*note(0, 60), BarLineFound(4 * beat, 0.0, 3 * beat), *note(4 * beat, 64)]
    rows = drawn(Waterfall(FOUR), entries, 5 * beat)
    assert [row[:MARGIN] for row in rows if "." in row] == ["   1.1│", "   2.1│"]


def test_without_those_characters_it_is_typed_and_colours_are_only_added() -> None:
    entries = [*note(0, 60), *note(480, 64, Part.LEAD), *note(480, 55, Part.COMP)]
    plain = drawn(Waterfall(FOUR, TYPED), entries, 960)
    assert all(row.isascii() for row in plain)
    coloured = drawn(Waterfall(FOUR, TYPED, colours=True), entries, 960)
    assert [re.sub(r"\x1b\[[\d;]*m", "", row).rstrip() for row in coloured] == plain


entries = st.lists(
    st.builds(
        Sounded,
        tick=st.integers(0, 20_000),
        seconds=st.just(0.0),
        part=st.sampled_from([None, *Part]),
        message=st.builds(
            Message,
            st.sampled_from(["note_on", "note_off"]),
            note=st.integers(0, 127),
            channel=st.integers(0, 15),
        ),
    )
    | st.builds(
        Sounded, st.integers(0, 9_000), st.just(0.0), st.none(), st.just(Message("pitchwheel"))
    )
    | st.builds(BarLineFound, st.integers(0, 20_000), st.just(0.0), st.integers(0, 1920)),
    max_size=20,
)


@given(entries=entries, width=st.integers(20, 120), until=st.integers(0, 30_000))
def test_whatever_happens_rows_fit_the_terminal(
    entries: list[Entry], width: int, until: int
) -> None:
    assert all(len(row) <= width for row in drawn(Waterfall(FOUR), entries, until, width))


@pytest.mark.skipif(sys.platform == "win32", reason="no such terminals there")
def test_a_rehearsal_in_a_terminal_is_drawn(tmp_path: Path) -> None:
    import pty

    master, terminal = pty.openpty()
    fast = PLAY.replace("'play', ", "'play', '--bpm', '300', '--bars', '2', ")
    with os.fdopen(terminal, "w"), started(fast, tmp_path, terminal) as process:
        assert process.wait(60) == 0
    shown = b""
    with suppress(OSError):  # which is how its end is told
        while some := os.read(master, 4096):  # it may end in the middle of a character
            shown += some
    os.close(master)
    before, jam = shown.decode().split("Ready")
    assert "● is you, ◆ jamd's tune, ◇ its chords." in before
    assert "   1.1" in jam
    assert jam.count("●") >= 8
    assert " you " not in jam, "nor is it told in words"
