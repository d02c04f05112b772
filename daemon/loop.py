"""The shell around the session: ports, worker and take on one side, pure decisions on the other.

One thread looks at everything each millisecond and sleeps in between. Just before something is due
it stays awake, decides what to send, and sends it at its moment. Nothing here makes a musical
decision, and nothing here waits for anything but the clock.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from mido import Message

from jamd.daemon.clock import AWAKE_S, Clock
from jamd.daemon.control.controls import Action
from jamd.daemon.events import (
    Ask,
    AskLikelihood,
    ControlUsed,
    Effect,
    Entry,
    Event,
    HandedOver,
    Heard,
    InputLost,
    Journal,
    Leave,
    LinkState,
    Output,
    Panic,
    Press,
    Send,
    TellLink,
)
from jamd.daemon.midi.terms import begins_note, ends_note
from jamd.daemon.model.requests import Request
from jamd.daemon.ports.connections import Connected
from jamd.daemon.ports.live_ports import Ports
from jamd.daemon.status import Status
from jamd.daemon.takes.journal import Decides

POLL_S = 0.001
"""How often the input ports are looked at, and so how long an incoming note may wait."""

_PANICS = (Panic(), Press(Action.PANIC.value))

TEND_S = 0.02
"""How often everything that is not urgent is looked after: connections, status, bar lines."""

LEISURE_S = 0.002
"""If a deadline is closer than this, everything less urgent waits until it is met."""

STALL_S = 1.0
"""A process that has looked at nothing for this long was stopped, and releases may have been lost:
JACK keeps nothing for a client that does not run."""

SWITCH_S = 2e-4
"""How soon another thread gives up the interpreter. Python's default, 5 ms, is late for a note."""


class Worker(Protocol):
    """Answers requests, in its own time: a `Supervisor`'s process, or a scripted one."""

    def ask(self, request: Request, now: float) -> None: ...

    def poll(self, now: float) -> list[Event]: ...


class LinkSession(Protocol):
    """An Ableton Link session: `LinkPeer`."""

    def poll(self) -> tuple[float, LinkState] | None: ...

    def tell(self, wish: TellLink) -> None: ...


