"""The last answer, kept so that it can be played once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jamd.daemon.listening.phrase import ANSWER_BARS
from jamd.daemon.playing.plan import Span
from jamd.daemon.timing.transport import Transport
from jamd.notes import Meter, Note, Tick


@dataclass(frozen=True, slots=True)
class Encore:
    """Notes to play once more.

    Attributes:
        span: Where to play them.
        notes: The notes, by onset, all within the span.
    """

    span: Span
    notes: tuple[Note, ...]


class LastAnswer:
    """What jamd played when it last had the floor; of a long stretch, the last eight bars.

    Args:
        meter: One of `jamd.notes.METERS`.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._span: Span | None = None
        self._notes: list[Note] = []
        self._before: tuple[Span | None, list[Note]] = None, []  # the answer before it

    def add(self, span: Span, notes: Sequence[Note]) -> None:
        """Keep `notes`, by onset, which jamd plays in `span`; forget those of another span."""
        if not notes:
            return
        if self._span is None or span.start != self._span.start:
            self._before, self._notes = (self._span, self._notes), []
        self._span = span
        self._notes += notes
        longest = ANSWER_BARS[-1] * self._meter.ticks_per_bar
        first = notes[-1].onset - longest
        self._notes = [note for note in self._notes if note.onset > first]

    def take_back(self) -> None:
        """Go back to the answer before: nothing of this one has been played."""
        self._span, self._notes = self._before

    def once_more(
        self, earliest: Tick, transport: Transport, *, bars: bool = False, closes: bool = True
    ) -> Encore | None:
        """The answer, moved so that it begins at or after `earliest`; None if there is none yet.

        It is moved by whole strong beats of `transport`, so that each note is as strong as before;
        with `bars`, where the turn passes by the bar, by whole bars, and it lasts until a bar line.
        `closes` is as in `Span`.
        """
        if self._span is None:
            return None
        bar = self._meter.ticks_per_bar
        start = max(self._span.start, self._notes[0].onset // bar * bar)
        length = max(note.end for note in self._notes) - start
        later = transport.next_bar_line if bars else transport.next_strong_beat
        moved = later(earliest - start)
        through = Tick(start + moved + -(-length // bar) * bar)
        if bars:
            through = transport.next_bar_line(start + moved + length)
        span = replace(self._span, start=Tick(start + moved), through=through, closes=closes)
        notes = (note._replace(onset=Tick(note.onset + moved)) for note in self._notes)
        return Encore(span, tuple(notes))
