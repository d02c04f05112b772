"""Recognises controllers that come back while no loop is known: pedals, wheels, pressure, programs.

A message that makes no difference is taken for jamd's at its first return, loop or no loop: above
all the "all notes off" that jamd sends, which would come round as a panic and cause the next one.

A wheel or pressure that is swung to and fro passes through every value, so its marks prove no loop.
What answers its mark is left out; and if nothing else explains that value, so are the controllers
that then come back in order after the same delay, until one does not.
"""

from __future__ import annotations

from collections.abc import Collection

from jamd.daemon.midi.echo_signature import ENOUGH, NOTE_OFF, NOTE_ON, SPREAD_S, Sent, Sign
from jamd.daemon.midi.terms import ALL_NOTES_OFF, ALL_SOUND_OFF, BANK, BANK_FINE

_DATA_ENTRY: tuple[Sign, ...] = (("control_change", 6), ("control_change", 38))
_REDEFINES: dict[Sign, tuple[Sign, ...]] = {
    **{("control_change", select): _DATA_ENTRY for select in (98, 99, 100, 101)},  # (N)RPN
    **{("control_change", bank): (("program_change",),) for bank in (BANK, BANK_FINE)},
}
"""Which messages mean something else after one of these, even if they are the same as before."""

_PANICS = [("control_change", control) for control in (ALL_SOUND_OFF, ALL_NOTES_OFF)]


class ControllerEcho:
    """Recognises jamd's own controllers among those that come in. Moments are in seconds.

    Args:
        out: What went out and has not come back, oldest first, as it is at any moment.
    """

    def __init__(self, out: Collection[Sent]) -> None:
        self._out = out
        self._said: dict[tuple[int, Sign], Sign] = {}  # the player's last message of each
        self._row = 0  # how many in a row seem to have come back
        self._since = self._delay = 0.0  # if any: when the first went out, and the delay of all

    def returns(self, sent: Sent, channel: int, now: float) -> bool:
        """Whether what comes in at `now` is taken for `sent`; it may have changed its channel."""
        return self._comes_round(sent, now) or self._changes_nothing(sent, channel)

    def is_due(self, sent: Sent, now: float) -> bool:
        """Whether `sent` is the controller due back now, if they seem to come back: in order.

        A wheel that comes to rest must not be left out by mistake, since nothing may follow.
        """
        if not self._row or (sent.sign[-1] == 0 and self._row < ENOUGH):
            return False
        following = (o for o in self._out if o.seconds > self._since and not _is_note(o))
        return next(following, None) is sent and abs(now - sent.seconds - self._delay) <= SPREAD_S

    def lost(self, sent: Sent) -> None:
        """`sent`, of any kind, is not back in time."""
        if not _is_note(sent) and sent.seconds > self._since:
            self._row = 0

    def said(self, sign: Sign, channel: int) -> None:
        """The player has sent a controller."""
        self._said[channel, sign[:-1]] = sign
        for other in _REDEFINES.get(sign[:-1], ()):  # said again, it says something else
            self._said.pop((channel, other), None)

    def _comes_round(self, sent: Sent, now: float) -> bool:
        """Whether `sent` is back, as far as can be known of controllers.

        A player's wheel passes through marked values as well, so this is no proof of a loop. But if
        nothing else like it went out, the others are expected to come back after the same delay.
        """
        if self.is_due(sent, now):
            self._row += 1
            return True
        if not sent.answers_its_mark(now):
            return False
        if not self._row and sum(other.sign == sent.sign for other in self._out) == 1:
            self._row, self._since, self._delay = 1, sent.seconds, now - sent.seconds
        return True

    def _changes_nothing(self, sent: Sent, channel: int) -> bool:
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


def _is_note(sent: Sent) -> bool:
    return sent.sign[0] in (NOTE_ON, NOTE_OFF)
