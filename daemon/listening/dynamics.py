"""How loud jamd plays: as the player does, with the model's own shape and the meter's accents."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import fmean

from jamd.daemon.timing.transport import Transport
from jamd.notes import Note

_NOTES = 32
"""Levels are means over at most this many last notes, about a phrase, so that changes show."""

_FEWEST = 3
"""The player's level counts at least this many notes, even if the phrase has fewer: one alone means
little."""

_SHAPE = 12
"""The model moves a note's velocity by at most this much; more would make its softest notes
inaudible."""

_PATIENCE = 8  # notes over which an answer that has left the player's level is drawn back to it
_FURTHEST = 9.5  # and the mean of what was played of it never lies further from that

_DOWNBEAT, _BEAT, _OFF_BEAT = 6, 0, -5

_SOFT = 64
"""Whoever plays more softly than this has less room below it, and notes stand out by less."""


class Dynamics:
    """Gives jamd's notes their velocities.

    The model learned from many players, each with their own loudness, and its velocities come in
    eight bins. Only how far a note stands out from its neighbours is kept of them.

    Args:
        transport: Where the beats are.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._heard: deque[int] = deque(maxlen=_NOTES)
        self._of_phrase = 0  # notes heard in this phrase, or in the last one while it has none
        self._begins = False  # the next note heard begins a phrase
        self._written: deque[int] = deque(maxlen=_NOTES)
        self._shapes: deque[float] = deque(maxlen=_NOTES)
        self._offsets: deque[float] = deque(maxlen=_NOTES)  # from the player's level

    def hear(self, velocity: int) -> None:
        """The player strikes a key at `velocity`, 1..127."""
        self._heard.append(velocity)
        self._of_phrase = 1 if self._begins else self._of_phrase + 1
        self._begins = False

    def begin_phrase(self) -> None:
        """A phrase begins: what the player plays from now on has a level of its own."""
        self._begins = True

    def begin(self) -> None:
        """An answer begins, new or once more."""
        self._written.clear()
        self._shapes.clear()
        self._offsets.clear()

    def shape(self, notes: Sequence[Note]) -> list[Note]:
        """Return jamd's next notes, by onset, with the velocities they are played at."""
        self._written.extend(note.velocity for note in notes)
        level = fmean(self._recent or self._written) if notes else 0.0
        drift = sum(self._shapes) / (len(self._shapes) + _PATIENCE)
        offsets = []
        for note in notes:
            shape = min(max(note.velocity - fmean(self._written), -_SHAPE), _SHAPE) - drift
            self._shapes.append(shape)
            offsets.append((shape + self._accent(note)) * min(1.0, level / _SOFT))
        offsets = self._held_near(offsets)
        self._offsets.extend(offsets)
        return [
            note._replace(velocity=min(max(round(level + offset), 1), 127))
            for note, offset in zip(notes, offsets, strict=True)
        ]

    def _held_near(self, offsets: Sequence[float]) -> list[float]:
        """The next offsets, all moved by as much as keeps the mean so far near enough."""
        total = sum(self._offsets) + sum(offsets)
        room = _FURTHEST * (len(self._offsets) + len(offsets))
        beyond = total - min(max(total, -room), room)
        return [offset - beyond / len(offsets) for offset in offsets]

    @property
    def _recent(self) -> list[int]:
        return list(self._heard)[-max(self._of_phrase, _FEWEST) :]

    def _accent(self, note: Note) -> int:
        transport = self._transport
        if transport.next_bar_line(note.onset) == note.onset:
            return _DOWNBEAT
        return _BEAT if transport.next_pulse(note.onset) == note.onset else _OFF_BEAT
