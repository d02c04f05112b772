"""What jamd sent and now comes back: a DAW, or a synthesiser's thru, that is routed into the input.

A message says nothing of where it comes from, and neither JACK nor RtMidi does. Ignoring whatever
jamd has played a moment before would be easy, and would eat the notes of a player who repeats what
he has just heard. So what comes in is held against what went out, one for one:

- A loop is believed in when jamd's last notes have come back one and all, at `ENOUGH` moments in a
  row: the same pitches at the same velocities, beginnings and ends after the same delay to within
  `SPREAD_S`. No hands do that. Until then everything is heard.
- From then on each message that went out takes away one that comes in. Where a player strikes the
  very note that is on its way back, two come in and one of them is heard.
- The first note that does not come back ends it: somebody has taken the route away.

What is sent on from the player (thru) looks like a player, or a sequencer, that repeats itself when
it comes back, as evenly as you like, and sent on again it would go round for ever. So what may have
come back is sent on marked, its value a little changed: when that comes back, too, it is a loop at
once, for whoever repeats himself repeats what he played. A note whose key is still down need not be
sent on again to find out: no keyboard strikes a key twice without letting it go. It is left out,
and the next note is marked; where that does not come back, two play on one key, and nothing is left
out any more.

An end says less than a beginning. It is taken for jamd's only where a beginning has come back on
its key, and where the player holds that key only after the same delay; and it is given back when
the notes of that moment turn out not to have come round. So no note hangs by a loop that is none.

What makes no difference is taken for jamd's at its first return, loop or no loop: above all the
"all notes off" that it sends, which would come round as a panic and send the next one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from jamd.daemon.events import Output, Send
from jamd.daemon.schedule import ALL_NOTES_OFF, ALL_SOUND_OFF, Key
from jamd.daemon.sign import NOTE_OFF, NOTE_ON, Sign, key_of, marked, sign_of

if TYPE_CHECKING:
    from mido import Message

LONGEST_S = 0.25
"""A route through a DAW takes no longer: twice its largest audio buffer, and the way there."""

SPREAD_S = 0.015
"""One route's delays are the same to within so much; a player's are not."""

ENOUGH = 6
"""So many moments in a row. Somebody who follows jamd note by note, on an organ without velocity
and with 20 ms of scatter, would be taken for a loop once in some 50,000 notes."""

_MOMENT_S = 0.020  # notes sent closer together are one moment: a chord is one coincidence


class Origin(Enum):
    """Who a message is from."""

    PLAYER = "player"
    DOUBTFUL = "doubtful"  # like one of jamd's, and no loop is known of: the player's, most likely
    JAMD = "jamd"


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message that went out at `seconds`.

    Attributes:
        thru: Its key where it was the player's own, sent on.
        mark: It is marked, and comes back after so many seconds if at all; None: it is not.
    """

    seconds: float
    sign: Sign
    thru: Key | None = None
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class _Back:
    """A beginning that came back, `delay` seconds after it went out, and was taken for `origin`."""

    origin: Origin
    delay: float


