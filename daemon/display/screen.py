"""What `jamd play` shows: lines of news and, in a terminal, a status line kept up to date."""

from __future__ import annotations

import os
import queue
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from typing import TextIO

from jamd.daemon.events import Sounded, Turn
from jamd.daemon.midi.terms import begins_note
from jamd.daemon.ports.connections import Connected
from jamd.daemon.status import Status
from jamd.daemon.takes.take import in_words
from jamd.daemon.timing.transport import position
from jamd.errors import printable
from jamd.notes import TICKS_PER_BEAT, Meter, Part
from jamd.roll import pitch_name

ROW_TICKS = 5
"""What a row's place is rounded to: about a hundredth of a quarter note. A note heard half a
millisecond before the beat is on the beat, not at the end of the one before."""

LAST_WORDS_S = 0.2
"""How long to wait at the end for a terminal that accepts nothing at that moment (Ctrl-S)."""

MOST_WAITING = 1000
"""So many texts wait for a terminal that was stopped, not every sixteenth of a night."""

FEWEST_LETTERS = 5
"""A port's name is not shortened further, as it would no longer be recognised."""

LONGEST_NEWS = 30
"""Characters that a song's title, or a setting just adjusted, may take of the status line."""

_ERASE_LINE = "\r\x1b[2K"
_WHO = {None: "you", Part.LEAD: "jamd lead", Part.COMP: "jamd chords"}


