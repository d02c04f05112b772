"""When to play: one small policy for each mode.

A policy decides which stretch of time jamd is to fill, as far as is known now, and when its turn
begins. `Floor` passes the turn accordingly, and `Planner` has the stretch filled, so a policy need
not know about workers, lateness or messages.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from jamd.daemon.events import Mode, Turn
from jamd.daemon.playing.plan import Span, commit_window
from jamd.daemon.playing.scene import (
    FEWEST_NOTES,
    Scene,
    answer_deadline,
    answer_span,
    answer_start,
    phrase_is_over,
)
from jamd.daemon.settings import Settings
from jamd.daemon.timing.transport import LONGEST_PICKUP, SIXTEENTH, Transport
from jamd.notes import TICKS_PER_BEAT, Tick


class Policy(Protocol):
    """A mode's decisions."""

    yields: bool
    """Whether the player can take the turn back."""

    by_the_bar: bool
    """Whether the turn passes on a bar line, whatever the player does."""

    def wants(self, scene: Scene) -> Span | None:
        """What jamd is to fill; a span with a different start is a different answer.

        During the player's turn this is a guess, made so that the answer is ready in time; it
        becomes the answer when the phrase ends. None during jamd's turn gives the turn back.
        """

    def is_due(self, scene: Scene) -> bool:
        """Whether jamd's turn, with what it is to fill, begins now; asked in the player's turn."""

    def deadline(self, scene: Scene) -> float | None:
        """When `wants` or `is_due` changes by itself, in seconds; None if it does not."""

    def shift(self, by: int, transport: Transport) -> None:  # noqa: ARG002 - most keep no tick
        """Count every moment `by` ticks later: the bar line was found."""
        return


class Answer(Policy):
    """The player plays and pauses; jamd answers at the phrase's length, then waits."""

    yields = True
    by_the_bar = False

    def wants(self, scene: Scene) -> Span | None:
        return answer_span(scene) if scene.turn is Turn.PLAYER else _rest_of_answer(scene)

    def is_due(self, scene: Scene) -> bool:
        return phrase_is_over(scene)

    def deadline(self, scene: Scene) -> float | None:
        if scene.turn is Turn.PLAYER:
            return answer_deadline(scene)
        return scene.span_ends


