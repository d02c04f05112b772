"""When to play: one small policy a mode.

A policy says which stretch of time jamd is to fill, as far as can be said now. The session sees to
it that the stretch is planned, and begins to play when the phrase is over; a policy therefore need
not know about workers, lateness or messages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from jamd.daemon.events import Mode, Turn
from jamd.daemon.phrase import Phrase
from jamd.daemon.plan import Span
from jamd.daemon.transport import SIXTEENTH, Transport
from jamd.notes import Tick

FEWEST_NOTES = 3
"""jamd plays nothing before it has heard this many notes."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a policy decides by.

    Attributes:
        now: Seconds.
        transport: Rolling.
        phrase: What the player plays now, or played last.
        notes_heard: Notes heard from the player in the whole session.
        turn: Who has the floor.
        span: What jamd is filling or going to fill; None: nothing.
        ahead_s: How much earlier than its tick a note must be known, in seconds.
    """

    now: float
    transport: Transport
    phrase: Phrase
    notes_heard: int
    turn: Turn
    span: Span | None
    ahead_s: float = 0.0


class Policy(Protocol):
    """A mode's decisions."""

    yields: bool
    """A note from the player takes the turn back."""

    def wants(self, scene: Scene) -> Span | None:
        """What jamd is to fill; a span with another start is another answer.

        While the turn is the player's this is a guess, made so that the answer is there in time;
        it becomes the answer when the phrase ends. None in jamd's turn gives the turn back.
        """

    def deadline(self, scene: Scene) -> float | None:
        """When `wants` changes by itself, in seconds; None: it does not."""


class Answer:
    """The player plays and pauses; jamd answers at the phrase's own length, then waits."""

    yields = True

    def wants(self, scene: Scene) -> Span | None:
        span = scene.span
        if scene.turn is Turn.PLAYER:
            return answer_span(scene)
        if span is None or scene.transport.seconds_at(span.through) <= scene.now:
            return None
        return span

    def deadline(self, scene: Scene) -> float | None:
        if scene.turn is Turn.PLAYER:
            return answer_deadline(scene)
        return None if scene.span is None else scene.transport.seconds_at(scene.span.through)


class Endless:
    """After the first phrase jamd goes on; what the player then plays changes what comes next.

    Args:
        horizon_bars: How many whole bars are planned ahead, at least 1.
    """

    yields = False

    def __init__(self, horizon_bars: int) -> None:
        self._horizon_bars = horizon_bars

    def wants(self, scene: Scene) -> Span | None:
        if scene.turn is Turn.PLAYER:
            answer = answer_span(scene)
            return answer and replace(answer, closes=False)
        if scene.span is None:
            return None
        through = max(scene.span.through, self._horizon(scene))
        return replace(scene.span, through=through)

    def deadline(self, scene: Scene) -> float | None:
        if scene.turn is Turn.PLAYER:
            return answer_deadline(scene)
        if scene.span is None:
            return None
        # The horizon moves when a bar line is passed.
        bar = scene.transport.meter.ticks_per_bar
        ahead = self._horizon_bars * bar
        return scene.transport.seconds_at(max(scene.span.through, self._horizon(scene)) - ahead)

    def _horizon(self, scene: Scene) -> Tick:
        """The bar line that lies the horizon beyond the next one."""
        bar = scene.transport.meter.ticks_per_bar
        line = scene.transport.next_bar_line(scene.transport.tick_at(scene.now) + 1)
        return Tick(line + self._horizon_bars * bar)


class Off:
    """jamd plays nothing of its own."""

    yields = True

    def wants(self, scene: Scene) -> Span | None:  # noqa: ARG002 - as the protocol has it
        return None

    def deadline(self, scene: Scene) -> float | None:  # noqa: ARG002 - as the protocol has it
        return None


def policy(mode: Mode, horizon_bars: int) -> Policy:
    """The policy of `mode`."""
    if mode is Mode.ANSWER:
        return Answer()
    if mode is Mode.ENDLESS:
        return Endless(horizon_bars)
    return Off()


def answer_span(scene: Scene) -> Span | None:
    """The answer to the phrase as it stands, once the player seems to pause; else None.

    It starts on the first beat that is at least a sixteenth after the phrase's end.
    """
    beat = scene.transport.beat_seconds
    pauses, ends = scene.phrase.pauses(beat), scene.phrase.ends(beat)
    if pauses is None or ends is None or scene.now < pauses or scene.notes_heard < FEWEST_NOTES:
        return None
    start = scene.transport.next_pulse(scene.transport.tick_at(ends + scene.ahead_s) + SIXTEENTH)
    through = Tick(start + scene.phrase.answer_ticks(scene.transport.meter))
    return Span(start, through, phrase=scene.phrase.first)


def answer_deadline(scene: Scene) -> float | None:
    """When the player will seem to pause, then when the phrase will be over."""
    if scene.notes_heard < FEWEST_NOTES:
        return None
    beat = scene.transport.beat_seconds
    pauses, ends = scene.phrase.pauses(beat), scene.phrase.ends(beat)
    if pauses is not None and scene.now < pauses:
        return pauses
    return ends
