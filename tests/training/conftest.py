"""Small corpora, made up, for what learns from corpora, and a run that has learned from two."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from grid_corpora import write_grid_corpus

from jamd.notes import TICKS_PER_BEAT, Note, Part, Piece, Tick
from jamd.training.corpus import Corpus, CorpusWriter, Split

if TYPE_CHECKING:
    from jamd.training.learning.runs import Run
    from jamd.training.learning.train import Moment


def tune(bars: int, root: int = 60, style: str = "jazz") -> Piece:
    """A scale over held chords: as many bars of 4/4 as asked for."""
    scale = (0, 2, 4, 5, 7, 9, 11, 12)
    notes = []
    for bar in range(bars):
        start = bar * 4 * TICKS_PER_BEAT
        chord = root - 12 + (0, 5, 7)[bar % 3]
        for pitch in (chord, chord + 4, chord + 7):
            length = Tick(4 * TICKS_PER_BEAT)
            notes.append(Note(Tick(start), pitch, 60, length, Part.COMP))
        for beat in range(4):
            onset = Tick(start + beat * TICKS_PER_BEAT)
            notes.append(Note(onset, root + scale[(bar + beat) % 8], 100))
    return Piece(tuple(sorted(notes)), style=style)


def tunes(style: str) -> list[tuple[Split, Piece]]:
    """Eight tunes to train on, two held out; half of them have velocities of their own."""
    made = (replace(tune(2 + i, 55 + i, style), has_velocity=bool(i % 2)) for i in range(10))
    return [("held-out" if i % 5 == 4 else "train", piece) for i, piece in enumerate(made)]


@pytest.fixture
def grid_corpus(tmp_path: Path) -> Callable[[str], Corpus]:
    """Makes a corpus of a style, of its tunes."""
    return lambda style: write_grid_corpus(tmp_path / f"corpus-{style}", tunes(style))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Moment]]:
    """A grid run of five epochs on two corpora, and what it reported. No test changes it."""
    from jamd.training.backend import load_backend

    load_backend()
    from jamd.training.learning.runs import Settings
    from jamd.training.learning.train import new_run, train

    top = tmp_path_factory.mktemp("trained")
    corpora = [write_grid_corpus(top / style, tunes(style)).path for style in ("jazz", "song")]
    small = Settings(
        units=12, layers=2, inner=8, rows=4, window=16, rate=1e-2, epoch_steps=4, epochs=5
    )
    run = new_run(top / "run", corpora, small, {"jazz": 3, "song": 1})
    moments: list[Moment] = []
    train(run, moments.append)
    return run, moments


@pytest.fixture
def grid_run(trained: tuple[Run, list[Moment]], tmp_path: Path) -> Run:
    """A copy of that run, which a test may change."""
    run, _ = trained
    shutil.copytree(run.path, tmp_path / "run")
    return replace(run, path=tmp_path / "run")


@pytest.fixture
def article_corpus(tmp_path: Path) -> Callable[[str, Sequence[str], int], Corpus]:
    """Makes a corpus of the article's language: these names over and over, so many tokens."""

    def make(folder: str, names: Sequence[str], length: int) -> Corpus:
        vocabulary = list(dict.fromkeys(names))
        loop = np.array([vocabulary.index(name) for name in names], np.uint16)
        with CorpusWriter(tmp_path / folder) as writer:
            for i in range(6):
                writer.add(
                    loop[(np.arange(length) + i) % len(loop)],
                    source=f"{i}.mid",
                    group=str(i),
                    split="held-out" if i == 5 else "train",
                    notes=length,
                    has_velocity=True,
                )
            return writer.finish(
                language="article", vocabulary=vocabulary, style="game", left_out=()
            )

    return make
