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

What is sent on from the player (thru) looks like a player who repeats himself when it comes back,
unless its key is still down: then it is known at once, for no keyboard strikes a key twice without
letting it go. A route that takes longer than the note lasts is not seen by that.

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

Sign = tuple[object, ...]
"""What of a message stays the same on its way round: all but its channel."""


class Origin(Enum):
    """Who a message is from."""

    PLAYER = "player"
    DOUBTFUL = "doubtful"  # like one of jamd's, and no loop is known of: the player's, most likely
    JAMD = "jamd"


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message that went out at `seconds`; `thru` is its key where it was the player's own."""

    seconds: float
    sign: Sign
    thru: Key | None = None


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
        self._moved: dict[Key, float] = {}  # when each of them last went down or up
        self._said: dict[tuple[int, Sign], Sign] = {}  # what each controller said last
        self._back: set[Key] = set()  # the keys on which jamd's notes have come back

    def sent(self, send: Send, now: float) -> None:
        """A message went out at `now`. One that is of a clock or for another port is ignored."""
        message = send.message
        if send.output is not Output.MAIN or not hasattr(message, "channel"):
            return
        self._look(now)
        key = _key(message)
        thru = key if key is not None and self._moved.get(key) == now else None
        self._out.append(_Sent(now, _sign(message), thru))

    def hear(self, message: Message, now: float) -> Origin:
        """Say who `message`, of a channel, is from; it came in at `now`."""
        self._look(now)
        sign, key = _sign(message), _key(message)
        sent = self._find(sign, key, now)
        origin = Origin.PLAYER
        if sent is not None:
            certain = sent.thru is not None or self._changes_nothing(sent, message.channel)
            if key is not None and not self.loop:
                origin = Origin.DOUBTFUL
                self._count(sent, now)
            if self.loop or certain:
                origin = Origin.JAMD
                self.known = self.known or key is not None
            if origin is not Origin.PLAYER:
                self._out.remove(sent)
        elif key in self._back and not self.loop:
            self._row.clear()  # an end that was not sent: here are a player's hands
        if key is not None:
            self._remember(sign, key, origin, now)
        elif origin is Origin.PLAYER:
            self._said[message.channel, sign[:-1]] = sign
        return origin

    def _changes_nothing(self, sent: _Sent, channel: int) -> bool:
        """Whether it makes no difference from whom a message is that has gone out just now.

        A panic makes none where nothing has begun since the last, nor a controller that says what
        it said last on its channel.
        """
        sign = sent.sign
        if sign[0] in (_ON, _OFF):
            return False
        if sign[:2] in _PANICS:
            return all(later.sign[0] != _ON for later in self._out if later.seconds >= sent.seconds)
        return self._said.get((channel, sign[:-1])) == sign

    def _find(self, sign: Sign, key: Key | None, now: float) -> _Sent | None:
        """The oldest message that went out and that may be the one that comes in."""
        if sign[0] == _OFF and key not in self._back:
            return None
        soonest = min(delay for _, delay in self._row) - SPREAD_S if self.loop else 0.0
        for sent in self._out:
            if now - sent.seconds < soonest:
                return None
            twice = sent.thru == key and key in (self._down if sign[0] == _ON else self._back)
            if sent.sign == sign and (sent.thru is None or self.loop or twice):
                return sent
        return None

    def _count(self, sent: _Sent, now: float) -> None:
        """A beginning or an end has come back: one more in a row, or the first of another row."""
        delays = [now - sent.seconds, *(delay for _, delay in self._row)]
        if max(delays) - min(delays) > SPREAD_S:
            self._row.clear()
        if sent.sign[0] == _ON:
            if all(abs(sent.seconds - seconds) >= _MOMENT_S for seconds, _ in self._row):
                self._row.append((sent.seconds, now - sent.seconds))
            self.loop = len(self._row) >= ENOUGH

    def _look(self, now: float) -> None:
        """Forget what has not come back in time. Was a note among it, there is no loop."""
        patience = LONGEST_S
        if self.loop:
            patience = max(delay for _, delay in self._row) + SPREAD_S
        while self._out and now - self._out[0].seconds > patience:
            lost = self._out.popleft()
            expected = lost.thru is None or self.loop
            if lost.sign[0] in (_ON, _OFF) and expected:
                self.loop = False
                self._row.clear()

    def _remember(self, sign: Sign, key: Key, origin: Origin, now: float) -> None:
        """Keep which keys are down, and on which of them jamd's notes have come back."""
        begins = sign[0] == _ON
        if origin is not Origin.PLAYER:
            (self._back.add if begins else self._back.discard)(key)
        if origin is not Origin.JAMD:
            (self._down.add if begins else self._down.discard)(key)
            self._moved[key] = now


_ON, _OFF = "note_on", "note_off"


def _sign(message: Message) -> Sign:
    if message.type == _OFF or (message.type == _ON and message.velocity == 0):
        return (_OFF, message.note)  # some hosts write one as the other
    if message.type == _ON:
        return (_ON, message.note, message.velocity)
    values = vars(message)
    return (message.type, *(values[name] for name in sorted(values.keys() - _NOT_SIGNS)))


_NOT_SIGNS = {"type", "channel", "time"}


def _key(message: Message) -> Key | None:
    return Key(message.channel, message.note) if message.type in (_ON, _OFF) else None


_PANICS = [("control_change", control) for control in (ALL_SOUND_OFF, ALL_NOTES_OFF)]
