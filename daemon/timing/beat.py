"""The session's beat: the transport, what steers it, and its tempo and bar lines in the take."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from mido import Message

from jamd.daemon.events import (
    BarLineFound,
    ChangesLaid,
    Effect,
    Event,
    Heard,
    Journal,
    LinkState,
    MeterSet,
    TellLink,
    TempoSet,
)
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource, Follower
from jamd.daemon.timing.link_follower import LinkFollower
from jamd.daemon.timing.moves import GoOn, Halt, Move, Roll
from jamd.daemon.timing.players_beat import Bend, PlayersBeat, Rebase
from jamd.daemon.timing.tap_tempo import TapTempo
from jamd.daemon.timing.tempo_writer import TempoWriter
from jamd.daemon.timing.transport import LONGEST_PICKUP, Position, Transport, position
from jamd.harmony.chart import Changes
from jamd.notes import TICKS_PER_BEAT, Tick


class Beat:
    """Starts, steers and halts the transport.

    Args:
        settings: The tempo, the meter, and where the beat comes from.

    Attributes:
        transport: Where the beat is.
        follower: Steers it when jamd does not.
        counted_in: The tick at which the last count-in ends.
        changes: The chord changes, from where they begin on; None: none are given.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.transport = Transport(settings.bpm, settings.meter)
        self._link: LinkFollower | None = None
        if settings.source is BeatSource.LINK:
            self._link = LinkFollower(self.transport, settings.link_start_stop)
        self.follower: Follower | LinkFollower = self._link or Follower(
            settings.source, settings.on_clock_lost, self.transport, settings.own_tempo
        )
        self._assumed = False  # bar 1 begins with the first note, for want of a better place
        self.counted_in = Tick(0)
        self.changes = settings.changes
        self._chart_bars = 0  # from the song's bar 1 to the bar in which the chord changes begin
        self._laid_since = Tick(0)  # the tick from which on they lie there
        self._take = TempoWriter()
        self._jumped: list[Effect] = []  # where the song has jumped by whole bars, to be written
        self._taps = TapTempo()
        self._player: PlayersBeat | None = None
        if settings.source is BeatSource.PLAYER:
            told = settings.bpm if settings.own_tempo else None
            self._player = PlayersBeat(self.transport, told)
        self._bent_until: float | None = None
        self._bent_bpm = 0.0  # the tempo until then

    @property
    def starts_by_itself(self) -> bool:
        """Whether the transport should roll before anybody has played a note."""
        fresh = not self.transport.begun and not self.follower.waits
        return fresh and (self._settings.start_at_once or self._settings.count_in > 0)

    @property
    def led(self) -> bool:
        """Whether the beat is, or will be, a sequencer's."""
        return self.follower.led or (self.follower.waits and not self.transport.rolling)

    @property
    def is_shared(self) -> bool:
        """Whether others go by the beat, or jamd by theirs; not by a clock that merely ticks."""
        sent = self._settings.send_clock or self._link is not None
        return sent or self.follower.leads or self.follower.waits

    @property
    def end(self) -> float:
        """The tick from which jamd starts no more notes."""
        bars = math.inf if self._settings.bars is None else self._settings.bars
        return bars * self.transport.meter.ticks_per_bar + self.counted_in

    def bars_played(self, now: float) -> int:
        """Whole bars that have passed since the count-in."""
        passed = self.transport.tick_at(now) - self.counted_in
        return max(0, passed) // self.transport.meter.ticks_per_bar

    def place(self, now: float) -> Position | None:
        """Where the song is: before bar 1 in a count-in; None while it stands still."""
        if not self.transport.rolling:
            return None
        tick = self.transport.tick_at(now) - self.transport.bar_one
        return position(tick, self.transport.meter)

    def next_beat(self, now: float) -> tuple[float, int, int]:
        """As `Status.next_beat`, while the transport rolls."""
        bar_one, meter = self.transport.bar_one, self.transport.meter
        length = TICKS_PER_BEAT * 4 // meter.denominator
        tick = (self.transport.tick_at(now) - bar_one) // length * length + length
        at = position(tick, meter)
        return self.transport.seconds_at(bar_one + tick), max(0, at.bar), at.beat

    def chord(self, now: float) -> str | None:
        """As `Status.chord`."""
        tick = self.transport.tick_at(now)
        if self.changes is None or not self.transport.rolling or tick < self.transport.bar_one:
            return None
        return self.changes.symbol_at(tick)

    @property
    def deadline(self) -> float | None:
        """When there is next something to do, in seconds; None if not before a message."""
        moments = (self.follower.deadline, self._bent_until)
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def link_peers(self) -> int | None:
        """Number of other peers in the Link session; None if jamd is in none."""
        return None if self._link is None else self._link.peers

    @property
    def bar_is_assumed(self) -> bool:
        """Whether nothing gave the bar line, so that the player's first note was taken for it."""
        return self._assumed and not self.follower.follows

    def keep_bar(self) -> None:
        """Keep the bar line where it is: from now on jamd plays by it."""
        self._assumed = False

    def shift(self, by: int, now: float) -> list[Effect]:
        """Move everything `by` ticks later in its bar: the first note was a pickup."""
        self._assumed = False
        self.transport.shift(by)
        self._take.shift(by)
        self._chart_bars += 1
        found = Journal(BarLineFound(self.transport.tick_at(now), now, by))
        since = self._laid_since + by if self._laid_since else 0  # in place of what was laid there
        return [found, *self._lay_chart(self._chart_line, Tick(since), now)]

    @property
    def told_by(self) -> str | None:
        """Where the player's tempo comes from, in words; None if it is not the player's."""
        return None if self._player is None else self._player.told_by

    def start(self, now: float, edge: Tick) -> list[Effect]:
        """Roll from `now` on, because the player or jamd begins."""
        count_in = self._settings.count_in_ticks
        told = self._settings.start_at_once or self._settings.send_clock or self._link is not None
        told = told or self._player is not None
        self._assumed = not (told or count_in or self.transport.begun)
        if not count_in:
            song = self.follower.start(now, count_in)
            bar = self.transport.meter.ticks_per_bar
            self._chart_bars = int(song >= bar - LONGEST_PICKUP)
            return self._roll(song, now, edge)[1]
        lead_s = self._settings.lead_s
        song = self.follower.start(now + lead_s, count_in)
        lead = math.ceil(lead_s * self.transport.ticks_per_second)
        return self._roll(song - lead, now, edge)[1]

    def is_only_steered_by(self, event: Event) -> bool:
        """Whether an event is a clock's pulse that changes no more than when ticks fall.

        There are 48 a second at 120 bpm, and each may come just before a note is due.
        """
        pulse = isinstance(event, Heard) and event.message.type == "clock"
        return pulse and self.follower.is_steered

    def look(self, now: float) -> Move | None:
        """Return the move that is due at `now` without a message, as when a clock is lost."""
        return self.follower.look(now)

    def hear(self, said: Message | LinkState, seconds: float, now: float) -> Move | None:
        """Return the move to make on a system message that came at `seconds`, or a Link change."""
        if isinstance(said, LinkState):
            return None if self._link is None else self._link.hear_session(said, now)
        move = self.follower.hear(said, seconds, now)
        if isinstance(move, GoOn):
            bars = (move.bar_one - self.transport.bar_one) // self.transport.meter.ticks_per_bar
            self._chart_bars = bars
            self._jumped += self._lay_chart(self._chart_line, self.transport.tick_at(now), now)
        return move

    def link_messages(self) -> list[TellLink]:
        """Take the messages that are to go to the Link session."""
        return self._link.take_messages() if self._link else []

    def make(self, move: Halt | Roll, now: float, edge: Tick) -> list[Effect]:
        """Make the sequencer's move. Everything that sounds must have been ended before."""
        self._assumed = False
        effects = self.tempo_news(now)
        self._bent_until = None
        if not isinstance(move, Roll):
            self.transport.halt(now)
            return effects
        if self._link is None or not self.transport.rolling:
            self._chart_bars = 0  # else the Link session's bar line has moved, and no more
        tick, rolled = self._roll(move.song, now, edge)
        self.follower.rolled(tick)
        return effects + rolled

    def set_tempo(self, bpm: float, now: float) -> list[Effect]:
        """Play on at `bpm`, unless a clock sets the tempo."""
        self.follower.keep_tempo()
        if self.follower.follows:
            return []
        self.transport.set_tempo(bpm, now)
        if self._link is not None:
            self._link.pass_tempo_on(now)
        return self._write_tempo(now, self.transport.bpm)

    def press(self, velocity: int, now: float, *, begins: bool, leads: bool) -> list[Effect]:
        """The player strikes a note.

        Args:
            velocity: 1..127.
            now: Seconds.
            begins: A phrase begins with it.
            leads: It is the player's turn; while jamd plays, the tempo stays.
        """
        if self._player is None:
            return []
        bpm = self._player.press(now, velocity, begins)
        return self.set_tempo(bpm, now) if leads and bpm is not None else []

    def settle(self, first: Tick, now: float) -> tuple[list[Effect], Callable[[Tick], Tick] | None]:
        """The player seems to pause: settle on the beat of the phrase that began at `first`.

        Returns:
            The effects, and a function that gives where a tick of the phrase now lies; None if they
            all stay.
        """
        match None if self._player is None else self._player.settle(first, now):
            case Rebase() as rebase:
                return self._rebase(rebase, now)
            case Bend() as bend:
                remap = self._as_if_bent_before(bend)
                return self.bend(bend.tick, bend.seconds, bend.bpm, now), remap
        return [], None

    def tap(self, now: float) -> list[Effect]:
        """The player taps a pulse (a dotted quarter in 6/8): follow its place and its tempo."""
        period_s = self._taps.tap(now)
        if period_s is None:
            return []
        pulse = self._settings.meter.ticks_per_pulse
        bpm = 60 / period_s * pulse / TICKS_PER_BEAT
        if self._player is not None:
            self._player.tapped(bpm)
        if self.follower.follows or self._link is not None or not self.transport.rolling:
            return self.set_tempo(bpm, now)
        self.follower.keep_tempo()
        following = round(self.transport.exact_tick(now) / pulse) + 1
        return self.bend(Tick(following * pulse), now + period_s, bpm, now)

    def bend(self, tick: Tick, seconds: float, bpm: float, now: float) -> list[Effect]:
        """Reach `tick` at `seconds`, both in the future, and play on from there at `bpm`."""
        until = self.transport.bend(tick, seconds, bpm, now)
        effects = self._write_tempo(now, until)
        self._bent_until, self._bent_bpm = seconds, until
        return effects

    def tempo_news(self, now: float) -> list[Effect]:
        """Return the tempo entries that keep the take's time with the transport's up to `now`.

        Before them, those of a jump of the song that the transport has not made.
        """
        jumped, self._jumped = self._jumped, []
        return jumped + self._tempo_news(now)

    def _tempo_news(self, now: float) -> list[Effect]:
        if not self.transport.rolling:
            return []
        if self._bent_until is not None and self._bent_until <= now:
            return self._write_tempo(self._bent_until, self.transport.bpm)
        bpm = self.transport.bpm if self._bent_until is None else self._bent_bpm
        return _journal(self._take.follow(self.transport.exact_tick(now), now, bpm))

    def _rebase(self, move: Rebase, now: float) -> tuple[list[Effect], Callable[[Tick], Tick]]:
        effects = self.tempo_news(now)
        before = self.transport.tempo_map
        self.transport.rebase(move.tick, move.seconds, move.bpm)
        self._bent_until = None
        # In the take, the skipped ticks take no time.
        effects += _journal(self._take.skip(self.transport.exact_tick(now), self.transport.bpm))
        if self.changes is not None:  # to the player, no bars were skipped
            bar = self.transport.meter.ticks_per_bar
            skipped = move.tick - round(before.tick_at(move.seconds) / bar) * bar
            since = self.transport.tick_at(now)
            effects += self._lay_chart(self.changes.start + skipped, since, now)
        return effects, lambda tick: self.transport.tick_at(before.seconds_at(tick))

    def _as_if_bent_before(self, bend: Bend) -> Callable[[Tick], Tick]:
        heard = self.transport.tempo_map
        rate = bend.bpm * TICKS_PER_BEAT / 60

        def remap(tick: Tick) -> Tick:
            if tick < bend.since:
                return tick
            return Tick(max(0, round(bend.tick + (heard.seconds_at(tick) - bend.seconds) * rate)))

        return remap

    def _roll(self, song: int, now: float, edge: Tick) -> tuple[Tick, list[Effect]]:
        effects: list[Effect] = []
        if not self.transport.begun:
            effects.append(Journal(MeterSet(Tick(0), now, self._settings.meter)))
        leaps = self.transport.rolling  # else it stood still, and the take can omit the pause
        if leaps:
            self.transport.halt(now)
        tick = self.transport.start(now, edge, song)
        effects += self._lay_chart(self._chart_line, tick, now)
        # A sequencer's Start during a count-in ends it.
        self.counted_in = self.transport.bar_one if song < 0 else min(self.counted_in, tick)
        bpm = self.transport.bpm
        written = self._take.skip(tick, bpm) if leaps else self._take.start(tick, now, bpm)
        return tick, effects + _journal(written)

    def give(self, changes: Changes | None, now: float) -> list[Effect]:
        """Play over other chord changes, or none, from the bar line before `now` on.

        In a count-in they begin with bar 1; with a sequencer, with its song's.
        """
        self.changes = changes
        tick, bar = self.transport.tick_at(now), self.transport.meter.ticks_per_bar
        if changes is None:  # even if the song stands still: nothing is laid when it goes on
            return [Journal(ChangesLaid(tick, now, None))] if self.transport.begun else []
        if not self.transport.rolling:
            return []
        if not self.follower.leads:
            self._chart_bars = max(0, (tick - self.transport.bar_one) // bar)
        return self._lay_chart(self._chart_line, tick, now)

    @property
    def _chart_line(self) -> int:
        """The bar line at which the chord changes begin: after a pickup, or where given."""
        return self.transport.bar_one + self._chart_bars * self.transport.meter.ticks_per_bar

    def _lay_chart(self, first: int, since: Tick, now: float) -> list[Effect]:
        """Let the chord changes begin at `first`, a bar line; that counts from tick `since` on."""
        if self.changes is None:
            return []
        self.changes = replace(self.changes, start=Tick(first))
        self._laid_since = since
        return [Journal(ChangesLaid(since, now, self.changes))]

    def _write_tempo(self, now: float, bpm: float) -> list[Effect]:
        self._bent_until = None
        if not self.transport.rolling:
            return []
        return _journal(self._take.change(self.transport.exact_tick(now), now, bpm))


def _journal(written: list[TempoSet]) -> list[Effect]:
    return [Journal(entry) for entry in written]
