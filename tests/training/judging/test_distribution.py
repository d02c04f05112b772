"""How often each token of a corpus occurs, in both languages, and its picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from jamd.cli import main
from jamd.training.corpus import Corpus, CorpusWriter
from jamd.training.judging.distribution import Distribution

pytestmark = pytest.mark.train

MakeGrid = Callable[[str], Corpus]
MakeArticle = Callable[[str, Sequence[str], int], Corpus]


def test_names_are_counted_in_all_pieces(article_corpus: MakeArticle) -> None:
    found = Distribution.of(article_corpus("corpus", ["C4", "E4", "0.4.7"], 4))
    # Six pieces of four names, each beginning one name later than the one before.
    assert found.most_frequent(2) == [("C4", 8), ("E4", 8)]
    assert (found.total, found.different, found.once) == (24, 3, 0)


def test_the_grids_tokens_are_counted_by_kind_and_by_pitch(grid_corpus: MakeGrid) -> None:
    corpus = grid_corpus("jazz")
    found = Distribution.of(corpus)
    kinds = found.by_kind()
    assert sum(kinds.values()) == found.total == sum(piece.length for piece in corpus.pieces)
    assert kinds["Lead"] + kinds["Comp"] == sum(piece.notes for piece in corpus.pieces)
    pitches = found.by_pitch()
    assert {part: sum(counts.values()) for part, counts in pitches.items()} == {
        "Lead": kinds["Lead"],
        "Comp": kinds["Comp"],
    }
    assert all(21 <= pitch <= 108 for counts in pitches.values() for pitch in counts)


def test_the_command_lists_and_draws(
    article_corpus: MakeArticle, grid_corpus: MakeGrid, capsys: pytest.CaptureFixture[str]
) -> None:
    article = article_corpus("corpus", ["C4", "E4", "0.4.7"], 4)
    assert main(["corpus", str(article.path), "--top", "1"]) == 0
    shown = capsys.readouterr().out
    assert "C4" in shown
    assert "E4" not in shown
    assert (article.path / "distribution.png").read_bytes().startswith(b"\x89PNG")

    grid, picture = grid_corpus("jazz").path, article.path / "grid.svg"
    assert main(["corpus", str(grid), "-o", str(picture)]) == 0
    assert "Duration" in capsys.readouterr().out
    assert "<svg" in picture.read_text()


def test_the_pieces_themselves_can_be_read(
    article_corpus: MakeArticle, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = article_corpus("corpus", ["C4", "E4", "0.4.7"], 4)
    assert main(["corpus", str(corpus.path), "--tokens"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["# 0.mid (train)", "C4 E4 0.4.7 C4", "# 1.mid (train)"]
    assert lines[-2] == "# 5.mid (held-out)"


def test_names_are_shown_as_they_are(
    article_corpus: MakeArticle, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["[/x372]", "[red]", ":smile:", r"$\q$"]
    assert main(["corpus", str(article_corpus("corpus", names, 4).path)]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in names)


def test_a_corpus_without_pieces_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CorpusWriter(tmp_path) as writer:
        writer.finish(language="article", vocabulary=["C4"], style="game", left_out=())
    assert main(["corpus", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"jamd: {tmp_path}: expected pieces, found none; prepare it again\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device there")
def test_a_picture_that_cannot_be_written_is_told(
    article_corpus: MakeArticle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = str(article_corpus("corpus", ["C4", "E4", "0.4.7"], 4).path)
    (tmp_path / "device").symlink_to("/dev/full")  # a name without a suffix
    assert main(["corpus", corpus, "-o", str(tmp_path / "device")]) == 2
    assert capsys.readouterr().err == f"jamd: {tmp_path / 'device'}: No space left on device\n"


@pytest.mark.parametrize("arguments", [(), ("--tokens",)])
def test_a_corpus_that_is_not_there_is_refused(
    arguments: Sequence[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nope = tmp_path / "nope"
    assert main(["corpus", str(nope), *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"jamd: {nope}: expected a corpus, found no ")


@pytest.mark.parametrize("wrong", [("--top", "0"), ("-o", "picture.txt")])
def test_what_cannot_be_shown_is_refused(
    wrong: Sequence[str], article_corpus: MakeArticle, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["corpus", str(article_corpus("corpus", ["C4"], 4).path), *wrong]) == 2
    assert "expected" in capsys.readouterr().err
