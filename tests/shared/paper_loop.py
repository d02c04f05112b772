"""A loop on paper: ports, a worker, a session and a Link session that do as they are told."""

from __future__ import annotations

from collections.abc import Sequence

from mido import Message

from jamd.daemon.events import Effect, Entry, Event, LinkState, Output, Send, TellLink
from jamd.daemon.loop import Loop
from jamd.daemon.model.requests import Request
from jamd.daemon.ports.connections import Connected
from jamd.daemon.ports.rtmidi_ports import Received
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.status import Status
from jamd.daemon.virtual import VirtualClock

C4_OFF = Message("note_off", note=60)
STATUS = Session(Settings()).status(0.0)


class FakePorts:
    """Ports on which the messages in `coming` arrive, each at its time."""

    def __init__(self, coming: Sequence[Received] = ()) -> None:
        self.sent: list[Message] = []
        self._coming = list(coming)

    def poll(self, now: float) -> Sequence[Received]:
        due = [one for one in self._coming if one.seconds <= now]
        self._coming = [one for one in self._coming if one.seconds > now]
        return due

    def send(self, message: Message, output: Output = Output.MAIN) -> None:
        self.sent.append(message)

    def tend(self, now: float) -> Sequence[str]:
        return ()

    def connected(self) -> Connected:
        return Connected((), ())

    def close(self) -> None:
        pass


class FakeWorker:
    """Reports `events` once, and records what it is asked."""

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self.asked: list[Request] = []
        self._events = list(events)

    def ask(self, request: Request, now: float) -> None:
        self.asked.append(request)

    def poll(self, now: float) -> list[Event]:
        events, self._events = self._events, []
        return events


class FakeSession:
    """A session that returns `effects` at their times, and records the events it is given."""

    def __init__(self, effects: Sequence[tuple[float, Effect]] = ()) -> None:
        self.told: list[tuple[Event, float]] = []
        self.advanced: list[float] = []
        self.fails_at = float("inf")
        self._effects = list(effects)

    def handle(self, event: Event, now: float) -> list[Effect]:
        self.told.append((event, now))
        return []

    def advance(self, now: float) -> list[Effect]:
        self.advanced.append(now)
        if now >= self.fails_at:
            raise RuntimeError("a bug")
        due = [effect for at, effect in self._effects if at <= now]
        self._effects = [one for one in self._effects if one[0] > now]
        return due

    def next_deadline(self) -> float | None:
        return min((at for at, _ in self._effects), default=None)

    def status(self, now: float) -> Status:
        return STATUS

    def shutdown(self, now: float) -> list[Effect]:
        return [Send(C4_OFF, now)]


class FakeLink:
    """A Link session that changes once, and records what it is sent."""

    def __init__(self, state: LinkState) -> None:
        self.told: list[TellLink] = []
        self._states = [state]

    def poll(self) -> tuple[float, LinkState] | None:
        return (0.25, self._states.pop()) if self._states else None

    def tell(self, wish: TellLink) -> None:
        self.told.append(wish)


class Room:
    """A loop with fakes around it."""

    def __init__(
        self,
        session: FakeSession,
        ports: FakePorts,
        events: Sequence[Event] = (),
        link: FakeLink | None = None,
    ) -> None:
        self.worker = FakeWorker(events)
        self.entries: list[Entry] = []
        self.clock = VirtualClock()
        self.tended: list[float] = []
        self.loop = Loop(
            session,
            ports,
            self.worker,
            self.entries.append,
            self.clock,
            tend=self.tend,
            link=link,
        )
        self.until_s = 1.0

    def tend(self, now: float, status: Status) -> None:
        self.tended.append(now)
        if now >= self.until_s:
            self.loop.stop()
