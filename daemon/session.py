"""Every musical decision, and no input or output: events and moments in, effects out."""

from __future__ import annotations

from dataclasses import dataclass

from jamd.daemon.events import Effect, Event, Mode, Turn
from jamd.daemon.settings import Settings


@dataclass(frozen=True, slots=True)
class Status:
    """What a status line shows.

    Attributes:
        last_note: MIDI pitch last heard from the player, or None.
        bar: The bar, from 1; 0 while the transport has not started.
        beat: The beat in the bar, from 1; 0 while the transport has not started.
        turn: Who has the floor.
        bpm: Tempo in quarter notes a minute.
        mode: When jamd plays.
        sounding: How many of jamd's notes sound.
        worker: Whether a worker can be asked.
    """

    last_note: int | None
    bar: int
    beat: int
    turn: Turn
    bpm: float
    mode: Mode
    sounding: int
    worker: bool


class Session:
    """A jam: what was heard, what is to be played, and when.

    Moments are seconds of a monotonic clock, any origin; they must not run backwards, and one that
    does counts as the latest moment seen. A fresh session has no worker: tell it `WorkerReady`.
    """

    def __init__(self, settings: Settings) -> None:
        raise NotImplementedError

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Take in what happened at `now`; return what is to be done at once, in order."""
        raise NotImplementedError

    def advance(self, now: float) -> list[Effect]:
        """Let time pass up to `now`; return what has become due, in order."""
        raise NotImplementedError

    def next_deadline(self) -> float | None:
        """When `advance` next has something to do, in seconds; None: only an event will tell.

        It may lie in the past: then `advance` is wanted at once.
        """
        raise NotImplementedError

    def status(self, now: float) -> Status:
        """What a status line shows at `now`. Changes nothing."""
        raise NotImplementedError

    def shutdown(self, now: float) -> list[Effect]:
        """End everything that sounds. The session plays nothing afterwards."""
        raise NotImplementedError
