"""Plays in an Ableton Link session: what the other peers do becomes moves of the transport.

Link shares a tempo, a place in the bar (its quantum is jamd's bar) and, if wanted, start and stop.
It does not share a place in the song: each peer counts its own bars. Nobody leads, and the last
change counts: a peer's tempo becomes jamd's, and a tempo set on jamd becomes every peer's.

As Ableton's documentation asks of a peer, joining changes nothing for the others, and another
peer's start takes effect at the next bar line.
"""

from __future__ import annotations

import math

from mido import Message

from jamd.daemon.events import LinkState, TellLink
from jamd.daemon.timing.moves import Halt, Move, Roll
from jamd.daemon.timing.transport import FASTEST_BPM, SIXTEENTH, SLOWEST_BPM, Transport
from jamd.notes import TICKS_PER_BEAT, Tick

STEER_S = 0.020
"""How often the transport is steered while it is not yet where the session is."""

MISSED_S = 0.050
"""A start is reported some milliseconds after its moment: a bar line that is past by no more than
this is the one that was meant."""

_THERE = 0.05  # ticks: a transport this close is where it should be
_LEAP = SIXTEENTH  # further off than this, the transport begins anew at the right place


class LinkFollower:
    """Steers a transport by a Link session, and decides when it rolls and halts.

    Args:
        transport: What is steered.
        start_stop: Whether starts and stops are shared.
    """

    # The tempo is everybody's: jamd may set it, and send its clock.
    follows = led = leads = own_tempo = False
    is_steered = False  # by a clock's pulses

    def __init__(self, transport: Transport, start_stop: bool) -> None:
        self._messages: list[TellLink] = []  # messages for the session, in order
        self._transport = transport
        self._start_stop = start_stop
        self._state: LinkState | None = None
        self._steer_at: float | None = None
        self._starts_at: float | None = None
        self._stops_at: float | None = None
        self._stands = False  # the song was stopped, and nobody has started it again

    @property
    def peers(self) -> int:
        """Number of other peers in the session."""
        return 0 if self._state is None else self._state.peers

    @property
    def waits(self) -> bool:
        """Whether the transport waits for another peer to start it."""
        return self._stands and self.peers > 0

    @property
    def deadline(self) -> float | None:
        """When `look` has something to do, in seconds; None if not before the session changes."""
        steer_at = self._steer_at if self._transport.rolling else None
        moments = (self._starts_at, self._stops_at, steer_at)
        return min((moment for moment in moments if moment is not None), default=None)

    def look(self, now: float) -> Move | None:
        """Return the move that is due at `now`, if any."""
        if self._stops_at is not None and now >= self._stops_at:
            self._stops_at = None
            self._stands = True
            return Halt() if self._transport.rolling else None
        if self._starts_at is not None and now >= self._starts_at:
            passed = (now - self._starts_at) * self._rate
            self._starts_at = None
            return None if self._transport.rolling else Roll(Tick(round(passed)))
        if self._steer_at is not None and now >= self._steer_at and self._transport.rolling:
            return self._steer(now)
        return None

    def hear_session(self, state: LinkState, now: float) -> Move | None:
        """The session has changed."""
        before, self._state = self._state, state
        changed = before is not None and before.playing != state.playing and self._start_stop
        if changed and state.playing:
            self._stands, self._stops_at = False, None
            if not self._transport.rolling:
                self._starts_at = self._bar_line(state.since - MISSED_S)
        elif changed:
            self._starts_at, self._stops_at = None, state.since
        elif self._starts_at is not None:  # the bar line may have moved
            self._starts_at = self._bar_line(now)
        if self._possible and not self._transport.rolling:
            self._transport.set_tempo(state.bpm, now)
        self._steer_at = now
        return self.look(now)

    def hear(self, message: Message, seconds: float, now: float) -> Move | None:  # noqa: ARG002
        """A system message came: the player's own start or stop is passed on to the session.

        Args:
            message: Ignored if it is neither; a MIDI clock has no effect here.
            seconds: When it came.
            now: The session's present.
        """
        if not self._start_stop:
            return None
        if message.type in ("start", "continue") and not self._transport.rolling:
            self._stands = False
            self._starts_at = self._bar_line(now) if self.peers else now
            self._messages.append(TellLink(now, playing=True, bar_line=True))
            return self.look(now)
        if message.type == "stop" and (self._transport.rolling or self._starts_at is not None):
            self._starts_at, self._stands = None, True
            self._messages.append(TellLink(now, playing=False))
            return Halt() if self._transport.rolling else None
        return None

    def start(self, now: float, count_in: Tick) -> Tick:
        """The transport starts, but not by the session.

        Args:
            now: Seconds.
            count_in: Length of the count-in in ticks, whole bars. With other peers it begins at the
                session's next bar line, and they start with bar 1.

        Returns:
            Its song tick: the other peers' place in the bar; alone, the first note is beat one.
        """
        self._starts_at = None
        self._stands = False
        self._steer_at = now + STEER_S
        song = round(self._phase(now)) if self.peers else 0
        if count_in:
            song = -(-song % self._bar + count_in)
        begins = now - min(song, 0) / self._rate
        playing = True if self._start_stop else None
        self._messages.append(TellLink(begins, playing=playing, bar_line=True))
        return Tick(song)

    def rolled(self, tick: Tick) -> None:  # noqa: ARG002 - only a MIDI clock's follower needs it
        """The transport has made the `Roll`."""
        self._steer_at = -math.inf

    def keep_tempo(self) -> None:
        """A tempo is about to be set on jamd, which any peer in a session may do."""

    def pass_tempo_on(self, now: float) -> None:
        """The transport's tempo was set, but not by the session: pass it on."""
        self._messages.append(TellLink(now, bpm=self._transport.bpm))

    def take_messages(self) -> list[TellLink]:
        """The messages for the session, in order. Each is returned once."""
        messages, self._messages = self._messages, []
        return messages

    @property
    def _possible(self) -> bool:
        """Whether the session's tempo is one that can be followed; Link's go up to 999."""
        return self._state is not None and SLOWEST_BPM <= self._state.bpm <= FASTEST_BPM

    @property
    def _rate(self) -> float:
        """Ticks a second."""
        bpm = self._transport.bpm if self._state is None else self._state.bpm
        return bpm * TICKS_PER_BEAT / 60

    @property
    def _bar(self) -> Tick:
        return self._transport.meter.ticks_per_bar

    def _phase(self, seconds: float) -> float:
        """Ticks since the session's last bar line."""
        line = seconds if self._state is None else self._state.bar_line
        return (seconds - line) * self._rate % self._bar

    def _bar_line(self, earliest: float) -> float:
        """When the session's first bar line at or after `earliest` falls."""
        if self._state is None:
            return earliest
        bar_s = self._bar / self._rate
        bars = math.ceil((earliest - self._state.bar_line) / bar_s)
        return self._state.bar_line + bars * bar_s

    def _steer(self, now: float) -> Move | None:
        if self._state is None or not self._possible:
            self._steer_at = None
            return None
        here = self._transport.exact_tick(now)
        behind = (self._phase(now) - here + self._bar / 2) % self._bar - self._bar / 2
        if abs(behind) > _LEAP:
            self._transport.set_tempo(self._state.bpm, now)
            song = round(here + behind) - self._transport.bar_one
            if here < self._transport.bar_one:  # a count-in, which must not be cut short
                return Roll(Tick(song - self._bar if behind > 0 else song))
            return Roll(Tick(song if song >= 0 else song + self._bar))
        self._steer_at = now + STEER_S if abs(behind) > _THERE else None
        if self._steer_at is None:
            self._transport.steer(here, now, self._rate, self._state.bpm, now)
        else:
            self._transport.steer(here + behind, now, self._rate, self._state.bpm, now)
        return None
