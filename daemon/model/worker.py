"""The improviser's process: what goes through its pipes, and its main loop.

The front must keep the beat to the millisecond, and a busy Python thread beside it would delay it
by up to twelve; so the model runs in a process of its own, `python -m jamd.daemon.model.worker`,
with the requests on its standard input and the answers on its standard output. The worker is a
function with a cache: it can be killed at any moment and another one started, and only time is
lost.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from jamd.daemon.model.requests import LikelihoodRequest, Likelihoods, Planned, PlanRequest, Request
from jamd.daemon.model.wire import receive, send
from jamd.errors import BundleError
from jamd.memory_limit import limit_memory

if TYPE_CHECKING:
    from jamd.daemon.model.improviser import Improviser

NICENESS = 5
"""The front has priority: if both want one core, the beat matters more than the next idea."""


MOST_MEMORY = 1 << 30
"""Bytes allowed in addition to those for the weights: a worker needs a tenth of it."""


@dataclass(frozen=True, slots=True)
class Load:
    """The first message to a worker: which model, and how to run it.

    Attributes:
        bundle: The bundle's folder.
        provider: "cpu" or "cuda".
        threads: Number of threads of the runtime, at least 1.
    """

    bundle: Path
    provider: str = "cpu"
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Ready:
    """The first answer: the model is loaded.

    Attributes:
        provider: As requested.
        precision: "int8" or "float32".
        runtime: onnxruntime's version.
        step_us: Median microseconds for one token, measured now.
    """

    provider: str
    precision: str
    runtime: str
    step_us: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The first answer if the model cannot be run: why, on one line."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The request `id` could not be answered: a bug, on one line. The worker is still there."""

    id: int
    reason: str


Answer = Ready | Refused | Planned | Likelihoods | Fault


def load(wanted: Load) -> Improviser:
    """Load the model, or raise an error with a message for the user.

    Raises:
        BundleError: The bundle is refused.
        RuntimeError: The provider cannot be loaded here.
    """
    from jamd.bundle.bundle import Bundle
    from jamd.daemon.model.cuda import preload_cuda
    from jamd.daemon.model.improviser import Improviser

    bundle = Bundle.read(wanted.bundle)
    if wanted.provider == "cuda":
        preload_cuda()
    else:
        limit_memory(MOST_MEMORY + 8 * max(g.bytes for g in bundle.manifest.graphs.values()))
    return Improviser(bundle, wanted.provider, wanted.threads)


def serve(improviser: Improviser, inbox: queue.SimpleQueue[Request], pipe: BinaryIO) -> None:
    """Answer requests for ever, always the newest; older ones are dropped, even half answered.

    Raises:
        OSError: The front no longer reads the answers.
    """
    while True:
        request = inbox.get()
        while not inbox.empty():
            request = inbox.get()
        try:
            for answer in _answers(improviser, request, lambda: not inbox.empty()):
                send(answer, pipe)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - the next request may well go better
            send(Fault(request.id, f"{type(error).__name__}: {error}"), pipe)


def _answers(
    improviser: Improviser, request: Request, superseded: Callable[[], bool]
) -> Iterable[Planned | Likelihoods]:
    match request:
        case PlanRequest():
            return improviser.plan(request, superseded)
        case LikelihoodRequest():
            return improviser.likelihoods(request, superseded)


def main() -> int:
    """The worker's whole life. It exits when its input ends, that is, with the front."""
    for name in ("SIGINT", "SIGTERM", "SIGQUIT"):
        with suppress(AttributeError):  # Windows has no SIGQUIT
            signal.signal(getattr(signal, name), signal.SIG_IGN)  # the front decides when to stop
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer

    # The slow imports, while the front is still busy with its own.
    import onnxruntime

    import jamd.daemon.model.improviser  # noqa: F401

    try:
        wanted = receive(sys.stdin.buffer)
        improviser = load(wanted)
        ready = Ready(
            wanted.provider, improviser.precision, onnxruntime.__version__, improviser.step_us()
        )
    except EOFError:
        return 0
    except Exception as error:  # noqa: BLE001 - onnxruntime's own errors have no other base
        kind = "" if isinstance(error, BundleError | RuntimeError) else f"{type(error).__name__}: "
        send(Refused(kind + " ".join(str(error).split())), answers)
        return 0
    send(ready, answers)
    inbox: queue.SimpleQueue[Request] = queue.SimpleQueue()

    def listen() -> None:
        with suppress(EOFError):
            while True:
                inbox.put(receive(sys.stdin.buffer))
        os._exit(0)  # the front is gone: exit even in the middle of a plan

    threading.Thread(target=listen, daemon=True).start()
    with suppress(BrokenPipeError):
        serve(improviser, inbox, answers)
    return 0


if __name__ == "__main__":
    # Pickles name their classes by module: be the module of that name, not `__main__`.
    from jamd.daemon.model import worker

    sys.exit(worker.main())
