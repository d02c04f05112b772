"""Keeps jamd from repeating itself for ever and from playing back what it heard.

What is about to be written is compared, note for note, with all that was heard and written before:
the same pitches in the same part after the same gaps, wherever in the bar. Once a stretch has been
the same for too long, the pitches that would continue it are ruled out.
"""

from __future__ import annotations

from collections.abc import Iterable

from jamd.grid.tokens import COMP, LEAD, LOWEST
from jamd.grid.writer import GridWriter, Mask
from jamd.notes import Note, Part

RUN = 4
"""This many notes in a row that were heard before are a copy; fewer are a motif."""

Place = tuple[int, int]
"""Onset in ticks, and the pitch's token."""

Symbol = tuple[int, int]
"""Ticks since the previous onset, and the pitch's token."""


class Copying:
    """Rules out the pitches that would make a verbatim repetition too long.

    Args:
        longest: Ticks after which a repetition must change; None: it need not.
        half: Whether at most half of what has been written so far may be copies; how much will
            follow is not known.
    """

    def __init__(self, longest: int | None, *, half: bool) -> None:
        self._longest = longest
        self._half = half
        self._symbols: list[Symbol] = []
        self._places: dict[Symbol, list[int]] = {}
        self._last_onset: int = 0
        # Index of an earlier note that the last note repeats, as the notes before them match too ->
        # (onset at which the repetition began, its length in notes).
        self._runs: dict[int, tuple[int, int]] = {}
        self._written = self._copied = 0

    def heard(self, notes: Iterable[Place], recent: int) -> None:
        """Take in the notes of the context.

        Args:
            notes: In the order of the language; their ticks count as the writer's do.
            recent: A repetition that is still going on may have begun at this tick or later.
        """
        for onset, token in notes:
            self._add(onset, token, follow=onset >= recent)

    def wrote(self, note: Note) -> None:
        """Take in a note of the answer."""
        first = COMP if note.part is Part.COMP else LEAD
        self._add(note.onset, first + note.pitch - LOWEST, follow=True)
        self._written += 1
        length = max((length for _, length in self._runs.values()), default=0)
        if length >= RUN:
            self._copied += RUN if length == RUN else 1

    def narrow(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), the pitches that would repeat too much."""
        gap = writer.now - self._last_onset
        for place, (start, length) in self._runs.items():
            if place + 1 == len(self._symbols) or self._symbols[place + 1][0] != gap:
                continue
            too_long = self._longest is not None and writer.now - start >= self._longest
            if self._half and length + 1 >= RUN:
                copied = self._copied + (RUN if length + 1 == RUN else 1)
                too_long |= 2 * copied > self._written + 1
            if too_long:
                mask[self._symbols[place + 1][1]] = False

    def _add(self, onset: int, token: int, *, follow: bool) -> None:
        symbol = onset - self._last_onset, token
        places = self._places.setdefault(symbol, [])
        runs: dict[int, tuple[int, int]] = {}
        if follow and self._symbols:
            before = self._symbols[-1][1]
            for place in places:
                if place - 1 in self._runs:
                    start, length = self._runs[place - 1]
                    runs[place] = start, length + 1
                elif place and self._symbols[place - 1][1] == before:
                    runs[place] = self._last_onset, 2  # its first note matches by pitch alone
        self._runs = runs
        places.append(len(self._symbols))
        self._symbols.append(symbol)
        self._last_onset = onset
