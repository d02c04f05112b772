"""Does jamd play over chord changes? Charts are given, and lines over them are answered.

A line is made up: eighths and quarters, each a tone of the chord in force and near the one before,
over four bars. The answer has the next four. It is compared with an answer to the same line without
the chart, and with the chords that the chart has half a round later. In the tunes of the held-out
standards 74 % of the time is on tones of the chord that the lead sheet has there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from jamd.bundle.bundle import Bundle
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import PlanRequest
from jamd.daemon.settings import Settings
from jamd.harmony.chart import Changes, Chart
from jamd.harmony.harmony import CHORDS, tones_of, triad_of
from jamd.language import Context
from jamd.measure.report import Figure, share
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Part, Tick

CHARTS = (
    ("4/4", "Dm7 | G7 | Cmaj7 | %"),
    ("4/4", "Bm7b5 | E7 | Am7 | %"),
    ("4/4", "F7 | Bb7 | F7 | % | Bb7 | % | F7 | D7 | Gm7 | C7 | F7 D7 | Gm7 C7"),
    ("4/4", "Bb G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 | Bb7 | Eb | F7 | Bb"),
    ("4/4", "Am7 | D7 | Gmaj7 | Cmaj7 | F#m7b5 | B7 | Em | E7"),
    ("4/4", "Bmaj7 D7 | Gmaj7 Bb7 | Ebmaj7 | Am7 D7 | Gmaj7 Bb7 | Ebmaj7 F#7 | Bmaj7 | Fm7 Bb7"),
    ("4/4", "Dm7 | % | Ebm7 | %"),
    ("4/4", "Dm7 | Db7 | Cmaj7 | A7"),
    ("4/4", "C | G | Am | F"),
    ("4/4", "Eb | Bb | Cm | Ab"),
    ("4/4", "Am | G | F | E7"),
    ("3/4", "G | Em | Am | D7 | G | C | D7 | G"),
)
"""Progressions that are everybody's: a meter, and a chart."""

BARS = 4
"""The length of a line, and of its answer."""

EIGHTH = TICKS_PER_BEAT // 2

_LOWEST, _HIGHEST, _NEAR = 58, 80, 5


class How(Enum):
    """How an answer is asked for."""

    GIVEN = auto()
    WITHOUT = auto()
    """Without the chart."""
    ENDLESS = auto()
    """With it, as music that goes on."""


@dataclass(frozen=True, slots=True)
class Chorus:
    """An answer, and the changes that it should be over.

    Attributes:
        changes: The chart, from tick 0 on.
        begin: Where the answer begins.
        answer: What jamd answered, sorted by onset.
    """

    changes: Changes
    begin: Tick
    answer: tuple[Note, ...]

    def part(self, part: Part) -> list[Note]:
        """The notes of one part."""
        return [note for note in self.answer if note.part is part]


def figures(bundle: Bundle, settings: Settings, lines: int = 8) -> Iterator[Figure]:
    """How far answers are made of the chords given.

    Args:
        bundle: The model.
        settings: As in play.
        lines: How many lines are played over each chart.
    """
    improviser = Improviser(bundle)
    given, without, endless = (
        [
            ask(improviser, Meter.parse(meter), Chart.parse(text), seed, settings, how)
            for meter, text in CHARTS
            for seed in range(lines)
        ]
        for how in How
    )
    tune = "tune: time on tones of the chord"
    later = [out_of_step(each) for each in given]
    yield _time_in_chord(tune, given, ">= 65")
    yield _time_in_chord("... without the changes", without)
    yield _time_in_chord("... of the chord half a round later", later)
    comp = [is_in_chord(note, each.changes) for each in given for note in each.part(Part.COMP)]
    yield share("accompaniment: notes of the chord", sum(comp), len(comp), ">= 95")
    struck = [on for each in given for on in strikes(each)]
    yield share("changes that it strikes, within an eighth", sum(struck), len(struck), ">= 90")
    struck = [on for each in endless for on in strikes(each)]
    yield share("... in endless music", sum(struck), len(struck), ">= 90")
    ends = [ends_on_chord(each) for each in given if each.part(Part.LEAD)]
    yield share("the last note is of the chord's triad", sum(ends), len(ends), ">= 100")


def ask(
    improviser: Improviser, meter: Meter, chart: Chart, seed: int, settings: Settings, how: How
) -> Chorus:
    """The answer to a line over `chart`."""
    changes = Changes.of(chart, meter)
    until = Tick(BARS * meter.ticks_per_bar)
    context = Context(
        tuple(line(changes, until, random.Random(seed))),
        Tick(0),
        until,
        settings.style,
        meter,
        phrase=Tick(0),
        changes=None if how is How.WITHOUT else changes,
    )
    ends = None if how is How.ENDLESS else Tick(2 * until)
    held = replace(settings.constraints, begins=until, ends=ends)
    request = PlanRequest(seed + 1, context, Tick(2 * until), held, settings.sampling, seed=seed)
    notes = (note for planned in improviser.plan(request) for note in planned.notes)
    return Chorus(changes, until, tuple(sorted(notes)))


def line(changes: Changes, until: Tick, chance: random.Random) -> Iterator[Note]:
    """What the made-up player plays, up to about a beat before `until`."""
    tick, pitch = Tick(0), (_LOWEST + _HIGHEST) // 2
    while tick < until - TICKS_PER_BEAT:
        near = range(max(_LOWEST, pitch - _NEAR), min(_HIGHEST, pitch + _NEAR) + 1)
        tones = tones_of(CHORDS[changes.at(tick)])
        pitch = chance.choice([each for each in near if each % 12 in tones and each != pitch])
        length = Tick(chance.choice((TICKS_PER_BEAT // 2, TICKS_PER_BEAT // 2, TICKS_PER_BEAT)))
        yield Note(tick, pitch, 80, length)
        tick = Tick(tick + length)


def out_of_step(chorus: Chorus) -> Chorus:
    """The same answer over the chords that come half a round later."""
    return replace(chorus, changes=replace(chorus.changes, start=Tick(chorus.changes.length // 2)))


def is_in_chord(note: Note, changes: Changes) -> bool:
    """Whether a note is a tone of the chord in force at its onset."""
    return note.pitch % 12 in tones_of(CHORDS[changes.at(note.onset)])


def strikes(chorus: Chorus) -> list[bool]:
    """For each change before the last note of the tune, whether the accompaniment strikes it."""
    end = max((note.onset for note in chorus.part(Part.LEAD)), default=chorus.begin)
    struck = [note.onset for note in chorus.part(Part.COMP)]
    return [
        any(abs(onset - tick) <= EIGHTH for onset in struck)
        for tick, _ in chorus.changes.between(chorus.begin, end)
        if chorus.changes.is_change(tick)
    ]


def ends_on_chord(chorus: Chorus) -> bool:
    """Whether the tune's last note is the root, third or fifth of the chord then in force."""
    last = chorus.part(Part.LEAD)[-1]
    return last.pitch % 12 in triad_of(CHORDS[chorus.changes.at(last.onset)])


def _time_in_chord(name: str, found: Sequence[Chorus], limit: str | None = None) -> Figure:
    tune = [(note, each.changes) for each in found for note in each.part(Part.LEAD)]
    whole = sum(note.duration for note, _ in tune)
    inside = sum(note.duration for note, changes in tune if is_in_chord(note, changes))
    return Figure(name, len(tune), 100 * inside / max(1, whole), "%", limit)
