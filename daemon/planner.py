"""Asking the improviser and keeping what it says.

One request is outstanding at a time and the newest wins: an answer to any other is dropped. The
planner never waits. If the worker is late or gone, what is planned stays planned, and the rest is
asked for again as soon as there is a worker to ask.
"""

from __future__ import annotations

from dataclasses import replace

from jamd.daemon.encore import Encore, LastAnswer
from jamd.daemon.memory import Memory
from jamd.daemon.plan import Plan, Span, fit
from jamd.daemon.requests import Planned, PlanRequest
from jamd.daemon.settings import Settings
from jamd.daemon.transport import Transport
from jamd.notes import TICKS_PER_STEP, Note, Tick, to_tick

ASK_SECONDS = 0.025
"""Least time between two requests, so that a chord or a flood of notes is not asked about note by
note. Well within the commit window: an answer asked for this much later is still in time."""


class Planner:
    """Keeps the span that jamd is to fill planned.

    The context of a request holds what was heard, what is committed, and what is planned before
    the place it continues from. That last part is not certain yet; but if it is thrown away, so is
    the request and all that it brought, so nothing is ever played that follows from music that was
    not.
    """

    def __init__(self, settings: Settings, memory: Memory) -> None:
        self._settings = settings
        self._memory = memory
        self._plan = Plan()
        self._request: PlanRequest | None = None
        self._asked = 0
        self._not_before = float("-inf")
        self._last_answer = LastAnswer(settings.meter)
        self.span: Span | None = None
        self.worker = False

    @property
    def next_onset(self) -> Tick | None:
        """The earliest onset planned."""
        return self._plan.next_onset

    def commit(self, edge: Tick) -> tuple[Note, ...]:
        """Take out, as certain, every planned note that begins before `edge`."""
        certain = self._plan.commit(edge)
        if self.span is not None:
            self._last_answer.add(self.span, certain)
        return certain

    def encore(self, edge: Tick, transport: Transport) -> Encore | None:
        """The last answer as it would be played once more from `edge` on, if there was one."""
        return self._last_answer.once_more(edge, transport)

    def play(self, encore: Encore) -> None:
        """Fill a span with what is known already, and ask nobody for it."""
        self.aim(encore.span)
        self._plan.add(encore.notes)
        self._plan.through = encore.span.through

    def aim(self, span: Span | None) -> None:
        """Fill `span` from now on (None: nothing). One with another start is planned anew."""
        if span is None or self.span is None or span.start != self.span.start:
            self.replan(Tick(0))
        self.span = span

    def replan(self, edge: Tick) -> None:
        """Throw away what is planned from `edge` on, and whatever the worker is thinking of."""
        self._request = None
        self._plan.cancel(edge)

    def lose_worker(self) -> None:
        """What was asked will not be answered."""
        self.worker = False
        self._request = None

    def find_worker(self) -> None:
        """There is a worker to ask. It is a new one: nothing asked before will be answered."""
        self.worker = True
        self._request = None

    def accept(self, planned: Planned, edge: Tick) -> None:
        """Keep what of an answer belongs to the request, begins at `edge` or later and can be."""
        request = self._request
        if request is None or self.span is None or planned.id != request.id:
            return
        begins = max(request.context.until, edge)
        room = Span(Tick(begins), request.through, self.span.closes)
        allowed = self._settings.constraints.parts
        self._plan.add(fit(planned.notes, room, self._settings.meter, allowed))
        through = min(max(planned.through, self._plan.through), request.through)
        self._plan.through = Tick(through)
        if planned.done:
            if through <= request.context.until:
                self.give_up(request.id)  # it got nowhere: asked again, it would get nowhere again
            self._request = None

    def give_up(self, request_id: int) -> None:
        """The worker cannot answer this request: let its stretch be silent."""
        if self._request is not None and self._request.id == request_id:
            self._plan.through = self._request.through
            self._request = None

    def ask(self, now: float, edge: Tick) -> PlanRequest | None:
        """The request to send now, if the span is not planned to its end and nothing hinders."""
        open_span = self._open_span(edge)
        if open_span is None or now < self._not_before:
            return None
        self._plan.cancel(open_span.start)
        self._asked += 1
        self._not_before = now + ASK_SECONDS
        ends = open_span.through if open_span.closes else None
        self._request = PlanRequest(
            id=self._asked,
            context=self._memory.context(
                open_span.start, self._settings.style, self._plan.notes, open_span.phrase
            ),
            through=open_span.through,
            constraints=replace(self._settings.constraints, ends=ends),
            sampling=self._settings.sampling,
            seed=self._settings.seed,
        )
        return self._request

    def deadline(self, edge: Tick) -> float | None:
        """When `ask` will have something to send, in seconds; None: not before an event."""
        return None if self._open_span(edge) is None else self._not_before

    def _open_span(self, edge: Tick) -> Span | None:
        """What the next request is to fill, on the grid; None: nothing, or nobody to ask."""
        if self.span is None or self._request is not None or not self.worker:
            return None
        start = max(self.span.start, self._plan.through, to_tick(-(-edge // TICKS_PER_STEP)))
        if start >= self.span.through:
            return None
        return replace(self.span, start=start)
