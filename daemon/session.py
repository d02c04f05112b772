"""The session makes every musical decision and does no I/O: events and times in, effects out."""

from __future__ import annotations

import math
from dataclasses import replace

from mido import Message

from jamd.daemon import events
from jamd.daemon.adjustments import Adjustments
from jamd.daemon.control.controls import Action
from jamd.daemon.control.desk import Desk
from jamd.daemon.events import Effect, Event, Journal, Turn
from jamd.daemon.handover import Handover
from jamd.daemon.listening.ear import Ear
from jamd.daemon.listening.echo import Echo, Origin
from jamd.daemon.listening.memory import Memory
from jamd.daemon.midi.terms import ALL_SOUND_OFF, SUSTAIN, NoteKey, begins_note, ends_note, silences
from jamd.daemon.playing.click import When
from jamd.daemon.playing.commit import Commit
from jamd.daemon.playing.course import Course
from jamd.daemon.playing.floor import Floor
from jamd.daemon.playing.planner import Planner
from jamd.daemon.playing.stage import Stage
from jamd.daemon.settings import Settings
from jamd.daemon.status import ADJUSTED_S, Status
from jamd.daemon.timing.beat import Beat
from jamd.daemon.timing.feel import Feel
from jamd.daemon.timing.moves import GoOn, Halt, Move, Roll, Wait
from jamd.language import Context
from jamd.notes import Tick

SOON_S = 0.005
"""How much before its deadline something may happen: half a tick at 20 bpm is 3 ms."""


