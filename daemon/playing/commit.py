"""The commit edge: what lies before it is certain, and planned notes that pass it will sound."""

from __future__ import annotations

from collections.abc import Iterator

from jamd.daemon.listening.ear import Ear
from jamd.daemon.listening.memory import Memory
from jamd.daemon.playing.breath import Breath
from jamd.daemon.playing.plan import commit_window
from jamd.daemon.playing.planner import Planner
from jamd.daemon.playing.stage import Stage
from jamd.daemon.timing.beat import Beat
from jamd.daemon.timing.transport import SIXTEENTH
from jamd.notes import TICKS_PER_BEAT, Note, Tick

PATIENCE_SECONDS = 0.025
"""How late the first note of an answer may leave, as the player may hand the turn over a moment
before the sixteenth on which the answer is to begin."""


class Commit:
    """Lets planned notes pass the commit edge: they are written down, and will sound.

    Attributes:
        edge: Every onset before it is certain, or past.
        breath: Puts rests into what jamd plays; None if it needs none.
    """

    def __init__(
        self,
        beat: Beat,
        ear: Ear,
        planner: Planner,
        memory: Memory,
        stage: Stage,
    ) -> None:
        self._beat = beat
        self._transport = beat.transport
        self._ear = ear
        self._planner = planner
        self._memory = memory
        self._stage = stage
        self.edge = Tick(0)
        self.breath: Breath | None = None

    def shift(self, by: int) -> None:
        """The bar line was found: the edge is `by` ticks later, and so is what goes out."""
        self.edge = Tick(self.edge + by)
        self._stage.shift(by)

    def pass_by(self, now: float) -> None:
        """In the player's turn nothing planned becomes certain: the edge is the present."""
        self._move(self._transport.passed(now + self._stage.ahead_s))

    def advance(self, now: float) -> bool:
        """In jamd's turn, make certain whatever is planned to begin within the window.

        Where nothing is planned yet, notes that arrive before their moment can still be played, and
        what an answer begins with if the turn was handed over, `PATIENCE_SECONDS` after it.

        Returns:
            Whether anything became certain.
        """
        ahead = self._transport.passed(now + self._window)
        decided = min(ahead, Tick(self._planner.through - 1))  # what follows may be on its way
        self._move(max(decided, self._planner.last_onset(ahead), self._leaving(now)))
        playable = list(self._playable(self._planner.commit(self.edge)))
        certain = self._ear.dynamics.shape(playable)
        self._memory.commit(certain)
        span = self._planner.span
        self._stage.play(certain, now, span.through if span is not None and span.closes else None)
        return bool(certain)

    def _leaving(self, now: float) -> Tick:
        """The last tick for which it is too late to plan anything."""
        now += self._stage.ahead_s
        leaving, span = self._transport.passed(now), self._planner.span
        if span is None or self._planner.has_begun or self._ear.phrase.handed_over is None:
            return leaving
        waits = span.start > self._transport.passed(now - PATIENCE_SECONDS)
        return Tick(min(leaving, span.start - 1)) if waits else leaving

    def deadline(self) -> float | None:
        """When the edge reaches what the planner waits for, in seconds; None if for nothing."""
        tick = self._planner.next_tick
        return None if tick is None else self._transport.seconds_at(tick) - self._window

    def withdraw(self, now: float) -> None:
        """Give way: no note-on leaves after a sixteenth, and no note-off after a beat.

        Notes that are certain but have not left yet, because of the output offset, are taken back.
        """
        self._stop(Tick(self._stage.leaving(now) + SIXTEENTH), now)

    def take_back(self, now: float) -> None:
        """Nothing of jamd's has left, and it is to begin at another moment: nothing is certain."""
        self.edge = Tick(self._stage.leaving(now) + 1)
        self._stop(self.edge, now)
        self._planner.take_back()

    def _stop(self, onsets: Tick, now: float) -> None:
        limit = Tick(self._stage.leaving(now) + TICKS_PER_BEAT)
        self._stage.ring_out(onsets, limit)
        self._memory.cut(onsets, limit)
        if self.breath is not None:
            self.breath.cut(limit)

    def _move(self, tick: Tick) -> None:
        self.edge = max(self.edge, Tick(tick + 1))

    def _playable(self, notes: tuple[Note, ...]) -> Iterator[Note]:
        breathing = notes if self.breath is None else self.breath.of(notes)
        held = self._memory.heard.held  # a key may have gone down since the note was asked for
        for note in breathing:
            if note.onset < self._beat.end and note.pitch not in held:
                yield note

    @property
    def _window(self) -> float:
        return commit_window(self._transport.beat_seconds) + self._stage.ahead_s
