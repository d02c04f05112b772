"""A run on disk that is damaged, cut off or unfinished is refused in one line."""

from __future__ import annotations

import json
import os
import shutil
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
from jamd.training.learning.checkpoints import checkpoints  # noqa: E402
from jamd.training.learning.runs import Run, Settings, load_weights, save_weights  # noqa: E402
from jamd.training.learning.state import State  # noqa: E402
from jamd.training.learning.train import new_run, train  # noqa: E402

SMALL = Settings(units=12, layers=2, inner=8, rows=4, window=16, rate=1e-2, epoch_steps=4, epochs=2)

MakeGrid = Callable[[str], Corpus]
MakeArticle = Callable[[str, Sequence[str], int], Corpus]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "[" * 100_000, '{"format": 1}', '{"format": 99}', r'{"format": "\u001b[31m"}'],
)
def test_a_damaged_run_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(CorpusError, match="train anew") as told:
        Run.read(tmp_path)
    assert str(told.value).isprintable()


def damaged(content: bytes) -> list[bytes]:
    """A file cut off at several lengths, and one with a wrong byte at several places."""
    places = [len(content) * part // 16 for part in range(16)]
    return [content[:place] for place in places] + [
        content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :] for place in places
    ]


def test_whatever_becomes_of_a_run_it_is_one_line(grid_run: Run) -> None:
    run, network = grid_run, grid_run.network()
    reads: dict[str, Callable[[], object]] = {
        "run.json": lambda: Run.read(run.path),
        "last.npz": lambda: State.read(run.path),
        "best.weights.h5": lambda: load_weights(network, run.path / "best.weights.h5"),
    }
    for name, read in reads.items():
        content = (run.path / name).read_bytes()
        refused = 0
        for other in damaged(content):
            (run.path / name).write_bytes(other)
            try:
                read()
            except CorpusError as error:
                assert "\n" not in str(error)  # noqa: PT017 - both outcomes are right
                refused += 1
        assert refused >= 16, name  # a file that is cut off is none
        (run.path / name).write_bytes(content)


def test_weights_for_which_the_disk_has_no_room_are_not_begun(
    grid_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, weights = grid_run.network(), tmp_path / "some.weights.h5"
    save_weights(network, weights)
    size, before = weights.stat().st_size, set(tmp_path.iterdir())
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=size))
    with pytest.raises(OSError, match="No space left on device") as full:
        save_weights(network, weights)
    assert full.value.filename == str(weights)
    assert weights.stat().st_size == size
    assert set(tmp_path.iterdir()) == before


def test_a_truncated_state_is_one_line(grid_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    corpora = [source.path for source in grid_run.sources]
    further = ["train", *corpora, "-o", str(grid_run.path), "--epochs", "6"]
    last = grid_run.path / "last.npz"
    whole = last.read_bytes()
    last.write_bytes(whole[: len(whole) // 2])
    assert main(further) == 2
    assert f"jamd: {last}: damaged (File is not a zip file); train anew" in capsys.readouterr().err
    last.write_bytes(whole)
    replace(grid_run, settings=replace(grid_run.settings, units=13)).write()
    assert main(further) == 2
    assert "run.json and last.npz do not belong together; train anew" in capsys.readouterr().err


def test_the_best_so_far_is_known_after_a_stop(grid_run: Run) -> None:
    state = State.read(grid_run.path)
    assert state is not None
    best = min(item["held_out"]["loss"] for item in grid_run.history())
    assert state.best == pytest.approx(best, abs=1e-5)


def test_of_an_epoch_that_was_killed_and_done_again_one_checkpoint_is_kept(grid_run: Run) -> None:
    of_the_killed = grid_run.path / "improvements" / "0006-9.9999.weights.h5"
    of_the_killed.touch()
    train(grid_run.with_budget(6, None), lambda moment: None)
    assert not of_the_killed.exists()
    assert len(checkpoints(grid_run.path)) == sum(one["improved"] for one in grid_run.history())


@pytest.mark.parametrize(
    "wrong", [{"units": 0}, {"rate": "fast"}, {"precision": "double"}, {"faithful": 3}, {"new": 1}]
)
def test_settings_that_are_none_are_refused(
    wrong: dict[str, object], grid_corpus: MakeGrid, tmp_path: Path
) -> None:
    new_run(tmp_path / "run", [grid_corpus("jazz").path], SMALL, {}).write()
    head = json.loads((tmp_path / "run" / "run.json").read_text())
    head["settings"] |= wrong
    (tmp_path / "run" / "run.json").write_text(json.dumps(head))
    with pytest.raises(CorpusError, match=r"run\.json: damaged .*; train anew"):
        Run.read(tmp_path / "run")


def test_a_finished_run_is_told_with_what_makes_it_longer(
    grid_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    epochs = len(grid_run.history())
    sources = [source.path for source in grid_run.sources]
    for option, value in (("--epochs", "N"), ("--minutes", "M")):
        given = [option, str(epochs)] if value == "N" else [option, "0.00001"]
        assert main(["train", *sources, "-o", str(grid_run.path), *given]) == 0
        assert capsys.readouterr().out == (
            f"{grid_run.path} is finished, after epoch {epochs}: {option} {value} makes it longer\n"
        )
    assert main(["train", *sources, "-o", str(grid_run.path), "--epochs", str(epochs + 1)]) == 0
    assert capsys.readouterr().out.endswith(f"written to {grid_run.path}\n")


def test_a_run_without_an_epoch_has_no_network(grid_corpus: MakeGrid, tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", [grid_corpus("jazz").path], SMALL, {})
    with pytest.raises(CorpusError, match="expected a finished epoch, found none"):
        run.network()
    with pytest.raises(CorpusError, match=r"no run\.json"):
        Run.read(tmp_path)


def test_a_run_knows_its_corpora_by_any_path(grid_corpus: MakeGrid, tmp_path: Path) -> None:
    corpus = grid_corpus("jazz").path.rename(tmp_path / os.fsdecode(b"caf\xe9"))
    run = new_run(tmp_path / "run", [corpus], SMALL, {})
    run.write()
    assert Run.read(run.path).sources == run.sources
    assert run.sources[0].path == str(corpus)
