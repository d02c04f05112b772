"""The memory of the jam: what has been played, and by whom, as the model hears it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

from jamd.daemon.listening.hearing import MOST_NOTES, ORDER, Hearing
from jamd.language import Context
from jamd.notes import Meter, Note, Tick
from jamd.placing import as_played

HOP_BARS = 16
LONGEST_BARS = 2 * HOP_BARS + 4
"""After the window has moved, `HOP_BARS` and four more bars are left, so that a repetition of what
was played that long ago is seen from its beginning and can be stopped."""


class Memory:
    """The jam so far: the player's notes as heard, jamd's as committed.

    The model is shown at most `LONGEST_BARS` bars. The window starts on a bar line and moves by
    `HOP_BARS` at a time, not with every bar, because the improviser need not recompute whatever a
    context has in common with the one before it. Everything before the window is forgotten, except
    the end of the phrase being answered; so is the older half when there are more than
    `MOST_NOTES` notes, which no music has.

    Args:
        meter: The meter of the whole jam.
        straight: Maps the tick at which something was played to where it would lie unswung.
        split: The player's notes below this MIDI pitch accompany their tune; 0: the tune is found
            by what is struck together.

    Attributes:
        heard: What the player plays.
    """

    def __init__(
        self, meter: Meter, straight: Callable[[Tick], Tick] = as_played, split: int = 0
    ) -> None:
        self._meter = meter
        self._played: list[Note] = []
        self._start = Tick(0)
        self._phrase: Tick | None = None
        self._forgotten: tuple[Note, ...] = ()  # of the phrase that begins there
        self.heard = Hearing(meter, straight, split)

    def commit(self, notes: Iterable[Note]) -> None:
        """Add `notes`, which jamd is now certain to play."""
        self._played = _bounded(sorted([*self._played, *notes], key=ORDER))

    def cut(self, onsets: Tick, limit: Tick) -> None:
        """Drop jamd's notes from `onsets` on, and end those before it by `limit`."""
        self._played = [
            note._replace(duration=Tick(min(note.duration, limit - note.onset)))
            for note in self._played
            if note.onset < onsets
        ]

    def context(self, until: Tick, style: str, phrase: Tick | None = None) -> Context:
        """What the model is to continue from `until` on.

        Args:
            until: Where the continuation begins; it must not go back by more than
                `LONGEST_BARS - HOP_BARS` bars from one call to the next.
            style: One of `jamd.grid.tokens.STYLES`.
            phrase: Where the phrase to be answered begins, if there is one.
        """
        if phrase != self._phrase:
            self._phrase, self._forgotten = phrase, ()
        context = self._whole(until, style)
        start = self.next_start(until)
        if start is not None:
            context = context.since(start)
            self._start, self._forgotten = start, context.forgotten
            self._played = [note for note in self._played if note.onset >= start]
            self.heard.forget_before(start)
        return context

    def next_start(self, until: Tick) -> Tick | None:
        """Where the window will start in `context(until)`; None if that does not move it."""
        start = self._window_start(until)
        return None if start == self._start else start

    def ahead(self, start: Tick, until: Tick, style: str) -> Context:
        """What `context` will show from `start` on, as far as known by `until`. Forgets nothing."""
        return self._whole(until, style).since(start)

    def _whole(self, until: Tick, style: str) -> Context:
        """Everything not forgotten, up to `until`."""
        return Context(
            heard=_before(until, self.heard.notes(until)),
            start=self._start,
            until=until,
            style=style,
            meter=self._meter,
            played=_before(until, self._played),
            phrase=self._phrase,
            forgotten=self._forgotten,
        )

    def rest(self, until: Tick, style: str) -> Iterator[Context]:
        """Everything not forgotten, up to `until`, as overlapping contexts.

        Args:
            until: As in `context`.
            style: As in `context`.
        """
        bar = self._meter.ticks_per_bar
        full = Tick(self._start + LONGEST_BARS * bar)
        while full < until:
            yield self.context(full, style)
            full = Tick(full + HOP_BARS * bar)
        yield self.context(until, style)

    def _window_start(self, until: Tick) -> Tick:
        bar = self._meter.ticks_per_bar
        hop = HOP_BARS * bar
        overhang = until - LONGEST_BARS * bar
        return Tick(max(self._start, -(-overhang // hop) * hop))


def _before(until: Tick, notes: Sequence[Note]) -> tuple[Note, ...]:
    return tuple(notes[: bisect_left(notes, until, key=attrgetter("onset"))])


def _bounded(notes: list[Note]) -> list[Note]:
    return notes if len(notes) <= MOST_NOTES else notes[MOST_NOTES // 2 :]
