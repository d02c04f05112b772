"""A test port whose output is routed back into the input of the same session."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from jamd.daemon.events import Event, Heard, Output, Send
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.virtual import RecordingPort, ScriptedImproviser, VirtualJam


class LoopedPort(RecordingPort):
    """Records what is sent to it, and when; the main output's messages come back.

    Args:
        performance: The jam into which messages come back.
        delay_s: Moment of sending -> seconds until the message comes back; None if it does not.

    Attributes:
        moments: When each message was sent, in seconds.
        returned: What comes back, and when, in seconds.
    """

    def __init__(self, performance: VirtualJam, delay_s: Callable[[float], float | None]) -> None:
        super().__init__()
        self.moments: list[float] = []
        self.returned: list[tuple[float, Event]] = []
        self._performance = performance
        self._delay_s = delay_s
        self._last_s = 0.0

    def send(self, message: Send) -> None:
        super().send(message)
        now = self._performance._clock.now()
        self.moments.append(now)
        delay_s = self._delay_s(now)
        if delay_s is not None and message.output in (Output.MAIN, Output.THRU):
            self._last_s = max(self._last_s, now + delay_s)  # a route preserves the order
            self.returned.append((self._last_s, Heard(message.message)))
            self._performance._push(*self.returned[-1])


def play_looped(
    settings: Settings,
    events: Iterable[tuple[float, Event]],
    until: float,
    delay_s: Callable[[float], float | None],
) -> tuple[VirtualJam, LoopedPort]:
    """Play `events` to a session with the scripted improviser, whose output comes back."""
    performance = VirtualJam(Session(settings), ScriptedImproviser(), events)
    performance.port = port = LoopedPort(performance, delay_s)
    performance.run(until)
    return performance, port
