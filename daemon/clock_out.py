"""jamd's beat as a MIDI clock: 24 pulses a quarter note, Start, Stop, Continue, Song Position.

The MIDI 1.0 specification: a sequencer that is told Start or Continue goes on with the next pulse,
and a song position counts sixteenths. Pulses also come while the transport stands, so that whoever
follows knows the tempo before the first beat.
"""

from __future__ import annotations

from collections.abc import Iterator

from mido import Message

from jamd.daemon.events import Output
from jamd.daemon.midi_clock import CLOCKS_PER_BEAT, TICKS_PER_CLOCK
from jamd.daemon.schedule import Outgoing
from jamd.daemon.transport import SIXTEENTH
from jamd.notes import TICKS_PER_BEAT, Tick

_CLOCK = Message("clock")
_FARTHEST = 0x3FFF  # the last sixteenth that a song position can name


class ClockOut:
    """The clock that jamd sends. Every pulse counts, so a late one is sent and not left out."""

    def __init__(self) -> None:
        self._next: Tick | None = None  # the next pulse; None: the transport stands, or is silent
        self._bar_one = Tick(0)  # the tick of the song's beginning
        self._go: tuple[Tick, Message] | None = None  # with which pulse the song goes on, and how
        self._rolls = False  # whoever follows has been told to
        self._waits_s: float | None = None  # the next pulse while the transport stands, in seconds

    @property
    def next_tick(self) -> Tick | None:
        """When the next message is due; None: the transport stands."""
        return self._next

    @property
    def runs(self) -> bool:
        """Whether the transport's pulses go out."""
        return self._next is not None

    def roll(self, tick: Tick, song: int, told: Tick | None = None) -> Iterator[Outgoing]:
        """The transport rolls, or does already.

        Args:
            tick: The first pulse is not before it.
            song: How far that lies from the song's beginning, in ticks; below 0 in a count-in.
            told: The tick for which a song position is sent; None: `tick`.
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
        """Send nothing more, not even that the song stops."""
        self._next = self._go = self._waits_s = None
        self._rolls = False

    def release(self, tick: Tick, earliest: Tick) -> Iterator[Outgoing]:
        """What is due at or before `tick`, in order.

        Where that lies more than a beat before `earliest`, there was a stall: the song is stopped
        and found again at `earliest`, in place of a burst of pulses.
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
        """The pulse that is due at `now` while the transport stands, and when it was.

        The first comes a pulse later than it is asked for: a song may have stopped just now, or be
        about to be counted in, and two pulses close together would tell of another tempo.
        """
        apart = beat_seconds / CLOCKS_PER_BEAT
        due = now + apart if self._waits_s is None else self._waits_s
        self._waits_s = due
        if now >= due:
            self._waits_s = max(due, now - beat_seconds) + apart
            yield due, _CLOCK

    @property
    def waits_until(self) -> float | None:
        """When `wait` has another pulse, in seconds; None: it was not asked yet."""
        return self._waits_s


def _out(tick: Tick, message: Message) -> Outgoing:
    return Outgoing(tick, None, message, Output.CLOCK)
