"""All that goes out: what is committed until it is due, what sounds, the player's own sent on."""

from __future__ import annotations

from collections.abc import Iterable

from mido import Message

from jamd.daemon.events import Effect, Journal, Send, Sounded
from jamd.daemon.schedule import Ledger, Outgoing, Schedule
from jamd.daemon.settings import Settings
from jamd.daemon.transport import Transport
from jamd.notes import Note, Part, Tick

LATE_SECONDS = 0.050
"""A note this late is not played: beyond it two onsets are no longer heard as one."""


class Stage:
    """Turns committed notes into messages for the port, each at its moment, and writes them down.

    Whatever sounds has passed through its ledger, so that all of it can be ended.

    Args:
        settings: The channels, and whether the player's own is sent on.
        transport: When a tick falls.
    """

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._ledger = Ledger()
        self._schedule = Schedule(self._ledger)

    @property
    def sounding(self) -> int:
        """How many of jamd's own notes sound."""
        return self._ledger.jamds

    @property
    def next_due(self) -> float | None:
        """When the next message is due, in seconds. Only a rolling transport knows."""
        tick = self._schedule.next_tick
        return None if tick is None else self._transport.seconds_at(tick)

    def play(self, notes: Iterable[Note]) -> None:
        """Let `notes` sound when they are due."""
        for note in notes:
            lead = note.part is Part.LEAD
            channel = self._settings.lead_channel if lead else self._settings.comp_channel
            self._schedule.add(note, channel)

    def release(self, now: float) -> list[Effect]:
        """What is due at `now`, in order; a note that is too late is left out."""
        return self._due(now, self._transport.passed(now - LATE_SECONDS))

    def thru(self, message: Message, now: float) -> list[Effect]:
        """Send one of the player's own channel messages on, if that is wanted."""
        if not self._settings.thru:
            return []
        return self._at_once(self._ledger.thru(self._tick(now), message), now)

    def ring_out(self, limit: Tick) -> None:
        """Let nothing last beyond `limit`, and nothing begin there or later."""
        self._schedule.shorten(limit)

    def silence(self, now: float) -> list[Effect]:
        """End all that sounds, and forget what was to sound."""
        self._schedule.clear()
        return self._at_once(self._ledger.silence(self._tick(now)), now)

    def panic(self, now: float) -> list[Effect]:
        """`silence`, and tell every channel used so far, in case a message was lost."""
        self._schedule.clear()
        own = (self._settings.lead_channel, self._settings.comp_channel)
        return self._at_once(self._ledger.panic(self._tick(now), own), now)

    def close(self, now: float) -> list[Effect]:
        """Ends that are due, then `silence`. Nothing begins any more."""
        ends: list[Effect] = []
        if self._transport.rolling:
            ends = self._due(now, Tick(self._tick(now) + 1))
        return ends + self.silence(now)

    def _tick(self, now: float) -> Tick:
        return self._transport.tick_at(now)

    def _due(self, now: float, earliest: Tick) -> list[Effect]:
        effects: list[Effect] = []
        for outgoing in self._schedule.release(self._transport.passed(now), earliest):
            effects += _send(outgoing, self._transport.seconds_at(outgoing.tick))
        return effects

    def _at_once(self, outgoing: Iterable[Outgoing], now: float) -> list[Effect]:
        return [effect for each in outgoing for effect in _send(each, now)]


def _send(outgoing: Outgoing, due: float) -> list[Effect]:
    send = Send(outgoing.message, due)
    if outgoing.part is None:  # the player's own is in the take as it was heard
        return [send]
    return [send, Journal(Sounded(outgoing.tick, due, outgoing.part, outgoing.message))]
