"""What somebody is told through OSC, and when: what has changed since they were last told."""

from __future__ import annotations

import math

from jamd.daemon.control.osc_addresses import BEAT, Value, state
from jamd.daemon.ports.connections import Connected
from jamd.daemon.status import Status

HOLD_S = 0.25
"""A setting that comes in through OSC is told only when it has rested this long: told at once, the
fader would jump back under the finger."""

SETTLED_S = 0.03
"""A beat that was told is not taken back within this time: the next status may place it a little
later. The fastest beat is an eighth at 400 quarter notes a minute, 0.075 s."""


class Teller:
    """Tells all listeners the same. Moments are seconds on the session's clock."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[Value, ...]] = {}
        self._held: dict[str, float] = {}  # until when an address is not told
        self._beat = 0, 0  # there is none before the first
        self._beat_at = -math.inf

    def hear(self, address: str, now: float) -> None:
        """A listener sent this itself: what came of it is told, changed or not, but later."""
        self._told.pop(address, None)
        self._held[address] = now + HOLD_S

    def forget(self) -> None:
        """Tell everything again, except the beat, which is told when it falls."""
        self._told.clear()

    def news(
        self, status: Status, connected: Connected, now: float
    ) -> list[tuple[str, tuple[Value, ...]]]:
        """The messages to be sent now: address and values.

        Args:
            status: The last that is known. A beat that it announced may have fallen since.
            connected: The last that is known.
            now: The present.
        """
        beat = status.bar, status.beat
        if status.next_beat is not None and status.next_beat[0] <= now:
            beat = status.next_beat[1:]
        news: list[tuple[str, tuple[Value, ...]]] = []
        if beat != self._beat and now >= self._beat_at + SETTLED_S:
            self._beat, self._beat_at = beat, now
            news.append((BEAT, beat))
        for address, values in state(status, connected).items():
            if values != self._told.get(address) and now >= self._held.get(address, now):
                self._told[address] = values
                news.append((address, values))
        return news
