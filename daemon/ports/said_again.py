"""Says what ended a sound, or chose one, once more after the MIDI system has lost messages.

If the programs of one JACK period are not done in time, jackd in its usual, asynchronous mode goes
on without them, and messages of that period are lost, or heard twice. Of 3,683 messages between two
bare clients, on a machine without real-time scheduling, 12 were lost; of 3,668 under `jackd -S`
none. A note-on that is lost is one note less, but a note-off is a note that hangs, and a program
change is the wrong sound for a whole evening.
"""

from __future__ import annotations

from typing import NamedTuple

from mido import Message

from jamd.daemon.events import Output
from jamd.daemon.midi.terms import PEDAL_DOWN, PEDALS, begins_note, ends_note

AGAIN_S = 0.05
"""Seconds from a loss until what may have been lost is said again; losses come in rows."""

RECENT_S = 0.3
"""Seconds for which what ended may still be lost: six times as long as the longest loss seen."""


_PROGRAM = 128  # no controller has this number


class _Ended(NamedTuple):
    """What a message begins or ends: a note, or a pedal that is down; or a channel's program."""

    output: Output
    pedal: bool
    channel: int
    number: int


class SaidAgain:
    """Remembers the newest note-offs, lifted pedals and programs, in case they are lost."""

    def __init__(self) -> None:
        self._ended: dict[_Ended, tuple[float, Message]] = {}  # oldest first
        self._due: float | None = None

    def sent(self, message: Message, output: Output, now: float) -> None:
        """A message went out at `now`, in seconds. What it begins is not ended again."""
        if message.type == "control_change" and message.control in PEDALS:
            key = _Ended(output, True, message.channel, message.control)
            ends = message.value < PEDAL_DOWN
        elif begins_note(message) or ends_note(message):
            key = _Ended(output, False, message.channel, message.note)
            ends = ends_note(message)
        elif message.type == "program_change":
            key, ends = _Ended(output, True, message.channel, _PROGRAM), True
        else:
            return
        self._ended.pop(key, None)
        if ends:
            self._ended[key] = now, message

    def heard(self, message: Message) -> None:
        """A message came in. A key just struck may sound where jamd's note did, so it stays."""
        if self._ended and begins_note(message):
            for key in [k for k in self._ended if not k.pedal and k.number == message.note]:
                del self._ended[key]

    def lost(self, now: float) -> None:
        """Messages may have been lost shortly before `now`."""
        if self._due is None:
            self._due = now + AGAIN_S

    def due(self, now: float) -> list[tuple[Message, Output]]:
        """What to send again at `now`, in seconds, oldest first."""
        while self._ended:
            oldest = next(iter(self._ended))
            if self._ended[oldest][0] >= now - RECENT_S:
                break
            del self._ended[oldest]
        if self._due is None or now < self._due:
            return []
        self._due = None
        return [(message, key.output) for key, (_, message) in self._ended.items()]
