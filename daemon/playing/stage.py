"""Everything that goes out: committed notes until they are due, what sounds, click and clock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Protocol

from mido import Message

from jamd.daemon.events import Effect, Journal, Mode, Output, Send, Sounded
from jamd.daemon.playing.click import Click, When
from jamd.daemon.playing.clock_out import ClockOut
from jamd.daemon.playing.schedule import Ledger, Outgoing, Schedule
from jamd.daemon.settings import Settings
from jamd.daemon.timing.feel import Feel
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.timing.transport import Transport
from jamd.notes import Note, Part, Tick

LATE_SECONDS = 0.050
"""A note this late is not played: two onsets further apart are no longer heard as one."""


class _Voice(Protocol):
    """Something that has messages to send."""

    @property
    def next_tick(self) -> Tick | None:
        """The tick at which the next message is due; None: there is none."""

    def release(self, tick: Tick, earliest: Tick) -> Iterable[Outgoing]:
        """What is due at or before `tick`, in order; what is due before `earliest` is late."""


class Stage:
    """Turns committed notes into messages for the port, each at its moment, and writes them down.

    Everything that sounds has passed through a ledger, so that all of it can be ended. The click
    and the clock run alongside. Each of the three can be sent earlier or later than its tick.

    Args:
        settings: The channels, the click, the clock, and whether the player's own notes are sent
            on.
        transport: When a tick falls.
        feel: How far from its tick a note is played.
    """

    def __init__(self, settings: Settings, transport: Transport, feel: Feel) -> None:
        self._settings = settings
        self._transport = transport
        self._feel = feel
        self._ledger = Ledger(thru=Output.THRU if settings.thru_apart else Output.MAIN)
        self._schedule = Schedule(self._ledger)
        click_ledger = Ledger(Output.CLICK) if settings.click_port else self._ledger
        self._ledgers: dict[Ledger, tuple[int, ...]] = {  # with the channels used there
            click_ledger: (settings.click_sound.channel,),
            self._ledger: (settings.lead_channel, settings.comp_channel),
        }
        self._click = Click(settings.click_sound, settings.meter, click_ledger)
        self._clock = ClockOut()
        # In seconds; whether the sequencer's song goes on will show soon. None: it does not wait.
        self._waits_since: float | None = None
        self._has_answered = False  # something of jamd's own has sounded
        self._sent = -math.inf  # when the last message sent was due
        self._voices: list[tuple[_Voice, float]] = [  # with their offsets in seconds
            (self._clock, settings.clock_offset_s),
            (self._schedule, settings.output_offset_s),
            (self._click, settings.click_offset_s),
        ]
        self._passes_on = self._sends_on(settings.mode)

    @property
    def sounding(self) -> int:
        """Number of jamd's own notes that sound."""
        return self._ledger.jamds

    @property
    def is_moved(self) -> bool:
        """Whether a wheel or a pedal of the player's, sent on, is not at rest."""
        return bool(self._ledger.moved)

    @property
    def ahead_s(self) -> float:
        """How much earlier than its tick a note is sent, in seconds, 0 or more."""
        return max(0.0, -self._settings.output_offset_s)

    @property
    def swing(self) -> float:
        """Where the off-beat lies in the beat as jamd plays, 0.5..0.75."""
        return self._feel.own_swing

    def leaving(self, now: float) -> Tick:
        """The tick whose notes are sent at `now`: the current one, less the output offset."""
        return self._transport.tick_at(now - self._settings.output_offset_s)

    def left(self, now: float) -> Tick:
        """The tick up to which notes have been sent: `leaving`, as of when it began to wait."""
        return self.leaving(now if self._waits_since is None else self._waits_since)

    @property
    def waits(self) -> bool:
        """Whether it waits for whether the sequencer's song goes on in time, and sends nothing."""
        return self._waits_since is not None

    @property
    def next_due(self) -> float | None:
        """When the next message is due, in seconds; None: not before something happens."""
        if self.waits:
            return None
        if not self._transport.rolling:
            return self._clock.waits_until
        return min((due for due, *_ in self._waiting()), default=None)

    def keep_time(self, now: float, led: bool) -> list[Effect]:
        """Start or stop the click and the clock, as they are wanted.

        Args:
            now: The present, in seconds.
            led: Whether jamd follows somebody else's beat.
        """
        leads = self._settings.send_clock and not led
        tick, bar_one = self._tick(now), self._transport.bar_one
        if not leads:
            self._clock.cease()  # the leader sends the others a clock of its own
        if not self._transport.rolling:
            pulses = self._clock.wait(now, self._transport.beat_seconds) if leads else ()
            return [Send(message, due, Output.CLOCK) for due, message in pulses]
        counts_in = self._transport.tick_at(now - self._settings.click_offset_s) < bar_one
        if self._wants_click(led, counts_in) != self._click.clicks:
            begin = max(tick, bar_one - self._settings.count_in_ticks) if counts_in else tick
            self._click.stop() if self._click.clicks else self._click.begin(Tick(begin))
        if leads and not self._clock.runs:
            first = self._first_pulse(now)
            return self._at_once(self._clock.roll(first, first - bar_one), now)
        return []

    def play(self, notes: Iterable[Note], now: float, before: Tick | None = None) -> None:
        """Schedule `notes`, which are to end before tick `before` if that is given.

        None is played earlier than it can leave, however it wanders.
        """
        rate, earliest = self._transport.ticks_per_second, self.leaving(now)
        for note in self._feel.perform(list(notes), rate, before, earliest):
            lead = note.part is Part.LEAD
            channel = self._settings.lead_channel if lead else self._settings.comp_channel
            self._schedule.add(note, channel)

    def release(self, now: float, *, nothing_begins: bool = False) -> list[Effect]:
        """The messages due at `now`, in order; a note that is too late is left out.

        With `nothing_begins`, every note is.
        """
        effects: list[Effect] = []
        while waiting := list(self._waiting()):
            _, tick, voice, offset_s = min(waiting, key=itemgetter(0))
            passed = self._transport.passed(now - offset_s)
            if tick > passed:
                break
            late = self._transport.passed(now - offset_s - LATE_SECONDS)
            for outgoing in voice.release(tick, Tick(passed + 1) if nothing_begins else late):
                # After the player's beat is found anew, a tick may fall earlier than it did before.
                self._sent = max(self._sent, self._transport.seconds_at(outgoing.tick) + offset_s)
                effects += _send(outgoing, self._sent)
                self._has_answered |= outgoing.part is not None
        return effects

    def thru(self, message: Message, now: float) -> list[Effect]:
        """Send on one of the player's own channel messages, if that is wanted."""
        if not (self._passes_on or self._ledger.ends(message)):
            return []
        return self._at_once(self._ledger.thru(self._tick(now), message), now)

    def let_go(self, now: float) -> list[Effect]:
        """End what `thru` has sent on, including pedals and wheels."""
        tick = self._tick(now)
        ends = [*self._ledger.silence(tick, only_thru=True), *self._ledger.rest(tick)]
        return self._at_once(ends, now)

    def shift(self, by: int) -> None:
        """Count every moment `by` ticks later: the bar line was found. No note of jamd's is due."""
        self._click.shift(by)

    def plays(self, pitch: int) -> bool:
        """Whether a note of jamd's own sounds at `pitch`."""
        return self._ledger.plays(pitch)

    def enter(self, mode: Mode, now: float) -> list[Effect]:
        """Send on what the player plays: mode `off` always does, the others only if configured.

        When this ends, notes and pedals that are down wait for the player to release them. Wheels
        are brought to rest at once, since one left where it is would bend everything jamd plays.
        """
        ends = self._passes_on and not self._sends_on(mode)
        self._passes_on = self._sends_on(mode)
        return self._at_once(self._ledger.rest(self._tick(now)), now) if ends else []

    def ring_out(self, onsets: Tick, limit: Tick) -> None:
        """Let nothing begin from `onsets` on, and nothing last beyond `limit`."""
        self._schedule.shorten(onsets, limit)

    def wait(self, now: float) -> list[Effect]:
        """End what sounds of jamd's own, and its click; send no more until `go_on` or `halt`."""
        if self._waits_since is None:
            self._waits_since = now
        tick = self._tick(now)
        return self._at_once([*self._click.hush(tick), *self._ledger.hush(tick)], now)

    def silence(self, now: float, begun_by: float = math.inf) -> list[Effect]:
        """End everything that sounds, and forget what was to sound.

        What the player has struck or moved after the tick `begun_by` goes on.
        """
        self._schedule.clear()
        tick = self._tick(now)
        return [
            effect
            for ledger in self._ledgers
            for effect in self._at_once(ledger.silence(tick, begun_by=begun_by), now)
        ]

    def go_on(self) -> None:
        """Wait no longer: for the music, nothing has happened."""
        self._waits_since = None

    def halt(self, now: float) -> list[Effect]:
        """`silence`, as of when it began to wait if it does, and stop the click and the clock.

        What the player has struck while it waited goes on, as if the song had stopped before.
        """
        stopped, self._waits_since = self._waits_since, None
        since = math.inf if stopped is None else self._tick(stopped)
        self._click.stop()
        return self.silence(now, since) + self._at_once(self._clock.halt(self._tick(now)), now)

    def panic(self, now: float) -> list[Effect]:
        """`silence`, and silence every channel used so far, in case a message was lost."""
        self._schedule.clear()
        tick = self._tick(now)
        # It goes out before what is due, so go on with the next click.
        self._click.skip(self._transport.passed(now - self._settings.click_offset_s))
        return [
            effect
            for ledger, channels in self._ledgers.items()
            for effect in self._at_once(ledger.panic(tick, channels), now)
        ]

    def close(self, now: float, *, but_thru: bool = False) -> list[Effect]:
        """The note-offs that are due, then `silence`, and the wheels at rest. No more onsets.

        With `but_thru`, what the player has sent on goes on, for another session to end.
        """
        tick = self._tick(now)
        self._click.stop()
        stop = self._at_once(self._clock.halt(tick), now)
        ends = self.release(now, nothing_begins=True) if self._transport.rolling else []
        if but_thru:
            self._schedule.clear()
            own = self._at_once([*self._click.hush(tick), *self._ledger.hush(tick)], now)
            return ends + stop + own
        rest = self._at_once(self._ledger.rest(tick), now)
        return ends + stop + self.silence(now) + rest

    @property
    def sent_on(self) -> list[Message]:
        """What the player has sent on and holds still: notes, pedals, wheels."""
        return self._ledger.sent_on

    @property
    def channels(self) -> tuple[int, ...]:
        """The MIDI channels used so far, 0..15."""
        return self._ledger.channels

    def take_over(
        self, sent_on: Iterable[Message], channels: Iterable[int], now: float
    ) -> list[Effect]:
        """Wait for the player to release what another stage's `sent_on` was, as `enter` has it."""
        self._ledger.take_over(self._tick(now), sent_on, channels)
        return [] if self._passes_on else self._at_once(self._ledger.rest(self._tick(now)), now)

    def _sends_on(self, mode: Mode) -> bool:
        return self._settings.thru or mode is Mode.OFF

    def _wants_click(self, led: bool, counts_in: bool) -> bool:
        if self._settings.click is When.AUTO:
            own = self._settings.source in (BeatSource.INTERNAL, BeatSource.AUTO)
            return counts_in or (own and not led and not self._has_answered)
        return self._settings.click is When.ON

    def _first_pulse(self, now: float) -> Tick:
        """The clock's first tick: pulses that should have been sent before now would be a burst.

        A Start that is only just late is sent all the same, because it conveys more than a song
        position.
        """
        tick, offset_s = self._tick(now), self._settings.clock_offset_s
        starts = tick == self._transport.bar_one and offset_s >= -LATE_SECONDS
        return tick if starts else max(tick, self._transport.tick_at(now - offset_s))

    def _tick(self, now: float) -> Tick:
        return self._transport.tick_at(now)

    def _waiting(self) -> Iterator[tuple[float, Tick, _Voice, float]]:
        """What has something to send: (when, for which tick, the voice, its offset in seconds)."""
        for voice, offset_s in self._voices:
            if (tick := voice.next_tick) is not None:
                yield self._transport.seconds_at(tick) + offset_s, tick, voice, offset_s

    def _at_once(self, outgoing: Iterable[Outgoing], now: float) -> list[Effect]:
        self._sent = max(self._sent, now)
        return [effect for each in outgoing for effect in _send(each, now)]


def _send(outgoing: Outgoing, due: float) -> list[Effect]:
    send = Send(outgoing.message, due, outgoing.output)
    if outgoing.part is None:  # the player's own is in the take as it was heard
        return [send]
    return [send, Journal(Sounded(outgoing.tick, due, outgoing.part, outgoing.message))]
