"""How long `jamd play` takes to be ready: imports, bundle, worker and ports."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from jamd.bench.daemon import jack_server, playing, variables
from jamd.bench.report import Row, absolute


def rows(bundle: Path, runs: int = 5) -> Iterator[Row]:
    """Measure the start, and the first start after set-up, `runs` times each."""
    with jack_server():
        where, spent_s = _starts(bundle, runs)
        yield absolute(f"start to ready, {where}", "s", spent_s, 1)
        with _own_bytecode() as forget:
            where, spent_s = _starts(bundle, runs, forget)
        yield absolute(f"first start after set-up to ready, {where}", "s", spent_s, 1)


def _starts(
    bundle: Path, runs: int, before: Callable[[], None] = lambda: None
) -> tuple[str, list[float]]:
    """Where the ports were, and the seconds of each run but a first one, which warms up."""
    spent_s = []
    for _ in range(runs + 1):
        before()
        with playing(bundle) as daemon:
            spent_s.append(daemon.ready_s)
    return daemon.where, spent_s[1:]


@contextmanager
def _own_bytecode() -> Iterator[Callable[[], None]]:
    """Let Python keep its bytecode elsewhere meanwhile; yields what throws jamd's own away.

    So it is after a set-up, which compiles the libraries but not an editable install's own files.
    """
    with tempfile.TemporaryDirectory(prefix="jamd-bench-") as folder:

        def forget() -> None:
            for package in ("jamd", "jamd.daemon"):
                spec = find_spec(package)
                for place in (spec and spec.submodule_search_locations) or ():
                    kept = Path(folder) / Path(place).resolve().relative_to(Path(place).anchor)
                    shutil.rmtree(kept, ignore_errors=True)

        with variables(PYTHONPYCACHEPREFIX=folder):
            yield forget
