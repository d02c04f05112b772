"""What the grid network learns from and is measured on: pieces, and passages of them.

A passage is read in one go: a piece as it stands, or a stretch of one, transposed and varied to
resemble a jam. `jamd.training.learning.batches` lays passages side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.errors import CorpusError
from jamd.grid.tokens import (
    COMP,
    DURATION,
    DURATIONS,
    LEAD,
    LOWEST,
    PHRASE,
    VELOCITY,
    VOCABULARY,
    transposition,
)
from jamd.grid.writer import of_kind
from jamd.harmony.key import LONGEST_COUNTED, semitones_home
from jamd.notes import TICKS_PER_STEP
from jamd.training.learning.phrases import counted_down
from jamd.training.learning.variations import misplaced, some_velocity, without_comp, without_notes

Ids = NDArray[np.int32]
Weights = NDArray[np.float32]

LONGEST_PASSAGE = 2048
"""Most tokens of one piece read in one go: long pieces must not crowd out others in a batch."""

MOST_SEMITONES_DOWN, MOST_SEMITONES_UP = 5, 6
"""The range of transposition: every key once."""

NOT_AT_HOME = 0.1
"""Probability that a passage is transposed at random, as a jam is after it has changed its key."""

FEWEST_NOTES_FOR_KEY = 8
"""A passage's key is estimated from at least this many notes at its beginning."""

OPENING_NOTES = 24
"""For measuring, a passage's key is estimated from this many notes at its beginning."""

FROM_THE_TOP = 0.3
"""Probability that a passage starts where its piece does, rather than at a bar drawn at random."""

COUNTED_DOWN = 0.6
"""Probability that phrases are counted down from some bar on, as they are when jamd answers."""

ALONE_AT_FIRST = 0.4
"""Probability that the accompaniment of a passage comes in late, as it does when a player begins
alone: with the first phrase that is counted down, so that an answer brings it in, or anywhere."""

ALONE_UNTIL_ANSWERED = 0.8
"""Probability, given a late accompaniment and a countdown, that it enters at the countdown."""

RESTING = 0.4
"""Probability, given an accompaniment from the start, that it rests for some bars, so that the tune
alone implies the harmony with which it comes back."""

USUAL_REST, LONGEST_REST = 2, 8
"""Mean and maximum length of such a rest, in bars: geometrically distributed, then cut."""

RESTING_UNTIL_ANSWERED = 0.8
"""Probability, given such a rest and a countdown, that the rest ends at the bar counted down."""

PAUSED, PAUSED_LONGER = 0.5, 0.5
"""`PAUSED` is the probability, given a countdown and an accompaniment from the start, of silence
before the countdown, as when a player waits for an answer: so the answer learns to go on as the
phrase did, accompaniment included. `PAUSED_LONGER` is the probability, given such a pause, that it
lasts into the bar that is counted down."""

UNSTEADY = 0.5
"""Probability that some of a passage's onsets are misread."""

_IS_BAR, _IS_CHORD, _IS_COMP, _IS_LEAD, _IS_POSITION, _IS_VELOCITY = (
    of_kind(kind) for kind in ("Bar", "Chord", "Comp", "Lead", "Position", "Velocity")
)
_IS_PITCH = _IS_COMP | _IS_LEAD
_TICKS = np.zeros(len(VOCABULARY))  # how much a note of each Duration counts towards the key
_TICKS[DURATION:PHRASE] = np.minimum(np.array(DURATIONS) * TICKS_PER_STEP, LONGEST_COUNTED)
# Given to the network, never predicted by it.
_GIVEN = of_kind("Pad", "Start", "Style", "Phrase")


@dataclass(frozen=True, slots=True)
class Text:
    """A piece as tokens, with what is needed to read it.

    Attributes:
        tokens: Ids from `Start` to `End`.
        style: One of `jamd.grid.tokens.STYLES`.
        has_velocity: False if its velocities teach nothing.
        taught: bool (n,): which tokens are to be learned and measured; the others are only their
            context. None for all.
    """

    tokens: NDArray[np.integer]
    style: str
    has_velocity: bool = True
    taught: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """Tokens to be read in one go.

    Attributes:
        tokens: Shape (n,), n at least 2.
        weights: Shape (n,): how much predicting each token counts, 0..1.
    """

    tokens: Ids
    weights: Weights


def whole(text: Text) -> Passage:
    """A piece as it stands, for measuring."""
    tokens = text.tokens.astype(np.int32)
    weights = _weights(tokens, text.has_velocity)
    return Passage(tokens, weights if text.taught is None else weights * text.taught)


