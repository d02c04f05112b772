"""Which instrument leads, where several send a MIDI clock: two clocks at once are no beat."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from jamd.daemon.rtmidi_ports import Received

LEADS_S = 4.0
"""After how much silence of the clock that leads another may lead, in seconds: by then, what comes
back is another song (`jamd.daemon.follower`)."""

_CLOCK = ("clock", "start", "stop", "continue", "songpos")


class LeadingClock:
    """Lets one input's clock through: that last started or located, or the first that ticks."""

    def __init__(self) -> None:
        self._leader: str | None = None
        self._ticked_s = -math.inf

    def of(self, source: str, received: Iterable[Received]) -> Iterator[Received]:
        """What counts of what came in on an input.

        Args:
            source: The input's id.
            received: By seconds.
        """
        for one in received:
            kind = one.message.type
            if kind not in _CLOCK:
                yield one
                continue
            if kind in ("start", "continue", "songpos") or one.seconds > self._ticked_s + LEADS_S:
                self._leader = source
            if source == self._leader:
                if kind == "clock":
                    self._ticked_s = one.seconds
                yield one

    def gone(self, source: str) -> None:
        """The input has gone: another may lead at once."""
        if source == self._leader:
            self._ticked_s = -math.inf
