"""The daemon in mode `answer`, to be measured: the real loop, session, worker and JACK ports.

`python -m jamd.bench.answerer BUNDLE` answers until SIGTERM; then it prints, as JSON, for the first
note of each answer, when it was wanted (seconds, monotonic) and how long after that it was at the
port. A note is wanted once it is due and the phrase before it is known to be over.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
from pathlib import Path

from jamd.config.sections import Midi
from jamd.daemon.clock import MonotonicClock
from jamd.daemon.events import Entry, Sounded, Turn, TurnTaken
from jamd.daemon.loop import Loop
from jamd.daemon.model.supervisor import Supervisor
from jamd.daemon.model.worker import Load
from jamd.daemon.ports.live_ports import open_ports
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.status import Status
from jamd.daemon.timing.follower import BeatSource
from jamd.notes import Part

BPM = 240.0
"""A beat is then 0.25 s: the longest that an answer waits, after a pause of about as long."""


def main(bundle: Path) -> None:
    """Answer until told to stop."""
    clock = MonotonicClock()
    supervisor = Supervisor(Load(bundle), clock.now())
    ports = open_ports(Midi(api="jack"))
    wanted_late: list[tuple[float, float]] = []
    known: float | None = None  # when jamd's turn began; None once it plays

    def journal(entry: Entry) -> None:
        nonlocal known
        match entry:
            case TurnTaken(seconds=seconds, turn=turn):
                known = seconds if turn is Turn.JAMD else None
            case Sounded(seconds=due, part=Part()) if known is not None:
                wanted = max(due, known)
                handed = due + loop.lateness_s[-1]  # a note is recorded once it is sent
                wanted_late.append((wanted, handed - wanted))
                known = None

    def tend(now: float, status: Status) -> None:  # noqa: ARG001 - as the loop has it
        ports.tend(now)

    session = Session(Settings(bpm=BPM, source=BeatSource.INTERNAL))
    loop = Loop(session, ports, supervisor, journal, clock, tend=tend)
    signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    gc.collect()
    gc.freeze()  # as `jamd play` does
    try:
        loop.run()
    finally:
        ports.close()
        supervisor.close()
    print(json.dumps(wanted_late))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
