"""A model by name, ready to play, whether it is a bundle or still a run."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from jamd.bundle import MANIFEST, Bundle, resolve


@contextmanager
def opened(name: str) -> Generator[Bundle]:
    """The bundle called `name`; a run in a folder of that name is drafted for as long as it takes.

    Raises:
        UserError: It is neither, or damaged.
    """
    folder = resolve(name)
    if not (folder / "run.json").is_file() or (folder / MANIFEST).is_file():
        yield Bundle.read(folder)
        return
    from jamd.training.backend import load_backend

    load_backend()  # TensorFlow, for a run alone
    from jamd.export.draft import draft
    from jamd.training.runs import Run

    with tempfile.TemporaryDirectory() as temporary:
        yield draft(Run.read(folder), Path(temporary) / "bundle")
