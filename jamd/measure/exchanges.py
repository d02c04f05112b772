"""Phrases of the shipped songs, and what a model answers to them, as the daemon would ask it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter

from jamd.daemon.listening.memory import HOP_BARS, LONGEST_BARS
from jamd.daemon.listening.phrase import answer_bars
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import PlanRequest, Sampling
from jamd.daemon.playing.plan import Span, fit
from jamd.daemon.playing.scene import longest_silence
from jamd.daemon.settings import Settings
from jamd.daemon.timing.transport import SIXTEENTH
from jamd.harmony.key import Key
from jamd.harmony.tonality import tonality_of
from jamd.language import Constraints, Context
from jamd.measure.performances import Performance
from jamd.notes import Meter, Note, Part, Tick
from jamd.parts import RECENT_NOTES, parts_of

FEWEST_NOTES = 5
"""A phrase of fewer notes is not used: it hardly has a register or a pace."""

ENDLESS_BARS = 48


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase to be answered.

    Attributes:
        notes: By onset, from the first bar on, each where it was meant to begin.
        meter: The meter.
        key: The key of the music that it is from; None if that is not clear.
    """

    notes: tuple[Note, ...]
    meter: Meter
    key: Key | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A phrase and its answer, which has the time from `begin` to `end`."""

    phrase: Phrase
    answer: tuple[Note, ...]
    begin: Tick
    end: Tick

    @property
    def tune(self) -> list[Note]:
        """The answer's Lead, or all of it if it has none."""
        lead = [note for note in self.answer if note.part is Part.LEAD]
        return lead or list(self.answer)


def phrases_of(performances: Sequence[Performance]) -> Iterator[Phrase]:
    """The first phrase of each song, its onsets on the nearest sixteenth."""
    for performance in performances:
        if performance.kind != "song":
            continue
        tonality = tonality_of(performance.notes)
        end = min(performance.ends)
        bar = performance.meter.ticks_per_bar
        first = performance.notes[0].onset // bar * bar
        notes = [
            Note(
                Tick((note.onset + SIXTEENTH // 2) // SIXTEENTH * SIXTEENTH - first),
                note.pitch,
                note.velocity,
                Tick(max(SIXTEENTH, note.duration)),
            )
            for note in performance.notes
            if note.onset < end
        ]
        if len(notes) >= FEWEST_NOTES:
            yield Phrase(tuple(notes), performance.meter, tonality.key if tonality else None)


def lowered(phrase: Phrase, semitones: int) -> Phrase:
    """The same phrase lower, its tune and what is under it separated as on one keyboard."""
    notes: list[Note] = []
    for _, struck in groupby(phrase.notes, key=attrgetter("onset")):
        chord = [note._replace(pitch=note.pitch - semitones) for note in sorted(struck)]
        before = [note.pitch for note in notes[-RECENT_NOTES:]]
        parts = parts_of([note.pitch for note in chord], before)
        notes += [note._replace(part=part) for note, part in zip(chord, parts, strict=True)]
    return replace(phrase, notes=tuple(sorted(notes)))


def over_chords(phrase: Phrase) -> Phrase:
    """The same phrase over a chord a bar: I, IV or V of the key, whichever has most of the tune."""
    assert phrase.key is not None
    minor = phrase.key.minor
    triads = [
        [48 + (phrase.key.tonic + root + third) % 12 for third in (0, 3 if flat else 4, 7)]
        for root, flat in ((0, minor), (5, minor), (7, False))
    ]
    bar = phrase.meter.ticks_per_bar
    chords = []
    for line, notes in groupby(phrase.notes, key=lambda note: note.onset // bar * bar):
        tune = list(notes)
        chord = max(triads, key=lambda triad: _held(triad, tune))
        end = min(line + bar, max(note.end for note in tune))
        chords += [Note(Tick(line), pitch, 80, Tick(end - line), Part.COMP) for pitch in chord]
    return replace(phrase, notes=tuple(sorted((*phrase.notes, *chords))))


def _held(triad: Sequence[int], tune: Sequence[Note]) -> int:
    classes = {pitch % 12 for pitch in triad}
    return sum(note.pitch % 12 in classes for note in tune)


def ask(
    improviser: Improviser,
    phrase: Phrase,
    seed: int,
    settings: Settings,
    pause: bool = False,
) -> Exchange:
    """Have `phrase` answered at its own length from the next bar line; half a bar on if `pause`."""
    bar = phrase.meter.ticks_per_bar
    line = -(-max(note.end for note in phrase.notes) // bar) * bar
    begin = Tick(line + bar // 2 if pause else line)
    end = Tick(line + answer_bars(max(note.end for note in phrase.notes), phrase.meter) * bar)
    first = phrase.notes[0].onset
    context = Context(phrase.notes, Tick(0), begin, settings.style, phrase.meter, phrase=first)
    held = replace(settings.constraints, begins=latest_onset(phrase, begin), ends=end)
    request = PlanRequest(1, context, end, held, settings.sampling, seed=seed)
    notes = [note for planned in improviser.plan(request) for note in planned.notes]
    answer = fit(notes, Span(begin, end), phrase.meter, settings.constraints.parts)
    return Exchange(phrase, tuple(sorted(answer)), begin, end)


def go_on(
    improviser: Improviser, phrase: Phrase, constraints: Constraints, style: str
) -> list[Note]:
    """What follows `phrase` in `ENDLESS_BARS` bars of the likeliest tokens, two bars a request."""
    bar = phrase.meter.ticks_per_bar
    at = -(-max(note.end for note in phrase.notes) // bar)
    start = 0
    played: list[Note] = []
    for line in range(at, at + ENDLESS_BARS, 2):
        if line - start > LONGEST_BARS:
            start += HOP_BARS
        since = start * bar
        before = tuple(note for note in phrase.notes if note.onset < since)
        context = Context(
            heard=tuple(note for note in phrase.notes if note.onset >= since),
            start=Tick(since),
            until=Tick(line * bar),
            style=style,
            meter=phrase.meter,
            played=tuple(sorted(note for note in played if note.onset >= since)),
            phrase=Tick(0),
            forgotten=before,
        )
        through = Tick((line + 2) * bar)
        request = PlanRequest(1, context, through, constraints, Sampling(argmax=True))
        for planned in improviser.plan(request):
            played += [note for note in planned.notes if note.onset < through]
    return played


def latest_onset(phrase: Phrase, begin: Tick) -> Tick:
    """The latest tick at which the first note of an answer from `begin` on may lie."""
    ends = max(note.end for note in phrase.notes)
    return max(begin, Tick(ends + longest_silence(phrase.meter)))
