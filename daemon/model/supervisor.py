"""The front's side of the worker: starts it, asks it, and replaces it when it dies or hangs.

Nothing here waits for the worker, except where it is closed, for its end.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading

from jamd.daemon.events import Answered, Event, Failed, Judged, WorkerLost, WorkerReady
from jamd.daemon.model.requests import Likelihoods, Planned, Request
from jamd.daemon.model.wire import Wire
from jamd.daemon.model.worker import Answer, Fault, Load, Ready, Refused
from jamd.errors import UserError

ANSWER_LIMIT_S = 2.0
"""A worker that sends nothing for this long while a request is open is taken to hang. It writes
about 10,000 tokens in that time and sends something at least at every bar line; merely reading
takes it less time."""

ANSWER_LIMIT_STEPS = 1000
"""On a machine so slow that computing this many tokens takes longer, a worker has that time."""

LOAD_LIMIT_S = 120.0
"""A worker not ready after this long is taken to hang. CUDA on a cold disk takes a quarter of
it."""

MOST_STARTS = 2
"""A model that was never ready, and during whose loading this many workers died, is refused: a
graph that kills its runtime will do so again."""

LONGEST_PAUSE_S = 8.0
"""Longest pause between two attempts to start a worker that never gets ready; it doubles from
0.25 s."""


class Process:
    """One worker process, from its start to its end."""

    def __init__(self, load: Load) -> None:
        one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # numpy's, 30 MB less
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "jamd.daemon.model.worker"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | one_thread,
            process_group=0,  # a terminal's Ctrl-C is for the front alone
        )
        self._wire = Wire(self._popen.stdout, self._popen.stdin)  # type: ignore[arg-type]
        self._wire.send(load)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def ended(self) -> bool:
        """Whether it is gone, and everything it sent has been read."""
        return self._wire.ended

    def ask(self, request: Request) -> None:
        """Send `request`. Never blocks, as a hung worker's full pipe must not stop the beat."""
        self._wire.send(request)

    def poll(self) -> list[Answer]:
        """The answers since the last call, oldest first. A kill may cut the last one off."""
        return self._wire.poll()

    def kill(self) -> None:
        """Kill it, and leave waiting for its end to a thread.

        A killed process takes a while to free its memory: from 8 ms to over 100, measured.
        """
        self._popen.kill()
        self._wire.close()
        threading.Thread(target=self._popen.wait, daemon=True).start()

    def close(self) -> None:
        """Kill it, and wait until it has ended."""
        self.kill()
        self._popen.wait()


