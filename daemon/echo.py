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

A wheel or pressure that is swung to and fro passes through every value, so its marks prove no loop.
What answers its mark is left out; and if nothing else explains that value, so are the controls that
then come back in order after the same delay, until one does not.

A note-off proves less than a note-on. It is taken for jamd's only if a note-on has come back on its
key, and, while the player holds that key, only after the same delay; and it is given back if the
notes of that moment turn out not to have come round. So no note hangs because of a loop that does
not exist.

Nor does a note hang if a route is taken away while a note, taken for the player's, is on its way
round, so that its note-off is lost. A route shows itself when a key is struck, or released, twice.
What was sent on in doubt just then and does not come back is ended; a player who does hold that key
loses the rest of that one note. If no route has shown itself, nothing is ended: a player who
repeats a note, and holds it, sends the same as one note that comes round without its note-off.

A message that makes no difference is taken for jamd's at its first return, loop or no loop: above
all the "all notes off" that jamd sends, which would come round as a panic and cause the next one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from jamd.daemon.echo_signature import NOTE_OFF, NOTE_ON, Sign, marked, sign_of
from jamd.daemon.events import Output, Send
from jamd.daemon.midi import ALL_NOTES_OFF, ALL_SOUND_OFF, BANK, BANK_FINE, NoteKey, key_of

if TYPE_CHECKING:
    from mido import Message

LONGEST_S = 0.25
"""The longest a route through a DAW takes: twice its largest audio buffer, and the way there."""

SPREAD_S = 0.015
"""One route's delays are the same to within this; a player's are not."""

ENOUGH = 6
"""This many moments in a row are a loop. A player who follows jamd note by note, on an organ
without velocity and with 20 ms of scatter, would be taken for one once in some 50,000 notes."""

_MOMENT_S = 0.020  # notes sent closer together are one moment: a chord is one coincidence