class Screen:
    """A stream that people read. The caller never waits for the terminal, except in `close`.

    Args:
        stream: Where to write, by its file descriptor; the status line appears only if this is a
            terminal. A stream that accepts no more (Ctrl-S, a closed window, a full disk) does not
            stop the music.

    Attributes:
        is_terminal: Whether it is a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self.is_terminal = stream.isatty()
        self._encoding = stream.encoding
        # Not `stream` itself: a thread waiting in there holds its lock, and Python could not exit.
        self._file = os.fdopen(stream.fileno(), "wb", buffering=0, closefd=False)
        self._texts: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        self._shown = ""

    def news(self, line: str) -> None:
        """Print a line, above the status line."""
        self._print(printable(line))

    def draw(self, row: str) -> None:
        """Print a row that may hold escape sequences, above the status line.

        It is skipped if `MOST_WAITING` earlier texts are still waiting for the terminal.
        """
        if self._texts.qsize() < MOST_WAITING:
            self._print(row)

    def can_draw(self, text: str) -> bool:
        """Whether the stream has these characters."""
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            return False
        return True

    @property
    def width(self) -> int:
        """Maximum number of characters in a status."""
        return shutil.get_terminal_size().columns - 1

    def status(self, line: str) -> None:
        """Show `line` as the status from now on, cut to `width`.

        If an earlier text is still waiting for the terminal, this one is skipped; a newer one will
        follow.
        """
        if not self.is_terminal or not self._texts.empty():
            return
        line = printable(line)[: self.width]
        if line != self._shown:
            self._shown = line
            self._write(f"{_ERASE_LINE}{line}")

    def close(self) -> None:
        """Leave the cursor on a line of its own. Waits for `LAST_WORDS_S` at most."""
        if self._shown:
            self._shown = ""
            self._write(_ERASE_LINE)
        self._texts.put(None)
        self._thread.join(LAST_WORDS_S)

    def _print(self, line: str) -> None:
        self._write(f"{_ERASE_LINE if self._shown else ''}{line}\n{self._shown}")

    def _write(self, text: str) -> None:
        self._texts.put(text.encode(self._encoding, "replace"))

    def _work(self) -> None:
        while (text := self._texts.get()) is not None:
            with suppress(OSError):
                self._file.write(text)


def status_line(status: Status, connected: Connected, width: int = 1000) -> str:
    """`Waltz · C4 · bar 3.2 Dm7 · 100 bpm (set) · answer, your turn · in: Keystation · out: none`.

    Args:
        status: The session's status.
        connected: What is connected.
        width: In characters. If it is too small, names of ports are shortened first.
    """
    adjusted = status.adjusted
    told = [
        *([shortened(status.song, LONGEST_NEWS)] if status.song else []),
        *_last(status),
        _place(status),
        _tempo(status),
        *(
            []
            if adjusted is None
            else [shortened(in_words(adjusted, status.settings[adjusted]), LONGEST_NEWS)]
        ),
        *([status.control] if status.control and status.uses_control else []),
        f"{status.mode.value}, {_turn(status)}" if status.bar else status.mode.value,
        *([] if status.worker else ["the model is not there"]),
    ]
    ends = [
        ("in", _ends(connected.to_input, connected)),
        ("out", _ends(connected.from_output, connected)),
    ]
    room = width - len(" · ".join([*told, *(f"{way}: " for way, _ in ends)]))
    lengths = _shares([len(end) for _, end in ends], room)
    told += [
        f"{way}: {shortened(end, length)}" for (way, end), length in zip(ends, lengths, strict=True)
    ]
    return shortened(" · ".join(told), width)


def status_rows(status: Status, connected: Connected, osc: str = "") -> list[str]:
    """The same unabridged, one line for each item, for `jamd status`; `osc` as in `answer`."""
    last = status.last_note
    heard = "nothing yet" if last is None else f"{pitch_name(last)}, note {last}"
    rows = [
        *([("song", status.song)] if status.song else []),
        ("heard last", heard),
        *([] if status.unheard is None else [("not heard", f"channel {status.unheard}")]),
        *([] if status.control is None else [("control", status.control)]),
        ("place", _place(status)),
        ("tempo", _tempo(status)),
        ("mode", status.mode.value),
        ("turn", "yours" if status.turn is Turn.PLAYER else "jamd's"),
        *(
            (name.replace("_", " "), value)
            for name, value in status.settings.items()
            if value != ""
        ),
        ("model", "there" if status.worker else "not there"),
        ("listens to", _ends(connected.to_input, connected)),
        ("plays to", _ends(connected.from_output, connected)),
        *([("OSC", osc)] if osc else []),
    ]
    return [f"{name:<12}{value}" for name, value in rows]


def shortened(text: str, width: int) -> str:
    """`text` within `width` characters, ending in an ellipsis if it was cut."""
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"[:width]


def _shares(lengths: Sequence[int], room: int) -> list[int]:
    """How much of `room` each text gets: its length, or a fair share of at least a few letters."""
    shares: list[tuple[int, int]] = []
    for i, length in sorted(enumerate(lengths), key=lambda one: one[1]):
        fair = max(FEWEST_LETTERS, room // (len(lengths) - len(shares)))
        shares.append((i, min(length, fair)))
        room -= shares[-1][1]
    return [share for _, share in sorted(shares)]


def _last(status: Status) -> list[str]:
    """The last note; as long as there is none, the channel of those that are not heard."""
    if status.last_note is not None:
        return [pitch_name(status.last_note)]
    return [] if status.unheard is None else [f"channel {status.unheard} is not heard"]


def _place(status: Status) -> str:
    if status.bar:
        return " ".join(["bar", f"{status.bar}.{status.beat}", *filter(None, [status.chord])])
    if status.beat:
        return f"count-in {status.beat}"
    if not status.waits:
        return "waiting for your first note"
    starter = "the clock" if status.link_peers is None else "somebody"
    return f"waiting for {starter} to start"


def _tempo(status: Status) -> str:
    if status.from_clock:
        return f"{status.bpm:.0f} bpm (clock)"
    if status.told_by is not None:
        return f"{status.bpm:.0f} bpm ({status.told_by})"
    if status.link_peers is not None:
        return f"{status.bpm:g} bpm (Link, {status.link_peers} more)"
    return f"{status.bpm:g} bpm (set)"


def _turn(status: Status) -> str:
    return "your turn" if status.turn is Turn.PLAYER else "jamd's turn"


def _ends(names: tuple[str, ...], connected: Connected) -> str:
    if connected.gone:
        return f"none ({connected.gone} has gone)"
    return ", ".join(names) or ("none" if connected.complete else "ask your DAW")


def note_rows(sounded: Sequence[Sounded], meter: Meter, bar_one: int = 0) -> list[str]:
    """The note-ons in `sounded`, a row for each moment and part: `3.2.06  jamd lead  E4`.

    A place is bar, beat and hundredth of a beat, with beats as `position` counts them: 6/8 has six.
    Bar 1 begins at tick `bar_one`.
    """
    starts = [s for s in sounded if begins_note(s.message)]
    starts.sort(key=lambda s: (s.tick, _WHO[s.part], s.message.note))
    rows = []
    for (tick, part), group in groupby(starts, key=lambda s: (s.tick, s.part)):
        at = position(ROW_TICKS * round((tick - bar_one) / ROW_TICKS), meter)
        place = f"{at}.{25 * meter.denominator * at.tick // TICKS_PER_BEAT:02}"
        pitches = " ".join(pitch_name(s.message.note) for s in group)
        rows.append(f"{place:>9}  {_WHO[part]:<11}  {pitches}")
    return rows
