"""Commands to a running jamd: panic, status, set, press, song.

Each running jamd listens on a Unix socket of its own, named after its process id, in the user's
runtime folder. Only the user has access to folder and socket, so nobody else on the computer, and
nobody on any network, can reach it. A command is a line of text; the answer is JSON, and ends the
connection.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from jamd.errors import UserError, printable

PATIENCE_S = 2.0
"""How long either side waits for the other. A running jamd answers within a millisecond."""

PANIC, STATUS, SET, PRESS, SONG = "panic", "status", "set", "press", "song"
"""The commands. After `SET` come a setting and its value, after `PRESS` an action of `[controls]`,
and after `SONG` a song's name or nothing, each after a space."""

HAS_SOCKETS = hasattr(socket, "AF_UNIX")
"""Python has none on Windows."""

_LONGEST = 16_384  # most bytes of a command
_SUFFIX = ".sock"


def folder() -> Path:
    """The folder of the sockets; created if necessary.

    Raises:
        OSError: It cannot be created, or others have access to it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a warning that there is no such folder: we create it
        path = platformdirs.user_runtime_path("jamd", appauthor=False)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(0, "is not a folder of yours alone", str(path))
    return path


class Remote:
    """Listens for commands, in a thread of its own.

    Args:
        answer: Called with each command, in that thread, where it must be fast and safe. Its result
            is sent back as JSON.

    Raises:
        OSError: The socket cannot be created.
    """

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self._answer = answer
        self._path = folder() / f"{os.getpid()}{_SUFFIX}"
        self._path.unlink(missing_ok=True)  # left by a killed process that had our process id
        self._socket = socket.socket(socket.AF_UNIX)
        # Under another name until it listens: one that nobody listens on was left, and is removed.
        bound = self._path.with_suffix(".new")
        bound.unlink(missing_ok=True)
        try:
            self._socket.bind(str(bound))
            bound.chmod(0o600)
            self._socket.listen()
            bound.rename(self._path)
        except OSError:
            self._socket.close()
            raise
        threading.Thread(target=self._serve, name="remote", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # ends the thread's waiting
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, suppress(OSError):  # the other side may have gone again
                connection.settimeout(PATIENCE_S)
                with connection.makefile("rb") as line:
                    command = line.readline(_LONGEST).decode(errors="replace").rstrip("\r\n")
                connection.sendall(json.dumps(self._answer(command)).encode())


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of all running jamds.

    Attributes:
        given: What each answered, by its process id.
        silent: The ids of running processes that did not answer in time.
    """

    given: dict[int, Any] = field(default_factory=dict)
    silent: list[int] = field(default_factory=list)

    def want_all(self) -> None:
        """Raises UserError if one of them refuses, or is silent."""
        refused = [
            f"process {pid}: {printable(answer['error'])}"
            for pid, answer in sorted(self.given.items())
            if "error" in answer
        ]
        if refused:
            raise UserError("\n".join(refused))
        if self.silent:
            raise UserError(
                "expected an answer, found a jamd that gives none, process "
                f"{', '.join(map(str, self.silent))}: where it was stopped, `kill -CONT` with that "
                "number lets it go on"
            )


def ask(command: str, pid: int | None = None) -> Answers:
    """Send a command to every running jamd, or to one.

    Args:
        command: `PANIC`, `STATUS`, `SET` with what it sets, `PRESS` with an action, or `SONG`,
            perhaps with a name.
        pid: The id of the process to send it to; None: all of them.

    Raises:
        UserError: No jamd is running, or not that one; or this system has no Unix sockets.
    """
    if not HAS_SOCKETS:
        raise UserError("expected a system with Unix sockets, Linux or macOS; found another")
    answers = Answers()
    place = folder()
    for path in sorted(place.glob(f"*{_SUFFIX}")):
        if path.stem.isdecimal() and pid in (None, int(path.stem)):
            try:
                answers.given[int(path.stem)] = _ask(path, command)
            except TimeoutError:
                answers.silent.append(int(path.stem))
            except (OSError, ValueError):
                continue  # it has gone
    if not answers.given and not answers.silent:
        which = "a jamd that plays" if pid is None else f"a jamd that plays as process {pid}"
        raise UserError(f"expected {which}, found none in {place}: `jamd play` starts one")
    return answers


def _ask(path: Path, command: str) -> Any:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(PATIENCE_S)
        try:
            line.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)  # it was killed
            raise
        line.sendall(f"{command}\n".encode())
        line.shutdown(socket.SHUT_WR)
        with line.makefile("rb") as answer:
            return json.loads(answer.read())
