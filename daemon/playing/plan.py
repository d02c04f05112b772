"""The plan: notes to be played wait here until they become certain.

Only what lies within the commit window is certain. Everything beyond it can still be thrown away
and replanned when the player does something new, so jamd reacts within a sixteenth, not a phrase.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter

from jamd.notes import HIGHEST_PITCH, LOWEST_PITCH, Meter, Note, Part, Tick, to_step, to_tick

SHORTEST_WINDOW_S, LONGEST_WINDOW_S = 0.080, 0.150
LONGEST_NOTE_BARS = 4


def commit_window(beat_seconds: float) -> float:
    """How far ahead of now notes are certain, in seconds.

    A sixteenth, but never so short that a message could be late or so long that the player would
    notice the delay.
    """
    return min(max(beat_seconds / 4, SHORTEST_WINDOW_S), LONGEST_WINDOW_S)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that jamd is to fill.

    Attributes:
        start: The earliest tick at which an onset may lie.
        through: Exclusive end: every onset lies before this tick.
        closes: Whether every note ends before `through`, where an answer ends; otherwise notes may
            ring on.
        begins: The latest tick at which the first note may begin; None: no limit.
        phrase: Where the phrase being answered begins; None: no particular one is.
    """

    start: Tick
    through: Tick
    closes: bool = True
    phrase: Tick | None = None
    begins: Tick | None = None

    def not_before(self, tick: Tick) -> Span:
        """This span, or one of the same length moved later to start at `tick`."""
        by = max(0, tick - self.start)
        begins = None if self.begins is None else Tick(self.begins + by)
        start, through = Tick(self.start + by), Tick(self.through + by)
        return replace(self, start=start, through=through, begins=begins)


class Plan:
    """The notes planned and not yet committed.

    Attributes:
        through: Exclusive end of what is decided: a silence before this tick is intended.
    """

    def __init__(self) -> None:
        self._notes: list[Note] = []
        self.through = Tick(0)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is planned, in playing order."""
        return tuple(self._notes)

    @property
    def next_onset(self) -> Tick | None:
        """The earliest onset planned."""
        return self._notes[0].onset if self._notes else None

    def last_onset(self, through: Tick) -> Tick:
        """The latest onset planned at or before `through`; -1: there is none."""
        count = bisect_left(self._notes, through + 1, key=attrgetter("onset"))
        return self._notes[count - 1].onset if count else Tick(-1)

    def replace(self, notes: Iterable[Note], begin: Tick, end: Tick) -> None:
        """Plan `notes` from `begin` up to `end`, exclusive, instead of what was planned there."""
        kept = [note for note in self._notes if not begin <= note.onset < end]
        self._notes = sorted({*kept, *notes})
        self.through = Tick(max(self.through, end))

    def commit(self, edge: Tick) -> tuple[Note, ...]:
        """Take out, as certain, every note that begins before `edge`."""
        count = bisect_left(self._notes, edge, key=attrgetter("onset"))
        certain = tuple(self._notes[:count])
        del self._notes[:count]
        return certain

    def cancel(self, edge: Tick) -> None:
        """Throw away every note from `edge` on; planning continues from there."""
        self._notes = [note for note in self._notes if note.onset < edge]
        self.through = edge


def fit(notes: Iterable[Note], span: Span, meter: Meter, parts: frozenset[Part]) -> list[Note]:
    """Those of an improviser's `notes` that can be played within `span`, on the grid.

    The improviser is another process and may be anyone's, so its answers are not trusted: a note
    with an impossible value, in a part that was not asked for, or with its onset outside the span
    is left out, an onset off the grid goes to the nearest step, and no note lasts longer than
    `LONGEST_NOTE_BARS` or, in a span that closes, until the span's end.
    """
    fitting = []
    for note in notes:
        onset = to_tick(to_step(note.onset))
        possible = (
            LOWEST_PITCH <= note.pitch <= HIGHEST_PITCH
            and 1 <= note.velocity <= 127
            and note.duration > 0
            and note.part in parts
        )
        if possible and span.start <= onset < span.through:
            longest = LONGEST_NOTE_BARS * meter.ticks_per_bar
            if span.closes:
                longest = min(longest, span.through - onset - 1)
            fitting.append(note._replace(onset=onset, duration=Tick(min(note.duration, longest))))
    return fitting
