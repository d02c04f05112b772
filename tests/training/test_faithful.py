"""The article's faults, asked for, and what it has of its own: rare notes made frequent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from jamd.errors import CorpusError
from jamd.training.backend import load_backend
from jamd.training.corpus import Corpus

pytestmark = pytest.mark.train

load_backend()

from jamd.cli import main  # noqa: E402 - after the backend, which is loud otherwise
from jamd.training.judging.subjects import opening  # noqa: E402
from jamd.training.learning.runs import Run, Settings  # noqa: E402
from jamd.training.learning.train import new_run, train  # noqa: E402

SMALL = Settings(units=8, inner=6, rows=8, rate=1e-2, epoch_steps=50, epochs=1)
NAMES = ("C4", "E4", "G4", "0.4.7", "5.9.0")

MakeGrid = Callable[[str], Corpus]
MakeArticle = Callable[[str, Sequence[str], int], Corpus]


def test_a_faithful_run_crosses_pieces_and_looks_at_no_held_out_one(
    article_corpus: MakeArticle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = article_corpus("corpus", NAMES, 20)  # five pieces of 20: none holds a window
    small = ("--preset", "tiny", "--epochs", "1", "--units", "8", "--batch", "8")
    command = ["train", str(corpus.path), "-o", str(tmp_path / "run"), *small, "--faithful"]
    assert main(command) == 0
    run = Run.read(tmp_path / "run")
    (epoch,) = run.history()
    assert run.settings.faithful
    assert epoch["held_out"] is None
    assert epoch["training"]["tokens"] == (5 * 20 - 32) // 8 * 8
    assert len(opening(run, 1)) == 32

    capsys.readouterr()
    assert main([*command, "--oversample"]) == 2
    assert "begun with --oversample 0, not 100" in capsys.readouterr().err


def test_oversampling_reads_rare_notes_more_often_and_leaves_the_held_out_side(
    article_corpus: MakeArticle, tmp_path: Path
) -> None:
    corpus = article_corpus("corpus", NAMES, 20)
    run = new_run(tmp_path / "run", [corpus.path], replace(SMALL, oversample=40), {})
    train(run, lambda _: None)
    (epoch,) = run.history()
    assert epoch["training"]["tokens"] == 5 * 40  # five names, 19 windows each before
    assert epoch["held_out"]["tokens"] == 19
    assert len(opening(run, 1)) == 20


def test_faithful_to_too_little_is_told(article_corpus: MakeArticle, tmp_path: Path) -> None:
    corpus = article_corpus("corpus", NAMES, 6)
    run = new_run(tmp_path / "run", [corpus.path], replace(SMALL, faithful=True), {})
    with pytest.raises(CorpusError, match="more than 32 notes"):
        train(run, lambda _: None)


@pytest.mark.parametrize("option", ["--faithful", "--oversample"])
def test_the_grid_language_has_neither(
    option: str, grid_corpus: MakeGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = str(grid_corpus("jazz").path)
    assert main(["train", corpus, "-o", str(tmp_path / "run"), option]) == 2
    shown = capsys.readouterr().err
    assert f"jamd: {option}: expected corpora of the article language, found grid" in shown
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("given", [("--layers", "2"), ("--window", "8"), ("--weight-drop", "0")])
def test_the_article_language_has_none_of_these(
    given: tuple[str, str],
    article_corpus: MakeArticle,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    corpus = str(article_corpus("corpus", NAMES, 40).path)
    assert main(["train", corpus, "-o", str(tmp_path / "run"), *given]) == 2
    shown = capsys.readouterr().err
    assert f"jamd: {given[0]}: expected corpora of the grid language, found article" in shown
    assert not (tmp_path / "run").exists()
