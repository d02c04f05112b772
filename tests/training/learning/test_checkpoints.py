"""The checkpoints of a run as rows of a table."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from jamd.errors import CorpusError
from jamd.training.learning.checkpoints import Checkpoint, Heard, as_csv, best, checkpoints


def heard(epoch: int, loss: float, bits: float | None, names: str) -> Heard:
    checkpoint = Checkpoint(epoch, loss, Path(f"{epoch:04d}-{loss:.4f}.weights.h5"))
    return Heard(checkpoint, bits, tuple(names.split()))


def test_checkpoints_are_found_by_epoch(tmp_path: Path) -> None:
    folder = tmp_path / "improvements"
    folder.mkdir()
    for name in ("0012-1.2500", "0002-3.5000", ".new-0013-1.0000"):
        (folder / f"{name}.weights.h5").touch()
    (folder / "notes.txt").touch()
    found = checkpoints(tmp_path)
    assert [(one.epoch, one.loss, one.name) for one in found] == [
        (2, 3.5, "0002-3.5000"),
        (12, 1.25, "0012-1.2500"),
    ]


def test_a_run_without_checkpoints_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="found none"):
        checkpoints(tmp_path)


def test_the_table_for_a_spreadsheet_tells_how_much_was_repeated() -> None:
    rows = [heard(1, 4.5, 6.25, "C4 D4 " * 4), heard(2, 3.0, None, "C4 0.4.7 E4 G4")]
    one, other = csv.DictReader(as_csv(rows).splitlines())
    assert one["checkpoint"] == "0001-4.5000"
    assert (one["held_out_bits_per_token"], other["held_out_bits_per_token"]) == ("6.2500", "")
    assert (one["moments"], one["distinct_notes"], one["longest_repeat"]) == ("8", "2", "4")
    assert (one["distinct_4"], other["distinct_4"]) == ("0.4000", "1.0000")
    assert other["notes"] == "C4 0.4.7 E4 G4"


def test_the_best_is_the_one_that_predicts_best() -> None:
    early, late = heard(1, 4.0, 6.0, "C4"), heard(2, 3.0, 7.0, "C4")
    assert best([early, late]) is early
    early, late = heard(1, 4.0, None, "C4"), heard(2, 3.0, None, "C4")
    assert best([early, late]) is late
