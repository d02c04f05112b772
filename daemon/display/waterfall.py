"""What is played, as it is played: a piano roll that runs down the terminal.

A row is a sixteenth, a column a key of the piano; bars are lines, and so are Cs:

      2.1│────────┼───────────●───────────┼───
         │        ┊           ┃           ┊
         │        ┊           ┃           ┊
         │        ┊           ┃           ┊
       .2┃        ┊               ◆       ┊
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from jamd.daemon.events import BarLineFound, Entry, Sounded, Turn, TurnTaken
from jamd.daemon.midi.terms import NoteKey, begins_note, key_of
from jamd.daemon.timing.transport import SIXTEENTH, position
from jamd.grid.tokens import HIGHEST, LOWEST
from jamd.notes import Meter, Part, Tick

MIDDLE = 62
"""The pitch in the middle of a terminal that is too narrow for a piano."""

MARGIN = 7
"""Characters to the left of the keys: the bar and beat, and whose turn it is."""

REST_ROWS = 16
"""After this many rows in which nothing sounds the roll stands still until the next note."""

_MOST_AT_ONCE = 4
"""If more rows than this have passed at once (the beat leapt, or the process was stopped), those in
which no note begins are left out."""

_COLOURS = {None: "38;5;33", Part.LEAD: "38;5;208", Part.COMP: "38;5;178"}
_FAINT = "90"  # of lines: bright black


@dataclass(frozen=True, slots=True)
class Marks:
    """What notes and lines are drawn with.

    Attributes:
        struck: The onset of a note, by who plays: None is the player.
        held: A note that sounds on.
        bar: The first row of a bar.
        octave: A C.
        crossing: A C in the first row of a bar.
        turns: The margin's edge, by whose turn it is.
    """

    struck: dict[Part | None, str]
    held: str
    bar: str
    octave: str
    crossing: str
    turns: dict[Turn, str]

    @property
    def legend(self) -> str:
        """What is whose, in words."""
        you, lead, comp = (self.struck[part] for part in (None, Part.LEAD, Part.COMP))
        return f"{you} is you, {lead} jamd's tune, {comp} its chords."


DRAWN = Marks(
    {None: "●", Part.LEAD: "◆", Part.COMP: "◇"},
    held="┃",
    bar="─",
    octave="┊",
    crossing="┼",
    turns={Turn.PLAYER: "│", Turn.JAMD: "┃"},
)

TYPED = Marks(
    {None: "O", Part.LEAD: "#", Part.COMP: "+"},
    held="|",
    bar="-",
    octave=":",
    crossing="+",
    turns={Turn.PLAYER: "|", Turn.JAMD: "!"},
)
"""For a terminal that has none of those characters."""


class Waterfall:
    """Draws rows. Ticks are the transport's.

    Args:
        meter: The session's.
        marks: What to draw with.
        colours: Whether to colour notes by who plays them, with ANSI escape sequences.
    """

    def __init__(self, meter: Meter, marks: Marks = DRAWN, *, colours: bool = False) -> None:
        self._meter = meter
        self._marks = marks
        self._colours = colours
        self._turn = Turn.PLAYER
        self._struck: list[tuple[int, int, Part | None]] = []  # tick, pitch; not drawn yet
        self._held: dict[tuple[NoteKey, Part | None], int] = {}  # since which tick
        self._next = 0  # the row to be drawn next
        self._rested = REST_ROWS

    def anew(self, meter: Meter) -> Waterfall:
        """One that draws in the same way a session in `meter`."""
        return Waterfall(meter, self._marks, colours=self._colours)

    def hear(self, entry: Entry) -> None:
        """Take in an entry of the take."""
        match entry:
            case Sounded(tick=tick, part=part, message=message):
                key = key_of(message)
                if key is None:
                    return
                if begins_note(message):
                    self._struck.append((tick, key.pitch, part))
                    self._held[key, part] = tick
                else:
                    self._held.pop((key, part), None)
            case TurnTaken(turn=turn):
                self._turn = turn
            case BarLineFound(by=by):
                self._next += by // SIXTEENTH
                self._struck = [(tick + by, pitch, part) for tick, pitch, part in self._struck]
                self._held = {note: tick + by for note, tick in self._held.items()}

    def rows(self, tick: Tick, bar_one: Tick, width: int) -> list[str]:
        """The rows that have passed by `tick` since the last call.

        A row has passed in the middle between its sixteenth and the next, where notes that are
        nearer to the next one begin.

        Args:
            tick: The present.
            bar_one: Where bar 1 begins.
            width: Most characters in a row.
        """
        passed = _row_of(tick) - 1
        if passed < self._next - 1:  # the ticks of another session, which begin anew
            self._next = passed
        due: Iterable[int] = range(self._next, passed + 1)
        if passed - self._next >= _MOST_AT_ONCE:
            begun = {max(_row_of(at), self._next) for at, _, _ in self._struck}
            due = sorted({passed, *(row for row in begun if row < passed)})
        drawn = []
        for row in due:
            struck = {pitch: part for at, pitch, part in self._struck if _row_of(at) <= row}
            self._struck = [one for one in self._struck if _row_of(one[0]) > row]
            self._rested = 0 if struck or self._held else self._rested + 1
            if self._rested <= REST_ROWS:
                drawn.append(self._row(row, bar_one, width, struck))
        self._next = passed + 1
        return drawn

    def _row(self, row: int, bar_one: Tick, width: int, struck: dict[int, Part | None]) -> str:
        at = position(row * SIXTEENTH - bar_one, self._meter)
        on_beat, begins_bar = at.tick == 0, at.tick == 0 and at.beat == 1
        keys = max(12, min(HIGHEST - LOWEST + 1, width - MARGIN))
        lowest = min(max(LOWEST, MIDDLE - keys // 2), HIGHEST + 1 - keys)
        marks = self._marks
        line, octave = (marks.bar, marks.crossing) if begins_bar else (" ", marks.octave)
        cells = [(line if pitch % 12 else octave, _FAINT) for pitch in range(lowest, lowest + keys)]
        sounding = {
            key.pitch: (marks.held, _COLOURS[part])
            for (key, part), since in self._held.items()
            if _row_of(since) <= row
        }
        for pitch, part in struck.items():
            sounding[pitch] = marks.struck[part], _COLOURS[part]
        for pitch, cell in sounding.items():
            cells[min(max(pitch - lowest, 0), keys - 1)] = cell
        bar = str(at.bar) if begins_bar and at.bar > 0 else ""
        place = f"{bar:>4}.{at.beat}" if on_beat else ""
        colour = _COLOURS[None if self._turn is Turn.PLAYER else Part.LEAD]
        margin = [(f"{place:<6}", _FAINT), (marks.turns[self._turn], colour)]
        if not self._colours:
            return "".join(mark for mark, _ in (*margin, *cells)).rstrip()
        return "".join(
            f"\x1b[{colour}m{''.join(mark for mark, _ in run)}\x1b[0m"
            for colour, run in groupby((*margin, *cells), key=lambda cell: cell[1])
        )


def _row_of(tick: int) -> int:
    """The row of what begins at `tick`: that of the nearest sixteenth."""
    return (tick + SIXTEENTH // 2) // SIXTEENTH
