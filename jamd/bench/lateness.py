"""How late messages reach the port, beside a bare process that sleeps to the same deadlines."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jamd.bench.front import Busy
from jamd.bench.report import Row, absolute, blocks_as_late, greatest
from jamd.daemon.timing.follower import BeatSource

ASK_AGAIN_S = 0.01
"""How often the worker beside the bare process is polled: seldom, so as not to disturb that."""


def rows(
    bundle: Path, blocks: int = 5, clocked_blocks: int = 3, deadlines: int = 720
) -> Iterator[Row]:
    """Measure lateness, by jamd's own tempo and then following a MIDI clock.

    Args:
        bundle: The model's folder.
        blocks: Pairs of blocks by its own tempo.
        clocked_blocks: Pairs of blocks following a clock.
        deadlines: How many there are in each block.
    """
    yield from _rows(bundle, BeatSource.INTERNAL, blocks, deadlines)
    yield from _rows(bundle, BeatSource.MIDI, clocked_blocks, deadlines)


def _rows(bundle: Path, source: BeatSource, blocks: int, deadlines: int) -> Iterator[Row]:
    """Alternate blocks of the front and of a bare process, with a worker writing beside each."""
    front_ms: list[list[float]] = []
    bare_ms: list[list[float]] = []
    for _ in range(blocks):
        due_late = _front(bundle, deadlines, source)
        first = due_late[0][0]
        bare = _bare(bundle, [due - first for due, _ in due_late])
        front_ms.append([1000 * late for _, late in due_late])
        bare_ms.append([1000 * late for late in bare])
    beat = "following a clock" if source is BeatSource.MIDI else "worker writing"
    name = f"message late at the port, {beat}"
    bare_process = "bare process that sleeps"
    yield blocks_as_late(name, "ms", front_ms, bare_process, bare_ms, 1.5)
    together = [late for block in front_ms for late in block]
    yield absolute(f"{name}, quiet machine", "ms", together, 3, percent=99)
    bare_together = [late for block in bare_ms for late in block]
    latest = f"the latest message of all, {beat}, quiet machine"
    yield greatest(latest, "ms", together, bare_process, bare_together, 10)


def _front(bundle: Path, deadlines: int, source: BeatSource) -> list[tuple[float, float]]:
    module = "jamd.bench.front"
    command = [sys.executable, "-m", module, str(bundle), str(deadlines), source.value]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return [(due, late) for due, late in json.loads(result.stdout)]


def _bare(bundle: Path, deadlines: list[float]) -> list[float]:
    with _writing(bundle):
        result = subprocess.run(
            [sys.executable, "-m", "jamd.bench.sleeper"],
            check=True,
            input=json.dumps(deadlines).encode(),
            stdout=subprocess.PIPE,
        )
    late: list[float] = json.loads(result.stdout)
    return late


@contextmanager
def _writing(bundle: Path) -> Iterator[None]:
    """As a context: a worker writes without pause meanwhile."""
    busy = Busy(bundle, time.monotonic())
    over = threading.Event()

    def look_after() -> None:
        while not over.wait(ASK_AGAIN_S):
            busy.poll(time.monotonic())

    while not busy.writes:
        time.sleep(ASK_AGAIN_S)
        busy.poll(time.monotonic())
    thread = threading.Thread(target=look_after)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        busy.close()
