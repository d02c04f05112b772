"""Only one jamd opens ports at a time.

A jamd recognises its own port by its having appeared while it was being opened: python-rtmidi
reports neither the name nor the number that a client got, and other jamds' ports have the same
names. So no other jamd of this user may open its ports meanwhile. This is ensured by a lock on a
file beside the sockets of `jamd.daemon.control.remote`, which the system releases when a process
ends, in whatever way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from jamd.daemon.clock import pause
from jamd.daemon.control.remote import HAS_SOCKETS, folder
from jamd.lock import held

PATIENCE_S = 5.0
"""How long to wait for another jamd. Opening takes a tenth of a second, or a second on a busy
computer; if the other one hangs, the jam begins all the same."""

ASK_AGAIN_S = 0.02

_NAME = "opening"


@contextmanager
def alone(patience_s: float = PATIENCE_S) -> Iterator[bool]:
    """Context manager. Yields True if no other jamd of this user is opening ports.

    Waits for another one for up to `patience_s`. Also yields True if there can be no lock: the
    folder cannot be written, or this is Windows, whose ports are not told apart.

    Args:
        patience_s: How long to wait, in seconds; 0 tries once.
    """
    with ExitStack() as hold:
        yield _is_held(hold, patience_s)


def _is_held(hold: ExitStack, patience_s: float) -> bool:
    if not HAS_SOCKETS:
        return True
    try:
        path = folder() / _NAME
        path.touch(mode=0o600)
        for tries_left in reversed(range(1 + round(patience_s / ASK_AGAIN_S))):
            try:
                hold.enter_context(held(path))
            except BlockingIOError:
                if tries_left:
                    pause(ASK_AGAIN_S)
            else:
                return True
    except OSError:
        return True
    return False
