"""Predictors are measured on the same tokens, and on those that mean something."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import onnxruntime as ort
import pytest
from grid_corpora import write_grid_corpus
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jamd.cli import main
from jamd.daemon.model.graph import WindowGraph
from jamd.errors import CorpusError
from jamd.grid.grid import Grid
from jamd.grid.tokens import VOCABULARY
from jamd.notes import Note, Part, Piece, Tick
from jamd.training.corpus import Corpus, CorpusWriter, Split
from jamd.training.judging.evaluate import (
    Sample,
    baselines_of,
    evaluate,
    evaluate_corpora,
    evaluate_corpus,
    held_out,
)
from jamd.training.judging.likelihood import Ids, Judgement, Predictor, judge_logits
from jamd.training.judging.ngram import NGram
from jamd.training.judging.predictors import Floats, Recurrent, Remembering, Windowed, of_session
from jamd.training.judging.subjects import read_corpus
from jamd.vocabulary import Vocabulary

pytestmark = pytest.mark.train

SIZE = len(VOCABULARY)
BUNDLE = Path(__file__).parents[2] / "fixtures" / "tiny-bundle"


class Uniform:
    """Holds every token for as likely as any other, once it has read `first`."""

    def __init__(self, first: int = 1) -> None:
        self.first = first

    def judge(self, tokens: Ids) -> Judgement:
        n = len(tokens[self.first :])
        return Judgement(np.full(n, math.log2(SIZE)), np.zeros(n, np.bool_))


def piece(beats: int, *, has_velocity: bool = True) -> Piece:
    """A tune over chords."""
    notes = []
    for beat in range(beats):
        onset = Tick(beat * 480)
        notes += [Note(onset, pitch, 60, Tick(480), Part.COMP) for pitch in (48, 52, 55)]
        notes.append(Note(onset, 72 + beat % 5, 80, Tick(240), Part.LEAD))
    return Piece(tuple(notes), style="jazz", has_velocity=has_velocity)


@pytest.fixture
def small(tmp_path: Path) -> Corpus:
    return write_grid_corpus(tmp_path / "small", [("train", piece(32)), ("held-out", piece(16))])


def test_logits_judged_by_hand() -> None:
    judged = judge_logits(np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]) + 7, np.array([1, 2]))
    np.testing.assert_allclose(judged.bits, [2, -math.log2(0.8)])
    assert judged.hits.tolist() == [False, True]


def test_what_is_counted(small: Corpus) -> None:
    found = evaluate_corpus({"model": Uniform()}, small)
    assert (found.pieces, found.notes) == (1, 16 * 4)
    assert set(found.by_kind) == {"model", "unigram", "n-gram"}
    kinds = found.by_kind["model"]
    assert not {"Start", "Style", "Pad"} & set(kinds)
    assert kinds["Velocity"].tokens == kinds["Duration"].tokens == found.notes
    score = found.score("model")
    assert score.bits_per_token == pytest.approx(math.log2(SIZE))
    assert score.bits_per_note == pytest.approx(math.log2(SIZE) * found.tokens / found.notes)
    assert found.score("n-gram").bits_per_token < found.score("unigram").bits_per_token < 6


def test_velocities_that_teach_nothing_are_left_out(tmp_path: Path) -> None:
    flat = piece(16, has_velocity=False)
    corpus = write_grid_corpus(tmp_path, [("train", flat), ("held-out", flat)])
    found = evaluate_corpus({"model": Uniform()}, corpus)
    assert all("Velocity" not in kinds for kinds in found.by_kind.values())
    assert found.notes == 64


def test_all_are_measured_where_the_last_can_begin(small: Corpus) -> None:
    predictors = {"early": Uniform(), "late": Uniform(first=32)}
    found = evaluate(predictors, held_out(small), VOCABULARY)
    early, late = (sum(t.tokens for t in found.by_kind[name].values()) for name in predictors)
    assert early == late == len(held_out(small)[0].tokens) - 32


def test_figures_for_a_card(small: Corpus) -> None:
    figures = evaluate_corpora(Uniform(), [small])
    assert list(figures) == ["small"]
    assert figures["small"].notes == 64
    assert figures["small"].scores["model"].accuracy == 0


def test_corpora_in_folders_of_one_name_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ("a/x/corpus", "b/x/corpus", "b/y/corpus", "other")
    pieces: list[tuple[Split, Piece]] = [("train", piece(32)), ("held-out", piece(16))]
    made = [write_grid_corpus(tmp_path / folder, pieces) for folder in folders]
    expected = ["a/x/corpus", "b/x/corpus", "y/corpus", "other"]
    assert list(evaluate_corpora(Uniform(), made)) == expected
    of_both = ["--corpus", str(made[1].path), "--corpus", str(made[2].path)]
    assert main(["evaluate", str(BUNDLE), *of_both, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [one["set"] for one in printed["sets"]] == ["x/corpus", "y/corpus"]


def test_a_bounded_sample_is_the_same_every_time(tmp_path: Path) -> None:
    pieces: list[tuple[Split, Piece]] = [("held-out", piece(4 + i)) for i in range(20)]
    many = write_grid_corpus(tmp_path, [("train", piece(8)), *pieces])
    some = held_out(many, 400)
    assert 1 < len(some) < 20
    assert [len(one.tokens) for one in some] == [len(one.tokens) for one in held_out(many, 400)]


def test_nothing_to_measure_is_said(tmp_path: Path) -> None:
    only = write_grid_corpus(tmp_path, [("train", piece(8))])
    with pytest.raises(CorpusError, match="expected held-out pieces, found none"):
        held_out(only)
    with pytest.raises(CorpusError, match="expected pieces to train on, found none"):
        baselines_of(write_grid_corpus(tmp_path, [("held-out", piece(8))]))
    short = [Sample(np.arange(1), np.ones(1, np.bool_))]
    with pytest.raises(CorpusError, match="expected pieces of at least 2 tokens"):
        evaluate({"model": Uniform()}, short, VOCABULARY)


def summing(tokens: NDArray[np.int32], states: Sequence[Floats]) -> tuple[Floats, list[Floats]]:
    """A network whose logits show the sum of all that it has read."""
    sums = states[0][0, 0] + np.cumsum(tokens[0])
    logits = np.stack([sums, -sums], axis=1)[None].astype(np.float32)
    return logits, [np.array([[sums[-1]]], np.float32)]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=150), st.integers(1, 40), st.booleans())
def test_states_are_carried_from_call_to_call(tokens: list[int], block: int, padded: bool) -> None:
    network = Recurrent(summing, [1], block=block, padded=padded)
    logits = np.concatenate(list(network.logits(np.array(tokens))))
    assert logits[:, 0].tolist() == np.cumsum(tokens).tolist()


def indifferent(tokens: NDArray[np.int32], states: Sequence[Floats]) -> tuple[Floats, list[Floats]]:
    """A network that holds every token for as likely as any other."""
    return np.zeros((1, tokens.shape[1], SIZE), np.float32), list(states)


def test_the_key_that_a_piece_is_read_in_is_charged_at_its_first_note() -> None:
    tokens = np.array(Grid().encode(piece(4)))
    bits = Recurrent(indifferent, [1], block=8, padded=False).judge(tokens).bits
    kinds = [VOCABULARY.kind(token) for token in tokens[1:].tolist()]
    expected = np.full(len(kinds), math.log2(SIZE))
    expected[kinds.index("Comp")] += math.log2(12)
    np.testing.assert_allclose(bits, expected, rtol=1e-6)


def ends(windows: Floats) -> Floats:
    """A network whose logits show what a window begins and ends with."""
    rest = np.zeros((len(windows), 8), np.float32)
    return np.concatenate([windows[:, 0], windows[:, -1], rest], axis=1)


@given(st.lists(st.integers(0, 9), max_size=150))
def test_windows_slide(tokens: list[int]) -> None:
    network = Windowed(ends, window=4, vocabulary=10)
    found = np.concatenate([np.zeros((0, 10)), *network.logits(np.array(tokens, np.int64))])
    expected = [(a / 10, b / 10) for a, b in zip([0, 0, 0, *tokens], tokens, strict=False)]
    np.testing.assert_allclose(found[:, :2], np.array(expected).reshape(-1, 2), rtol=1e-6)
    judged = len(network.judge(np.array(tokens, np.int64)).bits)
    assert judged == (len(tokens) - 4 if len(tokens) > 4 else max(0, len(tokens) - 1))


class EndsSession:
    """`ends` as a graph in onnxruntime."""

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="window", shape=[None, 4, 1])]

    def run(self, _outputs: Sequence[str], feeds: dict[str, Floats]) -> list[Floats]:
        return [ends(feeds["window"])]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9))
def test_a_window_is_played_from_as_it_is_measured(tokens: list[int]) -> None:
    session = cast("ort.InferenceSession", EndsSession())
    *_, measured = of_session(session, vocabulary=10).logits(np.array(tokens))
    np.testing.assert_array_equal(WindowGraph(session, 10).logits(tokens), measured[-1])


@pytest.mark.parametrize(("length", "measured"), [(2, 1), (3, 2), (4, 3), (5, 1), (9, 5)])
def test_a_piece_shorter_than_a_window_is_measured_from_its_second_token_on(
    length: int, measured: int
) -> None:
    vocabulary = Vocabulary([f"C{octave}" for octave in range(10)])
    network = Windowed(ends, window=4, vocabulary=10)
    predictors: dict[str, Predictor] = {
        "model": network,
        "with memory": Remembering(network, relative=False),
        "n-gram": NGram(10, 2, relative=False).fit([(np.arange(10), np.ones(10, np.bool_))]),
    }
    tokens = np.arange(length) + 1
    found = evaluate(predictors, [Sample(tokens, np.ones(length, np.bool_))], vocabulary)
    assert {kinds["note"].tokens for kinds in found.by_kind.values()} == {measured}
    assert found.by_kind["n-gram"]["note"].hits == measured


def test_an_articles_names_are_renumbered(tmp_path: Path) -> None:
    with CorpusWriter(tmp_path) as writer:
        writer.add(
            np.array([0, 1, 1], np.uint16),
            source="here",
            group="a",
            split="train",
            notes=3,
            has_velocity=False,
        )
        writer.finish(language="article", vocabulary=["C4", "0.4.7"], style="song", left_out=())
    found = read_corpus(tmp_path, Vocabulary(["D4", "0.4.7", "C4"]))
    assert found.tokens(found.pieces[0]).tolist() == [2, 1, 1]
    with pytest.raises(CorpusError, match="1 tokens that the model does not have"):
        read_corpus(tmp_path, Vocabulary(["D4", "0.4.7"]))


def test_the_command_prints_json(small: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(BUNDLE), "--corpus", str(small.path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    (found,) = printed["sets"]
    assert found["set"] == "small"
    assert found["scores"]["model"]["bits_per_token"] > 0
    assert set(found["scores"]) == {"model", "with memory", "unigram", "n-gram"}


def test_the_command_prints_a_table_for_files(
    small: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(__file__).parents[3] / "daemon" / "seeds"
    assert main(["evaluate", str(BUNDLE), str(file), "--corpus", str(small.path)]) == 0
    printed = capsys.readouterr().out
    assert "a note" in printed
    assert "n-gram" in printed


def test_a_corpus_is_named_as_its_folder_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pieces: list[tuple[Split, Piece]] = [("train", piece(32)), ("held-out", piece(16))]
    corpus = write_grid_corpus(tmp_path / "songs [live]", pieces)
    assert main(["evaluate", str(BUNDLE), "--corpus", str(corpus.path)]) == 0
    assert "songs [live]: 1 pieces" in capsys.readouterr().out


def test_a_stray_file_is_left_out_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stray = tmp_path / "stray.mid"
    stray.write_bytes(b"no music")
    assert main(["evaluate", str(BUNDLE), str(tmp_path)]) == 2
    assert "expected at least one piece, found none in 1 files" in capsys.readouterr().err
    shutil.copy(Path(__file__).parents[3] / "daemon" / "seeds" / "phrase.mid", tmp_path)
    assert main(["evaluate", str(BUNDLE), str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert told.err.startswith("left out: stray.mid: ")
    assert told.err.count("\n") == 1
    assert "1 pieces" in told.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected files of music or a --corpus"),
        (["a.mid", "--style", "jaz"], "--style: expected one of jazz, combo"),
        (["--corpus", "a", "--style", "jazz"], "--style: expected files beside it, found none"),
        (["--corpus", "a", "--quick"], "--quick: expected --report beside it, found none"),
        (["a.mid", "--temperature", "0.5"], "--temperature: expected --report beside it"),
        (["a.mid", "--nucleus", "0.9"], "--nucleus: expected --report beside it"),
        (["a.mid", "--memory", "0"], "--memory: expected --report beside it"),
        (["--corpus", "a", "--seed", "0"], "--seed: expected --report beside it"),
        (["a.mid", "--config", "config.toml"], "--config: expected --report beside it"),
        (["a.mid", "--corpus", "a", "--corpus", "b"], "expected one --corpus beside files"),
        (["--corpus", "a", "--corpus", "./a"], "a: expected each corpus once, found it twice"),
        (["--corpus", "nowhere"], "expected a corpus, found no corpus.json"),
        (["nowhere.mid"], "nowhere.mid"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(BUNDLE), *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