class Loop:
    """Runs a session in real time.

    Args:
        session: Makes the decisions.
        ports: Where messages come from and go to.
        worker: Asked for notes.
        journal: Takes the entries of the take; must not block.
        clock: Gives the time and sleeps.
        tend: Called with the moment and the status about every `TEND_S`, and when a control was
            used; must not block. Returns True to end the loop.
        link: The Link session that jamd is in, if it is in one.

    Attributes:
        lateness_s: Seconds from when each message was due to when the port had it, for the last
            hundred thousand; thru and panic are due when they happen.
    """

    def __init__(
        self,
        session: Decides,
        ports: Ports,
        worker: Worker,
        journal: Callable[[Entry], None],
        clock: Clock,
        *,
        tend: Callable[[float, Status], bool | None],
        link: LinkSession | None = None,
    ) -> None:
        self.lateness_s: deque[float] = deque(maxlen=100_000)
        self._session = session
        self._ports = ports
        self._worker = worker
        self._journal = journal
        self._clock = clock
        self._tend = tend
        self._link = link
        self._tend_at = self._listen_by = -math.inf
        self._looked_at = math.inf  # when everything was last looked at
        self._deadline: float | None = -math.inf  # the session's, which only it can change
        self._stopped = False
        self._connected = Connected()
        self._told: deque[Event] = deque()
        self._sounding: set[tuple[str, int, int]] = set()  # (output, channel, pitch), as sent

    def stop(self) -> None:
        """Make `run` return within a few milliseconds. May be called from a signal handler."""
        self._stopped = True

    def tell(self, event: Event) -> None:
        """Have the session handle `event` at the next look, before anything that is due then.

        May be called from a signal handler or from another thread.
        """
        self._told.append(event)

    def do(self, event: Event) -> None:
        """Have the session handle `event` at once. To be called from `tend`."""
        self._handle(event, self._clock.now())

    def go_on_with(self, session: Decides) -> None:
        """Let `session`, a fresh one, decide from now on; what jamd plays is ended.

        What the player holds is handed over. To be called from `tend`.
        """
        now = self._clock.now()
        left = [*self._session.handle(Leave(), now), *self._session.shutdown(now)]
        self._perform(left)
        self._session, self._deadline = session, session.next_deadline()
        for effect in left:
            if isinstance(effect, HandedOver):
                self._handle(effect, now)

    def run(self) -> None:
        """Play until `stop`. However it ends, every sounding note is ended before this returns."""
        switch_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        try:
            while not self._stopped:
                now = self._turn()
                look, deadline = now + POLL_S, self._deadline
                if deadline is None or deadline > look + AWAKE_S:
                    self._clock.sleep_until(look)
                elif deadline > now + AWAKE_S:
                    self._clock.approach(deadline)
                else:
                    self._meet(deadline)
        finally:
            try:
                self._perform(self._session.shutdown(self._clock.now()))
            finally:
                self._end_what_sounds()
                sys.setswitchinterval(switch_s)

    def _turn(self) -> float:
        """Look at everything once; return the moment at which that was.

        Events from `tell` go first, as one may be a panic; then what is due. Just before something
        else is due, nothing is begun that could delay it: what came in waits if that is within
        `AWAKE_S`, what is less urgent (the worker's answers, `tend`) if it is within `LEISURE_S`.
        What a control asks for is done before what came after it, unless that is a panic.
        """
        now = self._clock.now()
        while self._told:
            event = self._told.popleft()
            if event not in _PANICS:
                self._tend_if_asked(now)
            self._handle(event, now)
        self._notice_a_stall(now)
        if self._deadline is not None:
            if self._deadline <= now:
                self._advance(now)
            elif self._deadline < now + AWAKE_S:
                return now
        self._take_in(now)
        if self._at_leisure(now):
            if self._link is not None and (change := self._link.poll()) is not None:
                seconds, state = change
                self._handle(state, seconds)
            for event in self._worker.poll(now):
                self._handle(event, now)
            if now >= self._tend_at:
                self._tend_to_the_rest(now)
        return now

    def _take_in(self, now: float) -> None:
        """Handle what came in, and between a control and what came after it what that asks for."""
        for received in self._ports.poll(now):
            self._tend_if_asked(now)
            self._handle(Heard(received.message), received.seconds)

    def _tend_if_asked(self, now: float) -> None:
        """Do what a control asks for before whatever came after it: that is for the next song."""
        if self._tend_at == -math.inf:
            self._tend_to_the_rest(now)

    def _tend_to_the_rest(self, now: float) -> None:
        self._tend_at = now + TEND_S
        self._advance(now)
        if self._tend(now, self._session.status(now)):
            self.stop()
        self._look_at_input(now)

    def _look_at_input(self, now: float) -> None:
        """Handle the loss of an input that was seen connected; not all that play to jamd are.

        If several come in on one port, it is not known whose keys are down, so when any of them has
        gone, all keys are released: a player can strike again, while a note that hangs stays.
        """
        was, self._connected = self._connected, self._ports.connected()
        emptied = was.to_input and not self._connected.to_input
        if emptied or was.mixed - self._connected.mixed:
            self._handle(InputLost(), now)

    def _handle(self, event: Event, now: float) -> None:
        self._perform(self._session.handle(event, now))
        self._deadline = self._session.next_deadline()

    def _advance(self, now: float) -> None:
        self._perform(self._session.advance(now))
        self._deadline = self._session.next_deadline()

    def _meet(self, deadline: float) -> None:
        """Decide ahead of `deadline` what is due then, so that it only remains to be sent."""
        effects = self._session.advance(deadline)
        self._clock.meet(deadline)
        self._perform(effects)
        self._deadline = self._session.next_deadline()

    def _notice_a_stall(self, now: float) -> None:
        """Count every key as released if this process was stopped for so long that one may be."""
        stalled = now - self._looked_at > STALL_S
        self._looked_at = now
        if stalled:
            self._handle(InputLost(), now)

    def _at_leisure(self, now: float) -> bool:
        """Whether nothing is due just now; True at least once every `TEND_S`."""
        deadline = self._deadline
        if deadline is not None and deadline < now + LEISURE_S and now < self._listen_by:
            return False
        self._listen_by = now + TEND_S
        return True

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(message, due, output):
                    self._send(message, output)
                    self.lateness_s.append(self._clock.now() - due)
                case Ask(request) | AskLikelihood(request):
                    self._worker.ask(request, self._clock.now())
                case TellLink() if self._link is not None:
                    self._link.tell(effect)
                case Journal(entry):
                    self._journal(entry)
                    if isinstance(entry, ControlUsed):  # it may ask for what `tend` does
                        self._tend_at = -math.inf

    def _send(self, message: Message, output: Output) -> None:
        self._ports.send(message, output)
        if begins_note(message):
            self._sounding.add((output.value, message.channel, message.note))
        elif ends_note(message):
            self._sounding.discard((output.value, message.channel, message.note))

    def _end_what_sounds(self) -> None:
        """End what still sounds: the session ends its own notes, but it may be what failed."""
        for output, channel, pitch in sorted(self._sounding):
            off = Message("note_off", channel=channel, note=pitch)
            self._ports.send(off, Output(output))
        self._sounding.clear()
