"""Sessions that go on one from the other, and what is said to them."""

from __future__ import annotations

from collections.abc import Sequence

from mido import Message

from jamd.daemon.events import (
    Effect,
    Event,
    HandedOver,
    Heard,
    Leave,
    Send,
    WorkerReady,
)
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.status import Status
from jamd.daemon.takes.journal import FORMAT, Decides, Journaled, Opened, Record, to_line

THRU = Settings(thru=True)


class Relay:
    """Sessions one after the other, as the loop runs them: `Leave` begins the next."""

    def __init__(self, *settings: Settings) -> None:
        self.journals: list[list[str]] = []
        self._settings = list(settings)
        self.session = self._begin()

    def _begin(self) -> Decides:
        settings = self._settings.pop(0)
        lines = [to_line(Opened(FORMAT, "0.1.0", "today", "default", "", settings))]

        def write(record: Record) -> None:
            lines.append(to_line(record))

        self.journals.append(lines)
        return Journaled(Session(settings), write)

    def handle(self, event: Event, now: float) -> list[Effect]:
        effects = self.session.handle(event, now)
        if event == Leave():
            effects += self.session.shutdown(now)
            (given,) = (effect for effect in effects if isinstance(effect, HandedOver))
            self.session = self._begin()
            effects += self.session.handle(given, now)
            effects += self.session.handle(WorkerReady(), now)
        return effects

    def advance(self, now: float) -> list[Effect]:
        return self.session.advance(now)

    def shutdown(self, now: float) -> list[Effect]:
        return self.session.shutdown(now)

    def next_deadline(self) -> float | None:
        return self.session.next_deadline()

    def status(self, now: float) -> Status:
        return self.session.status(now)


def sends(effects: Sequence[Effect]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Send)]


def told(relay: Relay, *story: tuple[float, Message | Event]) -> list[Message]:
    """What is sent while `relay` is told a story."""
    effects: list[Effect] = []
    for now, said in story:
        while (deadline := relay.next_deadline()) is not None and deadline < now:
            effects += relay.advance(deadline)
        effects += relay.handle(Heard(said) if isinstance(said, Message) else said, now)
    return sends(effects)


def note(pitch: int, velocity: int = 64) -> Message:
    return Message("note_on", note=pitch, velocity=velocity)
