"""How long `jamd play` takes to be ready: imports, bundle, worker and ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jamd.bench.daemon import jack_server, playing
from jamd.bench.report import Row, absolute


def rows(bundle: Path, runs: int = 5) -> Iterator[Row]:
    """Measure the start `runs` times. Set-up compiles everything, so a first start is no slower."""
    with jack_server():
        where, spent_s = _starts(bundle, runs)
        yield absolute(f"start to ready, {where}", "s", spent_s, 1)


def _starts(bundle: Path, runs: int) -> tuple[str, list[float]]:
    """Where the ports were, and the seconds of each run except a first one, which warms up."""
    spent_s = []
    for _ in range(runs + 1):
        with playing(bundle) as daemon:
            spent_s.append(daemon.ready_s)
    return daemon.where, spent_s[1:]
