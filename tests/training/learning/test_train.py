"""A run learns, can be stopped at any moment, and says what it did."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.daemon.model.generate import to_entries
from jamd.daemon.takes.take import to_midi
from jamd.errors import CorpusError
from jamd.lock import only_writer
from jamd.notes import Note, Tick
from jamd.training.backend import load_backend
from jamd.training.corpus import Corpus

pytestmark = pytest.mark.train

load_backend()

from jamd.cli import main  # noqa: E402 - after the backend, which is loud otherwise
from jamd.training import recipe  # noqa: E402
from jamd.training.judging.evaluate import evaluate_corpus  # noqa: E402
from jamd.training.judging.predictors import of_keras  # noqa: E402
from jamd.training.judging.subjects import corpora_of  # noqa: E402
from jamd.training.learning.lessons import GridLessons, LossScore  # noqa: E402
from jamd.training.learning.runs import Run, Settings, preset  # noqa: E402
from jamd.training.learning.train import LEARNING_PER_LOOK, Moment, new_run, rate_at, train  # noqa: E402

SMALL = Settings(units=12, layers=2, inner=8, rows=4, window=16, rate=1e-2, epoch_steps=4, epochs=2)

MakeGrid = Callable[[str], Corpus]
MakeArticle = Callable[[str, Sequence[str], int], Corpus]


def ignore(moment: Moment) -> None:
    """Training that nobody watches."""


def test_a_grid_run_learns_and_keeps_its_best(trained: tuple[Run, list[Moment]]) -> None:
    run, moments = trained
    history = run.history()
    assert [item["epoch"] for item in history] == [1, 2, 3, 4, 5]
    assert history[-1]["held_out"]["loss"] < history[0]["held_out"]["loss"]
    assert set(history[-1]["held_out_by_style"]) == {"jazz", "song"}
    assert (run.path / "history.png").read_bytes().startswith(b"\x89PNG")
    best = min(item["held_out"]["loss"] for item in history)
    improvements = sorted(path.name for path in (run.path / "improvements").iterdir())
    assert len(improvements) == sum(item["improved"] for item in history)
    named = float(improvements[-1].partition("-")[2].removesuffix(".weights.h5"))
    assert named == pytest.approx(best, abs=1e-4)
    assert moments[-1].done == 1
    assert sum(moment.finished is not None for moment in moments) == 5

    read = Run.read(run.path)
    assert [source.share for source in read.sources] == [0.75, 0.25]
    network = read.network()
    states = [np.zeros((1, 12), np.float32)] * 4
    logits = network.predict_on_batch([np.array([[1, 3, 10]], np.int32), *states])[0]
    assert logits.shape == (1, 3, len(read.vocabulary))


def test_the_checkpoints_of_a_grid_run_can_be_compared(
    grid_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    *others, last = sorted(grid_run.path.glob("improvements/*"))
    for other in others:
        other.unlink()
    heard, name = tmp_path / "heard", last.name.removesuffix(".weights.h5")
    assert main(["compare", str(grid_run.path), "-n", "8", "-o", str(heard)]) == 0
    assert {path.name for path in heard.iterdir()} == {"compare.csv", f"{name}.mid"}
    _, row = (heard / "compare.csv").read_text().splitlines()
    assert row.startswith(f"{name},{int(name.partition('-')[0])},")
    assert "1 MIDI files" in capsys.readouterr().out


def test_a_killed_run_goes_on_from_its_last_epoch(grid_corpus: MakeGrid, tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", [grid_corpus("jazz").path], SMALL, {})

    def stop_in_the_third_epoch(moment: Moment) -> None:
        if moment.epoch == 3 and moment.step == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(run.with_budget(4, None), stop_in_the_third_epoch)
    assert [item["epoch"] for item in run.history()] == [1, 2]

    train(run.with_budget(4, None), ignore)
    history = run.history()
    assert [item["step"] for item in history] == [4, 8, 12, 16]
    assert history[2]["training"]["loss"] < history[0]["training"]["loss"]

    moments: list[Moment] = []
    train(run.with_budget(4, None), moments.append)
    assert not moments  # done is done


def test_the_same_seed_trains_the_same_network(
    trained: tuple[Run, list[Moment]], tmp_path: Path
) -> None:
    def stop_after_the_first_epoch(moment: Moment) -> None:
        if moment.finished:
            raise KeyboardInterrupt

    run, _ = trained
    again = replace(run, path=tmp_path / "again")
    with pytest.raises(KeyboardInterrupt):
        train(again, stop_after_the_first_epoch)
    first, same = (each.history()[0]["held_out"]["loss"] for each in (run, again))
    assert same == pytest.approx(first, abs=1e-4)


def test_minutes_are_a_budget_too_of_which_looking_takes_a_small_part(
    grid_corpus: MakeGrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0  # a GPU's time: a batch takes 10 ms, a look a second

    def spend(seconds: float, result: object) -> object:
        nonlocal now
        now += seconds
        return result

    monkeypatch.setattr("jamd.training.learning.train.time.monotonic", lambda: now)
    monkeypatch.setattr(GridLessons, "learn", lambda _: spend(0.01, True))
    monkeypatch.setattr(GridLessons, "held_out", lambda _: spend(1.0, {}))
    monkeypatch.setattr(GridLessons, "score", lambda _: LossScore(1.0, 0.5, 64.0))
    run = new_run(tmp_path / "run", [grid_corpus("jazz").path], SMALL, {})
    train(run.with_budget(None, 1.0), ignore)
    history = run.history()
    assert 60 <= history[-1]["seconds"] <= 60 + 1.1, "up to a batch and a look beyond a minute"
    steps = [item["step"] for item in history]
    # The first look, for which all is compiled, does not count.
    assert steps[:2] == [SMALL.epoch_steps, 2 * SMALL.epoch_steps]
    assert np.diff(steps[1:3]) == [pytest.approx(LEARNING_PER_LOOK / 0.01, abs=2)]


def test_an_article_run_learns_from_loops_shorter_than_a_window(
    article_corpus: MakeArticle, tmp_path: Path
) -> None:
    loops = article_corpus("loops", ["C4", "E4", "0.4.7"], 20)
    other = article_corpus("other", ["C4", "G4", "2.5.9"], 40)
    settings = replace(preset("article", "tiny"), epochs=3, rows=8, rate=1e-2)
    run = new_run(tmp_path / "run", [loops.path, other.path], settings, {})
    assert list(run.vocabulary) == ["0.4.7", "2.5.9", "C4", "E4", "G4"]
    train(run, ignore)
    losses = [item["held_out"]["loss"] for item in run.history()]
    assert losses[-1] < losses[0]
    assert Run.read(run.path).network().output_shape == (None, 5)


def test_short_loops_are_measured_as_in_training(
    article_corpus: MakeArticle, tmp_path: Path
) -> None:
    corpus = article_corpus("loops", ["C4", "E4", "0.4.7"], 20)
    settings = replace(preset("article", "tiny"), epochs=2, rows=8, precision="float32")
    run = new_run(tmp_path / "run", [corpus.path], settings, {})
    train(run, ignore)
    best = min(epoch["held_out"]["loss"] for epoch in run.history())
    network = of_keras(run.network(), vocabulary=len(run.vocabulary))
    found = evaluate_corpus({"model": network}, *corpora_of(run))
    assert found.tokens == run.history()[0]["held_out"]["tokens"] == 19
    assert found.score("model").bits_per_token * math.log(2) == pytest.approx(best, abs=1e-4)


def test_names_that_an_article_model_does_not_know_are_counted(
    article_corpus: MakeArticle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = article_corpus("loops", ["A4", "B4", "C5", "D5"], 20)
    run = new_run(tmp_path / "run", [corpus.path], replace(preset("article", "tiny"), epochs=1), {})
    train(run, ignore)
    file = tmp_path / "tune.mid"
    pitches = (69, 71, 72, 74, 76, 77, 79, 81, 83, 81, 79, 77, 76, 74, 72, 71)
    notes = [Note(Tick(480 * i), pitch, 80, Tick(480)) for i, pitch in enumerate(pitches)]
    to_midi(to_entries(notes, 100)).save(file)
    capsys.readouterr()
    assert main(["evaluate", str(run.path), str(file), "--json"]) == 0
    shown = capsys.readouterr()
    assert "left out: 9 of 16 notes and chords: the model has no names for them" in shown.err
    assert json.loads(shown.out)["sets"][0]["tokens"] == 6
    assert main(["evaluate", str(run.path), "--corpus", str(corpus.path)]) == 0
    assert "left out" not in capsys.readouterr().err


def test_what_cannot_be_trained_leaves_no_run(
    article_corpus: MakeArticle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loop, run = article_corpus("loop", ["C4"], 2).path, tmp_path / "run"
    assert main(["train", str(loop), "-o", str(run), "--preset", "tiny", "--faithful"]) == 2
    assert "expected more than 32 notes and chords" in capsys.readouterr().err
    assert not run.exists()


def test_a_corpus_is_no_place_for_a_run(
    grid_corpus: MakeGrid, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = grid_corpus("jazz").path
    before = sorted(corpus.iterdir())
    assert main(["train", str(corpus), "-o", f"{corpus.parent}/./{corpus.name}"]) == 2
    assert "expected a folder for the run, found the corpus" in capsys.readouterr().err
    assert sorted(corpus.iterdir()) == before


@pytest.mark.parametrize("wrong", ["--units", "--layers", "--batch", "--window"])
def test_a_network_or_batch_that_no_memory_can_hold_is_one_line(
    wrong: str, grid_corpus: MakeGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, run = grid_corpus("jazz").path, tmp_path / "run"
    assert main(["train", str(corpus), "-o", str(run), wrong, "100000000"]) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("jamd: ")]
    assert wrong in line.partition(" GB and more to learn; choose ")[2]
    assert not run.exists()


def test_without_held_out_pieces_the_training_loss_decides(
    article_corpus: MakeArticle, tmp_path: Path
) -> None:
    corpus = article_corpus("loops", ["C4", "E4"], 20)
    content = json.loads((corpus.path / "corpus.json").read_text())
    content["pieces"] = [piece for piece in content["pieces"] if piece["split"] == "train"]
    (corpus.path / "corpus.json").write_text(json.dumps(content))
    run = new_run(tmp_path / "run", [corpus.path], replace(preset("article", "tiny"), epochs=1), {})
    train(run, ignore)
    assert run.history()[0]["held_out"] is None
    assert run.network() is not None


def test_corpora_of_two_languages_are_refused(
    grid_corpus: MakeGrid, article_corpus: MakeArticle, tmp_path: Path
) -> None:
    corpora = [grid_corpus("jazz").path, article_corpus("a", ["C4", "E4"], 9).path]
    with pytest.raises(CorpusError, match="one language, found article and grid"):
        new_run(tmp_path / "run", corpora, SMALL, {})


def test_a_corpus_of_another_version_is_refused(
    grid_corpus: MakeGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = grid_corpus("jazz").path
    content = json.loads((corpus / "corpus.json").read_text())
    content["vocabulary"][-1] = "Of_Old"
    (corpus / "corpus.json").write_text(json.dumps(content))
    for more in ([], ["--from", "default"]):
        assert main(["train", str(corpus), "-o", str(tmp_path / "run"), *more]) == 2
        (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("jamd: ")]
        assert line == f"jamd: {corpus}: made by another version of jamd; prepare it again"


def test_a_run_that_diverges_ends_in_one_line_and_keeps_what_it_had(
    grid_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wild = replace(grid_run, settings=replace(grid_run.settings, rate=1e36, epochs=6))
    corpora = [source.path for source in grid_run.sources]
    path = tmp_path / "wild"
    replace(wild, path=path).write()
    assert main(["train", *corpora, "-o", str(path)]) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("jamd: ")]
    assert line.startswith(f"jamd: {path}: expected a finite loss, found nan in epoch 1; train ")
    assert "a smaller --rate than 1e+36" in line
    assert not (path / "last.npz").exists()

    def files() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in grid_run.path.iterdir() if path.is_file()}

    before = files()
    wild.write()
    assert main(["train", *corpora, "-o", str(grid_run.path)]) == 2
    assert "in epoch 6; train" in capsys.readouterr().err
    grid_run.write()
    assert files() == before


@given(st.floats(0, 1))
def test_the_learning_rate_rises_once_and_falls(done: float) -> None:
    assert 0 <= rate_at(done) <= 1
    assert rate_at(0.02) == 1
    assert rate_at(1) == pytest.approx(0)


def test_the_command_trains_and_goes_on(
    grid_corpus: MakeGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, run = str(grid_corpus("jazz").path), str(tmp_path / "run")
    small = ["--preset", "tiny", "--epochs", "1", "--units", "8", "--batch", "2", "--window", "8"]
    assert main(["train", corpus, "-o", run, *small]) == 0
    assert "epoch 1: 100%" in capsys.readouterr().out
    assert main(["train", corpus, "-o", run, "--epochs", "2"]) == 0
    assert "epoch 2: 100%" in capsys.readouterr().out
    assert main(["train", corpus, "-o", run, "--units", "9"]) == 2
    assert "begun with --units 8, not 9" in capsys.readouterr().err
    assert main(["train", corpus, "-o", run, "--batch", "9"]) == 2
    assert "begun with --batch 2, not 9" in capsys.readouterr().err
    assert main(["train", corpus, "-o", run, "--weight-drop", "0.5"]) == 2
    assert "begun with --weight-drop 0.0, not 0.5" in capsys.readouterr().err
    assert main(["train", corpus, "-o", run, "--no-resume"]) == 2
    assert main(["train", str(tmp_path / "none"), "-o", str(tmp_path / "new")]) == 2
    assert "make one with jamd prepare" in capsys.readouterr().err


def test_a_run_goes_on_only_with_what_it_was_begun_with(
    grid_corpus: MakeGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jazz, song = grid_corpus("jazz").path, grid_corpus("song").path
    settings = replace(preset("grid", "tiny"), units=4, rows=2, window=8, epoch_steps=25)
    run = new_run(tmp_path / "run", [jazz, song], settings, {"jazz": 3, "song": 1})
    run.write()
    both = [str(song), str(jazz)]  # in any order
    for wrong, told in (
        ([str(song)], f"begun on {jazz} {song}, not on {song}; give the same, or name another"),
        ([*both, "--weight", "song=1"], "begun with shares of jazz 75.0%, song 25.0%, not jazz 5"),
        ([*both, "--weight", "roll=1"], "expected weights for styles of the corpora (jazz, song)"),
        ([*both, "--preset", "default"], "begun with another --preset, not default"),
        ([*both, "--faithful"], "begun without --faithful, not with it; leave it out, or name"),
        ([*both, str(song)], f"{song}: expected each corpus once, found it twice; name it once"),
    ):
        assert main(["train", *wrong, "-o", str(run.path), "--minutes", "1"]) == 2
        assert told in capsys.readouterr().err
    same = [*both, "--weight", "song=5", "--weight", "jazz=15", "--preset", "tiny"]
    assert main(["train", *same, "-o", str(run.path), "--minutes", "0.0001"]) == 0
    before = json.loads((song / "corpus.json").read_text())
    before["pieces"][0]["split"] = "held-out"
    (song / "corpus.json").write_text(json.dumps(before))
    assert main(["train", *both, "-o", str(run.path), "--minutes", "1"]) == 2
    assert f"{song}: prepared anew, with other pieces, since" in capsys.readouterr().err


def test_a_run_that_is_being_trained_is_left_alone(
    grid_corpus: MakeGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, run = str(grid_corpus("jazz").path), tmp_path / "run"
    for more in ([], ["--from", "default"]):
        with only_writer(run):
            assert main(["train", corpus, "-o", str(run), *more]) == 2
            assert [path.name for path in run.iterdir()] == [".lock"]
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"jamd: {run}: expected a folder that nobody writes to, found")


@pytest.mark.parametrize(
    "arguments", [["--weight", "jazz"], ["--minutes", "0"], ["--dropout=1"], ["--seed", "-5"]]
)
def test_arguments_are_checked_before_a_run_is_begun(
    arguments: list[str],
    grid_corpus: MakeGrid,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    corpus, run = grid_corpus("jazz").path, tmp_path / "run"
    assert main(["train", str(corpus), "-o", str(run), "--preset", "tiny", *arguments]) == 2
    option = arguments[0].removesuffix("=1")
    assert capsys.readouterr().err.startswith(f"jamd: argument {option}: expected ")
    assert not run.exists()


@pytest.mark.parametrize("several", ["", '{"cluster": {"worker": ["a:1", "b:1"]}}'])
@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ("jax", "jamd: KERAS_BACKEND=jax: expected jax, found none: pip install jax"),
        ("nope", "jamd: KERAS_BACKEND=nope: expected tensorflow, jax or torch"),
    ],
)
def test_a_backend_that_is_not_there_is_one_line(
    backend: str, told: str, several: str, grid_corpus: MakeGrid, tmp_path: Path
) -> None:
    program = "import sys; sys.modules['jax'] = None; from jamd.cli import main; sys.exit(main())"
    command = ["train", str(grid_corpus("jazz").path), "-o", str(tmp_path / "run")]
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CONFIG": several}
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, told)
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "run.json").exists()


def test_the_recipe_names_its_sets_and_refuses_a_folder_without_them(tmp_path: Path) -> None:
    assert sum(item.weight for item in recipe.INGREDIENTS) == pytest.approx(1)
    with pytest.raises(CorpusError, match="openewld"):
        recipe.ingredients_in(tmp_path)
    (tmp_path / "mutopia").mkdir()
    assert [item.style for item in recipe.ingredients_in(tmp_path)] == ["piano"]
    (tmp_path / "openewld").mkdir()  # whose chords need the rhythms of two sets
    assert [item.style for item in recipe.ingredients_in(tmp_path)] == ["jazz", "piano"]
    (tmp_path / "free-midi-chords").mkdir()
    found = [item.style for item in recipe.ingredients_in(tmp_path)]
    assert found == ["jazz", "chords", "piano", "combo"]
