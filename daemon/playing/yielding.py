"""Whether the player takes the turn back: a stray note does not; two notes do, or one loud one."""

from __future__ import annotations

from enum import Enum

from jamd.placing import CHORD_SECONDS

LOUDER = 24
"""How much louder than the phrase's mean a player who will not wait strikes, in velocity: one and a
half dynamic marks, of which there are eight between 0 and 127."""


class Yield(Enum):
    """What takes the turn back from jamd."""

    NOW = "now"  # any note
    NOTE = "note"  # two onsets within a beat, or one loud one
    NEVER = "never"  # nothing: the answer is played out


class Patience:
    """Judges what the player strikes while jamd plays one answer.

    Args:
        rule: As the attribute.
        loudness: The mean velocity of the phrase being answered.

    Attributes:
        rule: What takes the turn back.
    """

    def __init__(self, rule: Yield, loudness: float) -> None:
        self.rule = rule
        self._loudness = loudness
        self._stray: float | None = None  # when the last onset was

    def ends(self, velocity: int, now: float, beat_seconds: float) -> bool:
        """Whether a key struck at `now`, in seconds, takes the turn back."""
        if self.rule is not Yield.NOTE:
            return self.rule is Yield.NOW
        since = None if self._stray is None else now - self._stray
        if since is None or since > CHORD_SECONDS:  # else it belongs to the stray's chord
            self._stray = now
        # Two that are meant to be a beat apart may be as far off it as those of a chord are apart.
        in_a_row = since is not None and CHORD_SECONDS < since <= beat_seconds + CHORD_SECONDS
        return in_a_row or self._is_loud(velocity)

    def _is_loud(self, velocity: int) -> bool:
        """Whether it is louder by `LOUDER`, or as loud as can be after a phrase that was not."""
        return self._loudness < velocity >= min(127, self._loudness + LOUDER)
