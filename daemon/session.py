"""Every musical decision, and no input or output: events and moments in, effects out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from jamd.daemon import events
from jamd.daemon.events import Effect, Event, Mode, Turn
from jamd.daemon.follower import Follower, Move, Roll
from jamd.daemon.memory import Memory
from jamd.daemon.modes import Scene, policy
from jamd.daemon.phrase import Phrase
from jamd.daemon.plan import commit_window
from jamd.daemon.planner import Planner
from jamd.daemon.schedule import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    Key,
    Ledger,
    Outgoing,
    Schedule,
)
from jamd.daemon.settings import Settings
from jamd.daemon.status import Status
from jamd.daemon.transport import Transport, position
from jamd.notes import TICKS_PER_BEAT, Part, Tick

if TYPE_CHECKING:
    from mido import Message

LATE_SECONDS = 0.050
"""A note this late is not played: beyond it two onsets are no longer heard as one."""

TEMPO_NEWS = 0.005
"""A followed tempo is written into the take when it has changed by this share."""


class Session:
    """A jam: what was heard, what is to be played, and when.

    Moments are seconds of a monotonic clock, any origin; they must not run backwards, and one that
    does counts as the latest moment seen. A fresh session has no worker: tell it `WorkerReady`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._transport = Transport(settings.bpm, settings.meter)
        self._follower = Follower(settings.source, settings.on_clock_lost, self._transport)
        self._memory = Memory(settings.meter)
        self._planner = Planner(settings, self._memory)
        self._ledger = Ledger()
        self._schedule = Schedule(self._ledger)
        self._mode = settings.mode
        self._policy = policy(settings.mode, settings.horizon_bars)
        self._phrase = Phrase()
        self._turn = Turn.PLAYER
        self._notes_heard = 0
        self._last_note: int | None = None
        self._now = -math.inf
        self._edge = Tick(0)  # every onset before it is committed
        bars = math.inf if settings.bars is None else settings.bars
        self._end = bars * settings.meter.ticks_per_bar
        self._written_bpm = 0.0  # the last tempo in the journal
        self._closed = False
        self._effects: list[Effect] = []

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Take in what happened at `now`; return what is to be done at once, in order."""
        effects = self.advance(now)  # what was due before comes first
        if not self._closed:
            self._take_in(event, now)
            self._settle()
        return effects + self._collect()

    def advance(self, now: float) -> list[Effect]:
        """Let time pass up to `now`; return what has become due, in order."""
        self._now = max(self._now, now)
        if not self._closed:
            self._move(self._follower.look(self._now))
            if self._starts_by_itself:
                self._start()
            self._settle()
        return self._collect()

    def next_deadline(self) -> float | None:
        """When `advance` next has something to do, in seconds; None: only an event will tell.

        It may lie in the past: then `advance` is wanted at once.
        """
        if self._closed:
            return None
        if not self._transport.rolling:
            return self._now if self._starts_by_itself else self._follower.deadline
        deadlines = [
            self._policy.deadline(self._scene()),
            self._planner.deadline(self._edge),
            self._follower.deadline,
        ]
        if (tick := self._schedule.next_tick) is not None:
            deadlines.append(self._transport.seconds_at(tick))
        if self._turn is Turn.JAMD and (onset := self._planner.next_onset) is not None:
            deadlines.append(self._transport.seconds_at(onset) - self._window)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def status(self, now: float) -> Status:
        """What a status line shows at `now`. Changes nothing."""
        rolling = self._transport.rolling
        tick = self._transport.tick_at(now)
        place = position(self._transport.song_tick(tick), self._settings.meter)
        return Status(
            last_note=self._last_note,
            bar=place.bar if rolling else 0,
            beat=place.beat if rolling else 0,
            turn=self._turn,
            bpm=self._transport.bpm,
            mode=self._mode,
            sounding=self._ledger.jamds,
            worker=self._planner.worker,
            from_clock=self._follower.follows,
            waits=self._follower.waits,
            bars_played=tick // self._settings.meter.ticks_per_bar,
        )

    def shutdown(self, now: float) -> list[Effect]:
        """End everything that sounds. The session plays nothing afterwards."""
        self._now = max(self._now, now)
        if not self._closed and self._transport.rolling:
            self._release(earliest=Tick(self._tick + 1))  # ends that are due; nothing begins
        self._closed = True
        self._schedule.clear()
        self._send_now(self._ledger.silence(self._tick))
        return self._collect()

    # What happens

    def _take_in(self, event: Event, seconds: float) -> None:
        match event:
            case events.Heard(message) if hasattr(message, "channel"):
                self._hear(message)
            case events.Heard(message):
                self._follow(message, seconds)
            case events.Answered(planned):
                self._planner.accept(planned, self._edge)
            case events.Failed(request_id):
                self._planner.give_up(request_id)
            case events.WorkerReady():
                self._planner.find_worker()
            case events.WorkerLost():
                self._planner.lose_worker()
            case events.SetMode(mode):
                self._set_mode(mode)
            case events.SetTempo(bpm):
                self._set_tempo(bpm)
            case events.Panic():
                self._panic()

    def _hear(self, message: Message) -> None:
        channel = message.channel
        if self._settings.listen_channel not in (None, channel):
            return
        struck = message.type == "note_on" and message.velocity > 0
        if struck and not self._transport.rolling:
            if self._follower.waits:  # what is played while the song stands has no place in it
                self._pass_on(message)
                return
            self._start()
        self._journal(events.Sounded(self._tick, self._now, None, message))
        if message.is_cc(ALL_SOUND_OFF) or message.is_cc(ALL_NOTES_OFF):
            self._panic()
            return
        if struck:
            self._press(Key(channel, message.note), message.velocity)
        elif message.type in ("note_on", "note_off"):
            key = Key(channel, message.note)
            self._memory.release(key, self._tick)
            self._phrase.release(key, self._tick, self._now)
        self._pass_on(message)

    def _pass_on(self, message: Message) -> None:
        if self._settings.thru:
            self._send_now(self._ledger.thru(self._tick, message))

    def _press(self, key: Key, velocity: int) -> None:
        if self._turn is Turn.JAMD:
            if self._policy.yields:
                self._give_way()
            else:
                self._planner.replan(self._edge)
        elif self._phrase_is_over:
            self._phrase = Phrase()
        self._memory.press(key, velocity, self._tick, self._now)
        self._phrase.press(key, self._tick, self._now)
        self._notes_heard += 1
        self._last_note = key.pitch

    def _start(self) -> None:
        self._roll(Tick(0))
        self._follower.started()

    def _roll(self, song: Tick) -> Tick:
        if not self._transport.begun:
            self._journal(events.MeterSet(Tick(0), self._now, self._settings.meter))
        tick = self._transport.start(self._now, self._edge, song)
        self._write_tempo()
        return tick

    def _move(self, move: Move | None) -> None:
        """Do as the sequencer does."""
        if move is None:
            return
        self._silence()
        if self._transport.rolling:
            self._transport.halt(self._now)
        if isinstance(move, Roll):
            self._follower.rolled(self._roll(move.song))

    def _set_tempo(self, bpm: float) -> None:
        if not self._follower.follows:
            self._transport.set_tempo(bpm, self._now)
            self._write_tempo()

    def _follow(self, message: Message, seconds: float) -> None:
        self._move(self._follower.hear(message, seconds, self._now))
        if abs(self._transport.bpm - self._written_bpm) > TEMPO_NEWS * self._written_bpm:
            self._write_tempo()

    def _write_tempo(self) -> None:
        if self._transport.rolling:
            self._written_bpm = self._transport.bpm
            self._journal(events.TempoSet(self._tick, self._now, self._written_bpm))

    def _set_mode(self, mode: Mode) -> None:
        if mode is self._mode:
            return
        self._give_way()
        if self._phrase_is_over:
            self._phrase = Phrase()
        self._mode = mode
        self._policy = policy(mode, self._settings.horizon_bars)
        self._journal(events.ModeSet(self._tick, self._now, mode))

    def _give_way(self) -> None:
        """The player has the floor: no new onset beyond what is certain, and soon silence."""
        span = self._planner.span
        if span is not None and span.start < self._edge:
            self._phrase = Phrase()  # else the answer had not begun, and the phrase goes on
        limit = Tick(self._tick + TICKS_PER_BEAT)
        self._schedule.shorten(limit)
        self._memory.cut(limit)
        self._pass_turn(Turn.PLAYER)

    def _panic(self) -> None:
        self._silence()
        self._send_now(self._ledger.panic(self._tick))

    def _silence(self) -> None:
        """End all that sounds and begin afresh, with the floor the player's."""
        self._schedule.clear()
        self._memory.cut(self._tick)
        self._send_now(self._ledger.silence(self._tick))
        self._phrase = Phrase()
        self._pass_turn(Turn.PLAYER)

    def _pass_turn(self, turn: Turn) -> None:
        if turn is Turn.PLAYER:
            self._planner.aim(None)
        if turn is not self._turn:
            self._turn = turn
            self._journal(events.TurnTaken(self._tick, self._now, turn))

    # What follows from it

    def _settle(self) -> None:
        """Bring everything up to the present moment."""
        if not self._transport.rolling:
            return
        self._decide()
        self._edge = Tick(max(self._edge, self._transport.passed(self._now + self._window) + 1))
        if self._turn is Turn.JAMD:
            certain = [n for n in self._planner.commit(self._edge) if n.onset < self._end]
            self._memory.commit(certain)
            for note in certain:
                self._schedule.add(note, self._channel(note.part))
        if self._release(earliest=self._transport.passed(self._now - LATE_SECONDS)):
            return  # what is due goes out first; the next `advance`, wanted at once, may think
        request = self._planner.ask(self._now, self._edge)
        if request is not None:
            self._effects.append(events.Ask(request))

    def _release(self, earliest: Tick) -> bool:
        """Send what is due; say whether anything was."""
        due = list(self._schedule.release(self._transport.passed(self._now), earliest))
        for outgoing in due:
            self._send(outgoing, self._transport.seconds_at(outgoing.tick))
        return bool(due)

    def _decide(self) -> None:
        span = self._policy.wants(self._scene())
        if span is None and self._turn is Turn.JAMD:
            self._phrase = Phrase()
            self._pass_turn(Turn.PLAYER)
            return
        self._planner.aim(span)
        if span is not None and self._turn is Turn.PLAYER and self._phrase_is_over:
            self._pass_turn(Turn.JAMD)

    @property
    def _starts_by_itself(self) -> bool:
        fresh = not self._transport.begun and not self._follower.waits
        return fresh and self._settings.start_at_once

    @property
    def _tick(self) -> Tick:
        return self._transport.tick_at(self._now)

    @property
    def _window(self) -> float:
        return commit_window(self._transport.beat_seconds)

    @property
    def _phrase_is_over(self) -> bool:
        ends = self._phrase.ends(self._transport.beat_seconds)
        return ends is not None and ends <= self._now

    def _scene(self) -> Scene:
        return Scene(
            now=self._now,
            transport=self._transport,
            phrase=self._phrase,
            notes_heard=self._notes_heard,
            turn=self._turn,
            span=self._planner.span,
        )

    def _channel(self, part: Part) -> int:
        lead, comp = self._settings.lead_channel, self._settings.comp_channel
        return lead if part is Part.LEAD else comp

    # What is to be done

    def _send(self, outgoing: Outgoing, due: float) -> None:
        self._effects.append(events.Send(outgoing.message, due))
        if outgoing.part is not None:  # the player's own is in the take as it was heard
            self._journal(events.Sounded(outgoing.tick, due, outgoing.part, outgoing.message))

    def _send_now(self, outgoing: Iterable[Outgoing]) -> None:
        for each in outgoing:
            self._send(each, self._now)

    def _journal(self, entry: events.Entry) -> None:
        self._effects.append(events.Journal(entry))

    def _collect(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects
