"""The mean of checkpoints is exported, and said to be that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jamd.bundle.bundle import Bundle
from jamd.errors import CorpusError
from jamd.training.backend import load_backend

pytestmark = pytest.mark.train

load_backend()

from jamd.cli import main  # noqa: E402 - after the backend, which is loud otherwise
from jamd.training.learning.averaging import mean_network  # noqa: E402
from jamd.training.learning.checkpoints import checkpoints  # noqa: E402
from jamd.training.learning.runs import Run  # noqa: E402


def test_the_mean_of_checkpoints_is_exported_and_the_card_says_so(
    grid_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *between, last = checkpoints(grid_run.path)
    assert between, "a mean of epochs that do not follow each other"
    mean = mean_network(grid_run, [first.epoch, last.epoch]).get_weights()
    pairs = zip(*(grid_run.network(one.path).get_weights() for one in (first, last)), strict=True)
    for found, (one, other) in zip(mean, pairs, strict=True):
        np.testing.assert_allclose(found, (one + other) / 2, atol=1e-6)

    epochs, bundle = f"{first.epoch},{last.epoch}", tmp_path / "bundle"
    command = ["export", str(grid_run.path), "-o", str(bundle), "--figures", "0", "--float32"]
    assert main([*command, "--mean", epochs]) == 0
    said = f"the mean of epochs {first.epoch}, {last.epoch}"
    assert Bundle.read(bundle).manifest.training["weights"] == said
    assert said in (bundle / "README.md").read_text(encoding="utf-8")
    assert capsys.readouterr().err == ""


def test_the_mean_of_one_is_that_one(grid_run: Run) -> None:
    *_, last = checkpoints(grid_run.path)
    pairs = zip(
        mean_network(grid_run, [last.epoch]).get_weights(),
        grid_run.network(last.path).get_weights(),
        strict=True,
    )
    for found, expected in pairs:
        np.testing.assert_array_equal(found, expected)


def test_epochs_without_a_checkpoint_are_refused(grid_run: Run) -> None:
    kept = [checkpoint.epoch for checkpoint in checkpoints(grid_run.path)]
    for epochs in ([], [kept[0], 99], [kept[0], kept[0]]):
        with pytest.raises(CorpusError, match=f"each once .{kept[0]}, ") as refused:
            mean_network(grid_run, epochs)
        assert "\n" not in str(refused.value)


def test_what_are_no_epochs_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path / "run"), "-o", str(tmp_path / "b"), "--mean", "7-14"]) == 2
    assert "expected epochs as in 7,14,23, found '7-14'" in capsys.readouterr().err
