"""Finds the bar line when nothing gives it: the first note may have been a pickup."""

from __future__ import annotations

from jamd.daemon.events import Failed, FromWorker, Judged, WorkerLost, WorkerReady
from jamd.daemon.listening.ear import Ear
from jamd.daemon.listening.hearing import OPENING_NOTES
from jamd.daemon.listening.memory import Memory
from jamd.daemon.model.requests import LikelihoodRequest
from jamd.daemon.playing.planner import Planner
from jamd.daemon.timing.pickup import READ_AS, candidates, opening, pickup, signs
from jamd.daemon.timing.transport import Transport
from jamd.language import Context
from jamd.notes import Note, Tick


class BarLine:
    """Whenever the player pauses, decides whether their first note was a pickup.

    The worker is asked how likely the phrase is with each possible pickup; until it answers,
    nothing else is asked. The answer is optional: if there is no worker, if it is lost, fails or
    has a model without bars, or if the turn is about to pass, the signs in the notes decide alone.
    If the player goes on in the meantime, the question is dropped until the next pause.

    Args:
        transport: Where the bars are now.
        ear: What the player plays.
        memory: The same, as notes.
        planner: Knows whether there is a worker, and numbers the request.
    """

    def __init__(self, transport: Transport, ear: Ear, memory: Memory, planner: Planner) -> None:
        self._transport = transport
        self._ear = ear
        self._memory = memory
        self._planner = planner
        self._judged = 0  # notes heard at the last decision
        self._question: LikelihoodRequest | None = None
        self._nats: tuple[float, ...] | None = None  # the answer; empty if none will come

    @property
    def waits(self) -> bool:
        """Whether the worker has yet to answer."""
        return self._question is not None and self._nats is None

    @property
    def deadline(self) -> float | None:
        """When `look` has something to ask or decide, in seconds; None if not before an event."""
        if self._judged == self._ear.notes_heard or self._question is not None:
            return None
        return self._ear.phrase.pauses(self._transport.beat_seconds)

    def hear(self, event: FromWorker) -> None:
        """Handle an event from the worker or about it."""
        if self._question is None:
            return
        match event:
            case Judged(likelihoods) if likelihoods.id == self._question.id:
                self._nats = likelihoods.nats
            case Failed(number) if number == self._question.id:
                self._nats = ()
            case WorkerLost() | WorkerReady():
                self._nats = ()

    def look(self, now: float, *, due: bool) -> LikelihoodRequest | Tick:
        """Return what to ask at `now`, or how many ticks later in its bar all of it lies, mostly 0.

        Args:
            now: Seconds.
            due: The turn is about to pass, so no answer is waited for any more.
        """
        pauses = self._ear.phrase.pauses(self._transport.beat_seconds)
        if pauses is None or now < pauses:
            self.drop()
            return Tick(0)
        if self._judged == self._ear.notes_heard or (self.waits and not due):
            return Tick(0)
        notes = self._memory.heard.notes(self._transport.tick_at(now))
        meter = self._transport.meter
        known = len(notes) <= OPENING_NOTES and signs(notes, meter)
        if known and not due and self._question is None and self._planner.worker:
            self._question = self._request(notes)
            return self._question
        nats = self._nats or ()
        self._judged = self._ear.notes_heard
        self.drop()
        return Tick(-pickup(notes, meter, nats) % meter.ticks_per_bar if known else 0)

    def drop(self) -> None:
        """Drop the question: its answer is no longer wanted."""
        self._question = self._nats = None

    def _request(self, notes: list[Note]) -> LikelihoodRequest:
        meter = self._transport.meter
        heard = opening(notes)
        until = Tick(heard[-1].onset + 1)
        context = Context(tuple(heard), Tick(0), until, READ_AS[0], meter)
        shifts = tuple(Tick(-each % meter.ticks_per_bar) for each in candidates(meter))
        return LikelihoodRequest(self._planner.next_id(), context, shifts, READ_AS)
