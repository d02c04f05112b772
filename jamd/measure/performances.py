"""Performances for which the truth is known, used by `jamd measure`.

A performance is a line of a file, or made up by `made_performances`. In a file, a line is
`kind name bpm meter | onset length pitch … | end …`, with times in ticks; an end is the moment at
which the last key of a phrase comes up. `tools/cut_phrases.py` cut `phrases.txt` from

- songs (OpenScore Lieder, CC0): the singer's line as written, with a person's timing added. A
  phrase ends where the sentence of its text does and two beats or more are left to the piano;
- piano rolls (pianolatron, MIT): what a pianist played. The beat of a roll is not known, so it is
  heard at jamd's own 100 bpm. A phrase ends where no key is down for four beats or more.

In both, a shorter silence of up to two beats is a breath: the musician goes on. At silences that
could be either, one performance stops and the next begins. For `openings.txt`, see
`jamd.measure.pickups`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jamd.notes import TICKS_PER_BEAT, Meter, Note, Tick

HUMAN_SECONDS = 0.020
"""Standard deviation of a good amateur's onsets from the beat."""


@dataclass(frozen=True, slots=True)
class Performance:
    """Something played, at a steady tempo.

    Attributes:
        kind: `song`, `roll`, or how it was made.
        notes: By onset, as played: not on the grid.
        ends: Ticks at which a phrase's last key comes up, not counting a drone's.
    """

    kind: str
    name: str
    bpm: float
    meter: Meter
    notes: tuple[Note, ...]
    ends: frozenset[Tick]


def shipped(name: str = "phrases.txt") -> list[Performance]:
    """The performances in the file `name`."""
    text = files("jamd.measure").joinpath(name).read_text(encoding="utf-8")
    return [_read(line) for line in text.splitlines()]


def _read(line: str) -> Performance:
    head, notes, ends = line.split("|")
    kind, name, bpm, meter = head.split()
    numbers = iter(map(int, notes.split()))
    return Performance(
        kind,
        name,
        float(bpm),
        Meter.parse(meter),
        tuple(
            Note(Tick(onset), pitch, duration=Tick(length))
            for onset, length, pitch in zip(numbers, numbers, numbers, strict=True)
        ),
        frozenset(Tick(int(end)) for end in ends.split()),
    )


def written(performance: Performance) -> str:
    """A performance as a line of the file."""
    p = performance
    notes = " ".join(f"{note.onset} {note.duration} {note.pitch}" for note in p.notes)
    ends = " ".join(map(str, sorted(p.ends)))
    return f"{p.kind} {p.name} {p.bpm:g} {p.meter} | {notes} | {ends}".rstrip()


@dataclass(frozen=True, slots=True)
class _Way:
    """A way of playing. Times are in beats, tempos in bpm."""

    slowest: float  # bpm
    fastest: float
    lengths: Sequence[float]  # from onset to onset
    rests: Sequence[float]  # of breaths
    legato: float  # how much of its length a note sounds
    chord: int = 1  # keys at once
    swing: bool = False
    drone: bool = False


_WAYS = {
    "sung": _Way(66, 112, (0.5, 1, 1, 1, 1.5, 2), (0.5, 0.5, 1, 1), 0.95),
    "swing": _Way(110, 200, (0.5, 0.5, 0.5, 1), (0.5, 0.5, 1, 1.5), 0.85, swing=True),
    "ballad": _Way(50, 72, (1, 1, 2, 0.5), (0.5, 1), 0.97),
    "bebop": _Way(180, 260, (0.5, 0.5, 0.5, 0.5, 1 / 3), (0.5, 1, 1.5), 0.8, swing=True),
    "chords": _Way(70, 140, (1, 1, 2, 0.5), (0.5, 1), 0.8, chord=4),
    "drone": _Way(70, 130, (0.5, 1, 1), (0.5, 1), 0.9, drone=True),
}


def made_performances(each: int = 12, seed: int = 0) -> list[Performance]:
    """`each` performances of every way of playing; the same seed makes the same ones."""
    return [
        _made(kind, way, number, random.Random(f"{seed} {kind} {number}"))
        for kind, way in _WAYS.items()
        for number in range(each)
    ]


def _made(kind: str, way: _Way, number: int, chance: random.Random) -> Performance:
    """Four phrases of two to four breaths each, with three to eight beats between them."""
    bpm = round(chance.uniform(way.slowest, way.fastest), 1)
    beat = 0.0  # the current position, in beats
    notes: list[Note] = []
    ends: set[Tick] = set()
    for _ in range(4):
        begin, up = beat, 0.0
        for _ in range(chance.randint(2, 4)):
            for _ in range(chance.randint(3, 9)):
                length = chance.choice(way.lengths)
                sounds = length * way.legato * chance.uniform(0.85, 1.0)
                played = list(_struck(beat, sounds, bpm, way, chance))
                notes += played
                up = max(note.end for note in played)
                beat += length
            beat += chance.choice(way.rests)
        ends.add(Tick(round(up)))
        beat += chance.uniform(3, 8)
        if way.drone:
            held = (beat - 1 - begin) * TICKS_PER_BEAT
            notes.append(Note(Tick(round(begin * TICKS_PER_BEAT)), 38, duration=Tick(round(held))))
    return Performance(kind, str(number), bpm, Meter(4, 4), tuple(sorted(notes)), frozenset(ends))


def _struck(
    beat: float, length: float, bpm: float, way: _Way, chance: random.Random
) -> Iterator[Note]:
    """What a person plays at `beat` for `length` beats."""
    if way.swing and abs(beat % 1 - 0.5) < 0.01:
        beat, length = beat + 1 / 6, max(length - 1 / 6, 0.1)
    beat += humanly(chance, bpm)
    root = chance.randint(55, 72)
    for key in range(way.chord):
        onset = max(0.0, beat + key * chance.uniform(0, 0.008) * bpm / 60)
        yield Note(
            Tick(round(onset * TICKS_PER_BEAT)),
            root + 4 * key,
            duration=Tick(max(1, round(length * TICKS_PER_BEAT))),
        )


def humanly(chance: random.Random, bpm: float) -> float:
    """A random deviation of a person's onset from its place, in beats."""
    return chance.gauss(0, HUMAN_SECONDS) * bpm / 60
