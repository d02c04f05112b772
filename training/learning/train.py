"""Training: from corpora to a run, one epoch at a time."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import psutil

from jamd.errors import CorpusError, UserError
from jamd.grid.tokens import VOCABULARY
from jamd.training.corpus import Corpus
from jamd.training.learning.lessons import ArticleLessons, GridLessons, Lessons, LossScore
from jamd.training.learning.network import GridSize
from jamd.training.learning.passages import Text, resolve_shares
from jamd.training.learning.plot import draw_history
from jamd.training.learning.run_folder import is_run
from jamd.training.learning.runs import (
    Run,
    RunCorpus,
    Settings,
    load_weights,
    save_weights,
    write_json,
)
from jamd.training.learning.state import State
from jamd.vocabulary import Vocabulary
from jamd.writing import written_whole

if TYPE_CHECKING:
    from jamd.training.learning.multi_worker import Team

BYTES_A_WEIGHT = 12
"""The least memory that learning needs per weight: the weight, its gradient and one moment of the
optimiser, in float32."""

BYTES_A_LOGIT = 8
"""The least memory that learning needs per logit of a batch: the logit and its gradient, in
float32."""

READ_S = 0.25
"""Seconds between two losses read back from the device, each of which has to wait for it."""

LEARNING_PER_LOOK = 20
"""If the budget is in minutes, an epoch learns at least this many times as long as the last
measurement on held-out pieces, and saving, took: on a GPU they take longer than an epoch's batches.
"""

WARM_UP = 0.02
"""Share of a run in which the learning rate rises to its peak; then it falls as half a cosine."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How far training has come.

    Attributes:
        epoch: The current epoch, from 1.
        step: Batches so far.
        done: Share of the whole that is done, 0..1.
        tokens_a_second: Speed in this epoch, as last measured.
        loss: Mean cross entropy in this epoch up to that measurement, nats per token.
        finished: The entry of the epoch in `history.json`, if it has just ended.
    """

    epoch: int
    step: int
    done: float
    tokens_a_second: float
    loss: float
    finished: Mapping[str, Any] | None = None


def new_run(
    path: Path,
    corpora: Sequence[Path],
    settings: Settings,
    shares: Mapping[str, float],
) -> Run:
    """A new run, which `train` writes once all is ready, and not if it cannot be trained.

    Args:
        path: Its folder; need not exist.
        corpora: Corpora of one language.
        settings: How to train.
        shares: Style -> weight; other styles count by their size.

    Raises:
        CorpusError: The corpora do not fit together or hold nothing to train on.
    """
    opened = _opened(corpora)
    training, _ = _texts(opened, [corpus.style for corpus in opened], _vocabulary(opened))
    resolved = resolve_shares(training, shares)
    sources = tuple(
        RunCorpus.of(
            corpus, corpus.style, resolved.get(corpus.style, 0.0), len(corpus.of_split("train"))
        )
        for corpus in opened
    )
    return Run(path, opened[0].language, _vocabulary(opened), settings, sources, versions())


def train(run: Run, report: Callable[[Moment], None], team: Team | None = None) -> None:
    """Train `run` until its budget is used up, resuming where it stopped.

    Args:
        run: What to train.
        report: Called with how far it has come.
        team: The workers of several machines that train together; None for this machine alone.

    Raises:
        CorpusError: A corpus is missing or has changed.
        UserError: The network or a batch is too large for this machine; or it diverged, so that an
            epoch's loss is not finite. What was written before remains.
        TeamError: Other machines cannot take part, or one was lost.
    """
    opened = _opened([Path(source.path) for source in run.sources])
    _expect_unchanged(run, opened)
    _expect_room(run, 1 if team is None else team.size)
    state = (State.read(run.path) if team is None or team.is_chief else None) or State()
    if team is not None:
        from jamd.training.learning import multi_worker

        run, state = multi_worker.joined(team, run, state)
    seed = run.settings.seed + 1_000_003 * state.step
    keras.utils.set_random_seed(seed % 2**32)
    lessons = _lessons(run, opened, seed, team)
    if state.arrays:
        if team is not None:
            state = multi_worker.spread(team, state, lessons.trainee)
        state.restore(lessons.trainee, run.path)
    elif run.origin is not None:
        load_weights(lessons.network, run.start)
    if (team is None or team.is_chief) and not is_run(run.path):
        run.write()  # only now: a run that cannot be trained must leave nothing to resume
    _Loop(run, lessons, state, team).train(report)


class _Loop:
    """Trains epoch after epoch."""

    def __init__(self, run: Run, lessons: Lessons, state: State, team: Team | None) -> None:
        self._team = team
        self._writes = team is None or team.is_chief
        self._run = run
        self._lessons = lessons
        self._state = state
        self._began = time.monotonic() - state.seconds
        self._shares = {source.style: source.share for source in run.sources}
        self._has_looked = False
        self._look_from = -math.inf

    def train(self, report: Callable[[Moment], None]) -> None:
        done = self._done()
        while done < 1:
            done = self._epoch(done, report)

    def _done(self) -> float:
        """Share of the whole that is done, 0..1 or more; a team's workers must call it together."""
        settings = self._run.settings
        if settings.minutes is not None:
            seconds = time.monotonic() - self._began
            if self._team is not None:  # all must end together, so the chief's clock decides
                seconds = float(self._team.of_chief(np.array(seconds)))
            return seconds / (60 * settings.minutes)
        within = self._state.step_of_epoch / settings.epoch_steps
        return (self._state.epoch + min(within, 1.0)) / settings.epochs

    def _epoch(self, done: float, report: Callable[[Moment], None]) -> float:
        """Train for an epoch; return what share of the whole is done then."""
        state, settings = self._state, self._run.settings
        state.step_of_epoch = 0
        began = time.monotonic()
        read_at = -math.inf
        score, speed = LossScore.mean([]), 0.0
        while done < 1 and (
            state.step_of_epoch < settings.epoch_steps or time.monotonic() < self._look_from
        ):
            if self._lessons.schedule:
                rate = settings.rate * rate_at(done)
                self._lessons.trainee.optimizer.learning_rate.assign(rate)
            if not self._lessons.learn():
                break
            state.step += 1
            state.step_of_epoch += 1
            if time.monotonic() > read_at + READ_S:
                score = LossScore.mean([score, self._lessons.score()])
                read_at = time.monotonic()
                speed = score.tokens / (read_at - began)
            done = self._done()
            report(Moment(state.epoch + 1, state.step, min(done, 1.0), speed, score.loss))
        score = LossScore.mean([score, self._lessons.score()])
        return self._end_epoch(score, time.monotonic() - began, report)

    def _end_epoch(
        self, training: LossScore, seconds: float, report: Callable[[Moment], None]
    ) -> float:
        state = self._state
        began_s = time.monotonic()
        state.epoch += 1
        state.step_of_epoch = 0
        state.tokens += training.tokens
        by_style = self._lessons.held_out()
        held_out = _weighted(by_style, self._shares) if by_style else None
        loss = held_out.loss if held_out else training.loss
        if not math.isfinite(found := training.loss + loss):
            raise UserError(
                f"{self._run.path}: expected a finite loss, found {found} in epoch {state.epoch}; "
                f"train anew in another folder, with a smaller --rate than "
                f"{self._run.settings.rate:g}; what was saved before this epoch stands"
            )
        improved = loss < state.best
        state.best = min(loss, state.best)
        if self._writes:
            # An epoch killed before its `last.npz` was written is done again, with another loss.
            for killed in (self._run.path / "improvements").glob(f"{state.epoch:04d}-*"):
                killed.unlink()
        if improved and self._writes:
            self._keep_weights(f"{state.epoch:04d}-{loss:.4f}.weights.h5")
        state.seconds = time.monotonic() - self._began
        finished = {
            "epoch": state.epoch,
            "step": state.step,
            "tokens": round(state.tokens),
            "seconds": round(state.seconds, 1),
            "learning_rate": float(self._lessons.trainee.optimizer.learning_rate.numpy()),
            "improved": improved,
            "training": _as_json(training),
            "held_out": _as_json(held_out) if held_out else None,
            "held_out_by_style": {style: _as_json(score) for style, score in by_style.items()},
        }
        if self._writes:
            self._write(finished)
        ended_s = time.monotonic()
        # Not after the first measurement, whose time includes compiling.
        if self._has_looked and self._run.settings.minutes is not None and self._team is None:
            self._look_from = ended_s + LEARNING_PER_LOOK * (ended_s - began_s)
        self._has_looked = True
        done, speed = self._done(), training.tokens / max(seconds, 1e-9)
        report(Moment(state.epoch, state.step, min(done, 1.0), speed, training.loss, finished))
        return done

    def _write(self, finished: Mapping[str, Any]) -> None:
        folder = self._run.path
        # An epoch killed before its `last.npz` was written is done again, and must count only once.
        history = [item for item in self._run.history() if item["epoch"] < self._state.epoch]
        history.append(dict(finished))
        write_json(folder / "history.json", history)
        with written_whole(folder / "history.png") as new:
            draw_history(history, new)
        self._state.write(folder, self._lessons.trainee)

    def _keep_weights(self, name: str) -> None:
        improvements = self._run.path / "improvements"
        improvements.mkdir(exist_ok=True)
        kept = improvements / name
        save_weights(self._lessons.network, kept)
        with written_whole(self._run.best) as new:
            shutil.copyfile(kept, new)