class Session:
    """A jam: what was heard, what is to be played, and when.

    Moments are seconds of a monotonic clock of any origin; they must not run backwards, and one
    that does counts as the latest moment seen. A new session has no worker until it handles a
    `WorkerReady`.

    It wires together the beat (`Beat`), what comes in (`Ear`), whose turn it is (`Floor`), what may
    be played (`Planner`), what is certain (`Commit`), what goes out (`Stage`), and what follows as
    time passes (`Course`).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._beat = Beat(settings)
        self._transport = self._beat.transport
        self._feel = Feel(settings.meter, settings.swing, settings.humanise_s, settings.seed)
        self._memory = Memory(settings.meter, self._feel.straight, settings.split)
        self._desk = Desk(settings)
        self._echo = Echo()
        self._ear = Ear(settings, self._transport, self._memory, self._feel)
        self._planner = Planner(settings, self._memory)
        self._stage = Stage(settings, self._transport, self._feel)
        self._commit = Commit(self._beat, self._ear, self._planner, self._memory, self._stage)
        self._floor = Floor(
            settings, self._transport, self._ear, self._planner, self._commit, self._stage
        )
        self._handover = Handover(
            self._beat, self._ear, self._desk, self._echo, self._planner, self._stage
        )
        self._adjustments = Adjustments(self._beat, self._feel, self._planner, self._floor)
        self._course = Course(
            self._beat, self._ear, self._memory, self._planner, self._commit, self._floor
        )
        self._now = -math.inf
        self._stirred = math.inf  # when somebody last played, or a clock began to tick before that
        self._closed = False
        self._settled_until = math.inf  # when something next follows from the passing of time
        self._planned = -math.inf  # when it was last decided what follows from that
        self._effects: list[Effect] = []

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Take in what happened at `now`; return what to do at once, in order."""
        self._now = max(self._now, now)
        if self._closed:
            return []
        if self._desk.panics(event):  # nothing goes before a panic
            self._take_in(event, now)
            return self._collect() + self.advance(now)
        if self._desk.decides_nothing(event) and not self._is_due(SOON_S):
            self._effects += self._beat.tempo_news(self._now)
            self._take_in(event, now)
            return self._collect()
        if self._beat.is_only_steered_by(event) and not self._is_due():
            self._take_in(event, now)
            self._effects += self._stage.keep_time(self._now, self._beat.led)
            self._look_ahead()
            return self._collect() + (self.advance(now) if self._is_due() else [])
        effects = self._pass_time(now)  # what was due before comes first
        self._take_in(event, now)
        self._settle()
        return effects + self._collect()

    def advance(self, now: float) -> list[Effect]:
        """Let time pass up to `now`; return what has become due, in order."""
        return self._pass_time(now, sends_first=True)

    def next_deadline(self) -> float | None:
        """When `advance` next has something to do, in seconds; None: not before an event.

        If it lies in the past, `advance` should be called at once.
        """
        if self._closed:
            return None
        returns = self._echo.deadline
        deadline = self._settled_until if returns is None else min(self._settled_until, returns)
        return None if deadline == math.inf else deadline

    def rest(self) -> list[Context]:
        """What the model has not been shown, as it would have been.

        This forgets what is further back than the model is shown, so it is for the end of a jam.
        """
        rest = self._memory.rest(self._tick, self._adjustments.settings.style)
        return [replace(context, changes=self._beat.changes) for context in rest]

    def status(self, now: float) -> Status:
        """What a status line shows at `now`. Changes nothing."""
        place = None if self._stage.waits else self._beat.place(now)
        return Status(
            last_note=self._ear.last_note,
            unheard=None if self._ear.deaf_to is None else self._ear.deaf_to + 1,
            bar=max(0, place.bar) if place else 0,
            beat=place.beat if place else 0,
            next_beat=self._beat.next_beat(now) if place else None,
            turn=self._floor.turn,
            bpm=self._transport.bpm,
            mode=self._floor.mode,
            sounding=self._stage.sounding,
            worker=self._planner.worker,
            own_tempo=self._beat.follower.own_tempo,
            from_clock=self._beat.follower.follows,
            waits=self._beat.follower.waits,
            told_by=self._beat.told_by,
            link_peers=self._beat.link_peers,
            bars_played=self._beat.bars_played(now),
            rested_s=self._rested_s(now),
            tick=self._transport.tick_at(now),
            bar_one=self._transport.bar_one,
            chord=self._beat.chord(now),
            says_mpe=self._ear.mpe.is_on,
            control=self._desk.unmapped.name,
            uses_control=now < self._desk.unmapped.used + ADJUSTED_S,
            loop=self._echo.known,
            settings=self._adjustments.settings.adjustable,
            song=self._settings.song,
            adjusted=self._adjustments.latest(now),
        )

    def _rested_s(self, now: float) -> float:
        """As `Status.rested_s`."""
        goes_on = self._beat.is_shared or self._settings.click is When.ON
        holds = self._memory.heard.keys or self._memory.heard.pedals or self._stage.is_moved
        if goes_on or self._settings.bars is not None or self._floor.turn is Turn.JAMD or holds:
            return 0.0
        return max(0.0, now - self._stirred)

    def shutdown(self, now: float) -> list[Effect]:
        """End everything that sounds. The session plays nothing afterwards."""
        self._now = max(self._now, now)
        if not self._closed:
            self._close(self._stage.close(self._now))
        return self._collect()

    # What happens

    def _take_in(self, event: Event, seconds: float) -> None:
        match event:
            case events.LinkState():
                self._follow(event, seconds)
            case events.Heard(message) if not hasattr(message, "channel"):
                if not self._echo.clock.is_own(message, self._now):
                    self._follow(message, seconds)
            case events.Heard(message):
                self._listen(message)
            case events.InputLost():
                self._let_go()
            case events.Press():
                self._use(event)
            case events.HandedOver():
                self._effects += self._handover.take(event, self._now)
            case events.Leave():
                self._close(self._handover.give(self._now))
            case _ if isinstance(event, events.FromWorker):
                self._course.hear(event)
            case _:
                self._obey(event)

    def _follow(self, said: Message | events.LinkState, seconds: float) -> None:
        if self._stirred == math.inf:  # a clock fills the take, even if nobody ever plays
            self._stirred = self._now
        self._move(self._beat.hear(said, seconds, self._now))
        self._effects += self._beat.tempo_news(self._now)

    def _obey(self, command: events.Command) -> None:
        if isinstance(command, events.Panic):
            self._panic()
        else:
            self._effects += self._adjustments.obey(command, self._now)

    def _use(self, used: Message | events.Press) -> None:
        """A control or a knob was used."""
        self._stirred = self._now
        action, command = self._desk.use(used, self._now, self._floor.mode)
        if action is not None:
            message = None if isinstance(used, events.Press) else used
            self._journal(events.ControlUsed(self._tick, self._now, action.value, message))
        if command is not None and command != events.SetTempo(self._transport.bpm):
            self._obey(command)

    def _listen(self, message: Message) -> None:
        origin = self._echo.hear(message, self._now)
        if origin is Origin.JAMD:
            return
        self._ear.notice(message, self._now)
        if self._desk.owns(message):
            self._use(message)
            return
        if not (begins_note(message) and self._ear.hears(message)):
            self._desk.unmapped.hear(message, self._now)
        if silences(message):
            self._journal(events.Sounded(self._tick, self._now, None, message))
            if not self._ear.is_habit(message, self._now):
                self._silence(message)
        elif self._ear.is_too_soft(message):
            return
        elif self._ear.hears(message):
            self._hear(message, origin)
        else:
            self._ear.pass_over(message)
            if self._ear.minds(message):
                self._stirred = self._now
                self._send_on(message, origin)

    def _silence(self, message: Message) -> None:
        """All Sound Off or All Notes Off: on any channel, as who asks for silence means all of it.

        All Notes Off by which a keyboard may mean its own last key only does not cost the phrase.
        """
        meant = message.is_cc(ALL_SOUND_OFF) or self._floor.turn is Turn.JAMD
        self._panic(forgets=meant or bool(self._memory.heard.keys) or self._stage.sounding > 0)

    def _hear(self, message: Message, origin: Origin) -> None:
        self._stirred = self._now
        if begins_note(message) and not self._transport.rolling:
            if self._beat.follower.waits:  # what is played while the song is stopped is not in it
                self._send_on(message, origin)
                return
            self._effects += self._beat.start(self._now, self._commit.edge)
        if origin is not Origin.PLAYER or not self._ear.doubles(message, self._now):
            self._write_down(message, origin)
        self._send_on(message, origin)

    def _write_down(self, message: Message, origin: Origin) -> None:
        self._journal(events.Sounded(self._tick, self._now, None, message))
        if begins_note(message):
            self._press(NoteKey(message.channel, message.note), message.velocity, origin)
        elif ends_note(message):
            self._ear.release(NoteKey(message.channel, message.note), self._now)
        elif message.is_cc(SUSTAIN):
            self._ear.pedal(message.channel, message.value, self._now)

    def _send_on(self, message: Message, origin: Origin) -> None:
        if origin is Origin.DOUBTFUL and begins_note(message) and self._stage.plays(message.note):
            return  # it sounds already; struck again, it would outlast jamd's own note-off
        self._effects += self._stage.thru(self._echo.pass_on(message), self._now)

    def _let_go(self) -> None:
        """The input is lost: count keys and pedals as up, and end what was sent on."""
        self._desk.let_go()
        self._echo.let_go()
        for message in self._ear.releases():
            self._hear(message, Origin.PLAYER)
        self._effects += self._stage.let_go(self._now)

    def _press(self, key: NoteKey, velocity: int, origin: Origin) -> None:
        tune = origin is Origin.PLAYER and self._ear.is_tune(key)
        if origin is Origin.PLAYER:
            self._effects += self._floor.press(velocity, self._now, tune=tune)
        begins = self._ear.phrase.first is None
        self._ear.press(key, velocity, self._now, tune)
        if tune:
            leads = self._floor.turn is Turn.PLAYER
            self._effects += self._beat.press(velocity, self._now, begins=begins, leads=leads)

    def _move(self, move: Move | None) -> None:
        """Make the same move as the sequencer."""
        match move:
            case Wait():
                self._effects += self._stage.wait(self._now)
            case GoOn():
                self._stage.go_on()
            case Halt() | Roll():
                self._begin_afresh()
                self._effects += self._stage.halt(self._now)
                self._effects += self._beat.make(move, self._now, self._commit.edge)

    def _panic(self, *, forgets: bool = True) -> None:
        self._effects += self._stage.panic(self._now)
        self._cut()
        self._lift_hands()  # the panic may be about a key whose note-off was lost
        self._desk.let_go(but=Action.PANIC)
        if forgets:
            self._begin_afresh()

    def _close(self, end: list[Effect]) -> None:
        """End the take, with `end` as the last of its effects."""
        self._effects += self._beat.tempo_news(self._now)
        self._lift_hands()
        self._effects += end
        self._closed = True

    def _lift_hands(self) -> None:
        """Write down that no key and no pedal is down."""
        for message in self._ear.releases():
            self._write_down(message, Origin.PLAYER)

    def _begin_afresh(self) -> None:
        """Begin anew after everything was silenced, with the floor the player's."""
        self._cut()
        self._ear.begin_phrase()
        self._effects += self._floor.give_back(self._now)

    def _cut(self) -> None:
        """Forget jamd's notes from now on: they were never sent, so never sounded."""
        left = self._stage.left(self._now)
        self._memory.cut(left, left)

    # What follows from it

    def _pass_time(self, now: float, *, sends_first: bool = False) -> list[Effect]:
        """As `advance`; `sends_first` as in `_settle`."""
        self._now = max(self._now, now)
        if not self._closed:
            for key in self._echo.given_back(self._now):
                end = Message("note_off", channel=key.channel, note=key.pitch)
                self._hear(end, Origin.PLAYER)
            self._move(self._beat.look(self._now))
            self._effects += self._beat.tempo_news(self._now)
            self._settle(sends_first=sends_first)
        return self._collect()

    def _settle(self, *, sends_first: bool = False) -> None:
        """Bring everything up to the present moment.

        If `sends_first` and something is sent, planning is left to the next `advance`: at once, if
        it is due.
        """
        if self._closed:
            return
        if self._planner.worker and self._beat.starts_by_itself:
            self._effects += self._beat.start(self._now, self._commit.edge)
        self._effects += self._stage.keep_time(self._now, self._beat.led)
        due = self._stage.release(self._now) if self._plays else []
        self._effects += due
        if not (due and sends_first):
            self._planned = self._now
            if self._plays:
                self._effects += self._course.advance(self._now)
                if self._floor.turn is Turn.JAMD:
                    self._stirred = self._now
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Work out when something next follows from the passing of time."""
        deadlines = [self._beat.deadline, self._stage.next_due]
        if self._plays:  # what became due after it was last planned is still to be done
            deadlines += self._course.deadlines(self._planned)
        self._settled_until = min((due for due in deadlines if due is not None), default=math.inf)

    def _is_due(self, within_s: float = 0.0) -> bool:
        """Whether something is due, or soon will be."""
        deadline = self.next_deadline()
        return deadline is not None and deadline <= self._now + within_s

    @property
    def _plays(self) -> bool:
        """Whether anything may begin: the transport rolls, and is not about to halt."""
        return self._transport.rolling and not self._stage.waits

    @property
    def _tick(self) -> Tick:
        return self._transport.tick_at(self._now)

    def _journal(self, entry: events.Entry) -> None:
        self._effects.append(Journal(entry))

    def _collect(self) -> list[Effect]:
        effects, self._effects = self._effects + self._beat.link_messages(), []
        for effect in effects:
            if isinstance(effect, events.Send):
                self._echo.sent(effect, self._now)
        return effects
