"""The grid language token by token: its grammar, and the notes that tokens make.

Needs numpy; the front process never imports this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jamd.grid.tokens import (
    BAR,
    CHORD,
    COMP,
    DURATIONS,
    KINDS,
    LEAD,
    LOWEST,
    POSITION,
    STYLE,
    STYLES,
    VELOCITY,
    VOCABULARY,
    bin_velocity,
    ticks_of,
)
from jamd.notes import METERS, TICKS_PER_STEP, Meter, Note, Part, Tick, to_tick

Mask = NDArray[np.bool_]

# The grammar: which kinds may follow a kind. `GridWriter.may_follow` adds what kinds cannot
# express: rising positions, rising pitches, Comp before Lead.
_FOLLOWS = {
    "Start": ("Style",),
    "Style": ("Bar",),
    "Bar": ("Phrase", "Position", "Bar", "End"),
    "Phrase": ("Position", "Bar", "End"),
    "Position": ("Chord", "Comp", "Lead"),
    "Chord": ("Comp", "Lead", "Position", "Bar", "End"),
    "Comp": ("Velocity",),
    "Lead": ("Velocity",),
    "Velocity": ("Duration",),
    "Duration": ("Comp", "Lead", "Position", "Bar", "End"),
    "End": (),
}
_FIRST = ("Start", "Style", "Bar")  # a stream may begin in the middle of a piece


def of_kind(*kinds: str) -> Mask:
    """(vocabulary,): which tokens are of one of `kinds`. Read-only."""
    mask = np.array([kind in kinds for kind in KINDS])
    mask.flags.writeable = False
    return mask


_AFTER = {kind: of_kind(*follows) for kind, follows in _FOLLOWS.items()}
_AT_FIRST = of_kind(*_FIRST)
DURATION_TICKS = np.array(DURATIONS) * TICKS_PER_STEP
"""Shape (len(DURATIONS),): the ticks that each duration token stands for. Read-only."""
DURATION_TICKS.flags.writeable = False

DETAILS = {kind: _AFTER[kind] for kind in ("Comp", "Lead", "Velocity")}
"""What may follow a pitch or a velocity, wherever it stands. Read-only."""


def not_beyond(due: int, mask: Mask, writer: GridWriter) -> None:
    """Clear in `mask`, (vocabulary,), the positions after tick `due`, and a bar line after it."""
    if due < writer.next_bar_line:
        mask[BAR : BAR + len(METERS)] = False
        step = max(0, due - writer.bar_line) // TICKS_PER_STEP
        mask[min(CHORD, POSITION + step + 1) : CHORD] = False


class GridWriter:
    """Follows a stream of grid tokens and turns it into notes.

    Args:
        line: Tick of the first bar line to come.

    Attributes:
        style: The last style stated.
        meters: (tick, meter) of each change of meter so far.
        bar_line: Tick of the bar line of the current bar.
        next_bar_line: Tick of the one after it.
        position: Step of the current position within the bar, -1 before the first.
        pitch_token: The last pitch at the current position, 0 before its first.
    """

    def __init__(self, line: Tick = Tick(0)) -> None:
        self.style = "other"
        self.meters: list[tuple[Tick, Meter]] = []
        self.bar_line = line
        self.position = -1
        self.next_bar_line = line
        self._last: int | None = None
        self.pitch_token = 0
        self._velocity = 0

    @property
    def now(self) -> Tick:
        """The tick of the current position; the bar line before the first position in the bar."""
        return Tick(self.bar_line + to_tick(max(0, self.position)))

    def may_follow(self) -> Mask:
        """Shape (vocabulary,): what the grammar allows next. A new array, free to narrow."""
        if self._last is None:
            return _AT_FIRST.copy()
        mask = _AFTER[KINDS[self._last]].copy()
        mask[POSITION : POSITION + self.position + 1] = False
        if self.meters:
            mask[POSITION + self.meters[-1][1].steps_per_bar : CHORD] = False
        if KINDS[self._last] == "Duration":
            # From the lowest pitch up, Comp before Lead: ids rise.
            mask[COMP : min(self.pitch_token + 1, VELOCITY)] = False
            if self.pitch_token >= LEAD:
                mask[LEAD : self.pitch_token + 1] = False
        return mask

    def push(self, token: int) -> tuple[Note, ...]:
        """Take a token; return the note that it completes, if any.

        Raises:
            ValueError: The grammar does not allow `token` here.
        """
        if not 0 <= token < len(VOCABULARY) or not self.may_follow()[token]:
            name = VOCABULARY.token(token) if 0 <= token < len(VOCABULARY) else str(token)
            after = (
                "at the start" if self._last is None else f"after {VOCABULARY.token(self._last)}"
            )
            raise ValueError(f"{name} cannot stand {after}")
        return self.follow(token)

    def follow(self, token: int) -> tuple[Note, ...]:
        """`push` without the check, for a token known to be right: 20 times as fast."""
        self._last = token
        match KINDS[token]:
            case "Style":
                self.style = STYLES[token - STYLE]
            case "Bar":
                self._open_bar(METERS[token - BAR])
            case "Position":
                self.position = token - POSITION
                self.pitch_token = 0
            case "Comp" | "Lead":
                self.pitch_token = token
            case "Velocity":
                self._velocity = bin_velocity(token - VELOCITY)
            case "Duration":
                return (self._note(ticks_of(token)),)
        return ()

    def _open_bar(self, meter: Meter) -> None:
        self.bar_line = self.next_bar_line
        self.next_bar_line = Tick(self.bar_line + meter.ticks_per_bar)
        self.position = -1
        if not self.meters or self.meters[-1][1] != meter:
            self.meters.append((self.bar_line, meter))

    def _note(self, duration: Tick) -> Note:
        part, first = (Part.COMP, COMP) if self.pitch_token < VELOCITY else (Part.LEAD, LEAD)
        pitch = self.pitch_token - first + LOWEST
        return Note(self.now, pitch, self._velocity, duration, part)
