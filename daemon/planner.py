"""Asking the improviser and keeping what it says.

One request is outstanding at a time and the newest wins: an answer to any other is dropped. The
planner never waits. If the worker is late or gone, what is planned stays planned, and the rest is
asked for again as soon as there is a worker to ask.
"""

from __future__ import annotations

from dataclasses import replace

from jamd.daemon.encore import Encore, LastAnswer
from jamd.daemon.events import Answered, Failed, FromWorker, WorkerLost, WorkerReady
from jamd.daemon.memory import Memory
from jamd.daemon.plan import Plan, Span, fit
from jamd.daemon.requests import Planned, PlanRequest
from jamd.daemon.settings import Settings
from jamd.daemon.transport import Transport
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Note, Tick, to_tick

ASK_SECONDS = 0.025
"""Least time between two requests, so that a chord or a flood of notes is not asked about note by
note. Well within the commit window: an answer asked for this much later is still in time."""

READ_AHEAD = 4 * TICKS_PER_BEAT
"""So long before the model's window moves, what it will hold then is read: else the first answer
from there on would take as long as it takes to read half a window."""

READING = 0
"""The number of every request that is only to be read: the others count from 1."""

PATIENCE = 2
"""So often in a row is an answer that was overtaken asked for anew, and one that the player did not
wait for. A worker too slow for that is better than none: its next answer is taken from the commit
edge on."""


