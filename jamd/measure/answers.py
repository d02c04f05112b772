"""Do answers end like phrases, and resemble what they answer? With real phrases and a real model.

The first phrase of each shipped song is put to the improviser several times, as the daemon would,
and each answer is compared with it: where and how it ends, how high and how dense it is, and what
of the phrase returns in it. Then the improviser goes on without end, always with the likeliest
token, which is how a model comes to repeat itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import mean

from jamd.bundle.bundle import Bundle
from jamd.daemon.listening.memory import HOP_BARS
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.settings import Settings
from jamd.grid.copying import RUN
from jamd.grid.likeness import FIFTH
from jamd.measure.exchanges import (
    Exchange,
    Phrase,
    ask,
    go_on,
    latest_onset,
    lowered,
    over_chords,
    phrases_of,
)
from jamd.measure.performances import shipped
from jamd.measure.report import Figure, share
from jamd.notes import TICKS_PER_BEAT, Note, Part, Tick

MOST_NOTES = 1.3
"""Most notes a beat of an answer, as a multiple of its phrase's."""

GRAM = 2
"""Melodic steps, each an interval and a time, in the unit that may be shared: three notes."""

ANSWERS = 4
"""How often each phrase is answered."""

CONTROLS = 8
"""How many shuffled phrases each answer is compared with."""


def figures(bundle: Bundle, settings: Settings) -> Iterator[Figure]:
    """How far a model's answers keep what the settings promise."""
    improviser = Improviser(bundle)
    phrases = list(phrases_of(shipped()))
    found = [
        ask(improviser, phrase, seed, settings) for phrase in phrases for seed in range(ANSWERS)
    ]
    yield from of_answers(found)
    for octaves, name in ((1, "an octave lower"), (2, "two octaves lower")):
        low = [
            ask(improviser, lowered(phrase, 12 * octaves), seed, settings)
            for seed, phrase in enumerate(phrases)
        ]
        yield near_figure(low, f"centre within a fifth, of phrases {name}")
    both = [
        ask(improviser, over_chords(phrase), seed, settings, pause=True)
        for phrase in phrases
        for seed in range(ANSWERS)
        if phrase.key
    ]
    bars = [bar for each in both for bar in accompanied_bars(each)]
    yield share("bars of answers to a tune over chords that have some, too", sum(bars), len(bars))
    yield from endless_figures(improviser, phrases[:3], settings)


def endless_figures(
    improviser: Improviser, phrases: Sequence[Phrase], settings: Settings
) -> Iterator[Figure]:
    """How long the likeliest music goes round in circles, without the guard and with it."""
    for bars in (0, settings.constraints.repeat_bars):
        held = replace(settings.constraints, repeat_bars=bars)
        longest = 0.0
        for phrase in phrases:
            bar = phrase.meter.ticks_per_bar
            repeat = longest_repeat(go_on(improviser, phrase, held, settings.style), HOP_BARS * bar)
            longest = max(longest, repeat / bar)
        name = "endless, argmax: longest repetition" + ("" if bars else ", without the guard")
        yield Figure(name, len(phrases), longest, "bars", f"<= {bars}" if bars else None)


def of_answers(found: Sequence[Exchange]) -> Iterator[Figure]:
    """The figures of answers to phrases."""
    silent = [exchange for exchange in found if not exchange.answer]
    yield share("no answer at all", len(silent), len(found), "<= 0")
    found = [exchange for exchange in found if exchange.answer]
    known = [exchange for exchange in found if exchange.phrase.key]
    every = len(found)
    prompt = sum(map(begins_in_time, found))
    yield share("silence before it at most two beats", prompt, every, ">= 100")
    in_time = sum(map(ends_in_time, found))
    yield share("the last note ends before the downbeat", in_time, every, ">= 100")
    yield share("it lasts a beat, or a rest follows", sum(map(breathes, found)), every, ">= 100")
    yield share("it is of the tonic triad", sum(map(ends_at_home, known)), len(known), ">= 80")
    yield near_figure(found, "centre within a fifth of the phrase's")
    sparse = sum(density_ratio(exchange) <= MOST_NOTES for exchange in found)
    yield share("at most 1.3 times the phrase's notes a beat", sparse, every, ">= 100")
    shared = 100 * mean(overlap(each.tune, each.phrase.notes) for each in found)
    control = 100 * mean(
        overlap(each.tune, shuffled(each.phrase.notes, seed))
        for each in found
        for seed in range(CONTROLS)
    )
    yield Figure(
        "three notes in a row that the phrase has too", every, shared, "%", f">= {control:.1f}"
    )
    yield Figure("... that the phrase has when shuffled", every, control)
    copies = sum(copied(each.answer, each.phrase.notes) <= 0.5 for each in found)
    yield share("at most half of it copied", copies, every, ">= 100")
    alone = [each for each in found if all(n.part is Part.LEAD for n in each.phrase.notes)]
    brought = sum(any(accompanied_bars(each)) for each in alone)
    yield share("a tune alone is answered with an accompaniment", brought, len(alone))


