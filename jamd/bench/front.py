"""The front process, to be measured: the real loop, session and worker, on ports that cost nothing.

`python -m jamd.bench.front BUNDLE MESSAGES [SOURCE]` plays that many messages and prints, as JSON,
when each was due and how late it was. The notes are scripted, so that every block has the same
number of deadlines at the same distances; beside them the worker writes without pause, and its
answers come in as usual. With the source `midi`, the beat is that of a MIDI clock, which jitters
like a real one.
"""

from __future__ import annotations

import gc
import json
import random
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from mido import Message

from jamd.config.config import Config
from jamd.daemon.clock import MonotonicClock
from jamd.daemon.events import Answered, Entry, Event, Judged, Mode, Output, Sounded, WorkerReady
from jamd.daemon.loop import Loop
from jamd.daemon.model.requests import LikelihoodRequest, Likelihoods, Planned, PlanRequest, Request
from jamd.daemon.model.supervisor import Supervisor
from jamd.daemon.model.worker import Load
from jamd.daemon.playing.stage import LATE_SECONDS
from jamd.daemon.ports.connections import Connected
from jamd.daemon.ports.rtmidi_ports import Received
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.status import Status
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.timing.midi_clock import CLOCKS_PER_BEAT
from jamd.language import Context
from jamd.notes import STEPS_PER_BEAT, TICKS_PER_STEP, Note, Tick

BPM = 300.0
"""A grid step is then 16.7 ms, and the script has a note-on or note-off at each: 60 a second."""

STEP_S = 60 / BPM / STEPS_PER_BEAT

SETTLING = 60
"""Messages played before any is counted."""

CLOCK_JITTER_S = 0.001
"""How late a tick of the sequencer may be, as over USB."""

BUSY_TOKENS = 4096
"""Tokens that the worker is asked for at once: most of a second's work. The next request comes
within 1 ms."""

FOR_EVER = Tick(1 << 40)


class Busy:
    """A worker that writes without pause; what it writes is not used.

    Args:
        bundle: The bundle's folder.
        now: Seconds, on the clock whose time `poll` is given.
    """

    def __init__(self, bundle: Path, now: float) -> None:
        self._supervisor = Supervisor(Load(bundle), now)
        self._asked = 0

    @property
    def writes(self) -> bool:
        """Whether it has begun to write."""
        return self._asked > 0

    def poll(self, now: float) -> None:
        """Keep it busy. Call it often.

        Raises:
            RuntimeError: The worker cannot run the bundle.
        """
        events = self._supervisor.poll(now)
        if self._supervisor.refused is not None:
            raise RuntimeError(f"the worker refused: {self._supervisor.refused}")
        for event in events:
            if isinstance(event, WorkerReady) or (
                isinstance(event, Answered) and event.planned.done
            ):
                self._asked += 1
                context = Context((), Tick(0), Tick(0), Config().model.style)
                request = PlanRequest(self._asked, context, FOR_EVER, max_tokens=BUSY_TOKENS)
                self._supervisor.ask(request, now)

    def close(self) -> None:
        self._supervisor.close()


class ScriptBesideBusy:
    """Answers the session from a script at once, while a worker is kept busy."""

    def __init__(self, busy: Busy) -> None:
        self._busy = busy
        self._events: list[Event] = []

    def ask(self, request: Request, now: float) -> None:  # noqa: ARG002 - as the loop has it
        match request:
            case PlanRequest():
                self._events.append(Answered(scripted(request)))
            case LikelihoodRequest():
                self._events.append(Judged(Likelihoods(request.id, ())))

    def poll(self, now: float) -> list[Event]:
        wrote = self._busy.writes
        self._busy.poll(now)
        if self._busy.writes and not wrote:
            self._events.append(WorkerReady())
        events, self._events = self._events, []
        return events