class Origin(Enum):
    """Who a message is from."""

    PLAYER = "player"
    DOUBTFUL = "doubtful"  # like one of jamd's, but no loop is known: most likely the player's
    JAMD = "jamd"


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message that went out at `seconds`.

    Attributes:
        thru: Its key if it was the player's own, sent on.
        mark: If it is marked, the delay in seconds after which it would come back; None if not.
    """

    seconds: float
    sign: Sign
    thru: NoteKey | None = None
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class _Back:
    """A note-on that came back, `delay` seconds after it went out, and was taken for `origin`."""

    origin: Origin
    delay: float


@dataclass(slots=True)
class _Wheels:
    """Controls come back: what went out after `since`, each after `delay`, so far `count`."""

    since: float
    delay: float
    count: int = 1


class Echo:
    """Recognises jamd's own messages among those that come in.

    Attributes:
        loop: Whether what jamd plays is believed to come back.
        known: Whether a note is known to have come back, now or ever.
    """

    def __init__(self) -> None:
        self.loop = self.known = False
        self._out: deque[_Sent] = deque()  # what has not come back, oldest first
        self._row: list[tuple[float, float]] = []  # when each moment went out, and its delay
        self._last: dict[Sign, _Sent] = {}  # the last note-on of each sign that went out
        self._down: dict[NoteKey, float] = {}  # the player's keys, and when they were struck
        self._routed = -inf  # when a route last showed itself, even if no loop is known
        self._back: dict[NoteKey, deque[_Back]] = {}  # what has come back and not ended yet
        self._kept: dict[NoteKey, float] = {}  # player's keys, when a note-off was taken for jamd's
        self._given: list[NoteKey] = []  # those whose note-off was the player's after all
        self._said: dict[tuple[int, Sign], Sign] = {}  # the last message of each controller
        # What came in last, if it may be one that went out: its delay, and whether that was marked.
        self._suspect: tuple[Message, float, bool] | None = None
        self._wheels: _Wheels | None = None  # if they seem to come back
        self._asks: float | None = None  # mark the next note, due back after this delay
        self._twice = False  # keys are struck twice without a note-off between
        self._passed: tuple[Message, float | None] | None = None  # what is sent on, and its mark

    @property
    def deadline(self) -> float | None:
        """When `given_back` may have something to return."""
        doubted = (sent.seconds for sent in self._out if self._in_doubt(sent) is not None)
        first = min((*self._kept.values(), *doubted), default=None)
        return None if first is None else first + self._patience + SPREAD_S

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
        """A message went out at `now`. A clock message, or one for another port, is ignored."""
        message = send.message
        if send.output is not Output.MAIN or not hasattr(message, "channel"):
            return
        self._look(now)
        sent = _Sent(now, sign_of(message))
        if self._passed is not None and message is self._passed[0]:
            sent = _Sent(now, sent.sign, key_of(message), self._passed[1])
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
                self._said[message.channel, sign[:-1]] = sign
                for other in _REDEFINES.get(sign[:-1], ()):  # said again, it says something else
                    self._said.pop((message.channel, other), None)
            return origin
        if origin is Origin.JAMD or (key in self._down and not self._twice):
            self._routed = now
        if sent is None or origin is Origin.PLAYER:
            self._down[key] = now
            self._kept.pop(key, None)
        else:
            self._back.setdefault(key, deque()).append(_Back(origin, now - sent.seconds))
        return origin

    def _origin(self, sent: _Sent, message: Message, now: float) -> Origin:
        """Who a note-on or a control is from, if it may be `sent` coming back."""
        delay, key = now - sent.seconds, key_of(message)
        if self.loop:
            return Origin.JAMD if delay >= self._soonest else Origin.PLAYER
        if key is None:
            returns = self._control_returns(sent, now)
            drops = returns or self._changes_nothing(sent, message.channel)
            return Origin.JAMD if drops else Origin.PLAYER
        if _answers_its_mark(sent, now):
            self._row = [(sent.seconds, delay)]
            self._believe(now)
            return Origin.JAMD
        if sent.thru is None:
            return Origin.JAMD if self._count(sent, now) else Origin.DOUBTFUL
        if sent.thru == key and key in self._down and not self._twice:
            self._asks = delay
            return Origin.JAMD
        return Origin.PLAYER

    def _control_returns(self, sent: _Sent, now: float) -> bool:
        """Whether a control's message is `sent` coming back, as far as can be known of controls.

        A player's wheel passes through marked values as well, so this is no proof of a loop. But if
        nothing else like it went out, the others are expected to come back after the same delay.
        """
        if self._wheels is not None and self._is_expected(sent, now):
            self._wheels.count += 1
            return True
        if not _answers_its_mark(sent, now):
            return False
        if self._wheels is None and sum(other.sign == sent.sign for other in self._out) == 1:
            self._wheels = _Wheels(sent.seconds, now - sent.seconds)
        return True

    def _is_expected(self, sent: _Sent, now: float) -> bool:
        """Whether `sent` is the control that is due back now, if controls come back: in order.

        A wheel that comes to rest must not be left out by mistake, since nothing may follow.
        """
        wheels = self._wheels
        if wheels is None or (sent.sign[-1] == 0 and wheels.count < ENOUGH):
            return False
        controls = (o for o in self._out if o.seconds > wheels.since and o.sign[0] not in _NOTES)
        return next(controls, None) is sent and abs(now - sent.seconds - wheels.delay) <= SPREAD_S

    def _hear_end(self, sign: Sign, key: NoteKey, now: float) -> Origin:
        """Who a note-off is from.

        Each note-on that came in has one note-off. While the player holds the key as well, the
        first is theirs, unless it is one that went out, back after the delay of its note-on.
        """
        back = self._back.get(key)
        sent = None
        if back:
            ends = (sent for sent in self._out if sent.sign == sign)
            sent = next((e for e in ends if _alike(now - e.seconds, back[0].delay)), None)
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
        origin = back.popleft().origin
        if origin is Origin.JAMD:
            self._routed = now
            if key in self._down:
                self._kept[key] = now
        return origin

    def _changes_nothing(self, sent: _Sent, channel: int) -> bool:
        """Whether it makes no difference if a message is `sent` come back, or the player's.

        A panic makes none if no note has begun since `sent`; a controller makes none if it repeats
        its last value on its channel.
        """
        sign = sent.sign
        if sign[:2] in _PANICS:
            return all(
                later.sign[0] != NOTE_ON for later in self._out if later.seconds >= sent.seconds
            )
        return self._said.get((channel, sign[:-1])) == sign

    def _find(self, sign: Sign, now: float) -> _Sent | None:
        """The message that went out and may now be coming in; None if there is none."""
        same = [sent for sent in self._out if sent.sign == sign]
        if self.loop:
            due = [sent for sent in same if now - sent.seconds >= self._soonest]
        else:  # of several alike, a marked one that is due back now
            due = [sent for sent in same if self._is_expected(sent, now)]
            due = due or [sent for sent in same if _answers_its_mark(sent, now)]
        return next(iter(due or same), None)

    def _count(self, sent: _Sent, now: float) -> bool:
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
        while self._out and now - self._out[0].seconds > self._patience:
            lost = self._out.popleft()
            if self._wheels and lost.sign[0] not in _NOTES and lost.seconds > self._wheels.since:
                self._wheels = None
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
            if seconds + self._patience + SPREAD_S <= now:  # as in `deadline`, to the last bit
                del self._kept[key]

    def _in_doubt(self, sent: _Sent) -> NoteKey | None:
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
        return min(delay for _, delay in self._row) - SPREAD_S

    @property
    def _patience(self) -> float:
        """The longest delay after which something may come back, in seconds."""
        return max(delay for _, delay in self._row) + SPREAD_S if self.loop else LONGEST_S


def _answers_its_mark(sent: _Sent, now: float) -> bool:
    """Whether `sent` is marked, and a return at `now` has the delay expected of it."""
    return sent.mark is not None and _alike(now - sent.seconds, sent.mark)


def _alike(delay: float, other: float) -> bool:
    """Whether two delays may be one route's; a slow route is slow by its buffers, and uneven."""
    return abs(delay - other) <= max(SPREAD_S, other / 2)


_NOTES = (NOTE_ON, NOTE_OFF)
_DATA_ENTRY: tuple[Sign, ...] = (("control_change", 6), ("control_change", 38))
_REDEFINES: dict[Sign, tuple[Sign, ...]] = {
    **{("control_change", select): _DATA_ENTRY for select in (98, 99, 100, 101)},  # (N)RPN
    **{("control_change", bank): (("program_change",),) for bank in (BANK, BANK_FINE)},
}
"""Which messages mean something else after one of these, even if they are the same as before."""

_PANICS = [("control_change", control) for control in (ALL_SOUND_OFF, ALL_NOTES_OFF)]
