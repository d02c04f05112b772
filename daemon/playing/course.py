"""The course of the music while the transport rolls: what follows as time passes, and when."""

from __future__ import annotations

from jamd.daemon.events import Ask, AskLikelihood, Effect, FromWorker, Mode, Turn
from jamd.daemon.listening.ear import Ear
from jamd.daemon.listening.memory import Memory
from jamd.daemon.model.requests import LikelihoodRequest
from jamd.daemon.playing.bar_line import BarLine
from jamd.daemon.playing.commit import Commit
from jamd.daemon.playing.floor import Floor
from jamd.daemon.playing.planner import Planner
from jamd.daemon.timing.beat import Beat


class Course:
    """Looks back on a phrase, passes the turn, makes notes certain, and asks the worker for more.

    Moments are in seconds.

    Args:
        beat: Is settled on the player's, and shifted to where the bar line is found.
        ear: What the player plays.
        memory: The same, as notes.
        planner: Is told what to fill, and makes the requests.
        commit: Lets planned notes pass.
        floor: Whose turn it is.
    """

    def __init__(
        self,
        beat: Beat,
        ear: Ear,
        memory: Memory,
        planner: Planner,
        commit: Commit,
        floor: Floor,
    ) -> None:
        self._beat = beat
        self._ear = ear
        self._planner = planner
        self._bar_line = BarLine(beat.transport, ear, memory, planner)
        self._commit = commit
        self._floor = floor

    def hear(self, event: FromWorker) -> None:
        """Take in an answer from the worker, or news about the worker itself."""
        self._bar_line.hear(event)
        self._planner.hear(event, self._commit.edge)

    def deadlines(self, now: float) -> list[float | None]:
        """The moments at which `advance` has something to do; None: not before an event."""
        deadlines = [self._floor.deadline(now)]
        if not self._bar_line.waits:
            deadlines.append(self._planner.deadline(self._commit.edge))
        if self._floor.turn is Turn.JAMD:
            deadlines.append(self._commit.deadline())
        else:
            deadlines.append(self._ear.looks_back_at)
            if self._beat.bar_is_assumed:
                deadlines.append(self._bar_line.deadline)
        return deadlines

    def advance(self, now: float) -> list[Effect]:
        """Do what has become due by `now`."""
        effects: list[Effect] = []
        if self._floor.turn is Turn.PLAYER:
            effects += self._look_back(now)
        if self._floor.turn is Turn.PLAYER and self._beat.bar_is_assumed:
            effects += self._find_bar_line(now)
        else:
            self._bar_line.drop()
        effects += self._floor.decide(now)
        if self._floor.turn is Turn.PLAYER:
            self._commit.pass_by(now)
        elif self._commit.advance(now):
            self._beat.keep_bar()
        if not self._bar_line.waits and self._floor.mode is not Mode.OFF:
            request = self._planner.ask(now, self._commit.edge, self._beat.changes)
            effects += [] if request is None else [Ask(request)]
        return effects

    def _look_back(self, now: float) -> list[Effect]:
        """Once the player seems to pause, learn from the whole phrase what no single note shows."""
        first, pauses = self._ear.phrase.first, self._ear.looks_back_at
        if first is None or pauses is None or pauses > now:
            return []
        effects, remap = self._beat.settle(first, now)
        if self._ear.learn(remap):
            self._planner.aim(None)
        return effects

    def _find_bar_line(self, now: float) -> list[Effect]:
        """Look for the bar line, in case the first note was a pickup."""
        found = self._bar_line.look(now, due=self._floor.is_due(now))
        if isinstance(found, LikelihoodRequest):
            self._planner.aim(None)  # one request is outstanding at a time
            return [AskLikelihood(found)]
        if not found:
            return []
        self._planner.aim(None)
        self._commit.shift(found)
        self._ear.shift(found)
        self._floor.shift(found)
        return self._beat.shift(found, now)