def scripted(request: PlanRequest) -> Planned:
    """A note of one step at every other step of the stretch asked for, except where it rests."""
    every = 2 * TICKS_PER_STEP
    first = -(-request.context.until // every) * every
    notes = tuple(
        Note(Tick(onset), 48 + onset // every % 24, 80, Tick(TICKS_PER_STEP))
        for onset in range(first, request.through, every)
        if not rests(onset // TICKS_PER_STEP)
    )
    return Planned(request.id, notes, request.through, done=True)


def rests(step: int) -> bool:
    """Whether the script is silent: on the last beat of every fourth bar, since music breathes."""
    return (step // STEPS_PER_BEAT + 1) % 16 == 0


class Sequencer:
    """Sends Start when first listened to, then ticks at `BPM`, each up to `CLOCK_JITTER_S` late."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        self._number = 0
        self._began = self._due = 0.0

    @property
    def steady(self) -> bool:
        """Whether it has ticked for two beats, so that its tempo can be known."""
        return self._number > 2 * CLOCKS_PER_BEAT

    def sent(self, now: float) -> list[Received]:
        """What it has sent since the last call, up to `now`."""
        came = []
        if not self._number:
            self._began = self._due = now
            came.append(Received(Message("start"), now))
        while self._due <= now:
            came.append(Received(Message("clock"), now))
            self._number += 1
            exact = self._began + self._number * 60 / BPM / CLOCKS_PER_BEAT
            self._due = exact + self._random.uniform(0, CLOCK_JITTER_S)
        return came


class Weightless:
    """Ports that lead nowhere. Once `ready`, the player at the other end strikes three keys.

    Args:
        ready: Whether the player may begin.
        sequencer: Once `ready`, its Start and clock come in too; None: there is no sequencer.
    """

    def __init__(self, ready: Callable[[], bool], sequencer: Sequencer | None) -> None:
        self._ready = ready
        self._sequencer = sequencer
        strikes = [(kind, pitch) for pitch in (60, 64, 67) for kind in ("note_on", "note_off")]
        self._phrase = deque(Message(kind, note=pitch) for kind, pitch in strikes)

    def poll(self, now: float) -> Sequence[Received]:
        if not self._ready():
            return ()
        came = self._sequencer.sent(now) if self._sequencer else []
        if self._phrase and (self._sequencer is None or self._sequencer.steady):
            came.append(Received(self._phrase.popleft(), now))
        return came

    def send(self, message: Message, output: Output = Output.MAIN) -> None:
        """Discard it."""

    def tend(self, now: float) -> Sequence[str]:  # noqa: ARG002 - as the loop has it
        return ()

    def connected(self) -> Connected:
        return Connected()

    def close(self) -> None:
        """Nothing is open."""


def play(
    bundle: Path, messages: int, source: BeatSource = BeatSource.INTERNAL
) -> list[tuple[float, float]]:
    """Play `messages` messages to the beat of `source`.

    Returns:
        When each was due and how late it was, in seconds.
    """
    clock = MonotonicClock()
    busy = Busy(bundle, clock.now())
    due: list[tuple[int, float]] = []  # (step, seconds)

    def journal(entry: Entry) -> None:
        if isinstance(entry, Sounded) and entry.part is not None:
            due.append((entry.tick // TICKS_PER_STEP, entry.seconds))

    def tend(now: float, status: Status) -> None:  # noqa: ARG001 - as the loop has it
        if len(due) >= SETTLING + messages:
            loop.stop()

    loop = Loop(
        Session(Settings(mode=Mode.ENDLESS, bpm=BPM, source=source)),
        Weightless(lambda: busy.writes, Sequencer() if source is BeatSource.MIDI else None),
        ScriptBesideBusy(busy),
        journal,
        clock,
        tend=tend,
    )
    gc.collect()
    gc.freeze()  # as `jamd play` does
    try:
        loop.run()
    finally:
        busy.close()
    played = zip(due, loop.lateness_s, strict=True)
    due_late = with_left_out([(step, seconds, late) for (step, seconds), late in played])
    return due_late[SETTLING : SETTLING + messages]


def with_left_out(played: Sequence[tuple[int, float, float]]) -> list[tuple[float, float]]:
    """Fill in the deadlines of notes that the session left out because it was too late for them.

    Args:
        played: (step, seconds when it was due, seconds late) of each message.

    Returns:
        (seconds when it was due, seconds late) of every message of the script in that span.
    """
    filled: list[tuple[float, float]] = []
    expected, last_due = played[0][0], played[0][1]
    for step, due, late in played:
        left_out = [missing for missing in range(expected, step) if not rests(missing)]
        filled += [(last_due + (n - expected + 1) * STEP_S, LATE_SECONDS) for n in left_out]
        filled.append((due, late))
        expected, last_due = step + 1, due
    return filled


if __name__ == "__main__":
    print(json.dumps(play(Path(sys.argv[1]), int(sys.argv[2]), *map(BeatSource, sys.argv[3:]))))
