"""What a token language is: the seam between notes and the model.

A language turns notes into tokens and back. The daemon's worker, `jamd generate` and the tests all
continue music through the same two protocols, whichever language a bundle speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Protocol

from jamd.notes import HELD, TICKS_PER_BEAT, Meter, Note, Part, Piece, Tick
from jamd.vocabulary import Vocabulary

if TYPE_CHECKING:  # numpy stays out of the front process, which imports this module
    import numpy as np
    from numpy.typing import NDArray


LONGEST_REST = 2 * TICKS_PER_BEAT
"""Ticks. Where the player rests for longer and jamd plays, the time is jamd's and not his."""

KEPT_NOTES = 128
"""So many of a phrase's notes are kept when they lie too far back to be continued."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the model is to continue: the jam so far.

    Attributes:
        heard: What was played and what is certain to be played, sorted by onset, none before
            `start`. A note still held has duration `HELD`.
        start: The bar line at which the context begins.
        until: The moment at which the continuation begins: nothing is written before it.
        style: One of `jamd.grid_tokens.STYLES`.
        meter: One of `METERS`.
        played: Those of `heard` that jamd plays; the others are the player's.
        phrase: Where the player's phrase begins that is to be answered; None: nothing is.
        forgotten: What of that phrase lies before `start`, sorted by onset: the model does not read
            it, but what it writes is held to it.
    """

    heard: tuple[Note, ...]
    start: Tick
    until: Tick
    style: str
    meter: Meter = Meter(4, 4)
    played: frozenset[Note] = frozenset()
    phrase: Tick | None = None
    forgotten: tuple[Note, ...] = ()

    def later(self, by: int) -> Context:
        """The same music `by` ticks, 0 or more, later in its bars."""

        def moved(note: Note) -> Note:
            return replace(note, onset=Tick(note.onset + by))

        return replace(
            self,
            heard=tuple(map(moved, self.heard)),
            until=Tick(self.until + by),
            played=frozenset(map(moved, self.played)),
            phrase=None if self.phrase is None else Tick(self.phrase + by),
            forgotten=tuple(map(moved, self.forgotten)),
        )

    def since(self, start: Tick) -> Context:
        """The same music from the bar line `start` on, and before it what is answered of it."""
        earlier = replace(
            self, heard=tuple(note for note in self.heard if note.onset < start), until=start
        )
        answer = earlier.answer
        held_until = answer[0].onset if answer else start
        forgotten = (
            replace(note, duration=Tick(held_until - note.onset)) if note.duration == HELD else note
            for note in earlier.answered[-KEPT_NOTES:]
        )
        return replace(
            self,
            heard=self.heard[len(earlier.heard) :],
            start=start,
            played=frozenset(note for note in self.played if note.onset >= start),
            forgotten=tuple(forgotten),
        )

    @property
    def by_player(self) -> list[Note]:
        """What the player played, sorted by onset."""
        return [note for note in self.heard if note not in self.played]

    @property
    def answered(self) -> list[Note]:
        """The player's phrase that is answered, sorted by onset; empty where none is.

        All that he has played since is of it. A rest longer than `LONGEST_REST` in which jamd has
        played is left out, in whole beats: what came before it lies so much later.
        """
        if self.phrase is None:
            return []
        since = self.phrase - TICKS_PER_BEAT // 4  # an onset may have been meant a little earlier
        recent = takewhile(lambda note: note.onset >= since, reversed(self.heard))
        theirs = [*self.forgotten, *[note for note in recent if note not in self.played][::-1]]
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
            replace(note, onset=Tick(note.onset + left_out - earlier))
            for note, earlier in zip(theirs, before, strict=True)
        ]

    @property
    def answer(self) -> list[Note]:
        """What jamd has played since that phrase, sorted by onset; empty where none is answered."""
        if self.phrase is None:
            return []
        answered = self.answered
        over = answered[-1].onset if answered else self.phrase
        return sorted(note for note in self.played if note.onset > over)

    def _has_played(self, begin: Tick, end: Tick) -> bool:
        """Whether jamd has played between the two; before `start` it is taken to have."""
        return begin < self.start or any(begin <= note.onset < end for note in self.played)


@dataclass(frozen=True, slots=True)
class Constraints:
    """What may be written, whatever the model would like.

    Attributes:
        parts: The parts that may be written, at least one.
        lowest: Lowest MIDI pitch, 0..127.
        highest: Highest MIDI pitch, `lowest`..127.
        polyphony: Most notes sounding at once, at least 1.
        in_key: How strongly to keep to the key of what was heard, 0..0.99: a pitch outside it is
            as likely as the model thinks, times `1 - in_key`.
        near: Keep the register of the phrase that is answered.
        density: Most notes a beat, over the phrase's own, above 0; 0: as many as there come.
        repeat_bars: Repeat nothing note for note for longer than so many bars; 0: no limit.
        held: MIDI pitches of the keys that the player holds: they sound already, and are not struck
            again. Where they are all that a part may write, they do not bind it.
        begins: Where the first note begins at the latest, or else as soon as it can; None: whenever
            it likes.
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
        """For each of the context's tokens, whether it tells what the player did."""

    @property
    def through(self) -> Tick:
        """Every note with an onset before this tick has been returned by `push`."""

    def allowed(self) -> NDArray[np.bool_]:
        """Shape (vocabulary,): which tokens may come next. At least one always may."""

    @property
    def preference(self) -> NDArray[np.float32] | None:
        """Shape (vocabulary,): what to add to the logits, at most 0; None: nothing."""

    def push(self, token: int) -> tuple[Note, ...]:
        """Take the next token; return the notes that it completes (ticks, as in the context).

        Raises:
            ValueError: `token` is not allowed here.
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
        """The tokens that say when notes begin, counted from bar lines, and how long they last.

        Empty where the language knows no bars.
        """

    def encode(self, piece: Piece) -> list[int]:
        """A whole piece as token ids."""

    def begin(self, context: Context, constraints: Constraints) -> Continuation:
        """Start writing what follows `context`."""
