"""Limits the memory of a process that reads data from elsewhere."""

from __future__ import annotations

from pathlib import Path


def limit_memory(more: int) -> None:
    """Let this process take at most `more` bytes beyond what it has now.

    An allocation beyond that fails, and nothing else on this machine suffers. This works only where
    the system enforces such limits, which is Linux.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
