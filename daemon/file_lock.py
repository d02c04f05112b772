"""Files that one process at a time holds. Windows has no such locks: nobody is kept out there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file that is there; a process that ends, however it does, lets go of it.

    Raises:
        BlockingIOError: Somebody else holds it.
        FileNotFoundError: It is not there, or another file has taken its place meanwhile.
        OSError: It cannot be held.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            raise FileNotFoundError(f"{path} is another file now")
        yield
