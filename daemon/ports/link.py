"""A peer in an Ableton Link session, through the package LinkPython-extern.

Link looks for other peers on the local network by itself, in threads of its own that know nothing
of Python. Here its state is only read and changed, each in some microseconds. Nothing of it is
imported before Link is asked for, and only then does jamd touch a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jamd.daemon.clock import Clock
from jamd.daemon.events import LinkState, TellLink
from jamd.errors import UserError
from jamd.notes import TICKS_PER_BEAT, Meter

if TYPE_CHECKING:
    from link import Link, SessionState

STILL_S = 1e-4
"""A bar line that has moved by less than this counts as unmoved."""

_QUICK_S = 5e-5  # two clocks are read together if reading both took less than this
_TRIES = 5


class LinkPeer:
    """jamd in a Link session. Leaves it with `close`.

    Args:
        bpm: The tempo in quarter notes a minute, unless there is a session that has one.
        meter: One bar of it is Link's quantum.
        start_stop: Whether starts and stops are shared.
        clock: The clock that all seconds are counted on.

    Raises:
        UserError: The package is not installed.
    """

    def __init__(self, bpm: float, meter: Meter, start_stop: bool, clock: Clock) -> None:
        try:
            from link import Link
        except ImportError as error:
            raise UserError(
                'transport.source = "link" needs the package LinkPython-extern, found none: '
                "pip install 'jamd[link]'"
            ) from error
        self._quantum = _quantum(meter)
        self._clock = clock
        self._link: Link = Link(bpm)
        self._links_clock = self._link.clock()
        self._told: LinkState | None = None
        self._link.startStopSyncEnabled = start_stop
        self._link.enabled = True

    def begin(self, meter: Meter) -> None:
        """Another song begins: one bar of `meter` is the quantum, and `poll` gives all anew."""
        self._quantum = _quantum(meter)
        self._told = None

    def close(self) -> None:
        """Leave the session; the others play on."""
        self._link.enabled = False

    def poll(self) -> tuple[float, LinkState] | None:
        """The present in seconds, and the session's state then; None if it has not changed."""
        now, micros = self._both_clocks()
        session = self._link.captureAppSessionState()
        state = self._state(session, now, micros)
        if self._told is not None and self._same(state, self._told):
            return None
        self._told = state
        return now, state

    def tell(self, wish: TellLink) -> None:
        """Change the session for everybody in it."""
        now, micros = self._both_clocks()
        at = micros + round((wish.seconds - now) * 1e6)
        session = self._link.captureAppSessionState()
        if wish.bpm is not None:
            session.setTempo(wish.bpm, at)
        if wish.bar_line:
            session.requestBeatAtTime(0.0, at, self._quantum)
        if wish.playing is not None:
            session.setIsPlaying(wish.playing, at)
        self._link.commitAppSessionState(session)

    def _state(self, session: SessionState, now: float, micros: int) -> LinkState:
        bpm = session.tempo()
        return LinkState(
            peers=self._link.numPeers(),
            bpm=bpm,
            bar_line=now - session.phaseAtTime(micros, self._quantum) * 60 / bpm,
            playing=session.isPlaying(),
            since=now + (session.timeForIsPlaying() - micros) / 1e6,
        )

    def _same(self, state: LinkState, told: LinkState) -> bool:
        bar_s = self._quantum * 60 / state.bpm
        moved = abs((state.bar_line - told.bar_line + bar_s / 2) % bar_s - bar_s / 2)
        return (
            (state.peers, state.playing) == (told.peers, told.playing)
            and abs(state.bpm - told.bpm) < 1e-6
            and moved < STILL_S
        )

    def _both_clocks(self) -> tuple[float, int]:
        """One moment, in seconds on jamd's clock and in microseconds on Link's own."""
        best = (float("inf"), 0.0, 0)
        for _ in range(_TRIES):
            before = self._clock.now()
            micros = self._links_clock.micros()
            took = self._clock.now() - before
            best = min(best, (took, before + took / 2, micros))
            if took < _QUICK_S:
                break
        return best[1:]


def _quantum(meter: Meter) -> float:
    """A bar, in quarter notes."""
    return meter.ticks_per_bar / TICKS_PER_BEAT
