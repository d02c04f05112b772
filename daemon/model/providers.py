"""Where the model runs: on the CPU at first, then on CUDA if that can load and is faster.

A small LSTM often computes a token on the CPU faster than the way to a GPU and back takes; so
nothing is assumed, and the result of one measurement is kept for this driver, runtime and bundle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import platformdirs

from jamd.bundle.bundle import Bundle
from jamd.daemon.model.supervisor import Supervisor
from jamd.daemon.model.worker import Load, Ready
from jamd.writing import written_whole

WORTH_IT = 0.8
"""A rival takes over only if it needs at most this share of the time: a smaller gain is noise."""


class Verdicts:
    """Earlier measurements: microseconds a token by provider, for a driver, runtime and bundle.

    Args:
        file: Where they are kept; a missing or damaged file holds none.
    """

    def __init__(self, file: Path | None = None) -> None:
        cache = platformdirs.user_cache_path("jamd", appauthor=False)
        self._file = file or cache / "providers.json"

    def find(self, key: str) -> dict[str, int] | None:
        """The microseconds found under `key`, with "cpu" among them."""
        found = self._read().get(key)
        if not isinstance(found, dict) or "cpu" not in found:
            return None
        return found if all(isinstance(us, int) for us in found.values()) else None

    def keep(self, key: str, step_us: dict[str, int]) -> None:
        """Remember a measurement. If the cache cannot be written, the next start measures again."""
        verdicts = self._read() | {key: step_us}
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(self._file) as unfinished:
                unfinished.write_text(json.dumps(verdicts, indent=1), encoding="utf-8")

    def _read(self) -> dict[str, object]:
        try:
            verdicts = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return verdicts if isinstance(verdicts, dict) else {}


def fingerprint(bundle: Bundle) -> str:
    """A short text that changes with the bundle's graphs."""
    graphs = sorted((name, graph.sha256) for name, graph in bundle.manifest.graphs.items())
    return hashlib.sha256(repr(graphs).encode()).hexdigest()[:16]


class Trial:
    """For `auto`: tests in the background whether a rival is faster, and changes over if so.

    Args:
        supervisor: Has started the worker to beat.
        rival: How to load the rival.
        subject: What the verdict applies to, besides the runtime: the driver and the bundle.
        verdicts: Earlier measurements.
    """

    def __init__(
        self, supervisor: Supervisor, rival: Load, subject: str, verdicts: Verdicts
    ) -> None:
        self._supervisor = supervisor
        self._rival = rival
        self._subject = subject
        self._verdicts = verdicts
        self._begun = False
        self._won = False

    def tend(self) -> list[str]:
        """Go on as far as possible without waiting. Returns news, one line each."""
        ready = self._supervisor.ready
        if ready is None:
            return []
        if not self._begun:
            self._begun = True
            return self._begin(ready)
        answer = self._supervisor.poll_rival()
        if isinstance(answer, Ready):
            return self._judge(ready, answer)
        return [] if answer is None else [f"stays on the CPU: {answer.reason}"]

    def _begin(self, ready: Ready) -> list[str]:
        known = self._verdicts.find(self._key(ready))
        if known is not None and not self._quicker(known):
            return [self._kept(known)]
        self._supervisor.try_rival(self._rival)
        return []

    def _judge(self, ready: Ready, answer: Ready) -> list[str]:
        found = {"cpu": ready.step_us, self._rival.provider: answer.step_us}
        self._verdicts.keep(self._key(ready), found)
        self._won = self._quicker(found)
        if self._won:
            return []
        self._supervisor.drop_rival()
        return [self._kept(found)]

    def bar_line(self) -> list[str]:
        """At a bar line: change over if the rival has won. Returns news, one line each."""
        if not self._won or not self._supervisor.change_over():
            return []
        self._won = False
        return [f"now on {describe(self._supervisor.ready)}"]

    def _key(self, ready: Ready) -> str:
        return f"{self._subject} {ready.runtime}"

    def _quicker(self, step_us: dict[str, int]) -> bool:
        rival = step_us.get(self._rival.provider)
        return rival is not None and rival <= WORTH_IT * step_us["cpu"]

    @staticmethod
    def _kept(step_us: dict[str, int]) -> str:
        figures = ", ".join(f"{name} {us / 1000:.2f} ms" for name, us in sorted(step_us.items()))
        return f"stays on the CPU, measured a token: {figures}"


def describe(ready: Ready | None) -> str:
    """Where the model runs, in words: `the CPU (int8, 0.15 ms a token)`."""
    if ready is None:
        return "no model"
    where = "the CPU" if ready.provider == "cpu" else ready.provider.upper()
    return f"{where} ({ready.precision}, {ready.step_us / 1000:.2f} ms a token)"


def choose(
    wanted: str, load: Load, bundle: Bundle, driver: str | None
) -> tuple[Load, Load | None, str]:
    """What to start with, what to try beside it (None: nothing), and why, in words for the user.

    Args:
        wanted: "auto", "cpu" or "cuda".
        load: The bundle and the threads; its provider is ignored.
        bundle: The bundle that `load` names.
        driver: As found by `jamd.daemon.model.cuda.nvidia_driver`.
    """
    on_cpu, on_cuda = replace(load, provider="cpu"), replace(load, provider="cuda")
    if wanted != "auto":
        return (on_cuda if wanted == "cuda" else on_cpu), None, f"provider is set to {wanted}"
    if driver is None:
        return on_cpu, None, "there is no NVIDIA driver on this machine"
    if "float32" not in bundle.precisions:
        return on_cpu, None, "the bundle has no float32 graph for CUDA"
    return on_cpu, on_cuda, "CUDA is being tried beside it"
