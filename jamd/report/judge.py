"""Measures a set: all the figures that a report states about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import Sampling
from jamd.grid.grid import Grid
from jamd.grid.tokens import BAR, POSITION
from jamd.notes import Note, Part, Piece, Tick, to_step
from jamd.report.distances import compare
from jamd.report.features import FEATURES, Music, entropy_bits, onset_places
from jamd.report.figures import (
    DISTINCT,
    Copied,
    Duet,
    Likeness,
    Loops,
    Manner,
    RunLengths,
    SetFigures,
    Timing,
    Written,
)
from jamd.report.listening import Fit, duet_bits, harmony_of
from jamd.report.memorised import Found, Library, symbols_of
from jamd.report.stretches import Stretch, stretches
from jamd.report.timing import (
    after_a_hand,
    as_heard,
    as_meant,
    as_played,
    as_written,
    let_go,
    played_samples,
)
from jamd.report.writing import accompaniment, continuation, shuffled_bars
from jamd.training.corpus import Corpus
from jamd.training.judging.evaluate import Sample, evaluate, evaluate_corpus, held_out
from jamd.training.judging.predictors import Network, Remembering
from jamd.training.judging.repetition import distinct_share, longest_repeat
from jamd.training.progress import Progress

BOTH = frozenset(Part)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is measured of each set.

    Attributes:
        tokens: Held-out tokens for bits.
        stretches: Continuations that are written, at least 3.
        shown: How many of them are drawn and rendered as sound.
        duets: Accompaniments that are written; as many again are written to a shuffled Lead.
        played_tokens: Held-out tokens for bits with and without Lead, and with a person's timing.
    """

    tokens: int = 40_000
    stretches: int = 24
    shown: int = 3
    duets: int = 12
    played_tokens: int = 15_000


QUICK = Budget(tokens=6_000, stretches=8, shown=2, duets=4, played_tokens=3_000)


@dataclass(frozen=True, slots=True)
class Judge:
    """Measures one set after another.

    Attributes:
        network: The model as a predictor.
        improviser: The model as it plays.
        how: How tokens are drawn.
        budget: How much is measured.
        seed: The seed of everything that is drawn.
        library: The training pieces of all sets.
        sources: The file of each of them.
        progress: Called with how far each step is.
    """

    network: Network
    improviser: Improviser
    how: Sampling
    budget: Budget
    seed: int
    library: Library
    sources: Sequence[str]
    progress: Progress

    def measure(self, corpus: Corpus) -> SetFigures:
        """All figures of one set.

        Raises:
            CorpusError: It has no held-out pieces, or nothing to train on.
        """
        name = corpus.name
        models = {"model": self.network, "with memory": self._remembering}
        self.progress(f"{name}: counting for the n-gram", 0, 1)
        evaluation = evaluate_corpus(
            models,
            corpus,
            most_tokens=self.budget.tokens,
            progress=lambda _, done, of: self.progress(f"{name}: bits", done, of),
        )
        places = stretches(corpus, corpus.of_split("held-out"), self.budget.stretches, self.seed)
        written = [
            Written(stretch, continuation(self.improviser, stretch, self.how, self.seed, i + 1))
            for i, stretch in self._each(places, f"{name}: writing continuations")
        ]
        written = [one for one in written if one.notes]
        samples = held_out(corpus, self.budget.played_tokens)
        return SetFigures(
            name,
            corpus.style,
            evaluation,
            written,
            likenesses(written),
            (loops([w.stretch.real for w in written]), loops([w.notes for w in written]))
            if written
            else None,
            self._copied(written, name),
            manners(written),
            self._duet(corpus, samples, name),
            self._timing(corpus, samples, places, name),
        )

    @property
    def _remembering(self) -> Remembering:
        return Remembering(self.network, relative=True)

    def _each(self, items: Sequence[Stretch], step: str) -> Iterator[tuple[int, Stretch]]:
        for i, item in enumerate(items):
            self.progress(step, i, len(items))
            yield i, item

    def _copied(self, written: Sequence[Written], name: str) -> tuple[Copied, Copied] | None:
        if not written:
            return None
        music = [
            _continued(one.stretch, notes)
            for one in written
            for notes in (one.stretch.real, one.notes)
        ]
        found = self.library.longest(
            music, lambda done, of: self.progress(f"{name}: looking for copies", done, of)
        )
        sizes = [len(notes) for one in written for notes in (one.stretch.real, one.notes)]
        real, own = (self._worst(found[side::2], sizes[side::2]) for side in (0, 1))
        return real, own

    def _worst(self, found: Sequence[Found], sizes: Sequence[int]) -> Copied:
        piece = max(found, key=lambda one: one.notes).piece
        source = self.sources[piece] if piece >= 0 else ""
        return Copied(_run_lengths([one.notes for one in found], sizes), source)

    def _duet(self, corpus: Corpus, samples: Sequence[Sample], name: str) -> Duet | None:
        places = stretches(corpus, corpus.of_split("held-out"), self.budget.duets, self.seed, BOTH)
        if not places:
            return None
        real, given, shuffled = Fit(), Fit(), Fit()
        for i, place in self._each(places, f"{name}: accompanying"):
            harmony = harmony_of(place)
            lead = [note for note in place.real if note.part is Part.LEAD]
            real.add([note for note in place.real if note.part is Part.COMP], harmony)
            for fit, tune in (
                (given, lead),
                (shuffled, shuffled_bars(place, lead, self.seed + i)),
            ):
                rng = np.random.default_rng((self.seed, i))
                fit.add(accompaniment(self.improviser, place, tune, self.how, rng), harmony)
        self.progress(f"{name}: bits without the tune", 0, 1)
        bits, remembered = (
            duet_bits(network, samples) for network in (self.network, self._remembering)
        )
        return Duet(bits, remembered, real, given, shuffled, len(places))

    def _timing(
        self, corpus: Corpus, samples: Sequence[Sample], places: Sequence[Stretch], name: str
    ) -> Timing:
        def bits(some: Sequence[Sample]) -> float:
            found = evaluate({"model": self.network}, some, corpus.vocabulary)
            return found.score("model").bits_per_note

        followed, followed_heard = (
            bits(after_a_hand(places, reading, self.seed)) if places else None
            for reading in (None, as_heard)
        )

        by_hand = [
            bits(
                played_samples(
                    samples,
                    hand,
                    reading,
                    self.seed,
                    lambda done, of: self.progress(f"{name}: playing by hand", done, of),
                )
            )
            for hand, reading in (
                (as_played, as_heard),
                (as_played, as_written),
                (let_go, as_meant),
                (let_go, as_written),
            )
        ]
        heard, written, touch, touch_written = by_hand
        clean = bits(samples)
        return Timing(clean, heard, written, touch, touch_written, followed, followed_heard)


