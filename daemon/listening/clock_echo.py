"""jamd's own clock when it comes back, through a loop or from a DAW that follows it and sends one.

If jamd followed it, jamd's own clock would fall silent, and with it the one being followed. Pulses
are all alike, so what comes in is compared with what went out:

- Start, Continue, Stop and Song Position are jamd's if it has just sent the same message, one for
  one. A Start or Continue that jamd has not sent is somebody else's, and so are the pulses then.
- Pulses are jamd's while as many come in as go out: a row of them takes as long to arrive, to
  within `SPREAD_S`, as some row of the same length took to leave. A clock of another tempo soon
  differs by more.

While jamd sends no clock, nothing counts as its own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from mido import Message

from jamd.daemon.midi.echo_signature import LONGEST_S, SPREAD_S, Route

_FEWEST, _MOST = 12, 96  # pulses compared: from half a beat up to four beats

_GOES = ("start", "continue")
_SAID = (*_GOES, "stop", "songpos")


class ClockEcho:
    """Distinguishes jamd's own clock from somebody else's. Moments are in seconds."""

    def __init__(self) -> None:
        self._out: deque[float] = deque(maxlen=4 * _MOST)  # when pulses left
        self._in: deque[float] = deque(maxlen=_MOST)  # when pulses came
        self._said: deque[tuple[float, Message]] = deque()  # other messages that are not back yet
        self._foreign = False  # somebody else's clock is coming in

    def sent(self, message: Message, now: float) -> None:
        """A message of jamd's clock went out."""
        if message.type == "clock":
            self._out.append(now)
        else:
            self._forget(now)
            self._said.append((now, message))

    def hand_over(self, route: Route, now: float) -> Route:
        """`route`, and beside it what may come back of the clock."""
        self._forget(now)
        pulses = tuple(seconds for seconds in self._out if now - seconds <= LONGEST_S)
        return replace(route, pulses=pulses, said=tuple(self._said))

    def take_over(self, route: Route) -> None:
        """Go on with what another had, before anything else."""
        self._out.extend(route.pulses)
        self._said.extend(route.said)

    def is_own(self, message: Message, now: float) -> bool:
        """Whether the system message `message`, which came in at `now`, is jamd's own."""
        if message.type == "clock":
            return self._is_own_pulse(now)
        if message.type not in _SAID:
            return False
        self._forget(now)
        own = next((said for said in self._said if said[1] == message), None)
        if own is not None:
            self._said.remove(own)
        elif message.type in _GOES:
            self._foreign = True
        return own is not None

    def _is_own_pulse(self, now: float) -> bool:
        if self._in and now - self._in[-1] > LONGEST_S:  # that clock is gone
            self._in.clear()
            self._foreign = False
        self._in.append(now)
        if not self._out or now - self._out[-1] > LONGEST_S:
            return False
        count = len(self._in)
        if not self._foreign and count >= _FEWEST:
            took = now - self._in[0]
            self._foreign = not any(
                abs(took - each) <= SPREAD_S for each in self._left_in(count, now)
            )
        return not self._foreign

    def _forget(self, now: float) -> None:
        while self._said and now - self._said[0][0] > LONGEST_S:
            self._said.popleft()

    def _left_in(self, count: int, now: float) -> list[float]:
        """How long each row of `count` pulses took to leave, its last within `LONGEST_S`."""
        out = list(self._out)
        return [
            last - first
            for first, last in zip(out, out[count - 1 :], strict=False)
            if now - last <= LONGEST_S
        ]
