"""Writing the grid language token by token: its grammar, and the masks that carry constraints.

Needs numpy; the front process never imports this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jamd.grid_tokens import (
    BAR,
    CHORD,
    COMP,
    DURATION,
    END,
    HIGHEST,
    LEAD,
    LOWEST,
    PITCHES,
    POSITION,
    START,
    STYLE,
    STYLES,
    VELOCITY,
    VOCABULARY,
    bin_velocity,
    ticks_of,
)
from jamd.harmony import CHORDS, tones_of
from jamd.key import recent_key
from jamd.language import Constraints, Context
from jamd.notes import METERS, TICKS_PER_STEP, Meter, Note, Part, Tick, to_tick

Mask = NDArray[np.bool_]

# The grammar: which kinds may follow a kind. What the kinds leave open (rising positions, rising
# pitches, Comp before Lead) `GridWriter.may_follow` narrows.
_FOLLOWS = {
    "Start": ("Style",),
    "Style": ("Bar",),
    "Bar": ("Position", "Bar", "End"),
    "Position": ("Chord", "Comp", "Lead"),
    "Chord": ("Comp", "Lead", "Position", "Bar", "End"),
    "Comp": ("Velocity",),
    "Lead": ("Velocity",),
    "Velocity": ("Duration",),
    "Duration": ("Comp", "Lead", "Position", "Bar", "End"),
    "End": (),
}
_FIRST = ("Start", "Style", "Bar")  # a stream may begin in the middle of a piece

KIND = tuple(VOCABULARY.kind(token) for token in range(len(VOCABULARY)))


def _kind_mask(*kinds: str) -> Mask:
    mask = np.array([kind in kinds for kind in KIND])
    mask.flags.writeable = False
    return mask


_AFTER = {kind: _kind_mask(*follows) for kind, follows in _FOLLOWS.items()}
_AT_FIRST = _kind_mask(*_FIRST)
# After a pitch or a velocity nothing but the grammar has a say.
_DETAILS = {kind: _AFTER[kind] for kind in ("Comp", "Lead", "Velocity")}


class GridWriter:
    """Follows a stream of grid tokens and makes notes of it.

    Attributes:
        style: The style stated last.
        meters: (tick, meter) of each change of meter so far.
        bar_line: Tick of the bar line of the current bar.
        position: Step of the current position within the bar, -1 before the first.
    """

    def __init__(self) -> None:
        self.style = "other"
        self.meters: list[tuple[Tick, Meter]] = []
        self.bar_line = Tick(0)
        self.position = -1
        self._next_bar_line = Tick(0)
        self._last: int | None = None
        self._pitch_token = 0
        self._velocity = 0

    @property
    def now(self) -> Tick:
        """The moment of the current position; the bar line before the bar's first."""
        return Tick(self.bar_line + to_tick(max(0, self.position)))

    def may_follow(self) -> Mask:
        """Shape (vocabulary,): what the grammar allows next. A new array, free to narrow."""
        if self._last is None:
            return _AT_FIRST.copy()
        mask = _AFTER[KIND[self._last]].copy()
        mask[POSITION : POSITION + self.position + 1] = False
        if self.meters:
            mask[POSITION + self.meters[-1][1].steps_per_bar : CHORD] = False
        if KIND[self._last] == "Duration":
            # From the lowest pitch up, Comp before Lead: ids rise.
            mask[COMP : min(self._pitch_token + 1, VELOCITY)] = False
            if self._pitch_token >= LEAD:
                mask[LEAD : self._pitch_token + 1] = False
        return mask

    def push(self, token: int) -> tuple[Note, ...]:
        """Take a token; return the note that it completes, if it does.

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
        match KIND[token]:
            case "Style":
                self.style = STYLES[token - STYLE]
            case "Bar":
                self._open_bar(METERS[token - BAR])
            case "Position":
                self.position = token - POSITION
                self._pitch_token = 0
            case "Comp" | "Lead":
                self._pitch_token = token
            case "Velocity":
                self._velocity = bin_velocity(token - VELOCITY)
            case "Duration":
                return (self._note(ticks_of(token)),)
        return ()

    def _open_bar(self, meter: Meter) -> None:
        self.bar_line = self._next_bar_line
        self._next_bar_line = Tick(self.bar_line + meter.ticks_per_bar)
        self.position = -1
        if not self.meters or self.meters[-1][1] != meter:
            self.meters.append((self.bar_line, meter))

    def _note(self, duration: Tick) -> Note:
        part, first = (Part.COMP, COMP) if self._pitch_token < VELOCITY else (Part.LEAD, LEAD)
        pitch = self._pitch_token - first + LOWEST
        return Note(self.now, pitch, self._velocity, duration, part)


def _preference(context: Context, in_key: float, up: int) -> NDArray[np.float32] | None:
    """Shape (vocabulary,): log-weights that hold pitches and chords to the key of the context."""
    key = recent_key(context) if in_key else None
    if key is None:
        return None
    tones = {(pitch_class + up) % 12 for pitch_class in key.pitch_classes}
    inside = np.array([pitch % 12 in tones for pitch in range(LOWEST, HIGHEST + 1)])
    inside_chords = [tones_of(chord) <= tones for chord in CHORDS]
    preference = np.zeros(len(VOCABULARY), np.float32)
    outside = np.log1p(-in_key)
    preference[COMP:VELOCITY] = preference[LEAD:DURATION] = np.where(inside, 0, outside)
    preference[CHORD:COMP] = np.where(inside_chords, 0, outside)
    return preference


class GridContinuation:
    """Music being written after a context: a `GridWriter` under constraints.

    `Start`, `Style` and `End` are never written: a continuation goes on until nobody asks for
    more.
    """

    def __init__(
        self, prefix: list[int], context: Context, constraints: Constraints, up: int = 0
    ) -> None:
        """Begin after `prefix`.

        Args:
            prefix: The context as tokens, through the `Bar` of the bar holding `until`.
            context: What they were made of.
            constraints: What may be written.
            up: The semitones by which they are transposed.
        """
        self.tokens = prefix
        self._up = up
        self._writer = GridWriter()
        for token in prefix:
            self._writer.follow(token)
        self._origin = context.start
        self._until = Tick(context.until - context.start)
        self._polyphony = constraints.polyphony
        self._ends: list[Tick] = []  # of the notes written that may still sound
        self._allowed: Mask | None = None  # until the next token
        self.preference = _preference(context, constraints.in_key, up)
        self._may_write = self._constant_mask(context.meter, constraints, up)
        self._pitches_left = bool(self._may_write[COMP:VELOCITY].any()) or bool(
            self._may_write[LEAD:DURATION].any()
        )

    @staticmethod
    def _constant_mask(meter: Meter, constraints: Constraints, up: int) -> Mask:
        mask = np.ones(len(VOCABULARY), np.bool_)
        mask[[START, END]] = False
        mask[STYLE : STYLE + len(STYLES)] = False
        mask[BAR : BAR + len(METERS)] = False
        mask[BAR + METERS.index(meter)] = True
        low = max(0, constraints.lowest + up - LOWEST)
        high = min(PITCHES, max(0, constraints.highest + up + 1 - LOWEST))
        for part, first in ((Part.COMP, COMP), (Part.LEAD, LEAD)):
            kept = slice(first + low, first + max(low, high))
            mask[first : first + PITCHES] = False
            mask[kept] = part in constraints.parts
        return mask

    @property
    def through(self) -> Tick:
        """Every note with an onset before this tick has been returned by `push`."""
        return Tick(self._origin + max(self._until, self._writer.now))

    def allowed(self) -> Mask:
        """Shape (vocabulary,): what the grammar and the constraints allow next. Read-only."""
        if self._allowed is None:
            self._allowed = _DETAILS.get(KIND[self.tokens[-1]])
            if self._allowed is None:
                self._allowed = self._allowed_now()
                self._allowed.flags.writeable = False
        return self._allowed

    def _allowed_now(self) -> Mask:
        writer = self._writer
        mask = writer.may_follow()
        mask &= self._may_write
        if mask[POSITION:CHORD].any():
            self._narrow_positions(mask)
        if writer.now < self._until or self._sounding(writer.now) >= self._polyphony:
            mask[CHORD:VELOCITY] = False
            mask[LEAD:DURATION] = False
        return mask

    def _narrow_positions(self, mask: Mask) -> None:
        """Leave the positions that are not past and where a note may sound."""
        bar_line = self._writer.bar_line
        if not self._pitches_left:
            mask[POSITION:CHORD] = False
            return
        first = -(-(self._until - bar_line) // TICKS_PER_STEP)
        if first > 0:
            mask[POSITION : min(CHORD, POSITION + first)] = False
        if len(self._ends) >= self._polyphony:
            # Full until the note ends that leaves `polyphony - 1` still sounding.
            free_at = sorted(self._ends)[-self._polyphony]
            first = -(-(free_at - bar_line) // TICKS_PER_STEP)
            if first > 0:
                mask[POSITION : min(CHORD, POSITION + first)] = False

    def _sounding(self, at: Tick) -> int:
        return sum(end > at for end in self._ends)

    def push(self, token: int) -> tuple[Note, ...]:
        """Take the next token; return the notes that it completes, in the context's ticks.

        Raises:
            ValueError: `token` is not allowed here.
        """
        if not 0 <= token < len(VOCABULARY) or not self.allowed()[token]:
            raise ValueError(f"token {token} is not allowed here")
        self._allowed = None
        self.tokens.append(token)
        notes = self._writer.follow(token)
        if KIND[token] == "Position":
            self._ends = [end for end in self._ends if end > self._writer.now]
        self._ends += [note.end for note in notes]
        return tuple(
            Note(Tick(n.onset + self._origin), n.pitch - self._up, n.velocity, n.duration, n.part)
            for n in notes
        )
