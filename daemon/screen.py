"""What `jamd play` shows: news as lines, and in a terminal one line that is kept up to date."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from typing import TextIO

from jamd.daemon.events import Sounded, Turn
from jamd.daemon.ports import Connected
from jamd.daemon.status import Status
from jamd.daemon.transport import position
from jamd.errors import printable
from jamd.notes import TICKS_PER_BEAT, Meter, Part
from jamd.roll import pitch_name

ROW_TICKS = 5
"""What a row's place is rounded to: about a hundredth of a quarter note. What is heard half a
millisecond before the beat is on the beat, not at the end of the one before."""

_ERASE_LINE = "\r\x1b[2K"
_WHO = {None: "you", Part.LEAD: "jamd lead", Part.COMP: "jamd chords"}


class Screen:
    """A stream that people read.

    Args:
        stream: Where it is written; the status line appears only where this is a terminal. One
            that takes no more (a closed window, a full disk) does not stop the music.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._shown = ""

    def news(self, line: str) -> None:
        """Print a line, above the status line."""
        self._write(f"{_ERASE_LINE if self._shown else ''}{printable(line)}\n{self._shown}")

    def status(self, line: str) -> None:
        """Show `line` as the status from now on, cut to the terminal's width."""
        if not self._terminal:
            return
        line = printable(line)[: shutil.get_terminal_size().columns - 1]
        if line != self._shown:
            self._shown = line
            self._write(f"{_ERASE_LINE}{line}")

    def close(self) -> None:
        """Leave the cursor on a line of its own."""
        if self._shown:
            self._shown = ""
            self._write(_ERASE_LINE)

    def _write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)
            self._stream.flush()


def status_line(status: Status, connected: Connected) -> str:
    """`C4 heard · bar 3.2 · 100 bpm · your turn · in: Keystation · out: nothing connected`."""
    heard = "nothing" if status.last_note is None else pitch_name(status.last_note)
    return " · ".join(
        [
            f"{heard} heard",
            f"bar {status.bar}.{status.beat}" if status.bar else f"waiting for {_starter(status)}",
            _tempo(status),
            "your turn" if status.turn is Turn.PLAYER else "jamd's turn",
            *([] if status.worker else ["the model is not there"]),
            f"in: {_ends(connected.to_input, connected.complete)}",
            f"out: {_ends(connected.from_output, connected.complete)}",
        ]
    )


def _tempo(status: Status) -> str:
    if status.from_clock:
        return f"{status.bpm:.0f} bpm from the clock"
    others = "" if status.link_peers is None else f", Link with {status.link_peers} more"
    return f"{status.bpm:g} bpm{others}"


def _starter(status: Status) -> str:
    if not status.waits:
        return "your first note"
    return "the clock to start" if status.link_peers is None else "somebody to start"


def _ends(names: tuple[str, ...], complete: bool) -> str:
    return ", ".join(names) or ("nothing connected" if complete else "ask your DAW")


def note_rows(sounded: Sequence[Sounded], meter: Meter) -> list[str]:
    """The notes that begin in `sounded`, a row for each moment and part: `3.2.6  jamd lead  E4`.

    A place is bar, beat and hundredth of a beat, as `position` counts them: 6/8 has six beats.
    """
    starts = [s for s in sounded if s.message.type == "note_on" and s.message.velocity]
    starts.sort(key=lambda s: (s.tick, _WHO[s.part], s.message.note))
    rows = []
    for (tick, part), group in groupby(starts, key=lambda s: (s.tick, s.part)):
        at = position(ROW_TICKS * round(tick / ROW_TICKS), meter)
        place = f"{at}.{25 * meter.denominator * at.tick // TICKS_PER_BEAT:02}"
        pitches = " ".join(pitch_name(s.message.note) for s in group)
        rows.append(f"{place:>9}  {_WHO[part]:<11}  {pitches}")
    return rows
