"""The planner: asks the improviser and keeps its answers.

One request is outstanding at a time and the newest wins: an answer to any other is dropped. The
planner never waits. If the worker is late or gone, what is planned stays planned, and the rest is
requested again as soon as there is a worker to ask.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jamd.daemon.events import Answered, Failed, FromWorker, WorkerLost, WorkerReady
from jamd.daemon.listening.memory import Memory
from jamd.daemon.model.requests import Planned, PlanRequest, Sampling
from jamd.daemon.playing.encore import Encore, LastAnswer
from jamd.daemon.playing.plan import Plan, Span, fit
from jamd.daemon.settings import Settings
from jamd.daemon.timing.transport import Transport
from jamd.harmony.chart import Changes
from jamd.language import Constraints
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Note, Tick, to_tick

ASK_SECONDS = 0.025
"""Shortest time between two requests, so that a chord or a flood of notes does not cause a request
for every note, unless it hands the turn over. It is well within the commit window: an answer that
is requested this much later is still in time."""

READ_AHEAD = 4 * TICKS_PER_BEAT
"""How long before the model's window moves its new content is read, in ticks: otherwise the first
answer after the move would take as long as reading half a window."""

READING = 0
"""The id of every request that is only to be read; the others count from 1."""

PATIENCE = 2
"""How many times in a row an answer is requested again because it came too late or the player moved
on. A worker too slow for that is better than none: its next answer is taken from the commit edge
on."""


_Terms = tuple[str, Sampling, Constraints]


def _terms_of(settings: Settings) -> _Terms:
    """The settings by which the worker writes: if they change, what it wrote is outdated."""
    return settings.style, settings.sampling, settings.constraints


@dataclass(slots=True)
class _Pending:
    """The request that the worker is working on.

    Attributes:
        request: As it was sent.
        terms: What it was made by: as `_terms_of`.
        known: It has been answered up to here, exclusive.
        overtaken: A note became certain that its answer does not follow from.
        awaited: Its answer is awaited, although the player has moved on.
    """

    request: PlanRequest
    terms: _Terms
    known: Tick
    overtaken: bool = False
    awaited: bool = False


class Planner:
    """Keeps the span that jamd is to fill planned.

    A request continues from the commit edge: its context holds what was heard and what is
    committed, and nothing that is only planned. The answer replaces what was planned from there on;
    until it comes, the old plan stands. If a note of the old plan becomes certain in the meantime,
    the answer no longer follows from what is played: it is overtaken, and is dropped and requested
    again.

    When the settings of a request change, or the chord changes lie elsewhere, what is planned is
    requested once more in the same way. The worker first finishes what it is working on, as a knob
    may bring a new value every few milliseconds.

    Attributes:
        settings: The session's, as adjusted since it began.
        span: What jamd is to fill; None: nothing.
        has_begun: Whether some note of the span is certain.
        worker: Whether there is a worker to ask.
        requests: The id of the last request to the worker; 0: there was none.
    """

    def __init__(self, settings: Settings, memory: Memory) -> None:
        self.settings = settings
        self._memory = memory
        self._plan = Plan()
        self._pending: _Pending | None = None
        self._overtaken = 0  # overtaken answers in a row
        self._outrun = 0  # requests in a row before whose answer the player did something new
        self._planned_by = _terms_of(settings)  # what is planned was requested with these
        self._changes: Changes | None = None  # to be played over now
        self._planned_over: Changes | None = None  # what is planned was requested over these
        self._resumes: Tick | None = None  # request nothing before the edge reaches this tick
        self._repeats: Tick | None = None  # nor this one, and let nothing change what is planned
        self.requests = 0
        self._not_before = float("-inf")
        self._reads_from: Tick | None = None  # start of the window last sent to be read ahead
        self._has_read = False
        self._last_answer = LastAnswer(settings.meter)
        self.span: Span | None = None
        self.has_begun = False
        self.worker = False

    @property
    def through(self) -> Tick:
        """Exclusive end of what is decided: every onset before it is."""
        return self._plan.through

    @property
    def repeats(self) -> bool:
        """Whether an answer is being repeated, or about to be: nothing changes what is planned."""
        return self._repeats is not None

    @property
    def next_onset(self) -> Tick | None:
        """The earliest onset planned."""
        return self._plan.next_onset

    def last_onset(self, through: Tick) -> Tick:
        """The latest onset planned at or before `through`; -1: there is none."""
        return self._plan.last_onset(through)

    @property
    def next_tick(self) -> Tick | None:
        """The tick with which a planned note, or all before a place to request more, is certain."""
        places = (place for place in (self._resumes, self._repeats) if place is not None)
        ticks = (self._plan.next_onset, *(Tick(place - 1) for place in places))
        return min((tick for tick in ticks if tick is not None), default=None)

    def commit(self, edge: Tick) -> tuple[Note, ...]:
        """Take out, as certain, every planned note that begins before `edge`."""
        if self._resumes is not None and self._resumes <= edge:
            self._resumes = None
        if self._repeats is not None and self._repeats <= edge:
            self._repeats = None
        certain = self._plan.commit(edge)
        pending = self._pending
        if pending is not None:
            pending.overtaken |= any(note.onset >= pending.known for note in certain)
        self.has_begun |= bool(certain)
        if self.span is not None:
            self._last_answer.add(self.span, certain)
        return certain

    def encore(
        self, edge: Tick, transport: Transport, *, bars: bool, closes: bool
    ) -> Encore | None:
        """The last answer as it would be repeated from `edge` on; None if there was none.

        If it is still being played, its planned notes are kept as part of it, since repeating it
        discards the plan.
        """
        is_known = self.repeats or (self.span is not None and self.span.closes)
        if self.span is not None and is_known and self.has_begun:
            self._last_answer.add(self.span, self._plan.notes)
        return self._last_answer.once_more(edge, transport, bars=bars, closes=closes)

    def play(self, encore: Encore) -> None:
        """Fill a span with notes already known, which stay, whatever the player does meanwhile."""
        self.aim(encore.span)
        self._plan.replace(encore.notes, encore.span.start, encore.span.through)
        through = encore.span.through
        self._repeats = through if encore.span.closes else Tick(through - TICKS_PER_BEAT)

    def aim(self, span: Span | None) -> None:
        """Fill `span` from now on (None: nothing). One with a different start is planned anew."""
        if span is None or self.span is None or span.start != self.span.start:
            self._forget_request()
            self._plan.cancel(Tick(0))
            self._repeats = None
            self.has_begun = False
            self._outrun = 0
        self.span = span

    def take_back(self) -> None:
        """Fill nothing, and count the span as never played: none of it was."""
        if self.has_begun:
            self._last_answer.take_back()
        self.aim(None)
        self.hurry()

    def hurry(self) -> None:
        """Ask at once, as 25 ms are long for a player who waits for the next sixteenth."""
        self._not_before = float("-inf")

    def replan(self, edge: Tick) -> None:
        """Plan anew from `edge` on, whatever the worker is working on.

        The old plan is thrown away, unless there is no worker to ask for a better one, or the
        worker is so slow that the player is always ahead of it: then its answer is awaited first.
        What is repeated is no plan that could be better.
        """
        if self.repeats:
            return
        pending = self._pending
        self._outrun += pending is not None
        is_slow = self._outrun > PATIENCE
        if is_slow and pending is not None:
            pending.awaited = True
            return
        self._forget_request()
        if self.worker and not is_slow:
            self._plan.cancel(edge)
        else:
            self._plan.through = min(self._plan.through, edge)

    def hear(self, event: FromWorker, edge: Tick) -> None:
        """Take in an answer from the worker, or news about the worker itself."""
        match event:
            case Answered(planned):
                self._accept(planned, edge)
            case Failed(request_id):
                self._give_up(request_id)
            case WorkerReady():  # a new one: nothing asked before will be answered
                self.worker = True
                self._reads_from = None
                self._forget_request()
            case WorkerLost():
                self.worker = False
                self._forget_request()

    def _accept(self, planned: Planned, edge: Tick) -> None:
        """Keep the notes of an answer to the request that are valid and not before `edge`."""
        pending = self._pending
        self._has_read |= planned.id == READING
        if pending is None or self.span is None or planned.id != pending.request.id:
            return
        if pending.overtaken and self._overtaken < PATIENCE:
            self._overtaken += 1
            self._pending = None
            return
        request = pending.request
        through = Tick(min(max(planned.through, pending.known), request.through))
        room = Span(Tick(max(pending.known, edge)), through, self.span.closes)
        notes = fit(planned.notes, room, self.settings.meter, request.constraints.parts)
        self._plan.replace(notes, room.start, through)
        pending.known = through
        if not pending.awaited:
            self._outrun = 0
        if planned.done:
            self._keep_terms(pending)
            self._forget_request()
            if pending.awaited:
                self._plan.through = min(self._plan.through, edge)
            elif through <= request.context.until:
                self._plan.through = request.through  # asking again would get no further
            elif through < request.through:  # it wrote as much as it may: the rest can wait
                self._resumes = Tick(through - TICKS_PER_BEAT)

    def _give_up(self, request_id: int) -> None:
        """The worker cannot answer this request: the old plan for its stretch stands."""
        pending = self._pending
        if pending is not None and pending.request.id == request_id:
            self._plan.through = pending.request.through
            self._keep_terms(pending)
            self._forget_request()

    def _keep_terms(self, pending: _Pending) -> None:
        self._planned_by = pending.terms
        self._planned_over = pending.request.context.changes

    def ask(self, now: float, edge: Tick, changes: Changes | None = None) -> PlanRequest | None:
        """The request to send now, if the span is not planned to its end and one may be sent.

        If there is nothing to plan, it may be one to read ahead. None: no request.

        Args:
            now: Seconds.
            edge: The commit edge.
            changes: The chord changes, if there are any.
        """
        self._changes = changes
        open_span = self._open_span(edge)
        if open_span is None:
            return self._reading(edge)
        if now < self._not_before:
            return None
        if not self._has_read:  # the read-ahead is superseded by this request
            self._reads_from = None
        self._not_before = now + ASK_SECONDS
        self._resumes = None
        ends = open_span.through if open_span.closes else None
        request = PlanRequest(
            id=self.next_id(),
            context=replace(
                self._memory.context(open_span.start, self.settings.style, open_span.phrase),
                changes=changes,
            ),
            through=open_span.through,
            constraints=replace(
                self.settings.constraints,
                held=self._memory.heard.held,
                begins=self._entrance(open_span),
                ends=ends,
            ),
            sampling=self.settings.sampling,
            seed=self.settings.seed,
        )
        self._pending = _Pending(request, _terms_of(self.settings), open_span.start)
        return request

    def _reading(self, edge: Tick) -> PlanRequest | None:
        """A request that an idle worker read ahead, if the window is about to move; else None."""
        if self._pending is not None or not self.worker:
            return None
        start = self._memory.next_start(Tick(edge + READ_AHEAD))
        if start is None or start == self._reads_from:
            return None
        self._reads_from, self._has_read = start, False
        context = self._memory.ahead(start, edge, self.settings.style)
        context = replace(context, changes=self._changes)
        sampling = self.settings.sampling
        return PlanRequest(READING, context, through=edge, sampling=sampling, max_tokens=0)

    def next_id(self) -> int:
        """The id for the next request to the worker, whoever makes it."""
        self.requests += 1
        return self.requests

    def deadline(self, edge: Tick) -> float | None:
        """When `ask` will have something to plan, in seconds; None: not before an event."""
        return None if self._open_span(edge) is None else self._not_before

    def _open_span(self, edge: Tick) -> Span | None:
        """What the next request is to fill, on the grid; None: nothing, or no worker to ask."""
        if self.span is None or self._pending is not None or not self.worker:
            return None
        terms = _terms_of(self.settings)
        is_outdated = self._planned_by != terms or self._planned_over != self._changes
        if self.repeats or (self._resumes is not None and not is_outdated):
            return None
        start = max(self.span.start, to_tick(-(-edge // TICKS_PER_STEP)))
        planned = start if is_outdated else max(start, self._plan.through)
        if planned >= self.span.through:
            return None
        return replace(self.span, start=start)

    def _entrance(self, span: Span) -> Tick | None:
        """The latest onset for the first note of `span`; once that has passed, the next beat."""
        if self.has_begun or span.begins is None:
            return None
        if span.start <= span.begins:
            return span.begins
        beat = self.settings.meter.ticks_per_pulse
        return Tick(-(-span.start // beat) * beat)

    def _forget_request(self) -> None:
        self._pending = self._resumes = None
        self._overtaken = 0
