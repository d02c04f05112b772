"""Does jamd find the player's beat? Phrases are played to a session that follows the player.

The session is given neither tempo nor phase. What is measured is the tempo in which it answers,
half and double allowed, and how far the first note of the answer lies from the player's own beat
carried on: the beat in the made-up player's mind, not in the fingers. For comparison, the same is
measured of a listener who knows where in the music each onset was meant and draws a straight line
through them, which is the best that is possible.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mido import Message

from jamd.daemon.events import Event, Heard, WorkerReady
from jamd.daemon.model.requests import Planned, PlanRequest
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.virtual import VirtualJam
from jamd.measure.report import Figure, share
from jamd.measure.rhythms import PlayedPhrase, phrases
from jamd.notes import TICKS_PER_BEAT, Note, Tick

PHRASES, SEED = 200, 1
"""The fixed set of phrases."""

TEMPO_SHARE = 0.03
ON_BEAT_S = 0.040
LEAST = ">= 90"

_AFTERWARDS_S = 8.0


@dataclass(frozen=True, slots=True)
class FollowedPhrase:
    """What came of one phrase.

    Attributes:
        tempo: The answer's, as a share of the player's; None: there was no answer.
        off_s: How far the answer's first note lies from a beat of the player's, in seconds.
        off_if_told_s: The same for a listener who knows what was meant.
    """

    tempo: float | None
    off_s: float
    off_if_told_s: float

    @property
    def in_tempo(self) -> bool:
        """Whether the tempo is the player's, half or double."""
        return self.tempo is not None and any(
            abs(self.tempo / times - 1) <= TEMPO_SHARE for times in (0.5, 1, 2)
        )

    @property
    def on_beat(self) -> bool:
        """Whether the answer begins on the player's beat, and in the player's tempo."""
        return self.in_tempo and abs(self.off_s) <= ON_BEAT_S


def figures() -> list[Figure]:
    """The shares of phrases that were answered in tempo and on the beat."""
    followed = [follow(phrase) for phrase in phrases(PHRASES, SEED)]
    return list(_figures(followed))


def _figures(followed: Sequence[FollowedPhrase]) -> Iterator[Figure]:
    count = len(followed)
    told = sum(abs(each.off_if_told_s) <= ON_BEAT_S for each in followed)
    yield share("answered in the player's tempo", sum(e.in_tempo for e in followed), count, LEAST)
    yield share("answered on the player's beat", sum(e.on_beat for e in followed), count, LEAST)
    yield share("the same, told what was meant", told, count)
    off = [1000 * abs(each.off_s) for each in followed if each.on_beat]
    if off:
        yield Figure("how far beside it, in the middle", len(off), statistics.median(off), "ms")


def follow(phrase: PlayedPhrase) -> FollowedPhrase:
    """Play `phrase` to a session that follows the player."""
    session = Session(Settings(source=BeatSource.PLAYER))
    performance = VirtualJam(session, _Beats(), _events(phrase))
    performance.run(phrase.notes[-1].seconds + _AFTERWARDS_S)
    answer = next((s.due for _, s in performance.sent if s.message.type == "note_on"), None)
    if answer is None:
        return FollowedPhrase(None, math.inf, math.inf)
    beats = (answer - phrase.beat_s) * phrase.bpm / 60
    tempo = session.status(answer).bpm / phrase.bpm
    off_s = (beats - round(beats)) * 60 / phrase.bpm
    told = _line_at(phrase, round(beats)) - phrase.beat_s - round(beats) * 60 / phrase.bpm
    return FollowedPhrase(tempo, off_s, told)


def _line_at(phrase: PlayedPhrase, beat: int) -> float:
    """When `beat` falls on a straight line through all onsets, in seconds."""
    slope, start = statistics.linear_regression(
        [note.beat for note in phrase.notes], [note.seconds for note in phrase.notes]
    )
    return start + slope * beat


def _events(phrase: PlayedPhrase) -> Iterator[tuple[float, Event]]:
    yield 0.0, WorkerReady()
    for note in phrase.notes:
        on = Message("note_on", note=note.pitch, velocity=note.velocity)
        yield note.seconds, Heard(on)
        yield note.seconds + note.length_s, Heard(Message("note_off", note=note.pitch))


class _Beats:
    """An improviser that plays a note on every beat."""

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        first = -(-request.context.until // TICKS_PER_BEAT) * TICKS_PER_BEAT
        onsets = range(first, request.through, TICKS_PER_BEAT)
        notes = tuple(Note(Tick(onset), 72, duration=Tick(TICKS_PER_BEAT // 2)) for onset in onsets)
        yield Planned(request.id, notes, request.through, done=True)
