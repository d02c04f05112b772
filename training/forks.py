"""Where the reading processes come from.

A server forks them ready-made, with numpy and the readers imported: safe beside threads, and quick
when one that was killed is to be replaced. Started early, it gets ready while its parent still
imports its own modules; so this module imports next to nothing.
"""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing.context import BaseContext

_PRELOAD = ("work", "tasks", "midi_file", "pieces", "grid_table")


def start() -> BaseContext:
    """Start the server if it is not running, and return how to get processes from it.

    Where the system cannot fork (Windows), each process starts from nothing.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"jamd.training.{name}" for name in _PRELOAD])
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent alone
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)
    return context
