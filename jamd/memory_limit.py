"""Limits the memory of a process that reads data from elsewhere."""

from __future__ import annotations

from pathlib import Path


def limit_memory(more: int) -> None:
    """Let this process take at most `more` bytes beyond what it has now.

    An allocation beyond that fails, and nothing else on this machine suffers. A hard limit that the
    process was started with stays. This works only where the system enforces such limits, which is
    Linux.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return
    limit = pages * resource.getpagesize() + more
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