class Echo:
    """Tells jamd's own messages among those that come in.

    Attributes:
        loop: Whether what jamd plays is believed to come back.
        known: Whether a note is known to have come back, now or ever.
    """

    def __init__(self) -> None:
        self.loop = self.known = False
        self._out: deque[_Sent] = deque()  # what has not come back, oldest first
        self._row: list[tuple[float, float]] = []  # when each moment went out, and its delay
        self._down: set[Key] = set()  # the player's keys
        self._back: dict[Key, deque[_Back]] = {}  # what has come back and not ended yet
        self._kept: dict[Key, float] = {}  # the player's keys, when an end was taken for jamd's
        self._given: list[Key] = []  # those whose end was the player's after all
        self._said: dict[tuple[int, Sign], Sign] = {}  # what each controller said last
        # What came in last, where it may have gone out: after which delay, and whether marked.
        self._suspect: tuple[Message, float, bool] | None = None
        self._asks: float | None = None  # the delay after which the next note is to come back
        self._twice = False  # keys are struck twice without an end between
        self._passed: tuple[Message, float | None] | None = None  # what is sent on, and its mark

    @property
    def deadline(self) -> float | None:
        """When `given_back` may have something to give."""
        return min(self._kept.values()) + self._patience + SPREAD_S if self._kept else None

    def given_back(self, now: float) -> list[Key]:
        """The keys of the player's that have come up: their ends were taken for jamd's."""
        self._look(now)
        given, self._given = self._given, []
        self._down.difference_update(given)
        return given

    def let_go(self) -> None:
        """Nothing is down any more: whoever played, or routed, is gone."""
        self._down.clear()
        self._back.clear()
        self._kept.clear()

    def pass_on(self, message: Message) -> Message:
        """What is to be sent on (thru) of the message that came in last: itself, or it marked."""
        after, again = None, False
        if self._suspect is not None and self._suspect[0] is message:
            _, after, again = self._suspect
        elif sign_of(message)[0] == NOTE_ON and self._asks is not None:
            after, self._asks = self._asks, None
        passed = message if after is None else marked(message, again)
        self._passed = passed, None if passed is message else after
        return passed

    def sent(self, send: Send, now: float) -> None:
        """A message went out at `now`. One that is of a clock or for another port is ignored."""
        message = send.message
        if send.output is not Output.MAIN or not hasattr(message, "channel"):
            return
        self._look(now)
        if self._passed is not None and message is self._passed[0]:
            self._out.append(_Sent(now, sign_of(message), key_of(message), self._passed[1]))
        else:
            self._out.append(_Sent(now, sign_of(message)))

    def hear(self, message: Message, now: float) -> Origin:
        """Say who `message`, of a channel, is from; it came in at `now`."""
        self._look(now)
        self._suspect = None
        sign, key = sign_of(message), key_of(message)
        if key is not None and sign[0] == NOTE_OFF:
            return self._hear_end(sign, key, now)
        sent = self._find(sign, now)
        origin = Origin.PLAYER
        if sent is not None:
            origin = self._origin(sent, message, now)
            if origin is not Origin.JAMD:
                self._suspect = message, now - sent.seconds, sent.mark is not None
            if origin is not Origin.PLAYER:  # else it may still be on its way
                self._out.remove(sent)
        if key is None:
            if origin is Origin.PLAYER:
                self._said[message.channel, sign[:-1]] = sign
        elif sent is None or origin is Origin.PLAYER:
            self._down.add(key)
            self._kept.pop(key, None)
        else:
            self._back.setdefault(key, deque()).append(_Back(origin, now - sent.seconds))
        return origin

    def _origin(self, sent: _Sent, message: Message, now: float) -> Origin:
        """Who a beginning or a control is from that may be `sent`, come back."""
        delay, key = now - sent.seconds, key_of(message)
        if sent.mark is not None and _alike(delay, sent.mark):
            self._row = [(sent.seconds, delay)]
            self._believe(now)
            return Origin.JAMD
        if self.loop:
            return Origin.JAMD if delay >= self._soonest else Origin.PLAYER
        if key is None:
            changes = not self._changes_nothing(sent, message.channel)
            return Origin.PLAYER if changes else Origin.JAMD
        if sent.thru is None:
            return Origin.JAMD if self._count(sent, now) else Origin.DOUBTFUL
        if sent.thru == key and key in self._down and not self._twice:
            self._asks = delay
            return Origin.JAMD
        return Origin.PLAYER

    def _hear_end(self, sign: Sign, key: Key, now: float) -> Origin:
        """Who an end is from.

        Each beginning that came in has one end. While the player holds the key as well, the first
        to come is his unless it is one that went out, after the delay of its beginning.
        """
        back = self._back.get(key)
        sent = None
        if back:
            ends = (sent for sent in self._out if sent.sign == sign)
            sent = next((e for e in ends if _alike(now - e.seconds, back[0].delay)), None)
            if sent is None and not self.loop:
                self._row.clear()  # an end that was not sent: here are a player's hands
        if not back or (sent is None and key in self._down):
            self._down.discard(key)
            self._kept.pop(key, None)
            return Origin.PLAYER
        if sent is not None:
            self._out.remove(sent)
            if not self.loop:
                self._count(sent, now)
        origin = back.popleft().origin
        if origin is Origin.JAMD and key in self._down:
            self._kept[key] = now
        return origin

    def _changes_nothing(self, sent: _Sent, channel: int) -> bool:
        """Whether it makes no difference from whom a message is that has gone out just now.

        A panic makes none where nothing has begun since the last, nor a controller that says what
        it said last on its channel.
        """
        sign = sent.sign
        if sign[:2] in _PANICS:
            return all(
                later.sign[0] != NOTE_ON for later in self._out if later.seconds >= sent.seconds
            )
        return self._said.get((channel, sign[:-1])) == sign

    def _find(self, sign: Sign, now: float) -> _Sent | None:
        """The message that went out and that may be the one that comes in."""
        same = [sent for sent in self._out if sent.sign == sign]
        due = [sent for sent in same if self.loop and now - sent.seconds >= self._soonest]
        return next(iter(due or same), None)

    def _count(self, sent: _Sent, now: float) -> bool:
        """A beginning or an end has come back: one more in a row, or the first of another row.

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
        """There is a loop. What should have come back by now went out before there was."""
        self.loop = self.known = True
        self._twice, self._asks = False, None
        while self._out and now - self._out[0].seconds > self._patience:
            self._out.popleft()

    def _look(self, now: float) -> None:
        """Forget what has not come back in time. Was a note among it, there is no loop."""
        while self._out and now - self._out[0].seconds > self._patience:
            lost = self._out.popleft()
            if lost.sign[0] != NOTE_ON:
                continue
            if self.loop or lost.mark is not None:
                self._twice = not self.loop
                self._disbelieve(lost.seconds)
            elif lost.thru is None:
                self._row.clear()
        while self.deadline is not None and self.deadline <= now:
            del self._kept[min(self._kept, key=self._kept.__getitem__)]

    def _disbelieve(self, since: float) -> None:
        """What went out at `since` has not come back: no end has that came in afterwards."""
        self.loop = False
        self._row.clear()
        self._back.clear()
        self._given += [key for key, seconds in self._kept.items() if seconds >= since]
        self._kept.clear()

    @property
    def _soonest(self) -> float:
        """How soon the loop brings something back, in seconds."""
        return min(delay for _, delay in self._row) - SPREAD_S

    @property
    def _patience(self) -> float:
        """How late something may still come back, in seconds."""
        return max(delay for _, delay in self._row) + SPREAD_S if self.loop else LONGEST_S


def _alike(delay: float, other: float) -> bool:
    """Whether two delays may be one route's; a slow one is slow by its buffers, and uneven."""
    return abs(delay - other) <= max(SPREAD_S, other / 2)


_PANICS = [("control_change", control) for control in (ALL_SOUND_OFF, ALL_NOTES_OFF)]
