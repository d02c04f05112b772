"""Files that one process at a time holds, and folders that one process at a time writes to.

The system keeps the locks, so none outlives its process, however that ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jamd.errors import UserError
from jamd.writing import make_folder

LOCK = ".lock"
"""The file in a folder that is locked while a process writes there; empty. A kill leaves it."""


class BusyError(UserError):
    """Another process is writing to a folder."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """As a context: hold an existing file, which may still be read and written meanwhile.

    Windows has no such locks, so there this excludes nobody.

    Raises:
        BlockingIOError: Another process holds it.
        FileNotFoundError: It does not exist, or another file has taken its place meanwhile.
        OSError: It cannot be held.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            raise FileNotFoundError(f"{path} is another file now")
        yield


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """As a context: hold an advisory write lock on `folder`.

    The folder is made if it does not exist, and then removed again if nothing was put into it. If
    its file system has no locks, this excludes nobody.

    Raises:
        UserError: As `make_folder`.
        BusyError: Another process holds the lock.
        OSError: The folder cannot be written to.
    """
    made = not folder.exists()
    make_folder(folder)
    path = folder / LOCK
    try:
        file = _open_locked(path)
    except BlockingIOError as error:
        raise BusyError(
            f"{folder}: expected a folder that nobody writes to, found another jamd at it; wait "
            "until that has ended, or name another folder"
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows cannot delete an open file
            path.unlink()
        os.close(file)
        if made:
            with suppress(OSError):  # there is something in it
                folder.rmdir()


def _open_locked(path: Path) -> int:
    """The descriptor of the file at `path`, locked; the file is made if it does not exist."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT)
        try:
            _lock(file)
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # the process that held it before has just deleted it


def _lock(file: int) -> None:
    """Lock an open file until it is closed. Raises BlockingIOError if another process has it."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error
    else:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks
            return
