"""Which instrument leads, where several send a MIDI clock: two clocks at once are no beat."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from jamd.daemon.ports.rtmidi_ports import Received

LEADS_S = 4.0
"""After how much silence of the clock that leads another may lead, in seconds: by then, what comes
back is another song (`jamd.daemon.timing.follower`)."""

WAITS_S = 0.15
"""For how long the clock that leads is left out once another input has sent Start, in seconds: the
next pulse places the song, and has to be that one's. At 20 bpm a pulse comes every 0.125 s. A Play
button without a clock sends none."""

_BEGINS = ("start", "continue", "songpos")
_CLOCK = (*_BEGINS, "clock", "stop")


class LeadingClock:
    """Lets one input's clock through: that last started or located, or the first that ticks."""

    def __init__(self) -> None:
        self._leader: str | None = None
        self._ticked_s = -math.inf
        self._next: str | None = None  # has started or located, and leads once it ticks
        self._begun_s = -math.inf

    def of(self, source: str, received: Iterable[Received]) -> Iterator[Received]:
        """What counts of what came in on an input.

        Args:
            source: The input's id.
            received: By seconds.
        """
        for one in received:
            if one.message.type not in _CLOCK or self._counts(source, one):
                yield one

    def _counts(self, source: str, one: Received) -> bool:
        kind = one.message.type
        if kind in _BEGINS:
            self._next, self._begun_s = source, one.seconds
        elif kind == "clock":
            waits = self._next is not None and one.seconds < self._begun_s + WAITS_S
            if source == self._next:
                self._leader, self._next = source, None
            elif waits:
                return False
            elif one.seconds > self._ticked_s + LEADS_S:
                self._leader = source
            if source != self._leader:
                return False
            self._ticked_s = one.seconds
        return source in (self._leader, self._next)

    def gone(self, source: str) -> None:
        """The input has gone: another may lead at once."""
        if source == self._leader:
            self._ticked_s = -math.inf
        if source == self._next:
            self._next = None
