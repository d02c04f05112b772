"""Training a network further on the user's own music.

This is a run like any other, from given weights and with two sources: `yours`, and `before`, a
rehearsal of what the network learned from (`jamd.training.rehearsal`). Forgetting that remains is
bounded at the end: weights interpolated between the old and the new ones keep most of what was
learned and lose little of what was known (Wortsman et al., "Robust fine-tuning of zero-shot
models", 2022), so the weights move from old to new only as far as the rehearsal allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np

from jamd.bundle.manifest import Score
from jamd.errors import CorpusError
from jamd.grid.tokens import VOCABULARY
from jamd.training.corpus import Corpus, CorpusPiece, Split
from jamd.training.judging import predictors
from jamd.training.judging.evaluate import entries_held_out, evaluate, sample_of
from jamd.training.learning.checkpoints import checkpoints
from jamd.training.learning.network import GridSize, grid_network
from jamd.training.learning.runs import (
    Origin,
    Run,
    RunCorpus,
    Settings,
    load_weights,
    save_weights,
    write_json,
)
from jamd.training.learning.train import expect_current, versions
from jamd.training.progress import Progress
from jamd.training.rehearsal import NAME as BEFORE

YOURS = "yours"
"""Name of the music that is learned, whatever its style."""

REHEARSED = 0.4
"""The share of what is read that is rehearsal, 0..1."""

FEWEST_NOTES = 150
"""The fewest notes to learn from: some eight short loops. Fewer leave nothing to measure either."""

MOST_FORGOTTEN = 0.04
"""How much bits per note on what it knew may rise, as a share of what they were."""

SHARES_KEPT = (1.0, 0.85, 0.7, 0.55, 0.4, 0.25, 0.0)
"""How far to move from the old weights to the new; the first that forgets little enough is kept."""

MOST_TOKENS = 20_000
"""Held-out tokens of each corpus that are measured."""

SETTINGS = Settings(rows=16, window=128, rate=7e-4, epoch_steps=15, epochs=5)
"""Some 75 batches, a minute on two cores; 20 loops would be memorised soon after. The sizes are
taken from the network, not from here."""


@dataclass(frozen=True, slots=True)
class Change:
    """Held-out bits before and after.

    Attributes:
        pieces: How many were measured; a take counts once, however long.
        before: The score with the old weights.
        after: The score with the weights that are kept.
    """

    pieces: int
    before: Score
    after: Score

    @property
    def bits_per_note(self) -> float:
        """The relative change in bits per note: below 0 is better."""
        return self.after.bits_per_note / self.before.bits_per_note - 1

    @property
    def bits_per_token(self) -> float:
        """The relative change in bits per token."""
        return self.after.bits_per_token / self.before.bits_per_token - 1


@dataclass(frozen=True, slots=True)
class Tuned:
    """The result of tuning.

    Attributes:
        kept: How far the kept weights are from the old towards the new ones, 0..1.
        yours: The change on what was learned.
        before: The change on what was rehearsed.
    """

    kept: float
    yours: Change
    before: Change


def begin(
    path: Path,
    network: keras.Model,
    size: GridSize,
    origin: Origin,
    own: Sequence[Path],
    old: Sequence[Path],
    settings: Settings,
) -> Run:
    """Begin a run that goes on from `network`.

    Args:
        path: Its folder; created if missing.
        network: What it goes on from, as `grid_network` builds it.
        size: The size of `network`.
        origin: Where `network` comes from.
        own: Corpora to learn.
        old: Corpora to rehearse.
        settings: How to train; sizes are the network's.

    Raises:
        CorpusError: There is too little to learn from, nothing to measure on, or a corpus of
            another language.
    """
    opened = {YOURS: [_of_grid(each) for each in own], BEFORE: [_of_grid(each) for each in old]}
    _require_enough(opened[YOURS])
    for corpus in opened[BEFORE]:
        if not corpus.of_split("train") or not corpus.of_split("held-out"):
            raise CorpusError(
                f"{corpus.path}: expected pieces to rehearse and pieces held out, found only one "
                "of both; prepare more files"
            )
    settings = replace(settings, units=size.units, layers=size.layers, inner=size.embedding)
    sources = tuple(
        RunCorpus.of(corpus, name, share, count(corpus.of_split("train")))
        for name, share in ((YOURS, 1 - REHEARSED), (BEFORE, REHEARSED))
        for corpus in opened[name]
    )
    run = Run(path, "grid", VOCABULARY, settings, sources, versions(), origin)
    path.mkdir(parents=True, exist_ok=True)
    save_weights(network, run.start)
    run.write()
    return run


def _of_grid(path: Path) -> Corpus:
    corpus = Corpus.read(path)
    if corpus.language != "grid":
        raise CorpusError(
            f"{path}: expected a corpus of the grid language, found one of the {corpus.language} "
            "language; prepare it with --language grid"
        )
    expect_current(corpus)
    return corpus


def count(entries: Iterable[CorpusPiece]) -> int:
    """How many pieces and takes `entries` come from; a take is cut into several entries."""
    return len({entry.source for entry in entries})


def _require_enough(corpora: Sequence[Corpus]) -> None:
    def notes(split: Split) -> int:
        return sum(piece.notes for corpus in corpora for piece in corpus.of_split(split))

    if notes("train") < FEWEST_NOTES:
        raise CorpusError(
            f"expected {FEWEST_NOTES} notes or more to learn from, some ten short loops or two "
            f"minutes of playing; found {notes('train')} (and {notes('held-out')} held out): add "
            "more"
        )
    if not notes("held-out"):
        raise CorpusError(
            "expected pieces or takes that differ, so that some can be held out and measured; "
            "found only one, or versions of one: add others"
        )


def conclude(run: Run, progress: Progress) -> Tuned:
    """Choose which weights of a trained run to keep, and measure them.

    Repeating it gives the same result: it starts from the last of the improvements.

    Raises:
        CorpusError: No weights have been saved, or a corpus is missing.
    """
    network = grid_network(_size(run))
    load_weights(network, run.start)
    old = network.get_weights()
    new = run.network(checkpoints(run.path)[-1].path).get_weights()
    measured = {name: _measured(run, name) for name in (YOURS, BEFORE)}
    samples = {
        name: [sample_of(corpus, entry) for corpus, entries in those for entry in entries]
        for name, those in measured.items()
    }

    def measure(name: str, what: str) -> Score:
        progress(f"measuring {what}", 0, 1)
        predictor = predictors.of_keras(network, vocabulary=len(VOCABULARY))
        return evaluate({"": predictor}, samples[name], VOCABULARY).score("")

    first = {name: measure(name, f"{name}, as it was") for name in samples}
    for kept in SHARES_KEPT:
        network.set_weights([a + np.float32(kept) * (b - a) for a, b in zip(old, new, strict=True)])
        now = measure(BEFORE, f"what is forgotten with {kept:.0%} of the change")
        if now.bits_per_note <= (1 + MOST_FORGOTTEN) * first[BEFORE].bits_per_note:
            break
    save_weights(network, run.best)
    after = {BEFORE: now, YOURS: measure(YOURS, f"{YOURS}, as it is")}
    yours, before = (
        Change(sum(count(entries) for _, entries in measured[n]), first[n], after[n])
        for n in (YOURS, BEFORE)
    )
    tuned = Tuned(kept, yours, before)
    write_json(run.tuned, asdict(tuned))
    return tuned


def _measured(run: Run, name: str) -> list[tuple[Corpus, list[CorpusPiece]]]:
    corpora = [Corpus.read(Path(source.path)) for source in run.sources if source.style == name]
    return [
        (corpus, entries_held_out(corpus, MOST_TOKENS))
        for corpus in corpora
        if corpus.of_split("held-out")
    ]


def _size(run: Run) -> GridSize:
    size = run.size
    assert isinstance(size, GridSize)
    return size
