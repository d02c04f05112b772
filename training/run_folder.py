"""What tells that a folder holds a run, for who does not open it yet: Keras is slow to load."""

from __future__ import annotations

from pathlib import Path

from jamd.bundle import MANIFEST
from jamd.errors import CorpusError

RUN = "run.json"
"""The file that says what is trained, on what and how."""


def is_run(folder: Path) -> bool:
    """Whether `folder` holds a run."""
    return (folder / RUN).is_file()


def is_meant_as_run(folder: Path) -> bool:
    """Whether `folder`, named where a run or a bundle is wanted, is to be read as a run."""
    return is_run(folder) and not (folder / MANIFEST).is_file()


def expect_run(folder: Path) -> None:
    """Refuse what is no run before anything slow is loaded for it.

    Raises:
        CorpusError: `folder` holds none.
    """
    if not is_run(folder):
        raise CorpusError(f"{folder}: expected a run, found no {RUN}; make one with jamd train")
