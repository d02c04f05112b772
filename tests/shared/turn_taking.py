"""Material for the tests of turns.

The tempo is 120 bpm: a sixteenth, which is also the commit window, lasts 125 ms. The scripted
improviser answers a tune with its mirror image, so what is tested is when jamd plays, not what.
"""

from __future__ import annotations

from collections.abc import Iterator

from mido import Message

from jamd.daemon.events import Event, Heard, Mode
from jamd.daemon.model.requests import Planned, PlanRequest
from jamd.daemon.playing.yielding import Yield
from jamd.daemon.settings import Settings
from jamd.daemon.timing.transport import SIXTEENTH
from jamd.notes import Note, Tick
from readable_takes import FOUR

BAR = FOUR.ticks_per_bar
BEAT_S = 0.5
UNBROKEN = [
    "2.2.0 Lead 60 80 9",
    "2.3.0 Lead 56 80 9",
    "2.4.0 Lead 53 80 9",
    "3.1.0 Lead 55 86 6",
]
"""The answer to one bar if nobody takes the turn back."""


def jam(
    mode: Mode = Mode.ANSWER, yields: Yield = Yield.NOTE, trade: int = 0, bpm: float = 120
) -> Settings:
    return Settings(mode=mode, bpm=bpm, start_at_once=True, yields=yields, trade_bars=trade)


def six_eighths(bpm: float) -> list[tuple[float, Event]]:
    """Six short eighths from 0 s on, which are three beats."""
    story: list[tuple[float, Event]] = []
    for i in range(6):
        story.append((i / 2 * 60 / bpm, Heard(Message("note_on", note=60, velocity=80))))
        story.append(((i / 2 + 0.3) * 60 / bpm, Heard(Message("note_off", note=60))))
    return story


class ToTheEnd:
    """Answers with sixteenths up to the last moment that it is asked for."""

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        first = -(-request.context.until // SIXTEENTH) * SIXTEENTH
        onsets = range(first, request.through, SIXTEENTH)
        notes = tuple(Note(Tick(onset), 72, 80, SIXTEENTH) for onset in onsets)
        yield Planned(request.id, notes, request.through, done=True)
