"""Recognise a run folder without loading Keras, which is slow."""

from __future__ import annotations

from pathlib import Path

from jamd.bundle.bundle import MANIFEST
from jamd.errors import CorpusError

RUN = "run.json"
"""The file that states what is trained, on what and how."""


def is_run(folder: Path) -> bool:
    """Whether `folder` holds a run."""
    return (folder / RUN).is_file()


def is_meant_as_run(folder: Path) -> bool:
    """Whether `folder`, given where a run or a bundle is expected, is to be read as a run."""
    return is_run(folder) and not (folder / MANIFEST).is_file()


def expect_run(folder: Path) -> None:
    """Refuse a folder that is no run before anything slow is loaded.

    Raises:
        CorpusError: `folder` holds no run.
    """
    if not is_run(folder):
        raise CorpusError(f"{folder}: expected a run, found no {RUN}; make one with jamd train")