def likenesses(written: Sequence[Written]) -> list[Likeness]:
    """The likeness by each feature; empty if there are fewer than three continuations."""
    if len(written) < 3:
        return []
    found = []
    for feature in FEATURES:
        real, own, heard = (
            np.stack([feature.of(music) for music in those])
            for those in (
                [_following(w.stretch, w.stretch.real) for w in written],
                [_following(w.stretch, w.notes) for w in written],
                [_heard(w.stretch) for w in written],
            )
        )
        control = compare(real, heard)
        found.append(
            Likeness(feature, real.mean(axis=0), own.mean(axis=0), compare(real, own), control)
        )
    return found


def _following(stretch: Stretch, notes: Sequence[Note]) -> Music:
    return Music(notes, stretch.until, stretch.end, stretch.meter, stretch.home)


def _heard(stretch: Stretch) -> Music:
    return Music(stretch.heard, Tick(0), stretch.until, stretch.meter, stretch.home)


def loops(music: Sequence[Sequence[Note]]) -> Loops:
    """How much pieces of music, at least one, repeat themselves.

    Two notes are the same if their pitch, part, duration and time since the previous onset are.

    Args:
        music: Notes as the grid language gives them: no duration is without a token.
    """
    names = [_names(notes) for notes in music]
    repeats = [longest_repeat(one) for one in names]
    distinct = mean(distinct_share(one, DISTINCT) for one in names)
    return Loops(_run_lengths(repeats, [len(one) for one in names]), distinct)


def _names(notes: Sequence[Note]) -> list[tuple[int, int, Tick, str]]:
    names, before = [], None
    for note in sorted(notes):
        onset = to_step(note.onset)
        since = 0 if before is None else onset - before
        names.append((since, note.pitch, note.duration, note.part.value))
        before = onset
    return names


def _run_lengths(lengths: Sequence[int], sizes: Sequence[int]) -> RunLengths:
    shares = [length / size for length, size in zip(lengths, sizes, strict=True) if size]
    return RunLengths(float(np.median(lengths)), max(lengths), mean(shares) if shares else 0.0)


def _continued(stretch: Stretch, notes: Sequence[Note]) -> NDArray[np.int64]:
    """The symbols of the second half, with intervals that continue from the first half."""
    piece = Piece(stretch.heard + tuple(notes), ((Tick(0), stretch.meter),), stretch.style)
    tokens = np.array(Grid().encode(piece))
    bars = np.flatnonzero((tokens >= BAR) & (tokens < POSITION))
    heard = stretch.until // stretch.meter.ticks_per_bar
    return symbols_of(tokens, int(bars[heard]))[:-1]  # without the End


def manners(written: Sequence[Written]) -> list[tuple[Manner, Manner]]:
    """How each part is played, in reality and by the model, if both play it."""
    found = []
    for part in (Part.COMP, Part.LEAD):
        real = _manner(part, [(w.stretch, w.stretch.real) for w in written])
        own = _manner(part, [(w.stretch, w.notes) for w in written])
        if real.notes and own.notes:
            found.append((real, own))
    return found


def _manner(part: Part, music: Sequence[tuple[Stretch, Sequence[Note]]]) -> Manner:
    places: dict[int, int] = {}
    velocities: list[int] = []
    count = 0
    for stretch, notes in music:
        own = [note for note in notes if note.part is part]
        count += len(own)
        for place, times in onset_places(own, stretch.until, stretch.meter).items():
            places[place] = places.get(place, 0) + times
        if stretch.has_velocity:
            velocities += [note.velocity for note in own]
    spread = float(np.std(velocities)) if velocities else None
    return Manner(part, entropy_bits(places), spread, count)
