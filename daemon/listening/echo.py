"""Recognises what jamd sent when it comes back, through a DAW or a synthesiser's thru.

A message does not carry its origin, and neither JACK nor RtMidi reports it. To ignore whatever jamd
has just played would be easy, but would swallow the notes of a player who repeats what they have
just heard. So what comes in is matched with what went out, one for one:

- A loop is assumed when all of jamd's last notes have come back, at `ENOUGH` moments in a row: the
  same pitches at the same velocities, note-ons and note-offs after the same delay to within
  `SPREAD_S`. No hands do that. Until then everything is heard.
- From then on, each message that went out cancels one that comes in. If the player strikes the very
  note that is on its way back, two come in and one of them is heard.
- The first note that does not come back ends the loop: the route has been taken away.

What is sent on from the player (thru) looks, when it comes back, like a player or a sequencer that
repeats itself, however even its timing, and if sent on again it would go round for ever. So what
may have come back is sent on marked, its value a little changed. If that comes back, too, there is
a loop at once, since a player who repeats a note repeats what they played. A note whose key is
still down need not be sent on again to find out: no keyboard strikes a key twice without releasing
it. It is left out, and the next note is marked; if that one does not come back, two play on one
key, and nothing is left out any more.

A note-off proves less than a note-on. It is taken for jamd's only if a note-on has come back on its
key, and, while the player holds that key, only after the same delay; and it is given back if the
notes of that moment turn out not to have come round. So no note hangs because of a loop that does
not exist.

Nor does a note hang if a route is taken away while a note, taken for the player's, is on its way
round, so that its note-off is lost. A route shows itself when a key is struck, or released, twice.
What was sent on in doubt just then and does not come back is ended; a player who does hold that key
loses the rest of that one note. If no route has shown itself, nothing is ended: a player who
repeats a note, and holds it, sends the same as one note that comes round without its note-off.

What is not a note proves no loop; `jamd.daemon.listening.controller_echo` recognises it without
one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile
from math import inf
from typing import TYPE_CHECKING

from jamd.daemon.events import Output, Send
from jamd.daemon.listening.clock_echo import ClockEcho
from jamd.daemon.listening.controller_echo import ControllerEcho
from jamd.daemon.midi.echo_signature import (
    ENOUGH,
    LONGEST_S,
    NOTE_OFF,
    NOTE_ON,
    SPREAD_S,
    Route,
    Sent,
    Sign,
    alike,
    marked,
    sign_of,
)
from jamd.daemon.midi.terms import NoteKey, key_of

if TYPE_CHECKING:
    from mido import Message

_MOMENT_S = 0.020  # notes sent closer together are one moment: a chord is one coincidence


class Origin(Enum):
    """Who a message is from."""

    PLAYER = "player"
    DOUBTFUL = "doubtful"  # like one of jamd's, but no loop is known: most likely the player's
    JAMD = "jamd"


@dataclass(frozen=True, slots=True)
class _Back:
    """A note-on that came back, `delay` seconds after it went out, and was taken for `origin`."""

    origin: Origin
    delay: float


class Echo:
    """Recognises jamd's own messages among those that come in.

    Attributes:
        loop: Whether what jamd plays is believed to come back.
        known: Whether a note is known to have come back, now or ever.
        clock: Recognises jamd's own clock likewise.
    """

    def __init__(self) -> None:
        self.loop = self.known = False
        self.clock = ClockEcho()
        self._out: deque[Sent] = deque()  # what has not come back, oldest first
        self._controllers = ControllerEcho(self._out)
        self._row: list[tuple[float, float]] = []  # when each moment went out, and its delay
        self._last: dict[Sign, Sent] = {}  # the last note-on of each sign that went out
        self._down: dict[NoteKey, float] = {}  # the player's keys, and when they were struck
        self._routed = -inf  # when a route last showed itself, even if no loop is known
        self._back: dict[NoteKey, deque[_Back]] = {}  # what has come back and not ended yet
        self._kept: dict[NoteKey, float] = {}  # player's keys, when a note-off was taken for jamd's
        self._given: list[NoteKey] = []  # those whose note-off was the player's after all
        # What came in last, if it may be one that went out: its delay, and whether that was marked.
        self._suspect: tuple[Message, float, bool] | None = None
        self._asks: float | None = None  # mark the next note, due back after this delay
        self._twice = False  # keys are struck twice without a note-off between
        self._passed: tuple[Message, float | None] | None = None  # what is sent on, and its mark

    @property
    def deadline(self) -> float | None:
        """When `given_back` may have something to return; in the past if it has."""
        if self._given:
            return -inf
        routed = takewhile(lambda sent: sent.seconds - self._routed <= LONGEST_S, self._out)
        doubted = (sent.seconds for sent in routed if self._in_doubt(sent) is not None)
        kept = (seconds + SPREAD_S for seconds in self._kept.values())
        first = min((*kept, *doubted), default=None)
        return None if first is None else first + self._patience

    def given_back(self, now: float) -> list[NoteKey]:
        """The player's keys that came up with their note-offs taken for jamd's, or lost."""
        self._look(now)
        given, self._given = self._given, []
        for key in given:
            self._down.pop(key, None)
        return given

    def let_go(self) -> None:
        """Nothing is down any more: the player, or the route, is gone."""
        self._down.clear()
        self._back.clear()
        self._kept.clear()

    def hand_over(self, now: float) -> Route:
        """What another `Echo` has to know to go on: nothing may be down any more.

        Of a note that came back and has not ended yet, the note-off will count as the player's; it
        ends nothing.
        """
        route = Route(tuple(self._out), tuple(self._row), self.loop)
        return self.clock.hand_over(route, now)

    def take_over(self, route: Route) -> None:
        """Go on with what another had, before anything else."""
        self._out.extend(route.sent)
        self._row = list(route.moments)
        self.loop = self.known = route.loop
        self.clock.take_over(route)

    def pass_on(self, message: Message) -> Message:
        """Return what to send on (thru) for the last message in: itself, or a marked copy."""
        after, again = None, False
        if self._suspect is not None and self._suspect[0] is message:
            _, after, again = self._suspect
        elif sign_of(message)[0] == NOTE_ON and self._asks is not None:
            after, self._asks = self._asks, None
        passed = message if after is None else marked(message, again)
        self._passed = passed, None if passed is message else after
        return passed

    def sent(self, send: Send, now: float) -> None:
        """A message went out at `now`. One for another port is ignored."""
        message = send.message
        if send.output is Output.CLOCK:
            self.clock.sent(message, now)
        elsewhere = send.output not in (Output.MAIN, Output.THRU)
        if elsewhere or not hasattr(message, "channel"):
            return
        self._look(now)
        sent = Sent(now, sign_of(message))
        if self._passed is not None and message is self._passed[0]:
            sent = Sent(now, sent.sign, key_of(message), self._passed[1])
        self._out.append(sent)
        if sent.sign[0] == NOTE_ON:
            self._last[sent.sign] = sent

    def hear(self, message: Message, now: float) -> Origin:
        """Return who the channel message `message`, which came in at `now`, is from."""
        self._look(now)
        self._suspect = None
        sign, key = sign_of(message), key_of(message)
        if key is not None and sign[0] == NOTE_OFF:
            return self._hear_end(sign, key, now)
        sent = self._find(sign, now)
        origin = Origin.PLAYER
        if sent is not None:
            origin = self._origin(sent, message, now)
            if origin is not Origin.PLAYER:  # else it may still be on its way
                self._out.remove(sent)
        like = sent or self._last.get(sign)
        if origin is not Origin.JAMD and like is not None and now - like.seconds <= LONGEST_S:
            self._suspect = message, now - like.seconds, like.mark is not None
        if key is None:
            if origin is Origin.PLAYER:
                self._controllers.said(sign, message.channel)
            return origin
        if origin is Origin.JAMD or (key in self._down and not self._twice):
            self._routed = now
        if sent is None or origin is Origin.PLAYER:
            self._down[key] = now
            self._kept.pop(key, None)
        else:
            self._back.setdefault(key, deque()).append(_Back(origin, now - sent.seconds))
        return origin

    def _origin(self, sent: Sent, message: Message, now: float) -> Origin:
        """Who a note-on or a controller is from, if it may be `sent` coming back."""
        delay, key = now - sent.seconds, key_of(message)
        if self.loop:
            return Origin.JAMD if delay >= self._soonest else Origin.PLAYER
        if key is None:
            returns = self._controllers.returns(sent, message.channel, now)
            return Origin.JAMD if returns else Origin.PLAYER
        if sent.answers_its_mark(now):
            self._row = [(sent.seconds, delay)]
            self._believe(now)
            return Origin.JAMD
        if sent.thru is None:
            return Origin.JAMD if self._count(sent, now) else Origin.DOUBTFUL
        if sent.thru == key and key in self._down and not self._twice:
            self._asks = delay
            return Origin.JAMD
        return Origin.PLAYER

    def _hear_end(self, sign: Sign, key: NoteKey, now: float) -> Origin:
        """Who a note-off is from.

        Each note-on that came in has one note-off. While the player holds the key as well, the
        first is theirs, unless it is one that went out, back after the delay of its note-on.
        """
        back = self._back.get(key)
        sent = None
        if back:
            ends = (sent for sent in self._out if sent.sign == sign)
            sent = next((e for e in ends if alike(now - e.seconds, back[0].delay)), None)
            if sent is None and not self.loop:
                self._row.clear()  # a note-off that was not sent: a player's hands
        if not back or (sent is None and key in self._down):
            up = self._down.pop(key, None) is None
            if up and not self._twice and any(sent.sign == sign for sent in self._out):
                self._routed = now
            self._kept.pop(key, None)
            return Origin.PLAYER
        if sent is not None:
            self._out.remove(sent)
            if not self.loop:
                self._count(sent, now)
        else:
            self._give_back(key.pitch, back[0])
        origin = back.popleft().origin
        if origin is Origin.JAMD:
            self._routed = now
            if key in self._down:
                self._kept[key] = now
        return origin

    def _give_back(self, pitch: int, back: _Back) -> None:
        """A note-off came back once more than it went out: the one taken for it was the player's.

        So it is where a keyboard with layers releases a key on two channels, and the first of the
        note-offs, sent on, is as old as the loop is fast when the second comes in.
        """
        for key in [key for key in self._kept if key.pitch == pitch]:
            del self._kept[key]
            self._given.append(key)  # which will come round, too
            self._back.setdefault(key, deque()).append(back)

    def _find(self, sign: Sign, now: float) -> Sent | None:
        """The message that went out and may now be coming in; None if there is none."""
        same = [sent for sent in self._out if sent.sign == sign]
        if self.loop:
            due = [sent for sent in same if now - sent.seconds >= self._soonest]
        else:  # of several alike, a marked one that is due back now
            due = [sent for sent in same if self._controllers.is_due(sent, now)]
            due = due or [sent for sent in same if sent.answers_its_mark(now)]
        return next(iter(due or same), None)

    def _count(self, sent: Sent, now: float) -> bool:
        """Count a note-on or note-off that came back: in the present row, or as first of a new one.

        Returns:
            Whether there is a loop.
        """
        delays = [now - sent.seconds, *(delay for _, delay in self._row)]
        if max(delays) - min(delays) > SPREAD_S:
            self._row.clear()
        if sent.sign[0] == NOTE_ON:
            if all(abs(sent.seconds - seconds) >= _MOMENT_S for seconds, _ in self._row):
                self._row.append((sent.seconds, now - sent.seconds))
            if len(self._row) >= ENOUGH:
                self._believe(now)
        return self.loop

    def _believe(self, now: float) -> None:
        """There is a loop. What should have come back by now went out before it existed."""
        self.loop = self.known = True
        self._twice, self._asks = False, None
        while self._out and now - self._out[0].seconds > self._patience:
            self._out.popleft()

    def _look(self, now: float) -> None:
        """Forget what has not come back in time. If a note is among it, there is no loop."""
        while self._out and self._out[0].seconds + self._patience <= now:  # as in `deadline`
            lost = self._out.popleft()
            self._controllers.lost(lost)
            if lost.sign[0] != NOTE_ON:
                continue
            key = self._in_doubt(lost)
            if key is not None:
                self._kept.pop(key, None)
                self._given.append(key)
            if self.loop or lost.mark is not None:
                self._twice = not self.loop and self._routed > -inf  # repeats show no route
                self._disbelieve(lost.seconds)
            elif lost.thru is None:
                self._row.clear()
        for key, seconds in list(self._kept.items()):
            if seconds + SPREAD_S + self._patience <= now:  # likewise, to the last bit
                del self._kept[key]

    def _in_doubt(self, sent: Sent) -> NoteKey | None:
        """The key of a note sent on, if it may itself have come round, and may hang; else None.

        A route had just shown itself, and the note looked like one on its way back, or a note-off
        of its key was taken for jamd's. If the key is still down and the note does not come back,
        its note-off will not come either.
        """
        if sent.thru is None or sent.seconds - self._routed > LONGEST_S:
            return None
        doubt = sent.mark is not None or sent.thru in self._kept
        return sent.thru if doubt and self._down.get(sent.thru, inf) <= sent.seconds else None

    def _disbelieve(self, since: float) -> None:
        """What went out at `since` is not back: no note-off since then was one of jamd's."""
        self.loop = False
        self._row.clear()
        self._back.clear()
        self._given += [key for key, seconds in self._kept.items() if seconds >= since]
        self._kept.clear()

    @property
    def _soonest(self) -> float:
        """The shortest delay after which the loop brings something back, in seconds."""
        shortest = min(delay for _, delay in self._row)
        return max(shortest - SPREAD_S, shortest / 2)  # nothing is back as it goes out

    @property
    def _patience(self) -> float:
        """The longest delay after which something may come back, in seconds."""
        return max(delay for _, delay in self._row) + SPREAD_S if self.loop else LONGEST_S
