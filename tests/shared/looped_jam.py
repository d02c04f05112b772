"""A jam whose output is routed back into its input."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from jamd.daemon.events import Effect, Event, Heard, Output
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes.journal import Decides
from jamd.daemon.virtual import Improvises, ScriptedImproviser, VirtualJam


class LoopedJam(VirtualJam):
    """A jam in which what is sent comes back.

    Args:
        session: As `VirtualJam` has it.
        improviser: As `VirtualJam` has it.
        events: As `VirtualJam` has them.
        delay_s: Moment of sending -> seconds until the message comes back; None if it does not.
        routed: The outputs whose messages come back.

    Attributes:
        returned: What comes back, and when, in seconds.
    """

    def __init__(
        self,
        session: Decides,
        improviser: Improvises,
        events: Iterable[tuple[float, Event]],
        delay_s: Callable[[float], float | None],
        routed: Collection[Output] = (Output.MAIN, Output.THRU),
    ) -> None:
        super().__init__(session, improviser, events)
        self.returned: list[tuple[float, Event]] = []
        self._delay_s = delay_s
        self._routed = routed
        self._last_s = 0.0

    def _do(self, effects: Iterable[Effect]) -> None:
        before = len(self.sent)
        super()._do(effects)
        for now, send in self.sent[before:]:
            delay_s = self._delay_s(now)
            if delay_s is not None and send.output in self._routed:
                self._last_s = max(self._last_s, now + delay_s)  # a route preserves the order
                self.returned.append((self._last_s, Heard(send.message)))
                self._push(*self.returned[-1])


def play_looped(
    settings: Settings,
    events: Iterable[tuple[float, Event]],
    until: float,
    delay_s: Callable[[float], float | None],
) -> LoopedJam:
    """Play `events` to a session with the scripted improviser, whose output comes back."""
    jam = LoopedJam(Session(settings), ScriptedImproviser(), events, delay_s)
    jam.run(until)
    return jam
