"""The rehearsal room: where jamd plays when the machine has no MIDI system.

A bundled phrase stands in for the player, and the output goes nowhere but onto the screen and into
the take. The session, the model and the clock are the real ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mido import Message

from jamd.config.config import Config
from jamd.daemon.events import Mode, Output
from jamd.daemon.midi.held import Held
from jamd.daemon.ports.connections import Connected
from jamd.daemon.ports.rtmidi_ports import Received
from jamd.daemon.settings import Settings
from jamd.daemon.takes.take import read_song
from jamd.daemon.timing.follower import BeatSource
from jamd.notes import TICKS_PER_BEAT

BARS = 8
"""How long a rehearsal is by default."""

PORT = "the rehearsal room"
_SAME_S = 1e-6  # tolerance for comparing sums of seconds

SEED = Path(__file__).with_name("seeds") / "phrase.mid"
"""The phrase that is played there."""


class Player(NamedTuple):
    """Who plays in a rehearsal room: see the arguments of `RehearsalRoom`."""

    phrase: Sequence[tuple[float, Message]]
    period_s: float | None
    length_s: float


class RehearsalRoom:
    """`Ports` without a MIDI system: a phrase comes in, and nothing goes out.

    Args:
        phrase: (seconds from the phrase's start, message), by seconds.
        period_s: Seconds from one start of the phrase to the next; None plays it once.
        length_s: Seconds after which the player plays nothing more.
    """

    def __init__(
        self,
        phrase: Sequence[tuple[float, Message]],
        period_s: float | None,
        length_s: float = math.inf,
    ) -> None:
        self._phrase = phrase
        self._period_s = period_s
        self._length_s = length_s
        self._end_s = math.inf
        self._start_s: float | None = None
        self._next = 0
        self._held = Held()
        self._ends: list[Received] = []  # what releases the keys of a player who has left

    def begin(self, now: float) -> None:
        """Start to play at `now`, on the same clock as `poll`."""
        self._start_s, self._end_s = now, now + self._length_s

    def change(self, player: Player, now: float, begin_s: float) -> None:
        """Let another play from `begin_s` on; at `now` the keys of this one come up."""
        self._ends = [Received(message, now) for message in self._held.releases()]
        self._phrase, self._period_s, self._length_s = player
        self._next = 0
        self._held = Held()
        self.begin(begin_s)

    def poll(self, now: float) -> Sequence[Received]:
        received, self._ends = self._ends, []
        while self._start_s is not None and self._phrase:
            seconds, message = self._phrase[self._next]
            due = self._start_s + seconds
            if due > now or due >= self._end_s - _SAME_S:
                break
            received.append(Received(message, due))
            self._held.hear(message)
            self._next += 1
            if self._next == len(self._phrase):
                self._next = 0
                self._start_s = None if self._period_s is None else self._start_s + self._period_s
        return received

    def send(self, message: Message, output: Output = Output.MAIN) -> None:
        """Drop the message: nobody hears it here, and the take has it."""

    def change_sounds(self, config: Config) -> None:
        """Ask for nothing: there is no instrument here."""

    def tend(self, now: float) -> Sequence[str]:  # noqa: ARG002 - as in the protocol
        return ()

    def connected(self) -> Connected:
        return Connected((PORT,), ())

    def close(self) -> None:
        pass


def player_for(settings: Settings, bars: int) -> Player:
    """The bundled phrase in the tempo of `settings`: once, or while jamd answers again and again.

    Args:
        settings: The session's.
        bars: For how many bars it is played.
    """
    phrase = seed_phrase(settings.bpm)
    bar_s = settings.meter.ticks_per_bar * 60 / settings.bpm / TICKS_PER_BEAT
    again = settings.mode is Mode.ANSWER
    return Player(phrase, period_s(phrase, bar_s) if again else None, bars * bar_s)


def entrance_s(settings: Settings) -> float:
    """How long after the model is ready the player comes in, in seconds: after the count-in."""
    beats = settings.count_in_ticks / TICKS_PER_BEAT
    return (settings.lead_s if beats else 0.0) + beats * 60 / settings.bpm


def rehearsed(settings: Settings) -> Settings:
    """`settings` adapted to the room: it has no MIDI clock, and the phrase has one channel."""
    source = BeatSource.INTERNAL if settings.source is BeatSource.MIDI else settings.source
    return replace(settings, source=source, listen_channel=None)


def seed_phrase(bpm: float) -> list[tuple[float, Message]]:
    """The phrase in `SEED` at `bpm` quarter notes a minute, its first note at 0 seconds."""
    messages = read_song(SEED).messages
    first = messages[0][0]
    return [((tick - first) * 60 / bpm / TICKS_PER_BEAT, message) for tick, message in messages]


def period_s(phrase: Sequence[tuple[float, Message]], bar_s: float) -> float:
    """Seconds that the phrase, rounded up to whole bars, and an equally long answer take."""
    return 2 * math.ceil(phrase[-1][0] / bar_s) * bar_s