def passage(text: Text, rng: np.random.Generator, longest: int = LONGEST_PASSAGE) -> Passage:
    """A passage to learn from, different each time.

    It starts at some bar. Its phrases may be counted down, and its accompaniment may come in late
    or rest for some bars. It is transposed as the improviser transposes what it hears: home,
    according to the key of a random number of notes at its beginning; now and then to any key at
    all. If the piece has no velocities of its own, the network reads one level with a little
    variation, a different one each time, and does not learn to predict it. Some onsets may be
    misread, as a person's are; the network does not learn to predict those either.

    A text of which only some tokens are taught is a jam, and is read whole as it was played,
    transposed home.
    """
    if text.taught is not None:
        return _at_home(whole(text))
    tokens = cut(text.tokens.astype(np.int32), rng, longest)
    answered = len(tokens)
    if rng.random() < COUNTED_DOWN:
        tokens, answered = counted_down(tokens, rng)
    if rng.random() < ALONE_AT_FIRST:
        if answered == len(tokens) or rng.random() >= ALONE_UNTIL_ANSWERED:
            answered = int(rng.integers(2, len(tokens) + 1))
        tokens = without_comp(tokens, 0, answered)
    else:
        if answered < len(tokens) and rng.random() < PAUSED:
            tokens, answered = _paused(tokens, answered, rng)
        if rng.random() < RESTING:
            tokens = without_comp(tokens, *_some_bars(tokens, answered, rng))
    if rng.random() < NOT_AT_HOME:
        semitones = int(rng.integers(-MOST_SEMITONES_DOWN, MOST_SEMITONES_UP + 1))
    else:
        more = max(1.0, _IS_PITCH[tokens].sum() / FEWEST_NOTES_FOR_KEY)
        semitones = home_of_tokens(tokens, int(FEWEST_NOTES_FOR_KEY * more ** rng.random()))
    tokens = transposed(tokens, semitones)
    if not text.has_velocity:
        tokens = some_velocity(tokens, rng)
    weights = _weights(tokens, text.has_velocity)
    if rng.random() < UNSTEADY:
        tokens, wrong = misplaced(tokens, rng)
        weights[wrong] = 0
    return Passage(tokens, weights)


def _some_bars(tokens: Ids, answered: int, rng: np.random.Generator) -> tuple[int, int]:
    """The indices where some bars, drawn at random, begin and end; (0, 0) if there is only one."""
    bars = np.flatnonzero(_IS_BAR[tokens])
    if len(bars) < 2:
        return 0, 0
    length = min(int(rng.geometric(1 / USUAL_REST)), LONGEST_REST)
    if answered < len(tokens) and rng.random() < RESTING_UNTIL_ANSWERED:
        last = int(np.searchsorted(bars, answered)) - 1
        first = max(last - length, 0)
    else:
        first = int(rng.integers(1, len(bars)))
        last = min(first + length, len(bars) - 1)
    return int(bars[first]), int(bars[last])


def _paused(tokens: Ids, answered: int, rng: np.random.Generator) -> tuple[Ids, int]:
    """`tokens` with a pause before the countdown at index `answered`, and its new index.

    The pause begins somewhere in the bar before. With probability `PAUSED_LONGER` it lasts into the
    bar that is counted down, as when jamd's answer does not begin on the bar line.
    """
    bars = np.flatnonzero(_IS_BAR[tokens])
    bar = int(np.searchsorted(bars, answered)) - 1  # the one that is counted down
    if bar == 0:
        return tokens, answered
    since = int(rng.integers(bars[bar - 1], bars[bar]))
    end = int(bars[bar + 1]) if bar + 1 < len(bars) else len(tokens)
    until = int(rng.integers(answered, end)) if rng.random() < PAUSED_LONGER else answered
    before = without_notes(tokens[:answered], since, answered)
    paused = without_notes(tokens, since, until)
    return paused, len(before)


def _at_home(passage: Passage) -> Passage:
    tokens = passage.tokens
    return Passage(transposed(tokens, home_of_tokens(tokens)), passage.weights)


def transposed(tokens: Ids, semitones: int) -> Ids:
    """Tokens, `semitones` higher; pitches that would leave the keyboard fold back by octaves."""
    return np.array(transposition(semitones), dtype=np.int32)[tokens]


def home_of_tokens(tokens: Ids, notes: int = OPENING_NOTES) -> int:
    """How far to transpose `tokens`, -5..6, to be in C major or A minor.

    The key is estimated from the first `notes` notes, weighted as in `jamd.harmony.key`.
    """
    at = np.flatnonzero(_IS_PITCH[tokens[:-2]])[:notes]
    pitches = tokens[at]
    pitches = np.where(pitches < VELOCITY, pitches - COMP, pitches - LEAD) + LOWEST
    ticks = _TICKS[tokens[at + 2]]  # a pitch, its velocity, its duration
    return semitones_home(np.bincount(pitches % 12, ticks, 12).astype(np.float64))


def first_note(tokens: Ids) -> int:
    """The index of the first pitch; the number of tokens if there is none."""
    at = np.flatnonzero(_IS_PITCH[tokens])
    return int(at[0]) if len(at) else len(tokens)


