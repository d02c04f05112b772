"""What a token language is: the seam between notes and the model.

A language turns notes into tokens and back. The daemon's worker, `jamd generate` and the tests all
continue music through the same two protocols, whichever language a bundle speaks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

from jamd.harmony.chart import Changes
from jamd.notes import HELD, TICKS_PER_BEAT, Meter, Note, Part, Piece, Tick
from jamd.vocabulary import Vocabulary

if TYPE_CHECKING:  # numpy stays out of the front process, which imports this module
    import numpy as np
    from numpy.typing import NDArray


LONGEST_REST = 2 * TICKS_PER_BEAT
"""Ticks. A longer rest of the player's in which jamd plays is jamd's time, not the player's."""

KEPT_NOTES = 128
"""How many of a phrase's latest notes are kept once they lie before the context's start."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the model is to continue: the jam so far.

    Attributes:
        heard: What the player played, sorted, none before `start`. A note still held has duration
            `HELD`.
        start: The bar line at which the context begins.
        until: The tick at which the continuation begins: nothing is written before it.
        style: One of `jamd.grid.tokens.STYLES`.
        meter: One of `METERS`.
        played: What jamd plays, or is certain to play, likewise.
        phrase: Where the player's phrase to be answered begins; None: there is none.
        forgotten: The part of that phrase before `start`, sorted by onset: the model does not read
            it, but the limits on what it writes still take it into account.
        changes: The chords that are played over; None: whatever the notes spell.
    """

    heard: tuple[Note, ...]
    start: Tick
    until: Tick
    style: str
    meter: Meter = Meter(4, 4)
    played: tuple[Note, ...] = ()
    phrase: Tick | None = None
    forgotten: tuple[Note, ...] = ()
    changes: Changes | None = None

    def later(self, by: int) -> Context:
        """The same music `by` ticks, 0 or more, later in its bars, over the same changes."""

        def moved(note: Note) -> Note:
            return note._replace(onset=Tick(note.onset + by))

        return replace(
            self,
            heard=tuple(map(moved, self.heard)),
            until=Tick(self.until + by),
            played=tuple(map(moved, self.played)),
            phrase=None if self.phrase is None else Tick(self.phrase + by),
            forgotten=tuple(map(moved, self.forgotten)),
        )

    def since(self, start: Tick) -> Context:
        """The same music from the bar line `start` on; `forgotten` keeps the phrase before it."""
        count = _count_before(self.heard, start)
        earlier = replace(self, heard=self.heard[:count], until=start)
        answer = earlier.answer
        held_until = answer[0].onset if answer else start
        forgotten = (
            note._replace(duration=Tick(held_until - note.onset)) if note.duration == HELD else note
            for note in earlier.answered[-KEPT_NOTES:]
        )
        return replace(
            self,
            heard=self.heard[count:],
            start=start,
            played=self.played[_count_before(self.played, start) :],
            forgotten=tuple(forgotten),
        )

    @property
    def notes(self) -> list[Note]:
        """All that sounds, whoever plays it, sorted."""
        return sorted((*self.heard, *self.played))

    @property
    def answered(self) -> list[Note]:
        """The player's phrase that is answered, sorted by onset; empty if there is none.

        All that the player has played since belongs to it. A rest longer than `LONGEST_REST` in
        which jamd has played is left out, in whole beats: what came before it is moved that much
        later.
        """
        if self.phrase is None:
            return []
        since = self.phrase - TICKS_PER_BEAT // 4  # an onset may have been meant a little earlier
        theirs = [*self.forgotten, *self.heard[_count_before(self.heard, since) :]]
        up, left_out, before = self.phrase, 0, []
        for note in theirs:
            rest = note.onset - up
            if rest > LONGEST_REST and self._has_played(up, note.onset):
                left_out += rest // TICKS_PER_BEAT * TICKS_PER_BEAT
            before.append(left_out)
            up = max(up, note.end)
        if not left_out:
            return theirs
        return [
            note._replace(onset=Tick(note.onset + left_out - earlier))
            for note, earlier in zip(theirs, before, strict=True)
        ]

    @property
    def answer(self) -> list[Note]:
        """What jamd has played since that phrase, sorted by onset; empty if there is no phrase."""
        if self.phrase is None:
            return []
        answered = self.answered
        over = answered[-1].onset if answered else self.phrase
        return [note for note in self.played if note.onset > over]

    def _has_played(self, begin: Tick, end: Tick) -> bool:
        """Whether jamd has played between the two; before `start` it is assumed to have."""
        return begin < self.start or any(begin <= note.onset < end for note in self.played)


def _count_before(notes: Sequence[Note], tick: int) -> int:
    return bisect_left(notes, tick, key=attrgetter("onset"))


@dataclass(frozen=True, slots=True)
class Constraints:
    """What may be written, whatever the model prefers.

    Attributes:
        parts: The parts that may be written, at least one.
        lowest: Lowest MIDI pitch, 0..127.
        highest: Highest MIDI pitch, `lowest`..127.
        polyphony: Most notes sounding at once, at least 1.
        in_key: How strongly to keep to the key of what was heard, 0..0.99: a pitch outside it is
            as likely as the model thinks, times `1 - in_key`.
        near: Whether to keep to the register of the phrase that is answered.
        density: Most notes a beat, as a multiple of the phrase's own, above 0; 0: no limit.
        repeat_bars: Most bars for which anything is repeated note for note; 0: no limit.
        held: MIDI pitches of the keys that the player holds: they sound already, and are not struck
            again. If a part could write nothing else, it may write them.
        begins: The latest onset of the first note (if that is past, the first possible one); None:
            no limit.
        ends: Where the continuation ends like a phrase; None: it goes on. What is written has
            ended before this tick.
    """

    parts: frozenset[Part] = frozenset(Part)
    lowest: int = 21
    highest: int = 108
    polyphony: int = 8
    in_key: float = 0.0
    near: bool = False
    density: float = 0.0
    repeat_bars: int = 0
    held: frozenset[int] = frozenset()
    begins: Tick | None = None
    ends: Tick | None = None


class Continuation(Protocol):
    """Music being written from a context, token by token."""

    @property
    def tokens(self) -> list[int]:
        """The context as token ids, then everything pushed since."""

    @property
    def from_player(self) -> list[bool]:
        """For each of the context's tokens, whether it comes from the player."""

    @property
    def through(self) -> Tick:
        """Every note with an onset before this tick has been returned by `push`."""

    def allowed(self) -> NDArray[np.bool_]:
        """Shape (vocabulary,): which tokens may come next; always at least one."""

    @property
    def preference(self) -> NDArray[np.float32] | None:
        """Shape (vocabulary,): what to add to the logits, at most 0; None: nothing."""

    def due_before(self, token: int) -> int:
        """What has to be pushed before `token`, an allowed one; `token` itself if nothing has."""

    def push(self, token: int) -> tuple[Note, ...]:
        """Take the next token; return the notes that it completes (ticks, as in the context).

        Raises:
            ValueError: `token` is not allowed here, nor due before one that is.
        """


class Language(Protocol):
    """Notes <-> tokens."""

    @property
    def name(self) -> str:
        """`grid` or `article`."""

    @property
    def vocabulary(self) -> Vocabulary: ...

    @property
    def rhythm(self) -> Sequence[int]:
        """The tokens for the onsets of notes, counted from bar lines, and for their lengths.

        Empty if the language has no bars.
        """

    def encode(self, piece: Piece) -> list[int]:
        """A whole piece as token ids."""

    def begin(self, context: Context, constraints: Constraints) -> Continuation:
        """Start writing what follows `context`."""
