"""Follows another device's MIDI clock: what a sequencer sends becomes moves of the transport.

The transport's ticks only ever rise, because what was heard and played is written down by them. A
song that returns to its beginning therefore goes on at the transport's next bar line, which then
counts as bar 1: a place in the song and its place on the transport differ by whole bars.

A sequencer that loops may send Stop, Song Position and Continue there, or Start, although its beat
goes on. Whether it does shows with the next pulse, so until then the transport rolls on. If the
song is then at the transport's place in the bar, it has gone on in time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from mido import Message

from jamd.daemon.events import Sequencer
from jamd.daemon.timing.midi_clock import CLOCKS_PER_BEAT, TICKS_PER_CLOCK, MidiClock
from jamd.daemon.timing.moves import GoOn, Halt, Move, Roll, Wait
from jamd.daemon.timing.transport import SIXTEENTH, Transport
from jamd.notes import Tick

GOES_ON_S = 4.0
"""A sequencer that sends Start or Continue sends its next pulse within this time; a Play button
without a clock sends none."""

LOOPS_S = 0.050
"""A sequencer that goes on in time sends its next pulse at most a sixteenth and this much after
Stop: Ardour 8 stops with the audio period in which its loop ends, and goes on with the first
sixteenth after that."""

SAME_SONG_S = 4.0
"""A clock that returns within this time is still the same song's. The song's place is known that
long: after 4 s a tempo error of 0.2 % amounts to less than half a pulse at 120 bpm."""


class BeatSource(Enum):
    """Where the beat comes from."""

    INTERNAL = "internal"  # jamd's own tempo
    MIDI = "midi"  # a MIDI clock; without one there is no beat
    AUTO = "auto"  # a MIDI clock while there is one, else jamd's own tempo
    PLAYER = "player"  # the player's own beat, found in each phrase
    LINK = "link"  # an Ableton Link session, whose tempo jamd may set as well


class ClockLost(Enum):
    """What to do when the clock is lost."""

    KEEP = "keep"  # play on at its last tempo
    STOP = "stop"  # as if it had sent Stop


@dataclass(frozen=True, slots=True)
class _Unheard:
    """A song that is assumed to go on while its clock is lost.

    Attributes:
        song: Where it was when the first pulse was lost.
        seconds: When that was.
        bpm: How fast it went.
    """

    song: Tick
    seconds: float
    bpm: float

    def song_at(self, seconds: float) -> Tick:
        """Where it is at `seconds`, to the pulse."""
        pulses = round((seconds - self.seconds) * self.bpm / 60 * CLOCKS_PER_BEAT)
        return Tick(self.song + pulses * TICKS_PER_CLOCK)


class Follower:
    """Steers a transport by a MIDI clock, and decides when it rolls and halts.

    Args:
        source: Where the beat comes from.
        on_lost: What to do when the clock is lost.
        transport: What is steered.
        own_tempo: The transport's tempo was asked for: with `BeatSource.AUTO`, a clock that only
            ticks does not change it. Start or Continue still does, as that asks for the clock's.

    Attributes:
        own_tempo: The same, and True once a tempo was asked for during the jam.
    """

    def __init__(
        self, source: BeatSource, on_lost: ClockLost, transport: Transport, own_tempo: bool = False
    ) -> None:
        self._source = source
        self._on_lost = on_lost
        self._transport = transport
        self.own_tempo = own_tempo
        self._clock = MidiClock()
        self._origin: float | None = None  # the tick of the clock's pulse 0
        self._on_pulses = False  # the song's place is known: pulses fall on whole 24ths of a beat
        self._song = Tick(0)  # where the song goes on
        self._jumped = 0  # how far it has gone back in time since it rolled, in ticks
        self._armed = False  # the song goes on with the next pulse
        self._armed_until = -math.inf  # that pulse must come by then, in seconds
        # It led, and has sent Stop or Start: unless the song goes on, the transport halts then.
        self._halts_at = math.inf
        self._stands = False  # the sequencer has stopped, or its clock is lost and that stops jamd
        self._coasting = False  # its clock is lost, and jamd plays on
        # Its clock is lost, and jamd stands still until it is back.
        self._unheard: _Unheard | None = None

    @property
    def follows(self) -> bool:
        """Whether the tempo is the clock's."""
        return self._clock.locked and self._heeded

    @property
    def led(self) -> bool:
        """Whether the clock leads: its pulses place the song, even before they give a tempo."""
        return self.follows or (self._on_pulses and self._clock.present)

    @property
    def waits(self) -> bool:
        """Whether the transport waits for the sequencer to start it."""
        if self._clock.present:
            return self._stands or self._armed
        return self._stands or self._source is BeatSource.MIDI

    @property
    def deadline(self) -> float | None:
        """When `look` next has something to do, in seconds; None if there is no clock."""
        return self._halts_at if self._may_go_on else self._clock.lost_at

    def look(self, now: float) -> Move | None:
        """Return the move that follows from silence up to `now`, if any."""
        if self._may_go_on:
            return self._end(now)
        lost_at = self._clock.lost_at
        if lost_at is None or now < lost_at:
            return None
        known, bpm, place = self.follows, self._transport.bpm, self._place(now)
        due_s = self._clock.due.seconds
        self._clock.forget()
        self._origin = None
        stops = self._on_lost is ClockLost.STOP
        self._stands = self._stands and stops
        if not self._transport.rolling:
            self._on_pulses = self._unheard is not None  # lost once more before it was heeded
            return None
        if not self._heeded:
            return None
        self._song = place
        if stops:
            self._stands = True
            if known and self._on_pulses:
                self._unheard = _Unheard(place, due_s, bpm)
            return Halt()
        self._coasting = True
        if known:
            self._transport.set_tempo(bpm, now)
        return None

    def hear(self, message: Message, seconds: float, now: float) -> Move | None:
        """A system message came.

        Args:
            message: Ignored unless it is one of a clock's.
            seconds: When it came.
            now: The session's present, `seconds` or later.
        """
        match None if self._ignores else message.type:
            case "clock":
                return self._pulse(seconds, now)
            case "start":
                self._song = Tick(0)
                return self._arm(seconds)
            case "continue" if not self.leads:
                return self._arm(seconds)
            case "stop" if self._unheard is not None:
                self._song, self._unheard = self._unheard.song_at(seconds), None
            case "stop" if self._heeded and (self._clock.present or self._coasting or self._armed):
                if self._transport.rolling and not (self._armed or self._may_go_on):
                    self._song = self._place(now)
                self._stands = self._stands or self._clock.present
                move = self._halt(seconds)
                self._armed = False
                return Wait() if self._may_go_on else move
            case "songpos":
                return self._locate(Tick(message.pos * SIXTEENTH), seconds)
        return None

    def _locate(self, song: Tick, seconds: float) -> Move | None:
        """The song is elsewhere. The specification has that while it stands; some jump so."""
        if not self.leads:
            self._song = song
            return None
        here, off = self._beside(song, seconds)
        return self._goes_on(round(here + off) - song) if abs(off) < SIXTEENTH / 2 else None

    def keep_tempo(self) -> None:
        """The transport's own tempo was asked for: keep it."""
        self.own_tempo = True

    def rolled(self, tick: Tick) -> None:
        """The transport has made the `Roll`: `tick` is the last pulse's."""
        self._clock.anchor(self._clock.number)
        self._origin = tick - TICKS_PER_CLOCK * self._clock.number
        self._on_pulses = True
        self._jumped = 0

    def start(self, now: float, count_in: Tick) -> Tick:  # noqa: ARG002 - only Link needs it
        """The transport starts, but not by the sequencer; return its song tick.

        Args:
            now: Seconds.
            count_in: Length of the count-in in ticks, whole bars.
        """
        self._origin = None
        self._on_pulses = False
        self._coasting = False
        self._jumped = 0
        return Tick(-count_in)

    def hand_over(self, now: float) -> Sequencer:
        """What another follower has to know to go on at `now`."""
        rolls = self.leads or self._armed
        song = self._place(now) if self.leads else self._song
        return Sequencer(self._clock.recent, song, self._stands or self._may_go_on, rolls)

    def take_over(self, led: Sequencer, now: float) -> None:
        """Go on at `now` with the clock that another has followed, before the transport rolls."""
        if self._ignores:
            return
        for seconds in led.pulses:
            self._clock.pulse(seconds)
        self._stands = led.stands and not led.rolls
        self._song = Tick(led.song)
        if led.rolls:
            self._arm(now)
        if self.follows:
            self._transport.set_tempo(self._clock.bpm, now)

    @property
    def is_steered(self) -> bool:
        """Whether a pulse only steers: it does not start the song."""
        return self._transport.rolling and not self._armed

    @property
    def _ignores(self) -> bool:
        """Whether a clock has no effect."""
        return self._source in (BeatSource.INTERNAL, BeatSource.PLAYER)

    @property
    def _heeded(self) -> bool:
        """Whether the clock counts: one that merely ticks leaves an asked-for tempo alone."""
        led = self._on_pulses or self._armed
        return led or not self.own_tempo or self._source is not BeatSource.AUTO

    @property
    def leads(self) -> bool:
        """Whether the transport rolls because the sequencer does, which then knows its place."""
        rolls = self._transport.rolling and not self._armed and not self._may_go_on
        return rolls and self._on_pulses and self._clock.present

    @property
    def _may_go_on(self) -> bool:
        """Whether the song may go on in time, although the sequencer has sent Stop or Start."""
        return self._halts_at < math.inf

    def _end(self, now: float) -> Move | None:
        """Halt if it is too late for the song to go on in time."""
        if now < self._halts_at:
            return None
        self._halts_at = math.inf
        return Halt()

    def _arm(self, seconds: float) -> Move | None:
        move = self._halt(seconds)
        self._armed, self._armed_until = True, seconds + GOES_ON_S
        self._unheard = None
        return move

    def _halt(self, seconds: float) -> Move | None:
        """Halt at once, or, if the song may go on in time, later."""
        if self.leads or self._may_go_on:
            sixteenth_s = SIXTEENTH / self._transport.ticks_per_second
            self._halts_at = seconds + sixteenth_s + LOOPS_S
            return None
        coasting, self._coasting = self._coasting, False
        return Halt() if self._transport.rolling and (self._clock.present or coasting) else None

    def _place(self, now: float) -> Tick:
        """Where the song goes on after a stop at `now`: at the pulse after the last.

        The transport may be on either side of that pulse, which jitters. If no pulses place the
        song, the transport determines which pulse comes next.
        """
        if self._on_pulses and self._origin is not None:
            tick = self._origin + TICKS_PER_CLOCK * (self._clock.number + 1)
            return self._transport.song_tick(Tick(round(tick) - self._jumped))
        song = self._transport.song_tick(Tick(self._transport.tick_at(now) - self._jumped))
        return Tick(-(-song // TICKS_PER_CLOCK) * TICKS_PER_CLOCK)

    def _rejoin(self) -> Move | None:
        """Go to where the song is, once the pulses of a lost clock give its tempo again."""
        if self._unheard is None:
            return None
        last_s = self._clock.due.seconds - self._clock.period
        song, self._unheard, self._stands = self._unheard.song_at(last_s), None, False
        return Roll(song)

    def _go_on(self, seconds: float) -> Move | None:
        """Go on if the song does, at a pulse at `seconds`: at our place in the bar.

        To the sixteenth, as a position cannot be nearer. Within a pulse of the song's place the
        pulses are believed: a message may come a pulse early or late, and the beat goes on. Further
        off, the song was started again by hand, just beside the bar line: the transport catches up.
        """
        if not self._may_go_on:
            return None
        self._halts_at = math.inf
        here, off = self._beside(self._song, seconds)
        if abs(off) >= SIXTEENTH / 2:
            return None
        counted = TICKS_PER_CLOCK * self._clock.number
        if self._origin is None:  # a lost clock that is just back
            self._origin = here + off - counted
        ahead = here + off - (self._origin + counted)
        pulses = round(ahead / TICKS_PER_CLOCK)
        if ahead >= SIXTEENTH / 2:  # they were left out, of a clock in batches
            self._clock.miss(pulses)
        elif abs(pulses) > 1:
            self._origin += TICKS_PER_CLOCK * pulses
        self._clock.anchor(self._clock.number)
        return self._goes_on(round(here + off) - self._song)

    def _goes_on(self, bar_one: int) -> GoOn:
        self._jumped = bar_one - self._transport.bar_one
        return GoOn(Tick(bar_one))

    def _beside(self, song: Tick, seconds: float) -> tuple[float, float]:
        """The tick at `seconds`, and how far on the nearest is at `song`'s place in the bar."""
        here, bar = self._transport.exact_tick(seconds), self._transport.meter.ticks_per_bar
        return here, (song - here + bar / 2) % bar - bar / 2

    def _pulse(self, seconds: float, now: float) -> Move | None:
        if not self._clock.present:  # the clock is back
            if self._unheard is not None and seconds > self._unheard.seconds + SAME_SONG_S:
                self._unheard = None
            self._stands = self._unheard is not None
        self._clock.pulse(seconds)
        self._armed = self._armed and seconds <= self._armed_until
        if self._armed:
            self._armed = self._stands = self._coasting = False
            return self._go_on(seconds) or Roll(self._song)
        if not self.follows:
            return None
        if not self._transport.rolling:
            self._transport.set_tempo(self._clock.bpm, now)
            return self._rejoin()
        self._coasting = False
        due = self._clock.due
        rate = TICKS_PER_CLOCK / self._clock.period
        if self._origin is None:
            tick = self._transport.exact_tick(now) + (due.seconds - now) * rate
            if self._on_pulses:
                tick = round(tick / TICKS_PER_CLOCK) * TICKS_PER_CLOCK
            self._clock.anchor(due.number)
            self._origin = tick - TICKS_PER_CLOCK * due.number
        tick = self._origin + TICKS_PER_CLOCK * due.number
        self._transport.steer(tick, due.seconds, rate, self._clock.bpm, now)
        return None
