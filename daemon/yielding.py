"""Does the player take the turn back? A stray note is none; two notes are, or one that is loud."""

from __future__ import annotations

from enum import Enum

from jamd.placing import CHORD_SECONDS

LOUDER = 24
"""How much harder than his phrase on average a player strikes who will not wait, in velocity: a
dynamic mark and a half, of which there are eight between 0 and 127."""


class Yield(Enum):
    """What takes the turn back from jamd."""

    NOW = "now"  # any note
    NOTE = "note"  # two onsets within a beat, or one loud one
    NEVER = "never"  # nothing: the answer is played out


class Patience:
    """What the player strikes while jamd plays one answer.

    Args:
        rule: What takes the turn back.
        loudness: The mean velocity of the phrase that is answered.
    """

    def __init__(self, rule: Yield, loudness: float) -> None:
        self._rule = rule
        self._loud = min(127.0, loudness + LOUDER)
        self._stray: float | None = None  # when the last onset was

    def ends(self, velocity: int, now: float, beat_seconds: float) -> bool:
        """Whether a key struck at `now`, in seconds, takes the turn back."""
        if self._rule is not Yield.NOTE:
            return self._rule is Yield.NOW
        since = None if self._stray is None else now - self._stray
        if since is None or since > CHORD_SECONDS:  # else it belongs to the stray's chord
            self._stray = now
        in_a_row = since is not None and CHORD_SECONDS < since <= beat_seconds
        return in_a_row or velocity >= self._loud