class Supervisor:
    """Keeps a worker at hand, and a second one while testing whether that is faster.

    Moments are seconds of one monotonic clock.

    Attributes:
        ready: What the worker in use reported of itself; None while there is none.
        refused: Why the model cannot be run, if it never was ready; then no other worker is
            started. None otherwise.
        faults: One-line descriptions of what went wrong; the caller prints and clears them.

    Raises:
        UserError: This Python cannot read a pipe without waiting for it, or the system starts no
            process.
    """

    def __init__(self, load: Load, now: float) -> None:
        if not hasattr(os, "set_blocking"):
            raise UserError(
                "expected Python 3.12, the first that reads a pipe on Windows without waiting; "
                f"found {sys.version.split()[0]}: install jamd with Python 3.12"
            )
        self._load = load
        self.ready: Ready | None = None
        self.refused: str | None = None
        self.faults: list[str] = []
        try:
            self._process: Process | None = Process(load)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"expected to start a process for the model, but: {reason}") from error
        self._served = False  # a worker has been ready
        self._starts = 0  # workers lost so far
        self._kept: list[Event] = []  # what `settle` received, for `poll`
        self._started = now
        self._start_at = now
        self._pause_s = 0.25
        self._asked: int | None = None  # id of the request not yet fully answered
        self._last_word = now
        self._rival: Process | None = None
        self._rival_load = load
        self._rival_ready: Ready | None = None
        self._beaten: Load | None = None  # what the rival in use replaced

    @property
    def pid(self) -> int | None:
        """The process id of the worker in use; None: there is none."""
        return self._process.pid if self._process else None

    def ask(self, request: Request, now: float) -> None:
        """Pass `request` on if the worker is ready; the newest request is the one that counts."""
        if self._process is not None and self.ready is not None:
            self._process.ask(request)
            self._asked, self._last_word = request.id, now

    def poll(self, now: float) -> list[Event]:
        """The events for the session since the last call. Quick.

        It waits only for the end of a worker whose model is refused, with which the jam is over.
        """
        events, self._kept = self._kept, []
        if self._process is None:
            if now >= self._start_at:
                self._restart(now)
            return events
        for answer in self._process.poll():
            self._last_word = now
            if isinstance(answer, Refused):
                self._give_up(events, now, answer.reason)
                return events
            self._take(answer, events)
        if self._process.ended:
            self._lose(events, now, "ended")
            return events
        if self.ready is None:
            if now - self._started > LOAD_LIMIT_S:
                self._lose(events, now, f"was not ready after {LOAD_LIMIT_S:.0f} s")
        elif self._asked is not None:
            limit_s = max(ANSWER_LIMIT_S, ANSWER_LIMIT_STEPS * self.ready.step_us / 1e6)
            if now - self._last_word > limit_s:
                self._lose(events, now, f"said nothing for {limit_s:.0f} s")
        return events

    def settle(self, now: float) -> bool:
        """Poll, and keep the events for `poll`.

        Returns whether it is known if the first worker can run the model.
        """
        self._kept = self.poll(now)
        return self.ready is not None or self.refused is not None

    def _take(self, answer: Answer, events: list[Event]) -> None:
        match answer:
            case Ready():
                self.ready, self._served, self._pause_s = answer, True, 0.25
                events.append(WorkerReady())
            case Planned():
                if answer.done and answer.id == self._asked:
                    self._asked = None
                events.append(Answered(answer))
            case Likelihoods():
                if answer.id == self._asked:
                    self._asked = None
                events.append(Judged(answer))
            case Fault():
                if answer.id == self._asked:
                    self._asked = None
                self.faults.append(f"the improviser failed: {answer.reason}")
                events.append(Failed(answer.id))

    def _give_up(self, events: list[Event], now: float, reason: str) -> None:
        """Give up on a model that was never ready; one that was may be loaded again."""
        if self._served:
            self._lose(events, now, f"cannot load the model any more ({reason})")
        else:
            self.refused, self._start_at = reason, math.inf
            self.close()

    def _lose(self, events: list[Event], now: float, why: str) -> None:
        assert self._process is not None
        self._process.kill()
        if self.ready is not None:
            events.append(WorkerLost())
        where = ""
        if self._beaten is not None:  # the faster one has failed: go back to the other
            self._load, self._beaten = self._beaten, None
            where = f" on {self._load.provider.upper()}"
        self.faults.append(f"the worker {why}; starting another{where}")
        self._starts += 1
        if not self._served and self._starts >= MOST_STARTS:
            self.faults.clear()
            where = self._load.provider.upper()
            self.refused = f"its worker on {where} {why}, {self._starts} times"
            self._start_at = math.inf
            self.close()
            return
        was_ready, self.ready, self._process, self._asked = self.ready, None, None, None
        self._put_off(now)
        if was_ready:
            self._start_at = now

    def _restart(self, now: float) -> None:
        self._process, self._started = self._start(self._load), now
        if self._process is None:
            self._put_off(now)

    def _start(self, load: Load) -> Process | None:
        """A new worker; None if the system cannot start one, e.g. for lack of memory."""
        try:
            return Process(load)
        except OSError as error:
            where = load.provider.upper()
            self.faults.append(f"no worker can be started on {where}: {error.strerror}")
            return None

    def _put_off(self, now: float) -> None:
        """Start the next worker after a pause, longer each time."""
        self._start_at = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def try_rival(self, load: Load) -> None:
        """Start a second worker beside the one in use, to see whether it is faster."""
        self._rival, self._rival_load = self._start(load), load

    def poll_rival(self) -> Ready | Refused | None:
        """What the second worker reported of itself, returned once; None before and after that.

        If it is ready it is kept for `change_over` or `drop_rival`.
        """
        if self._rival is None or self._rival_ready:
            return None
        answers = self._rival.poll()
        if not answers and not self._rival.ended:
            return None
        first = answers[0] if answers else None
        if isinstance(first, Ready):
            self._rival_ready = first
            return first
        self.drop_rival()
        return first if isinstance(first, Refused) else Refused("it ended while it was loading")

    def change_over(self) -> bool:
        """Replace the first worker with the second, if no request is open; return whether it did.

        The session need not know: a worker holds nothing that the next request does not. But a lost
        worker is restarted first, because the session waits for news that there is one again.
        """
        if self.ready is None or not self._rival_ready or self._asked is not None:
            return False
        assert self._process is not None  # it is ready
        self._process.kill()
        self._beaten = self._load
        self._process, self._load, self.ready = self._rival, self._rival_load, self._rival_ready
        self._rival = self._rival_ready = None
        return True

    def drop_rival(self) -> None:
        """End the second worker, if there is one."""
        if self._rival is not None:
            self._rival.kill()
        self._rival = self._rival_ready = None

    def close(self) -> None:
        """End every process."""
        self.drop_rival()
        if self._process is not None:
            self._process.close()
            self._process = None
