"""A program for the tests: jamd's own loop in a Link session, without a model and without ports.

It takes commands on stdin, a line each, and answers each with a line of JSON: `play
SECONDS` lets a player play four beats from that moment on, `key start` and `key stop` are a
keyboard's own buttons, `tempo BPM` is a tap, `waltz` is another song, `leave` ends, and `look` is
nothing but a look.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace

from mido import Message

from jamd.daemon.clock import MonotonicClock
from jamd.daemon.events import (
    Answered,
    Entry,
    Event,
    Mode,
    Output,
    SetTempo,
    Sounded,
    TellLink,
    WorkerReady,
)
from jamd.daemon.loop import Loop
from jamd.daemon.model.requests import PlanRequest, Request
from jamd.daemon.ports.connections import Connected
from jamd.daemon.ports.link import LinkPeer
from jamd.daemon.ports.rtmidi_ports import Received
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.status import Status
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.timing.transport import Transport
from jamd.daemon.virtual import ScriptedImproviser
from jamd.notes import TICKS_PER_BEAT, Meter

CLOCK = MonotonicClock()


class Ports:
    """One player, and an output that notes when each onset was handed to it.

    Attributes:
        coming: What the player is going to play.
        handed: Moments in seconds.
        beats: For each of them where it was meant to be, in beats of its bar.
    """

    def __init__(self) -> None:
        self.coming: list[Received] = []
        self.handed: list[float] = []
        self.beats: list[float] = []

    def journal(self, entry: Entry) -> None:
        if isinstance(entry, Sounded) and entry.part and entry.message.type == "note_on":
            self.beats.append(entry.tick / TICKS_PER_BEAT % 4)

    def play(self, seconds: float, beat_s: float) -> None:
        for i, pitch in enumerate((60, 64, 67, 65)):
            begin = seconds + i * beat_s
            self.coming.append(Received(Message("note_on", note=pitch), begin))
            self.coming.append(Received(Message("note_off", note=pitch), begin + beat_s / 2))

    def poll(self, now: float) -> Sequence[Received]:
        due = [one for one in self.coming if one.seconds <= now]
        self.coming = [one for one in self.coming if one.seconds > now]
        return due

    def send(self, message: Message, output: Output = Output.MAIN) -> None:
        if message.type == "note_on" and message.velocity:
            self.handed.append(CLOCK.now())

    def tend(self, now: float) -> Sequence[str]:
        return ()

    def connected(self) -> Connected:
        return Connected((), ())

    def close(self) -> None:
        pass


class Peer(LinkPeer):
    """Counts the tempos that jamd sets for everybody."""

    tempos = 0

    def tell(self, wish: TellLink) -> None:
        self.tempos += wish.bpm is not None
        super().tell(wish)


class Worker:
    """Answers at once, by rule; hands the taps on as well, which come the same way."""

    def __init__(self) -> None:
        self.events: list[Event] = [WorkerReady()]

    def ask(self, request: Request, now: float) -> None:
        assert isinstance(request, PlanRequest), "the bar line is the session's"
        self.events += [Answered(planned) for planned in ScriptedImproviser().plan(request)]

    def poll(self, now: float) -> list[Event]:
        events, self.events = self.events, []
        return events


def beat_of(transport: Transport, now: float) -> float | None:
    """Where in the bar it is, in quarter notes; None while it stands."""
    if not transport.rolling:
        return None
    return transport.exact_tick(now) % transport.meter.ticks_per_bar / TICKS_PER_BEAT


def main() -> None:
    commands: queue.Queue[str] = queue.Queue()
    settings = Settings(source=BeatSource.LINK, mode=Mode.ENDLESS, bpm=100)
    link = Peer(settings.bpm, settings.meter, settings.link_start_stop, CLOCK)
    session, ports, worker = Session(settings), Ports(), Worker()

    def tend(now: float, status: Status) -> None:
        if commands.empty():
            return
        match commands.get().split():
            case ["play", seconds]:
                ports.play(float(seconds), 60 / status.bpm)
            case ["key", button]:
                ports.coming.append(Received(Message(button), now))
            case ["tempo", bpm]:
                worker.events.append(SetTempo(float(bpm)))
            case ["waltz"]:
                waltz = replace(settings, meter=Meter(3, 4))
                loop.go_on_with(Session(waltz))
                worker.events.append(WorkerReady())
                link.begin(waltz.meter)
            case ["leave"]:
                loop.stop()
        transport = loop._session._transport  # type: ignore[attr-defined]
        seen = {
            "now": now,
            "bpm": status.bpm,
            "beat": beat_of(transport, now),
            "onsets": list(zip(ports.handed, ports.beats, strict=True)),
            "tempos": link.tempos,
        }
        print(json.dumps(seen), flush=True)

    loop = Loop(session, ports, worker, ports.journal, CLOCK, tend=tend, link=link)

    def read() -> None:
        for line in sys.stdin:
            commands.put(line)

    threading.Thread(target=read, daemon=True).start()
    loop.run()
    link.close()


if __name__ == "__main__":
    main()
