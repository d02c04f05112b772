"""Does jamd distinguish a breath from a phrase's end? Both kinds of mistake are counted.

A breath is interrupted when the answer begins before the player goes on: an end that jamd only
believed and took back is not heard. An end is missed when jamd does not know of it before the next
phrase begins or, where the performance is over, within two beats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jamd.daemon.listening.phrase import Phrase
from jamd.daemon.midi.terms import NoteKey
from jamd.daemon.playing.scene import answer_start, phrase_ends
from jamd.daemon.timing.transport import Transport
from jamd.measure.performances import Performance, made_performances, shipped
from jamd.measure.report import Figure, share
from jamd.notes import TICKS_PER_BEAT, Tick

MOST_WRONG = "<= 5"

BREATH = TICKS_PER_BEAT // 2
"""Ticks. A silence at least this long is a breath; a shorter one is the way a note is played."""


@dataclass(slots=True)
class Count:
    """How many breaths and ends there were, and how many went wrong."""

    breaths: int = 0
    interrupted: int = 0
    ends: int = 0
    missed: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.breaths + other.breaths,
            self.interrupted + other.interrupted,
            self.ends + other.ends,
            self.missed + other.missed,
        )


def figures() -> list[Figure]:
    """A pair of figures for each kind of performance, and one for all of them."""
    counts: dict[str, Count] = {}
    for performance in (*shipped(), *made_performances()):
        kind = performance.kind
        counts[kind] = counts.get(kind, Count()) + count(performance)
    counts["all"] = sum(counts.values(), Count())
    return list(_figures(counts))


def _figures(counts: dict[str, Count]) -> Iterator[Figure]:
    for kind, counted in counts.items():
        limit = MOST_WRONG if kind == "all" else None
        yield share(f"{kind}: breaths interrupted", counted.interrupted, counted.breaths, limit)
        yield share(f"{kind}: ends missed", counted.missed, counted.ends, limit)


def count(performance: Performance) -> Count:
    """Play a performance to a `Phrase` and see when it would have been answered."""
    counted = Count()
    transport = Transport(performance.bpm, performance.meter)
    transport.start(0.0)
    phrase = Phrase()
    known: float | None = None  # when the phrase was known to be over
    up = Tick(0)  # when a key last came up
    ends = sorted(performance.ends)
    for seconds, tick, key, struck in _strokes(performance, transport):
        over = phrase_ends(transport, phrase)
        if known is None and over is not None and over <= seconds:
            known = over
        if not struck:
            phrase.release(key, tick, seconds)
            up = tick
            continue
        if ends and tick > ends[0]:
            ends.pop(0)
            counted.ends += 1
            counted.missed += known is None
            phrase = Phrase()
        elif phrase.first is not None:
            begun = known is not None and answer_start(transport, phrase, known) < tick
            counted.breaths += begun or (phrase.keys_down <= 1 and tick - up >= BREATH)
            counted.interrupted += begun
            if begun:
                phrase = Phrase()
        known = None
        phrase.press(key, 64, tick, seconds)
    if ends:
        over = known or phrase_ends(transport, phrase)
        latest = transport.seconds_at(ends[0] + 2 * TICKS_PER_BEAT)
        counted.ends += 1
        counted.missed += over is None or over > latest
    return counted


def _strokes(
    performance: Performance, transport: Transport
) -> Iterable[tuple[float, Tick, NoteKey, bool]]:
    """Every press and release, by time, releases first: seconds, tick, key, whether it is down."""
    strokes = [
        stroke
        for note in performance.notes
        for stroke in ((note.onset, True, note.pitch), (note.end, False, note.pitch))
    ]
    for tick, struck, pitch in sorted(strokes):
        yield transport.seconds_at(tick), tick, NoteKey(0, pitch), struck
