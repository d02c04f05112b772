"""Real time: the only file of the live side that reads a clock for the music, or waits for it.

Everything else takes seconds as an argument, or a `Clock`, so that the whole live path also runs
under the virtual clock (`jamd.daemon.virtual`) without waiting. What else there is of real time
decides nothing: the date in the name of a take, the stopwatch that measures how long a token takes,
the thread that looks at the ports twice a second, and that which tells others the beat by OSC.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that never go back, from an arbitrary zero."""

    def now(self) -> float:
        """Seconds since the clock's zero."""

    def sleep_until(self, deadline: float) -> None:
        """Return at `deadline` (seconds on this clock), or at once if it has passed."""

    def approach(self, deadline: float) -> None:
        """`sleep_until` a little before `deadline`, to look once more and then `meet` it."""

    def meet(self, deadline: float) -> None:
        """Return at `deadline` exactly, without sleeping; it must be within `AWAKE_S`."""


AWAKE_S = 0.0008
"""How long before a deadline `approach` wakes: a sleep's lateness, 0.2 ms or more, plus the time to
look once more and to decide what will be due.

After a sleep of some milliseconds looking and deciding are slow, 0.4 ms, since the processor's
caches have gone cold; done before the deadline, they do not delay the note.
"""


class MonotonicClock:
    """The computer's own monotonic clock.

    A plain sleep wakes about 0.1 ms late on Linux, which is closer than Python gets with any wait
    on a condition or a file descriptor.
    """

    def now(self) -> float:
        return time.monotonic()

    def sleep_until(self, deadline: float) -> None:
        wait = deadline - time.monotonic()
        if wait > 0:
            time.sleep(wait)

    def approach(self, deadline: float) -> None:
        self.sleep_until(deadline - AWAKE_S)

    def meet(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            pass


def pause(seconds: float) -> None:
    """Sleep in a thread, or at a moment, that has nothing to do with the music."""
    time.sleep(seconds)
