"""A DAW that loops eight bars, and what it sends where it jumps."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from mido import Message

from jamd.daemon.events import Event, Heard, Mode, WorkerReady
from jamd.daemon.model.requests import Planned, PlanRequest
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.timing.midi_clock import CLOCKS_PER_BEAT
from jamd.daemon.virtual import VirtualJam
from jamd.notes import Note, Part, Tick
from readable_takes import ONE_BAR, heard

Story = list[tuple[float, Event]]

CLOCK, START, STOP, CONTINUE = (
    Heard(Message(kind)) for kind in ("clock", "start", "stop", "continue")
)
BEGIN_S = 10.0
BARS = 8
PULSES = BARS * 4 * CLOCKS_PER_BEAT
"""Of a loop."""

JAM = Settings(source=BeatSource.MIDI, bpm=100)
FOURS, ENDLESS = replace(JAM, trade_bars=4), replace(JAM, mode=Mode.ENDLESS)


def position(sixteenths: int) -> Event:
    return Heard(Message("songpos", pos=sixteenths))


Jump = Callable[[float, float], tuple[Story, int]]
"""Given when the loop's first pulse falls and how long a pulse lasts, in seconds: what the DAW
sends, and how many pulses from that one on it leaves out."""


def jump(*said: tuple[float, Event], skips: int = 0) -> Jump:
    """A DAW that says something at these moments, in pulses after the loop's first one."""
    return lambda first, pulse: ([(first + at * pulse, event) for at, event in said], skips)


NOTHING = jump()
SEAMLESS = {
    "a position": jump((-0.05, position(0))),
    "position and Continue": jump((-0.05, position(16)), (-0.02, CONTINUE)),
    "Continue": jump((-0.05, CONTINUE)),
    "Start": jump((-0.05, START)),
    "Start a pulse early": jump((-1.1, START)),
}
STOPPING = {
    "Stop, position and Continue": jump((-0.15, STOP), (-0.1, position(0)), (-0.05, CONTINUE)),
    "to bar 3": jump((-0.15, STOP), (-0.1, position(32)), (-0.05, CONTINUE)),
    "Stop and Start": jump((-0.1, STOP), (-0.05, START)),
    "Stop a pulse early": jump((-0.95, STOP), (-0.1, position(0)), (-0.05, CONTINUE)),
    "each twice": jump(
        *((-0.2 + 0.02 * i, said) for i, said in enumerate([STOP, position(0), STOP, position(0)])),
        (-0.1, CONTINUE),
        (-0.05, CONTINUE),
    ),
    "a moment late": jump((0.05, STOP), (0.1, position(0)), (0.15, CONTINUE)),
}
ARDOUR_8 = jump((-0.7, STOP), (0.3, position(1)), (5.98, CONTINUE), skips=6)


class Eighths:
    """Plays eighths over chords of three beats, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[PlanRequest] = []

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        self.asked.append(request)
        begin, end = request.context.until, request.through
        tune = range(-(-begin // 240) * 240, end, 240)
        chords = range(-(-begin // 1920) * 1920, end, 1920)
        notes = [Note(Tick(at), 72 + at // 240 % 5, 80, Tick(200)) for at in tune]
        notes += [Note(Tick(at), 48, 60, Tick(1440), Part.COMP) for at in chords]
        yield Planned(request.id, tuple(sorted(notes)) if request.max_tokens else (), end, True)


def phrase(bar: int, bars: int, bpm: float) -> Story:
    moments = [(BEGIN_S + at, event) for at, event in heard(ONE_BAR, bpm)]
    bar_s = 4 * 60 / bpm
    return [
        (at + b * bar_s, event) for b in range(bar - 1, bar - 1 + bars) for at, event in moments
    ]


def cycle(
    at_the_end: Jump,
    played: Story,
    settings: Settings = JAM,
    bpm: float = 120,
    loops: int = 3,
    batch_s: float = 0.0,
    lost: Collection[int] = (),
    improviser: Eighths | None = None,
) -> VirtualJam:
    """A jam with a DAW that loops; its messages may come in batches, and pulses be lost."""
    pulse = 60 / bpm / CLOCKS_PER_BEAT
    said: Story = [(BEGIN_S - 0.005, START)]
    left_out: set[int] = set()
    for first in range(PULSES, PULSES * loops, PULSES):
        more, skips = at_the_end(BEGIN_S + first * pulse, pulse)
        said += more
        left_out |= {*range(first, first + skips)}
    pulses = [i for i in range(PULSES * loops) if i not in left_out and i not in lost]
    said = sorted([*((BEGIN_S + i * pulse, CLOCK) for i in pulses), *said], key=lambda one: one[0])
    if batch_s:
        said = [(math.ceil(at / batch_s) * batch_s, event) for at, event in said]
    story = [(0.0, WorkerReady()), *said, *played]
    jam = VirtualJam(Session(settings), improviser or Eighths(), story)
    jam.run(BEGIN_S + PULSES * loops * pulse - 0.2)
    return jam