def accompanied_bars(exchange: Exchange) -> list[bool]:
    """For each bar of the answer, whether an accompaniment has an onset in it."""
    bar = exchange.phrase.meter.ticks_per_bar
    begun = {note.onset // bar for note in exchange.answer if note.part is Part.COMP}
    return [line in begun for line in range(exchange.begin // bar, exchange.end // bar)]


def near_figure(found: Sequence[Exchange], name: str) -> Figure:
    """The share of answers that are about as high as their phrases."""
    near = sum(bool(each.answer) and register_distance(each) <= FIFTH for each in found)
    return share(name, near, len(found), ">= 100")


def begins_in_time(exchange: Exchange) -> bool:
    """Whether the player waits at most two beats, or not at all once the answer may begin."""
    first = min(note.onset for note in exchange.answer)
    return first <= latest_onset(exchange.phrase, exchange.begin)


def ends_in_time(exchange: Exchange) -> bool:
    """Whether everything has ended before the player's downbeat."""
    return all(note.end < exchange.end for note in exchange.answer)


def breathes(exchange: Exchange) -> bool:
    """Whether its last note lasts a beat, or a rest of a beat follows."""
    last = exchange.tune[-1]
    return max(last.duration, exchange.end - last.end) >= TICKS_PER_BEAT


def ends_at_home(exchange: Exchange) -> bool:
    """Whether its last note is of the tonic triad."""
    key = exchange.phrase.key
    return key is not None and exchange.tune[-1].pitch % 12 in key.triad


def register_distance(exchange: Exchange) -> float:
    """Semitones between the mean pitches of the phrase's tune and the answer's."""
    theirs = [note.pitch for note in exchange.phrase.notes if note.part is Part.LEAD]
    theirs = theirs or [note.pitch for note in exchange.phrase.notes]
    return abs(mean(note.pitch for note in exchange.tune) - mean(theirs))


def density_ratio(exchange: Exchange) -> float:
    """Notes a beat of the answer, as a multiple of the phrase's."""
    notes = exchange.phrase.notes
    length = max(note.end for note in notes) - notes[0].onset
    return len(exchange.answer) / (exchange.end - exchange.begin) * length / len(notes)


Gram = tuple[tuple[int, int], ...]
"""(interval in semitones, ticks from onset to onset) of each step."""


def grams(notes: Sequence[Note]) -> list[Gram]:
    """Every `GRAM` steps in a row of a tune; a chord counts as its highest note."""
    top = {note.onset: note for note in sorted(notes)}
    steps = [(b.pitch - a.pitch, b.onset - a.onset) for a, b in pairwise(top.values())]
    return [tuple(steps[i : i + GRAM]) for i in range(len(steps) - GRAM + 1)]


def overlap(answer: Sequence[Note], phrase: Sequence[Note]) -> float:
    """Share of the answer's grams that the phrase has too."""
    known, found = set(grams(phrase)), grams(answer)
    return sum(gram in known for gram in found) / len(found) if found else 0.0


def shuffled(phrase: Sequence[Note], seed: int) -> list[Note]:
    """The same pitches and the same gaps in another order."""
    order = random.Random(seed)
    pitches = [note.pitch for note in phrase]
    gaps = [b.onset - a.onset for a, b in pairwise(phrase)]
    order.shuffle(pitches)
    order.shuffle(gaps)
    onset, notes = phrase[0].onset, []
    for note, pitch, gap in zip(phrase, pitches, [*gaps, 0], strict=True):
        notes.append(note._replace(onset=onset, pitch=pitch))
        onset = Tick(onset + gap)
    return notes


def copied(answer: Sequence[Note], phrase: Sequence[Note]) -> float:
    """Share of the answer's notes that lie in runs of `RUN` or more notes of the phrase."""
    theirs, ours = _symbols(phrase), _symbols(answer)
    known = {tuple(theirs[i + 1 : i + RUN]) for i in range(len(theirs) - RUN + 1)}
    pitches = {(theirs[i][1], tuple(theirs[i + 1 : i + RUN])) for i in range(len(theirs) - RUN + 1)}
    inside: set[int] = set()
    for i in range(len(ours) - RUN + 1):
        run = tuple(ours[i + 1 : i + RUN])
        if run in known and (ours[i][1], run) in pitches:
            inside.update(range(i, i + RUN))
    return len(inside) / len(ours) if ours else 0.0


def _symbols(notes: Sequence[Note]) -> list[tuple[int, int]]:
    """(ticks since the previous onset, pitch) of each note."""
    ordered = sorted(notes)
    before = [ordered[0], *ordered] if ordered else []
    return [(b.onset - a.onset, b.pitch) for a, b in zip(before, ordered, strict=False)]


def longest_repeat(notes: Sequence[Note], within: int) -> int:
    """Ticks of the longest stretch that repeats, note for note, one at most `within` ticks ago."""
    ordered, symbols = sorted(notes), _symbols(notes)
    longest = 0
    lengths: dict[int, int] = {}  # index of an earlier note -> matching notes up to it
    for i, symbol in enumerate(symbols):
        lengths = {
            j: (lengths.get(j - 1, 0) if symbols[j] == symbol else 0) + 1
            for j in range(i)
            if symbols[j][1] == symbol[1] and ordered[i].onset - ordered[j].onset <= within
        }
        if lengths:
            first = ordered[i - max(lengths.values()) + 1]
            longest = max(longest, ordered[i].onset - first.onset)
    return longest
