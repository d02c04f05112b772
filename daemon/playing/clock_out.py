"""jamd's beat as a MIDI clock: 24 pulses a quarter note, Start, Stop, Continue, Song Position.

By the MIDI 1.0 specification, a sequencer that receives Start or Continue begins with the next
pulse, and a song position counts sixteenths. Pulses are also sent while the transport stands, so
that followers know the tempo before the first beat.
"""

from __future__ import annotations

from collections.abc import Iterator

from mido import Message

from jamd.daemon.events import Output
from jamd.daemon.playing.schedule import Outgoing
from jamd.daemon.timing.midi_clock import CLOCKS_PER_BEAT, TICKS_PER_CLOCK
from jamd.daemon.timing.transport import SIXTEENTH
from jamd.notes import TICKS_PER_BEAT, Tick

_CLOCK = Message("clock")
_FARTHEST = 0x3FFF  # the last sixteenth that a song position can hold


class ClockOut:
    """The clock that jamd sends. Every pulse counts, so a late one is still sent."""

    def __init__(self) -> None:
        self._next: Tick | None = None  # the next pulse; None: none go out with the transport
        self._bar_one = Tick(0)  # the tick at which the song begins
        self._go: tuple[Tick, Message] | None = None  # the pulse the song starts with, and how
        self._rolls = False  # followers have been sent Start or Continue
        self._waits_s: float | None = None  # the next pulse while the transport stands, in seconds

    @property
    def next_tick(self) -> Tick | None:
        """When the next message is due; None if none goes out with the transport."""
        return self._next

    @property
    def runs(self) -> bool:
        """Whether the transport's pulses go out."""
        return self._next is not None

    def roll(self, tick: Tick, song: int, told: Tick | None = None) -> Iterator[Outgoing]:
        """The transport starts to roll, or is rolling already.

        Args:
            tick: The first pulse comes no earlier.
            song: Ticks from the song's beginning to `tick`; below 0 in a count-in.
            told: The tick at which the song position is sent; None for `tick`.
        """
        self._waits_s = None
        self._bar_one = Tick(tick - song)
        self._next = Tick(tick + -song % TICKS_PER_CLOCK)
        if song <= 0:
            self._go = self._bar_one, Message("start")
            return
        sixteenth = -(-song // SIXTEENTH)
        self._go = Tick(self._bar_one + sixteenth * SIXTEENTH), Message("continue")
        if sixteenth <= _FARTHEST:
            yield _out(tick if told is None else told, Message("songpos", pos=sixteenth))

    def halt(self, tick: Tick) -> Iterator[Outgoing]:
        """The song stops at `tick`."""
        rolled = self._rolls
        self.cease()
        if rolled:
            yield _out(tick, Message("stop"))

    def cease(self) -> None:
        """Send nothing more, not even Stop."""
        self._next = self._go = self._waits_s = None
        self._rolls = False

    def release(self, tick: Tick, earliest: Tick) -> Iterator[Outgoing]:
        """What is due at or before `tick`, in order.

        If the next pulse is more than a beat older than `earliest`, the process stalled: send Stop
        if the song was running, then Continue at `earliest`, instead of a burst of pulses.
        """
        if self._next is not None and earliest - self._next > TICKS_PER_BEAT:
            missed = self._next
            yield from self.halt(missed)
            yield from self.roll(earliest, earliest - self._bar_one, missed)
        while self._next is not None and self._next <= tick:
            due, self._next = self._next, Tick(self._next + TICKS_PER_CLOCK)
            if self._go is not None and self._go[0] == due:
                yield _out(due, self._go[1])
                self._go, self._rolls = None, True
            yield _out(due, _CLOCK)

    def wait(self, now: float, beat_seconds: float) -> Iterator[tuple[float, Message]]:
        """The pulse that is due by `now` while the transport stands, with the moment it was due.

        The first comes one pulse after the first call: a song may just have stopped, or be about to
        be counted in, and two pulses close together would suggest another tempo.
        """
        apart = beat_seconds / CLOCKS_PER_BEAT
        due = now + apart if self._waits_s is None else self._waits_s
        self._waits_s = due
        if now >= due:
            self._waits_s = max(due, now - beat_seconds) + apart
            yield due, _CLOCK

    @property
    def waits_until(self) -> float | None:
        """When `wait` has another pulse, in seconds; None before its first call."""
        return self._waits_s


def _out(tick: Tick, message: Message) -> Outgoing:
    return Outgoing(tick, None, message, Output.CLOCK)
