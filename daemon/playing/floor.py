"""Who has the floor: when the turn passes, and what the player's keys mean for it."""

from __future__ import annotations

from jamd.daemon.events import Effect, Journal, Mode, ModeSet, Turn, TurnTaken
from jamd.daemon.listening.ear import Ear
from jamd.daemon.listening.phrase import Phrase
from jamd.daemon.playing.breath import Breath
from jamd.daemon.playing.commit import Commit
from jamd.daemon.playing.modes import Trade, policy
from jamd.daemon.playing.planner import Planner
from jamd.daemon.playing.scene import Scene, answer_start, is_stray, phrase_is_over
from jamd.daemon.playing.stage import Stage
from jamd.daemon.playing.yielding import Patience
from jamd.daemon.settings import Settings
from jamd.daemon.timing.transport import Transport
from jamd.notes import TICKS_PER_STEP, Tick
from jamd.placing import CHORD_SECONDS


class Floor:
    """Passes the turn to and fro by the mode's policy.

    Moments are in seconds. The effects returned are for the take.

    Args:
        settings: The initial mode, and what takes the turn back.
        transport: The beat.
        ear: What the player plays.
        planner: Fills the span that it is given.
        commit: Takes back notes when jamd gives way.
        stage: Is given the mode.

    Attributes:
        mode: When jamd plays.
        turn: Who has the floor.
    """

    def __init__(
        self,
        settings: Settings,
        transport: Transport,
        ear: Ear,
        planner: Planner,
        commit: Commit,
        stage: Stage,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._ear = ear
        self._planner = planner
        self._commit = commit
        self._stage = stage
        self._policy = policy(settings.mode, settings)
        self._answered: Phrase | None = None  # in jamd's turn: what it answers
        self._loudness = 0.0  # of the phrase answered last, which is also what `again` answers
        self._patience = Patience(settings.yields, self._loudness)
        self._strays = 0  # ticks; a note on its way is early or late by less than half of this
        self._stray(settings)
        self.mode = settings.mode
        self.turn = Turn.PLAYER

    def deadline(self, now: float) -> float | None:
        """When `decide` has something to decide; None if not before an event."""
        return self._policy.deadline(self._scene(now))

    def is_due(self, now: float) -> bool:
        """In the player's turn, whether the turn passes at `now`."""
        return self._policy.is_due(self._scene(now))

    def shift(self, by: int) -> None:
        """The bar line was found: every moment is `by` ticks later. No note of jamd's is due."""
        self._policy.shift(by, self._transport)

    def press(self, velocity: int, now: float, *, tune: bool) -> list[Effect]:
        """The player strikes a key, in the `tune` or in what lies under it."""
        if self._ear.phrase.is_handed_over_with(now):
            if self.turn is Turn.PLAYER or not self._planner.has_begun or self._waits(now):
                return self._join_chord(now)
            if self._has_just_begun(now):  # too soon to be meant against the answer
                self._planner.replan(self._commit.edge)
                return []
        if tune and self.turn is Turn.JAMD:
            return self._break_in(velocity, now)
        if tune and not self._policy.by_the_bar and phrase_is_over(self._scene(now)):
            self._ear.begin_phrase()
        else:
            self._planner.replan(self._commit.edge)
        return []

    def hand_over(self, now: float) -> list[Effect]:
        """The player hands the turn over: an answer that waits or rests may begin sooner."""
        self._ear.hand_over(now)
        self._planner.hurry()
        phrase, span = self._ear.phrase, self._planner.span
        if phrase is not self._answered or span is None or phrase.handed_over is None:
            return []
        start = answer_start(self._transport, phrase, now + self._stage.ahead_s)
        may_begin = start < span.start or self._rests_beyond(max(start, span.start))
        return self._begin_anew(now) if may_begin else []

    def decide(self, now: float) -> list[Effect]:
        """Decide what jamd is to fill, and whether the turn passes."""
        scene = self._scene(now)
        span = self._policy.wants(scene)
        if span is not None:
            span = span.not_before(self._transport.bar_one)  # nothing within the count-in
        if span is None and self.turn is Turn.JAMD:
            if self._ear.phrase is self._answered or is_stray(scene):
                self._ear.begin_phrase()  # else the player has begun the next one
            return self.give_back(now)
        self._planner.aim(span)
        if span is not None and self.turn is Turn.PLAYER and self._policy.is_due(scene):
            self._ear.dynamics.begin()
            self._loudness = self._ear.phrase.loudness
            return self._take(now)
        return []

    def adjust(self, settings: Settings) -> None:
        """Go by `settings` from now on. In jamd's turn, what it answers with stays."""
        before, self._settings = self._settings, settings
        self._patience.rule = settings.yields
        self._stray(settings)
        if settings.trade_bars == before.trade_bars or self.mode is not Mode.ANSWER:
            return
        if isinstance(self._policy, Trade) and settings.trade_bars:
            self._policy.trade(settings.trade_bars)
        else:
            self._policy = policy(self.mode, settings)
        if self.turn is Turn.PLAYER:
            self._planner.aim(None)

    def set_mode(self, mode: Mode, now: float) -> list[Effect]:
        """Play in `mode` from now on; what the old one planned is dropped."""
        if mode is self.mode:
            return []
        if self._ear.phrase is self._answered or phrase_is_over(self._scene(now)):
            self._ear.begin_phrase()
        effects = self._give_way(now)
        self.mode = mode
        effects += self._stage.enter(mode, now)
        self._policy = policy(mode, self._settings)
        return [*effects, Journal(ModeSet(self._transport.tick_at(now), now, mode))]

    def play_again(self, now: float) -> list[Effect]:
        """Play the last answer again from the next strong beat, or bar line when trading bars."""
        encore = self._planner.encore(
            self._commit.edge,
            self._transport,
            bars=self._policy.by_the_bar,
            closes=self.mode is Mode.ANSWER,
        )
        if encore is None or not self._transport.rolling or self.mode is Mode.OFF:
            return []
        effects = self._give_way(now)
        self._planner.play(encore)
        self._ear.begin_phrase()
        self._ear.dynamics.begin()
        effects += self._take(now)
        self._answered = None  # it answers nothing: what is played from now on is a new phrase
        return effects

    def give_back(self, now: float) -> list[Effect]:
        """Give the turn to the player."""
        self._planner.aim(None)
        self._answered = None
        return self._pass(Turn.PLAYER, now)

    def _join_chord(self, now: float) -> list[Effect]:
        """The key is of the chord with which the turn was handed over: the phrase is over now."""
        self._ear.hand_over(now)
        self._planner.hurry()
        if self.turn is Turn.JAMD:
            return self._begin_anew(now)
        self._planner.replan(self._commit.edge)
        return []

    def _waits(self, now: float) -> bool:
        """Whether, in jamd's turn, none of its notes can have left yet, however early they are."""
        span = self._planner.span
        return span is not None and self._stage.leaving(now) + self._strays // 2 < span.start

    def _has_just_begun(self, now: float) -> bool:
        """Whether the answer began within the time in which a chord is struck."""
        span = self._planner.span
        return span is not None and self._stage.leaving(now - CHORD_SECONDS) <= span.start

    def _rests_beyond(self, onset: Tick) -> bool:
        """Whether the answer may begin with a rest, and with one that lasts beyond `onset`."""
        span, planned = self._planner.span, self._planner.next_onset
        if self._planner.has_begun or span is None or span.begins is None or span.begins <= onset:
            return False
        return planned is None or planned > onset

    def _begin_anew(self, now: float) -> list[Effect]:
        """Give the turn to the player, as if jamd had not taken it: nothing has left yet."""
        self._commit.take_back(now)
        return self.give_back(now)

    def _break_in(self, velocity: int, now: float) -> list[Effect]:
        """The player strikes a key in jamd's turn."""
        if self._waits(now):  # the phrase goes on
            if not self._policy.by_the_bar and not self._planner.repeats:
                return self._begin_anew(now)
            self._planner.replan(self._commit.edge)
            return []
        if self._ear.phrase is self._answered or phrase_is_over(self._scene(now)):
            self._ear.begin_phrase()  # a stray note that lies further back is no part of it
        if not self._policy.yields:
            self._planner.replan(self._commit.edge)
        elif self._patience.ends(velocity, now, self._transport.beat_seconds):
            return self._give_way(now)
        return []

    def _give_way(self, now: float) -> list[Effect]:
        """Give way: soon no new note of jamd's begins, and soon after there is silence."""
        self._commit.withdraw(now)
        return self.give_back(now)

    def _take(self, now: float) -> list[Effect]:
        """Give the turn to jamd."""
        if self.turn is Turn.PLAYER and self._planner.span is not None:
            self._answered = self._ear.phrase
            self._patience = Patience(self._settings.yields, self._loudness)
            self._breathe(self._planner.span.start)
        return self._pass(Turn.JAMD, now)

    def _breathe(self, begin: Tick) -> None:
        """Make endless music breathe, even if it begins before earlier music has ended."""
        if self.mode is not Mode.ENDLESS:
            self._commit.breath = None
        elif self._commit.breath is not None:
            self._commit.breath.begin(begin)
        else:
            self._commit.breath = Breath(self._settings.meter, begin, self._strays)

    def _stray(self, settings: Settings) -> None:
        """Allow for notes that stray, also for those that have been placed before it ends."""
        if settings.humanise_s:
            self._strays = TICKS_PER_STEP
            if self._commit.breath is not None:
                self._commit.breath.strays = self._strays

    def _pass(self, turn: Turn, now: float) -> list[Effect]:
        if turn is self.turn:
            return []
        self.turn = turn
        return [Journal(TurnTaken(self._transport.tick_at(now), now, turn))]

    def _scene(self, now: float) -> Scene:
        return Scene(
            now=now,
            transport=self._transport,
            phrase=self._ear.phrase,
            notes_heard=self._ear.notes_heard,
            turn=self.turn,
            span=self._planner.span,
            ahead_s=self._stage.ahead_s,
            swing=self._stage.swing,
        )