def excerpts(
    texts: Sequence[Text], rng: np.random.Generator, count: int, longest: int
) -> Iterator[Passage]:
    """`count` passages in all, transposed home, from `texts` in turn, for measuring."""
    for i in range(count):
        text = texts[i % len(texts)]
        if text.taught is not None:
            yield _at_home(whole(text))
            continue
        tokens = cut(text.tokens.astype(np.int32), rng, longest)
        tokens = transposed(tokens, home_of_tokens(tokens))
        yield Passage(tokens, _weights(tokens, text.has_velocity))


def _weights(tokens: Ids, has_velocity: bool) -> Weights:
    counts = ~_GIVEN[tokens]
    if not has_velocity:
        counts &= ~_IS_VELOCITY[tokens]
    return counts.astype(np.float32)


def cut(tokens: Ids, rng: np.random.Generator, longest: int) -> Ids:
    """At most `longest` tokens of a piece, from its beginning or from another bar on."""
    bars = np.flatnonzero(_IS_BAR[tokens])
    if not len(bars):
        return tokens[:longest]
    # Not too near the end to be worth starting at, in short pieces as in long ones.
    latest = max(len(tokens) - longest, len(tokens) // 2)
    bars = bars[bars <= max(latest, bars[0])]
    first = int(bars[0] if rng.random() < FROM_THE_TOP else rng.choice(bars))
    head = tokens[: bars[0]]  # Start Style
    body = tokens[first : first + longest - len(head)]
    if first > bars[0]:
        body = _with_chord_in_force(body, tokens[:first])
    return np.concatenate([head, body])


def _with_chord_in_force(body: Ids, before: Ids) -> Ids:
    """State the harmony at the first accompanied moment, as in a context cut out of a jam."""
    comp = np.flatnonzero(_IS_COMP[body] | _IS_CHORD[body])
    chords = before[_IS_CHORD[before]]
    if not len(comp) or not len(chords) or not _IS_POSITION[body[comp[0] - 1]]:
        return body
    if _IS_CHORD[body[comp[0]]]:
        return body
    return np.insert(body, comp[0], chords[-1])


class Passages:
    """Endless passages, drawn from several styles in fixed shares.

    The next passage is of the style that lags furthest behind its share of the tokens drawn so
    far, so that the shares hold whatever the lengths. Within a style, a piece is drawn in
    proportion to the square root of its length.

    Args:
        texts: The pieces, at least one.
        shares: Style -> weight, above 0. They need not add up to 1; a style without one counts
            as much as it has tokens.
        rng: Source of randomness.

    Raises:
        CorpusError: A share names a style that no piece has, or there is no piece.
    """

    def __init__(
        self, texts: Sequence[Text], shares: Mapping[str, float], rng: np.random.Generator
    ) -> None:
        self._rng = rng
        self._by_style: dict[str, list[Text]] = {}
        for text in texts:
            self._by_style.setdefault(text.style, []).append(text)
        self._shares = resolve_shares(texts, shares)
        self._chances: dict[str, NDArray[np.float64]] = {}
        for style, members in self._by_style.items():
            roots = np.sqrt([len(text.tokens) for text in members])
            self._chances[style] = roots / roots.sum()
        self.drawn = dict.fromkeys(self._by_style, 0)

    def __iter__(self) -> Iterator[Passage]:
        return self

    def __next__(self) -> Passage:
        style = min(self._by_style, key=lambda style: self.drawn[style] / self._shares[style])
        members = self._by_style[style]
        text = members[self._rng.choice(len(members), p=self._chances[style])]
        drawn = passage(text, self._rng)
        self.drawn[style] += len(drawn.tokens)
        return drawn


def resolve_shares(texts: Sequence[Text], shares: Mapping[str, float]) -> dict[str, float]:
    """Each style's share of what is read, adding up to 1.

    Raises:
        CorpusError: A share names a style that no piece has, or there is no piece.
    """
    lengths: dict[str, int] = {}
    for text in texts:
        lengths[text.style] = lengths.get(text.style, 0) + len(text.tokens)
    return weigh(lengths, shares)


def weigh(lengths: Mapping[str, int], shares: Mapping[str, float]) -> dict[str, float]:
    """As `resolve_shares`, given the number of tokens of each style."""
    if not lengths:
        raise CorpusError("expected pieces to train on, found none; prepare more files")
    if strangers := sorted(set(shares) - set(lengths)):
        raise CorpusError(
            f"expected weights for styles of the corpora ({', '.join(sorted(lengths))}); "
            f"found {', '.join(strangers)}"
        )
    if shares:
        # A style that is not named gets as much per token as the named ones have on average.
        per_token = sum(shares.values()) / sum(lengths[style] for style in shares)
        weights = {s: shares.get(s, lengths[s] * per_token) for s in lengths}
    else:
        weights = {style: float(length) for style, length in lengths.items()}
    total = sum(weights.values())
    return {style: weight / total for style, weight in weights.items()}
