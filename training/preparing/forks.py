"""Where the reading processes come from.

A fork server forks them with numpy and the readers already imported: this is safe beside threads,
and quick when a killed process has to be replaced. Started early, the server gets ready while its
parent still imports its own modules; for that reason this module imports next to nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext

_STDERR = 2

PRELOAD = (
    "jamd.grid.encoding",
    "jamd.training.preparing.worker_pool",
    "jamd.training.preparing.tasks",
    "jamd.training.preparing.midi_file",
    "jamd.training.preparing.pieces",
)
"""What the server imports; it passes over a module that is missing without a word."""


def start() -> BaseContext:
    """Start the server if it is not running, and return the context that gets processes from it.

    If the system cannot fork (Windows), each process is spawned from scratch instead.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # only the parent handles Ctrl-C
    try:
        with _silence():
            forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)
    return context


@contextmanager
def _silence() -> Iterator[None]:
    """What is started meanwhile says nothing on stderr, ever.

    A process whose parent ends while it starts would print a traceback: what it shares with its
    parent is gone. An error in a task reaches the parent all the same; of a crash of the process
    itself, the parent learns only that there was one.
    """
    try:
        stderr = os.dup(_STDERR)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(stderr, _STDERR)
        os.close(stderr)
