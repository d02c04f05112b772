"""MIDI's own terms: what begins and ends a note, and the numbers of channels and controllers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mido import Message

DRUMS = 9
"""General MIDI's drum channel, which users call 10: its note numbers are not pitches."""

BANK, BANK_FINE = 0, 32  # controllers that select a bank of programs
SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 120, 123

PEDALS = range(64, 70)
"""The controllers that MIDI defines as switches, from sustain to hold 2."""

PEDAL_DOWN = 64
"""A pedal or button at this value or above is down, even if only half way."""


@dataclass(frozen=True, slots=True)
class NoteKey:
    """What a note-off identifies: a channel, 0..15, and a pitch."""

    channel: int
    pitch: int


def begins_note(message: Message) -> bool:
    """Whether a message of any kind is a note-on that strikes a note, not one that ends it."""
    return bool(message.type == "note_on" and message.velocity > 0)


def ends_note(message: Message) -> bool:
    """Whether it is a note-off, in either spelling: a note-on with velocity 0 is one, too."""
    return bool(message.type == "note_off" or (message.type == "note_on" and not message.velocity))


def silences(message: Message) -> bool:
    """Whether a message of any kind is All Sound Off or All Notes Off."""
    return bool(message.is_cc(ALL_SOUND_OFF) or message.is_cc(ALL_NOTES_OFF))


def key_of(message: Message) -> NoteKey | None:
    """The key of a note-on or note-off; None for any other message."""
    if message.type not in ("note_on", "note_off"):
        return None
    return NoteKey(message.channel, message.note)
