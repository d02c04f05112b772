"""Keyboards with layers: one key is sent on several channels, and is one note all the same."""

from __future__ import annotations

from mido import Message

from jamd.daemon.midi.terms import NoteKey, ends_note, key_of

LAYER_S = 0.020
"""A pitch that is down and is struck again this soon was struck once: by a layer, or by a keyboard
that comes in on two ways. Two players in unison are one note to hear, too."""


class Layers:
    """Tells which note-ons and note-offs only double others."""

    def __init__(self) -> None:
        self._down: dict[int, tuple[NoteKey, float]] = {}  # by pitch: what was struck, and when
        self._doubles: set[NoteKey] = set()  # keys that are down, and are not to be heard

    def doubles(self, message: Message, now: float) -> bool:
        """Whether a message of the player's, at `now` in seconds, only doubles another."""
        key = key_of(message)
        if key is None:
            return False
        first, struck = self._down.get(key.pitch, (None, now))
        if ends_note(message):
            if first == key:
                del self._down[key.pitch]
            doubled = key in self._doubles
            self._doubles.discard(key)
            return doubled
        if first is None or now - struck > LAYER_S:
            self._down[key.pitch] = key, now
            self._doubles.discard(key)
            return False
        if first != key:  # else any note-off ends the one note
            self._doubles.add(key)
        return True
