"""The live side without real time: a jumping clock, a scripted improviser, a list of what is sent.

With these the whole live path runs faster than real time, and gives the same result every time.
`jamd freewheel` and the tests are made of them.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from jamd.daemon.events import (
    Answered,
    Ask,
    AskLikelihood,
    Effect,
    Entry,
    Event,
    Journal,
    Judged,
    Send,
)
from jamd.daemon.model.requests import LikelihoodRequest, Likelihoods, Planned, PlanRequest, Request
from jamd.daemon.takes.journal import Decides
from jamd.notes import HELD, TICKS_PER_BEAT, Note, Part, Tick, to_step, to_tick

ANSWER_SECONDS = 0.020
"""How long an answer takes in virtual time: about what the default model takes in real time."""


class VirtualClock:
    """A `Clock` that never waits: asked to sleep, it jumps to the deadline.

    After trio's MockClock, which jumps to the next deadline as soon as every task waits.
    """

    def __init__(self, now: float = 0.0) -> None:
        self._now = now

    def now(self) -> float:
        """The present, in seconds; time passes only in the methods that sleep."""
        return self._now

    def sleep_until(self, deadline: float) -> None:
        """Jump to `deadline`, in seconds; a past one changes nothing."""
        self._now = max(self._now, deadline)

    def approach(self, deadline: float) -> None:
        """The same as `sleep_until`: here nothing is ever late."""
        self.sleep_until(deadline)

    def meet(self, deadline: float) -> None:
        """The same as `sleep_until`."""
        self.sleep_until(deadline)


class Improvises(Protocol):
    """Continues music, a piece at a time."""

    def plan(self, request: PlanRequest) -> Iterator[Planned]: ...


Judge = Callable[[LikelihoodRequest], Iterable[Likelihoods]]
"""Answers how likely a phrase is, or does not answer."""


def _knows_no_bars(request: LikelihoodRequest) -> Iterator[Likelihoods]:
    yield Likelihoods(request.id, ())


class ScriptedImproviser:
    """Improvises by rule: repeats the last phrase with its tune upside down.

    What was heard in the last bars, as many as are requested, is moved by whole beats to where the
    answer begins, or to its very beginning if the next beat would be too late; Lead is mirrored
    around its first note and Comp stays. It uses no model and no random numbers, so tests and
    golden takes do not depend on a bundle.
    """

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        """Answer `request` bar by bar, or at once if it is only to be read."""
        context = request.context
        if not request.max_tokens:
            yield Planned(request.id, (), context.until, done=True)
            return
        answer = sorted(self._answer(request))
        bar = context.meter.ticks_per_bar
        begin: int = context.until
        while begin < request.through:
            end = min(begin + bar, request.through)
            notes = tuple(note for note in answer if begin <= note.onset < end)
            yield Planned(request.id, notes, Tick(end), done=end == request.through)
            begin = end

    def _answer(self, request: PlanRequest) -> Iterator[Note]:
        context, allowed = request.context, request.constraints
        length = request.through - context.until
        before = context.notes
        if not before:
            return
        last = before[-1].onset
        bar = context.meter.ticks_per_bar
        # The bars of the phrase, counted back from its last onset, at their place in the bar.
        begin = max(context.start, (last // bar + 1) * bar - -(-length // bar) * bar)
        phrase = [note for note in before if note.onset >= begin]
        axis = next((note.pitch for note in phrase if note.part is Part.LEAD), phrase[0].pitch)
        beat = context.meter.ticks_per_pulse
        shift = -(-(context.until - phrase[0].onset) // beat) * beat
        late = allowed.begins is not None and phrase[0].onset + shift > allowed.begins
        if late:
            shift = context.until - phrase[0].onset
        for note in phrase:
            onset = to_tick(to_step(note.onset + shift))
            pitch = 2 * axis - note.pitch if note.part is Part.LEAD else note.pitch
            if (
                context.until <= onset < request.through
                and allowed.lowest <= pitch <= allowed.highest
                and note.part in allowed.parts
            ):
                held = note.duration == HELD
                duration = TICKS_PER_BEAT if held else max(to_tick(to_step(note.duration)), 40)
                yield note._replace(onset=onset, pitch=pitch, duration=Tick(duration))


@dataclass(order=True, slots=True)
class _Coming:
    """An event on its way, or a request that the improviser is working on."""

    seconds: float
    sequence: int
    event: Event | Request = field(compare=False)


class VirtualJam:
    """A session, an improviser and what happens to them, in virtual time.

    Args:
        session: A fresh one, or one that is recorded in a journal.
        improviser: Answers its requests, each `ANSWER_SECONDS` after it was made.
        events: (seconds, event), in any order.
        judge: Answers how likely a phrase is, with the same delay; None: like a model that knows
            no bars.

    Attributes:
        sent: (seconds, message), as each was sent.
        entries: The take.
    """

    def __init__(
        self,
        session: Decides,
        improviser: Improvises,
        events: Iterable[tuple[float, Event]],
        judge: Judge | None = None,
    ) -> None:
        self.session = session
        self.sent: list[tuple[float, Send]] = []
        self.entries: list[Entry] = []
        self._improviser = improviser
        self._judge = judge or _knows_no_bars
        self._clock = VirtualClock()
        self._count = itertools.count()
        self._coming: list[_Coming] = []
        for seconds, event in events:
            self._push(seconds, event)

    def run(self, until: float) -> None:
        """Run everything that happens before `until` seconds, then shut the session down."""
        while (moment := self._next_moment()) < until:
            self._clock.sleep_until(moment)
            if self._coming and self._coming[0].seconds <= self._clock.now():
                self._arrive(heapq.heappop(self._coming).event)
            else:
                self._do(self.session.advance(self._clock.now()))
        self._clock.sleep_until(until)
        self._do(self.session.shutdown(until))

    def _next_moment(self) -> float:
        moments = [self._coming[0].seconds] if self._coming else []
        deadline = self.session.next_deadline()
        return min(moments if deadline is None else [*moments, deadline], default=float("inf"))

    def _arrive(self, event: Event | Request) -> None:
        now = self._clock.now()
        match event:
            case PlanRequest():
                for planned in self._improviser.plan(event):
                    self._do(self.session.handle(Answered(planned), now))
            case LikelihoodRequest():
                for likelihoods in self._judge(event):
                    self._do(self.session.handle(Judged(likelihoods), now))
            case _:
                self._do(self.session.handle(event, now))

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    self.sent.append((self._clock.now(), effect))
                case Journal(entry):
                    self.entries.append(entry)
                case Ask(request) | AskLikelihood(request):
                    # The newest request wins.
                    self._coming = [c for c in self._coming if not isinstance(c.event, Request)]
                    heapq.heapify(self._coming)
                    self._push(self._clock.now() + ANSWER_SECONDS, request)

    def _push(self, seconds: float, event: Event | Request) -> None:
        heapq.heappush(self._coming, _Coming(seconds, next(self._count), event))
