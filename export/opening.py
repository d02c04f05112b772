"""Open a model by name, ready to play, whether it is a bundle or still a run."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.bundle.bundle import Bundle, resolve
from jamd.errors import BundleError
from jamd.training.learning.run_folder import expect_run, is_meant_as_run

if TYPE_CHECKING:
    from jamd.training.learning.runs import Run


@contextmanager
def opened(name: str) -> Generator[Bundle]:
    """The bundle called `name`, or, for a run in a folder of that name, a temporary draft of it.

    Raises:
        UserError: There is neither, or it is damaged.
    """
    folder = resolve(name)
    if is_meant_as_run(folder):
        with drafted(open_run(folder)) as bundle:
            yield bundle
    else:
        yield Bundle.read(folder)


@contextmanager
def drafted(run: Run, weights: Path | None = None) -> Generator[Bundle]:
    """A run with some of its weights, the best by default, as a temporary bundle.

    Raises:
        UserError: As in `jamd.export.draft.draft`.
    """
    from jamd.export.draft import draft

    with tempfile.TemporaryDirectory() as temporary:
        yield draft(run, Path(temporary) / "bundle", weights)


def expect_trainable(bundle: Bundle) -> None:
    """Refuse a bundle whose network cannot be trained further, before anything slow is loaded.

    Raises:
        BundleError: Its language is the article's, or another version of the grid's, or it has no
            float32 graph.
    """
    if bundle.manifest.language != "grid":
        raise BundleError(
            f"expected a bundle of the grid language in {bundle.path}, found one of the "
            f"{bundle.manifest.language} language: only a grid network can be trained further"
        )
    bundle.language  # refuses another version of the vocabulary  # noqa: B018
    bundle.graph_path("float32")


def open_run(folder: Path) -> Run:
    """The run in a folder; loads Keras.

    Raises:
        CorpusError: There is no run, or it is damaged.
    """
    expect_run(folder)
    from jamd.training.backend import load_backend

    load_backend()
    from jamd.training.learning.runs import Run

    return Run.read(folder)
