"""One jamd opens ports at a time.

A port is known as one's own by having appeared while it was opened: python-rtmidi tells neither
under which name a client was taken up nor its number, and others' ports have the same names. So no
other jamd of this user may open its own meanwhile; what it holds is a file beside the sockets of
`jamd.daemon.remote`, of which the system lets go where a process ends, however it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from jamd.daemon.clock import pause
from jamd.daemon.remote import HAS_SOCKETS, folder
from jamd.lock import held

PATIENCE_S = 5.0
"""How long another jamd is waited for. Opening takes a tenth of a second, on a busy computer one;
behind one that hangs the jam begins all the same."""

ASK_AGAIN_S = 0.02

_NAME = "opening"


@contextmanager
def alone(patience_s: float = PATIENCE_S) -> Iterator[bool]:
    """As a context: whether no other jamd of this user opens ports; another is waited for.

    True also where there can be no such file: no folder to be written, or Windows, whose ports are
    not told apart.

    Args:
        patience_s: How long, in seconds; 0 asks once.
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
