"""An audible click: a note on each beat of the meter, and a different one on the downbeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from mido import Message

from jamd.daemon.playing.schedule import Ledger, Outgoing, Strike
from jamd.notes import TICKS_PER_BEAT, Meter, Tick

LENGTH = Tick(TICKS_PER_BEAT // 8)
"""How long a click lasts: a thirty-second note. It matters on a piano, not on a drum."""


class When(Enum):
    """When there is a click."""

    AUTO = "auto"  # with no clock to follow, until jamd's first answer sounds
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Sound:
    """The click as MIDI.

    Attributes:
        channel: 0..15.
        accent: Pitch and velocity on the downbeat; General MIDI's high wood block.
        beat: Pitch and velocity on every other beat; its low wood block.
    """

    channel: int = 9
    accent: tuple[int, int] = (76, 110)
    beat: tuple[int, int] = (77, 80)


class Click:
    """Clicks while they are wanted, from where the transport rolls.

    The beat is the meter's own: 6/8 clicks six times a bar.

    Args:
        sound: What is sent.
        meter: One of `jamd.notes.METERS`.
        ledger: The ledger of the port that the click goes out on: it ends what the click begins.
    """

    def __init__(self, sound: Sound, meter: Meter, ledger: Ledger) -> None:
        self._accent, self._other = (
            Strike.of(
                None,
                Message("note_on", channel=sound.channel, note=pitch, velocity=velocity),
                ledger.output,
            )
            for pitch, velocity in (sound.accent, sound.beat)
        )
        self._beat = TICKS_PER_BEAT * 4 // meter.denominator
        self._bar = meter.ticks_per_bar
        self._ledger = ledger
        self._next: Tick | None = None  # the next click; None while silent
        self._ends: tuple[Tick, Strike] | None = None  # until when, and what sounds

    @property
    def next_tick(self) -> Tick | None:
        """When the next message is due."""
        ticks = [] if self._ends is None else [self._ends[0]]
        return min(ticks if self._next is None else [*ticks, self._next], default=None)

    @property
    def clicks(self) -> bool:
        """Whether the click is on."""
        return self._next is not None

    def begin(self, tick: Tick) -> None:
        """Click from the first beat at or after `tick`."""
        self._next = Tick(-(-tick // self._beat) * self._beat)

    def skip(self, through: Tick) -> None:
        """Leave out the clicks up to `through`; one that sounds is still ended."""
        if self._next is not None and self._next <= through:
            self.begin(Tick(through + 1))

    def shift(self, by: int) -> None:
        """Count every moment `by` ticks later, 0 or more: the bar line has moved."""
        if self._next is not None:
            self.begin(Tick(self._next + by))
        if self._ends is not None:
            tick, strike = self._ends
            self._ends = Tick(tick + by), strike

    def stop(self) -> None:
        """Stop clicking; a click that sounds is still ended."""
        self._next = None

    def hush(self, tick: Tick) -> Iterator[Outgoing]:
        """End the click that sounds, if one does, and go on clicking."""
        if self._ends is not None:
            strike, self._ends = self._ends[1], None
            yield from self._ledger.end(tick, strike.key, strike)

    def release(self, tick: Tick, earliest: Tick) -> Iterator[Outgoing]:
        """What is due at or before `tick`, in order; a click due before `earliest` is left out."""
        while (due := self.next_tick) is not None and due <= tick:
            if self._ends is not None and self._ends[0] == due:
                yield from self.hush(due)
            else:
                self._next = Tick(due + self._beat)
                if due >= earliest:
                    yield from self._strike(due)

    def _strike(self, tick: Tick) -> Iterator[Outgoing]:
        strike = replace(self._other if tick % self._bar else self._accent)  # no two are equal
        self._ends = Tick(tick + LENGTH), strike
        yield from self._ledger.strike(tick, strike)