def rate_at(done: float) -> float:
    """The learning rate at `done` (0..1) of a run, relative to its peak, 0..1."""
    if done < WARM_UP:
        return max(done / WARM_UP, 0.01)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (done - WARM_UP) / (1 - WARM_UP))))


def _opened(paths: Sequence[Path]) -> list[Corpus]:
    corpora = [Corpus.read(path) for path in paths]
    if not corpora:
        raise CorpusError("expected at least one corpus, found none; make one with jamd prepare")
    languages = sorted({corpus.language for corpus in corpora})
    if len(languages) > 1:
        raise CorpusError(
            f"expected corpora of one language, found {' and '.join(languages)}; "
            "prepare them all with the same --language"
        )
    for corpus in corpora:
        expect_current(corpus)
    return corpora


def expect_current(corpus: Corpus) -> None:
    """Refuse a corpus of another version of the grid language: its vocabulary is jamd's own.

    Raises:
        CorpusError: It was made by another version of jamd.
    """
    if corpus.language == "grid" and corpus.vocabulary.fingerprint != VOCABULARY.fingerprint:
        raise CorpusError(f"{corpus.path}: made by another version of jamd; prepare it again")


def _expect_unchanged(run: Run, opened: Sequence[Corpus]) -> None:
    """Raise CorpusError if a corpus has changed since `run` was begun."""
    same_names = _vocabulary(opened).fingerprint == run.vocabulary.fingerprint
    for source, corpus in zip(run.sources, opened, strict=True):
        tokens = sum(piece.length for piece in corpus.of_split("train"))
        same = tokens == source.tokens and source.fingerprint in ("", corpus.fingerprint)
        if not (same and same_names):
            raise CorpusError(
                f"{source.path}: prepared anew, with other pieces, since {run.path} was begun; "
                "prepare it as it was, or name another folder with -o"
            )


