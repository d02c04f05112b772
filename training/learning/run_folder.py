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
    """Whether `folder`, given where a run or a bundle is expected, is to be read as a run.

    Raises:
        CorpusError: It holds neither.
    """
    if (folder / MANIFEST).is_file() or is_run(folder):
        return not (folder / MANIFEST).is_file()
    if (folder / "corpus.json").is_file():
        found = f"a corpus: `jamd train {folder} -o RUN` makes a run of it"
    else:
        found = "none: check the path"
    raise CorpusError(f"{folder}: expected a run or a bundle, found {found}")


def expect_run(folder: Path) -> None:
    """Refuse a folder that is no run before anything slow is loaded.

    Raises:
        CorpusError: `folder` holds no run.
    """
    if not is_run(folder):
        raise CorpusError(f"{folder}: expected a run, found no {RUN}; make one with jamd train")