class Trade(Policy):
    """The player has a number of bars, then jamd has as many, and so on.

    The player's bars begin where jamd's ended. If the player lets all of them pass, or has taken
    the turn back, they begin with the bar in which the player next plays; a pickup of up to a beat
    belongs to the bar after it.

    Args:
        bars: How many each has: 2, 4 or 8.
    """

    yields = True
    by_the_bar = True

    def __init__(self, bars: int) -> None:
        self._bars = bars
        self._home: Tick | None = None  # where the player's bars last began
        self._is_early = True  # until now no answer could have come: too few notes were heard

    def trade(self, bars: int) -> None:
        """Trade this many bars from now on: in the player's turn counted from where it began.

        If that many have passed already, the player's bars begin with the present one. In jamd's
        turn its bars are played out.
        """
        self._bars = bars
        self._is_early = True

    def wants(self, scene: Scene) -> Span | None:
        if scene.turn is Turn.JAMD:
            span = _rest_of_answer(scene)
            if span is None and scene.span is not None:  # an answer may end within a bar
                self._home = scene.transport.next_bar_line(scene.span.through)
            return span
        start, self._home = self._look(scene)
        self._is_early = scene.notes_heard < FEWEST_NOTES
        if start is None or scene.now < self._asks(scene, start):
            return None
        transport = scene.transport
        line = transport.next_bar_line(start - transport.meter.ticks_per_bar // 2)
        through = Tick(line + self._length(scene))
        waits = SIXTEENTH if scene.phrase.handed_over is None else 0
        return Span(start, through, phrase=scene.phrase.first, begins=Tick(start + waits))

    def is_due(self, scene: Scene) -> bool:
        start, _ = self._look(scene)
        return start is not None and self._passes(scene, start) <= scene.now

    def deadline(self, scene: Scene) -> float | None:
        if scene.turn is Turn.JAMD:
            return scene.span_ends
        start, _ = self._look(scene)
        if start is None:
            return None
        asks = self._asks(scene, start)
        return asks if scene.now < asks else self._passes(scene, start)

    def shift(self, by: int, transport: Transport) -> None:
        """Count every moment `by` ticks later; the player's bars then begin on a bar line."""
        if self._home is not None:
            self._home = transport.next_bar_line(self._home + by)

    def _look(self, scene: Scene) -> tuple[Tick | None, Tick | None]:
        """Where the player's bars end, and where they last began.

        They end on a bar line, or where the answer begins if the turn was handed over. None: they
        have not begun, or it is not known.
        """
        phrase, bar, home = scene.phrase, scene.transport.meter.ticks_per_bar, self._home
        if phrase.first is None or scene.notes_heard < FEWEST_NOTES:
            return None, home
        if phrase.handed_over is not None:
            ends = phrase.handed_over + scene.ahead_s
            return answer_start(scene.transport, phrase, ends), home
        first, length = phrase.first + LONGEST_PICKUP, self._length(scene)
        begins = Tick(first // bar * bar) if home is None or first >= home + length else home
        late = scene.transport.tick_at(scene.now) - (begins + length)
        if late >= (0 if self._is_early else TICKS_PER_BEAT):  # they passed without an answer
            begins = home = Tick((begins + length + late + LONGEST_PICKUP) // bar * bar)
        return Tick(begins + length), home

    def _length(self, scene: Scene) -> Tick:
        return Tick(self._bars * scene.transport.meter.ticks_per_bar)

    @staticmethod
    def _asks(scene: Scene, start: Tick) -> float:
        """When to begin planning: a beat early, as what the player adds until then is replanned."""
        return scene.transport.seconds_at(start) - scene.transport.beat_seconds - scene.ahead_s

    @staticmethod
    def _passes(scene: Scene, start: Tick) -> float:
        """When the turn passes: a commit window early, when what begins at `start` is certain."""
        window = commit_window(scene.transport.beat_seconds) + scene.ahead_s
        return scene.transport.seconds_at(start) - window


class Endless(Policy):
    """jamd plays on after the first phrase; what the player then plays changes what comes next.

    Args:
        horizon_bars: Number of whole bars planned ahead, at least 1.
    """

    yields = False
    by_the_bar = False

    def __init__(self, horizon_bars: int) -> None:
        self._horizon_bars = horizon_bars

    def wants(self, scene: Scene) -> Span | None:
        if scene.turn is Turn.PLAYER:
            answer = answer_span(scene)
            return answer and self._reaching(answer, scene, answer.start)
        return scene.span and self._reaching(scene.span, scene, scene.transport.passed(scene.now))

    def is_due(self, scene: Scene) -> bool:
        return phrase_is_over(scene)

    def deadline(self, scene: Scene) -> float | None:
        if scene.turn is Turn.PLAYER:
            return answer_deadline(scene)
        if scene.span is None:
            return None
        # The horizon moves when a bar line is passed, and the first span need not end on one.
        bar = scene.transport.meter.ticks_per_bar
        bars = scene.span.through // bar - self._horizon_bars
        return scene.transport.seconds_at(bars * bar)

    def _reaching(self, span: Span, scene: Scene, tick: Tick) -> Span:
        """`span` extended to the horizon, counted from the first bar line after `tick`."""
        line = scene.transport.next_bar_line(tick + 1)
        through = Tick(line + self._horizon_bars * scene.transport.meter.ticks_per_bar)
        return replace(span, through=max(span.through, through), closes=False)


class Off(Policy):
    """jamd plays nothing of its own."""

    yields = True
    by_the_bar = False

    def wants(self, scene: Scene) -> Span | None:  # noqa: ARG002 - as the protocol has it
        return None

    def is_due(self, scene: Scene) -> bool:  # noqa: ARG002 - as the protocol has it
        return False

    def deadline(self, scene: Scene) -> float | None:  # noqa: ARG002 - as the protocol has it
        return None


def policy(mode: Mode, settings: Settings) -> Policy:
    """The policy of `mode`."""
    if mode is Mode.ANSWER:
        return Trade(settings.trade_bars) if settings.trade_bars else Answer()
    if mode is Mode.ENDLESS:
        return Endless(settings.horizon_bars)
    return Off()


def _rest_of_answer(scene: Scene) -> Span | None:
    """What jamd is filling in its turn; None once that is over."""
    ends = scene.span_ends
    return None if ends is None or ends <= scene.now else scene.span