def _expect_room(run: Run, workers: int) -> None:
    """Refuse what cannot fit in memory; what a smaller network or batch needs shows as it learns.

    Raises:
        UserError: Learning its weights, or the logits of a worker's part of a batch, would alone
            take more memory than there is.
    """
    size, there = run.size, psutil.virtual_memory().total
    rows, window = run.settings.rows // workers, run.settings.window
    tokens = rows * window if isinstance(size, GridSize) else 0
    weights, batch = BYTES_A_WEIGHT * size.weights, BYTES_A_LOGIT * size.vocabulary * tokens
    for found, needed, choose in (
        (f"a network of {size.weights:,} weights", weights, "fewer --units or --layers"),
        (f"a batch of {tokens:,} tokens", batch, "a smaller --batch or --window"),
    ):
        if needed > there:
            raise UserError(
                f"expected what {there / 1e9:,.0f} GB of memory can hold, found {found}, which "
                f"takes {needed / 1e9:,.0f} GB and more to learn; choose {choose}"
            )


def _vocabulary(corpora: Sequence[Corpus]) -> Vocabulary:
    if corpora[0].language == "grid":
        return VOCABULARY
    return Vocabulary(sorted({name for corpus in corpora for name in corpus.vocabulary}))


def _texts(
    corpora: Sequence[Corpus], styles: Sequence[str], vocabulary: Vocabulary
) -> tuple[list[Text], list[Text]]:
    """Training and held-out pieces, in ids of `vocabulary`; `styles` has one style per corpus."""
    training: list[Text] = []
    held_out: list[Text] = []
    for corpus, style in zip(corpora, styles, strict=True):
        ids = np.array([vocabulary.id(name) for name in corpus.vocabulary], dtype=np.int32)
        for piece in corpus.pieces:
            side = training if piece.split == "train" else held_out
            tokens = ids[corpus.tokens(piece)]
            if len(tokens) > 1:
                side.append(Text(tokens, style, piece.has_velocity, corpus.taught(piece)))
    return training, held_out


def _lessons(run: Run, corpora: Sequence[Corpus], seed: int, team: Team | None) -> Lessons:
    training, held_out = _texts(corpora, [s.style for s in run.sources], run.vocabulary)
    size = run.size
    if isinstance(size, GridSize):
        shares = {source.style: source.share for source in run.sources}
        if team is not None:
            from jamd.training.learning.multi_worker import SharedLessons

            return SharedLessons(team, size, run.settings, training, held_out, shares, seed)
        return GridLessons(size, run.settings, training, held_out, shares, seed)
    return ArticleLessons(size, run.settings, training, held_out, seed)


def _weighted(scores: Mapping[str, LossScore], shares: Mapping[str, float]) -> LossScore:
    """The mean over styles, each weighted by its share of what is learned from."""
    total = sum(shares.get(style, 0.0) for style in scores)
    weights = {style: shares.get(style, 0.0) / total for style in scores} if total else {}
    return LossScore(
        sum(weights[style] * scores[style].loss for style in weights),
        sum(weights[style] * scores[style].accuracy for style in weights),
        sum(score.tokens for score in scores.values()),
    )


def _as_json(score: LossScore) -> dict[str, float]:
    return {
        "loss": round(score.loss, 5),
        "accuracy": round(score.accuracy, 5),
        "tokens": round(score.tokens),
    }


def versions() -> dict[str, str]:
    """The versions that a result depends on: of jamd, Keras and its backend."""
    backend = keras.backend.backend()
    found = {"keras": keras.__version__, "backend": backend}
    for package in ("jamd", backend):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # an uninstalled checkout
            found[package] = "unknown"
    return found
