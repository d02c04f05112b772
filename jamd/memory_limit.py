"""How much memory a process may take: for one that reads what somebody else has made."""

from __future__ import annotations

from pathlib import Path


def limit_memory(more: int) -> None:
    """Let this process take at most `more` bytes beyond what it has now.

    What asks for more fails, and nothing else on this machine suffers. Only where the system keeps
    such limits, which is Linux.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