class Planner:
    """Keeps the span that jamd is to fill planned.

    A request continues from the commit edge: its context holds what was heard and what is
    committed, and nothing that is only planned. What it brings replaces what was planned from there
    on; until it comes, the old plan stands. If a note of the old plan becomes certain in the
    meantime, the answer does not follow from what is played: it is overtaken, dropped, and asked
    for anew.
    """

    def __init__(self, settings: Settings, memory: Memory) -> None:
        self._settings = settings
        self._memory = memory
        self._plan = Plan()
        self._request: PlanRequest | None = None
        self._known = Tick(0)  # what lies before it the request has been answered
        self._overtaken = 0  # answers in a row
        self._is_overtaken = False
        self._outrun = 0  # requests in a row before whose answer the player did something new
        self._is_outrun = False
        self._resumes: Tick | None = None  # ask for nothing before the edge comes here
        self._has_begun = False  # something of what fills the span is certain
        self._asked = 0
        self._not_before = float("-inf")
        self._reads_from: Tick | None = None  # where what was sent to be read ahead starts
        self._has_read = False
        self._last_answer = LastAnswer(settings.meter)
        self.span: Span | None = None
        self.worker = False

    @property
    def through(self) -> Tick:
        """Every onset before it is decided."""
        return self._plan.through

    @property
    def next_onset(self) -> Tick | None:
        """The earliest onset planned."""
        return self._plan.next_onset

    @property
    def next_tick(self) -> Tick | None:
        """Where the commit edge comes next to a note, or to where more is to be asked for."""
        return min(
            (tick for tick in (self._plan.next_onset, self._resumes) if tick is not None),
            default=None,
        )

    def commit(self, edge: Tick) -> tuple[Note, ...]:
        """Take out, as certain, every planned note that begins before `edge`."""
        if self._resumes is not None and self._resumes <= edge:
            self._resumes = None
        certain = self._plan.commit(edge)
        if self._request is not None and any(note.onset >= self._known for note in certain):
            self._is_overtaken = True
        self._has_begun |= bool(certain)
        if self.span is not None:
            self._last_answer.add(self.span, certain)
        return certain

    def encore(self, edge: Tick, transport: Transport, *, bars: bool) -> Encore | None:
        """The last answer as it would be played once more from `edge` on, if there was one.

        Where it is being played, what is planned of it belongs to it, and is kept: whoever plays
        it again gives up what is planned.
        """
        if self.span is not None and self.span.closes and self._has_begun:
            self._last_answer.add(self.span, self._plan.notes)
        return self._last_answer.once_more(edge, transport, bars=bars)

    def play(self, encore: Encore) -> None:
        """Fill a span with what is known already, and ask nobody for it."""
        self.aim(encore.span)
        self._plan.replace(encore.notes, encore.span.start, encore.span.through)

    def aim(self, span: Span | None) -> None:
        """Fill `span` from now on (None: nothing). One with another start is planned anew."""
        if span is None or self.span is None or span.start != self.span.start:
            self._forget_request()
            self._plan.cancel(Tick(0))
            self._has_begun = False
            self._outrun = 0
        self.span = span

    def take_back(self) -> None:
        """Fill nothing, and nothing of what was to be filled has been played."""
        self.aim(None)
        self._last_answer.forget()
        self._not_before = float("-inf")  # for who waits on a sixteenth, 25 ms are long

    def replan(self, edge: Tick) -> None:
        """Plan anew from `edge` on, whatever the worker is thinking of.

        What was planned is thrown away, unless there is no worker to ask for something better, or
        one so slow that the player is always ahead of it: then it is heard out first.
        """
        self._outrun += self._request is not None
        self._is_outrun = self._outrun > PATIENCE
        if self._is_outrun and self._request is not None:
            return
        self._forget_request()
        if self.worker and not self._is_outrun:
            self._plan.cancel(edge)
        else:
            self._plan.through = min(self._plan.through, edge)

    def hear(self, event: FromWorker, edge: Tick) -> None:
        """Take in what the worker says, or what is said of it."""
        match event:
            case Answered(planned):
                self.accept(planned, edge)
            case Failed(request_id):
                self.give_up(request_id)
            case WorkerReady():
                self.find_worker()
            case WorkerLost():
                self.lose_worker()

    def lose_worker(self) -> None:
        """What was asked will not be answered."""
        self.worker = False
        self._forget_request()

    def find_worker(self) -> None:
        """There is a worker to ask. It is a new one: nothing asked before will be answered."""
        self.worker = True
        self._reads_from = None
        self._forget_request()

    def accept(self, planned: Planned, edge: Tick) -> None:
        """Keep what of an answer belongs to the request, begins at `edge` or later and can be."""
        request = self._request
        self._has_read |= planned.id == READING
        if request is None or self.span is None or planned.id != request.id:
            return
        if self._is_overtaken and self._overtaken < PATIENCE:
            self._overtaken += 1
            self._request = None
            return
        through = Tick(min(max(planned.through, self._known), request.through))
        room = Span(Tick(max(self._known, edge)), through, self.span.closes)
        allowed = self._settings.constraints.parts
        notes = fit(planned.notes, room, self._settings.meter, allowed)
        self._plan.replace(notes, room.start, through)
        self._known = through
        if not self._is_outrun:
            self._outrun = 0
        if planned.done:
            self._forget_request()
            if self._is_outrun:
                self._plan.through = min(self._plan.through, edge)
            elif through <= request.context.until:
                self._plan.through = request.through  # asked again, it would get nowhere again
            elif through < request.through:  # it wrote all that it may: the rest can wait
                self._resumes = Tick(through - TICKS_PER_BEAT)

    def give_up(self, request_id: int) -> None:
        """The worker cannot answer this request: what was planned for its stretch stands."""
        if self._request is not None and self._request.id == request_id:
            self._plan.through = self._request.through
            self._forget_request()

    def ask(self, now: float, edge: Tick) -> PlanRequest | None:
        """The request to send now, if the span is not planned to its end and nothing hinders.

        Where there is nothing to plan, perhaps there is something to read ahead.
        """
        open_span = self._open_span(edge)
        if open_span is None:
            return self._reading(edge)
        if now < self._not_before:
            return None
        if not self._has_read:  # nor will it be, now
            self._reads_from = None
        self._not_before = now + ASK_SECONDS
        self._known, self._resumes = open_span.start, None
        self._is_overtaken = self._is_outrun = False
        ends = open_span.through if open_span.closes else None
        self._request = PlanRequest(
            id=self.next_id(),
            context=self._memory.context(open_span.start, self._settings.style, open_span.phrase),
            through=open_span.through,
            constraints=replace(
                self._settings.constraints,
                held=self._memory.heard.held,
                begins=self._entrance(open_span),
                ends=ends,
            ),
            sampling=self._settings.sampling,
            seed=self._settings.seed,
        )
        return self._request

    def _reading(self, edge: Tick) -> PlanRequest | None:
        """What the worker, if it is idle, is to read because the window is about to move."""
        if self._request is not None or not self.worker:
            return None
        start = self._memory.next_start(Tick(edge + READ_AHEAD))
        if start is None or start == self._reads_from:
            return None
        self._reads_from, self._has_read = start, False
        context = self._memory.ahead(start, edge, self._settings.style)
        sampling = self._settings.sampling
        return PlanRequest(READING, context, through=edge, sampling=sampling, max_tokens=0)

    def next_id(self) -> int:
        """The number of a request to the worker, whoever makes it."""
        self._asked += 1
        return self._asked

    def deadline(self, edge: Tick) -> float | None:
        """When `ask` will have something to plan, in seconds; None: not before an event."""
        return None if self._open_span(edge) is None else self._not_before

    def _open_span(self, edge: Tick) -> Span | None:
        """What the next request is to fill, on the grid; None: nothing, or nobody to ask."""
        if self.span is None or self._request is not None or not self.worker:
            return None
        if self._resumes is not None:
            return None
        start = max(self.span.start, to_tick(-(-edge // TICKS_PER_STEP)))
        if max(start, self._plan.through) >= self.span.through:
            return None
        return replace(self.span, start=start)

    def _entrance(self, span: Span) -> Tick | None:
        """Where the first note of `span` is to begin at the latest: if that is past, on a beat."""
        if self._has_begun or span.begins is None:
            return None
        if span.start <= span.begins:
            return span.begins
        beat = self._settings.meter.ticks_per_pulse
        return Tick(-(-span.start // beat) * beat)

    def _forget_request(self) -> None:
        self._request = self._resumes = None
        self._overtaken = 0
