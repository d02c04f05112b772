"""Continues a context in the grid language, with the constraints as masks.

Needs numpy; the front process never imports this.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from jamd.columns import Bools, Ints
from jamd.grid.answering import Answering
from jamd.grid.encoding import Placed, transposed_chords
from jamd.grid.tokens import (
    BAR,
    CHORD,
    COMP,
    DURATION,
    DURATIONS,
    END,
    HIGHEST,
    KINDS,
    LEAD,
    LOWEST,
    PHRASE,
    PHRASE_BARS,
    PITCHES,
    POSITION,
    START,
    STYLE,
    STYLES,
    VELOCITY,
    VOCABULARY,
    bar_token,
    bars_left,
)
from jamd.grid.writer import DETAILS, DURATION_TICKS, GridWriter, Mask
from jamd.harmony.chart import Changes
from jamd.harmony.chart_scale import clash, scale_at
from jamd.harmony.harmony import CHORDS, tones_of
from jamd.harmony.tonality import recent_tonality
from jamd.language import Constraints, Context
from jamd.notes import METERS, TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Part, Tick

LONGEST_CLASH = TICKS_PER_BEAT
"""For less than this, in ticks, a note may sound into a new chord that it is no tone of."""


_COUNTDOWN: Mask = np.eye(len(VOCABULARY), dtype=np.bool_)[PHRASE : PHRASE + PHRASE_BARS]
_COUNTDOWN.flags.writeable = False


def _preference(in_scale: NDArray[np.float64], in_key: float, up: int) -> NDArray[np.float32]:
    """Shape (vocabulary,): log-weights that keep pitches and chords to a scale.

    Args:
        in_scale: Shape (12,): the probability that a pitch class belongs to it.
        in_key: As in `Constraints`.
        up: Semitones by which what is written is transposed up.
    """
    inside = np.roll(in_scale, up)
    pitches = np.log1p(-in_key * (1 - inside[np.arange(LOWEST, HIGHEST + 1) % 12]))
    chords = [min(inside[tone] for tone in tones_of(chord)) for chord in CHORDS]
    preference = np.zeros(len(VOCABULARY), np.float32)
    preference[COMP:VELOCITY] = preference[LEAD:DURATION] = pitches
    preference[CHORD:COMP] = np.log1p(-in_key * (1 - np.array(chords)))
    return preference


def _from_player(prefix: Ints, theirs: Bools) -> list[bool]:
    """For each token, whether it comes from the player: tokens before a note count as that note's.

    Args:
        prefix: Tokens; the last token of a note is its `Duration`.
        theirs: For each note in them, whether it is the player's.
    """
    ends = np.flatnonzero((prefix >= DURATION) & (prefix < PHRASE)) + 1
    told: list[bool] = np.repeat(theirs, np.diff(ends, prepend=0)).tolist()
    return told + [False] * (len(prefix) - len(told))


class GridContinuation:
    """Music being written after a context: a `GridWriter` under constraints.

    `Start`, `Style` and `End` are never written: a continuation goes on for as long as the caller
    asks for more.
    """

    def __init__(
        self,
        prefix: Ints,
        line: Tick,
        heard: Placed,
        context: Context,
        constraints: Constraints,
        up: Mapping[Part, int],
    ) -> None:
        """Begin after `prefix`.

        Args:
            prefix: The context as tokens, through the `Bar` of the bar holding `until` and the
                notes heard in that bar.
            line: The tick of that bar line, from the beginning of the prefix.
            heard: The notes in `prefix`.
            context: What the prefix was made from.
            constraints: What may be written.
            up: Semitones by which each part is transposed up in the prefix.
        """
        self.tokens: list[int] = prefix.tolist()
        self.from_player = _from_player(prefix, heard.theirs)
        self._up = up
        self._writer = GridWriter(line)
        last_bar = np.flatnonzero((prefix >= BAR) & (prefix < POSITION))[-1]
        for token in self.tokens[last_bar:]:
            self._writer.follow(token)
        ticks, pitch_tokens = heard.steps * TICKS_PER_STEP, heard.details[:, 0]
        places = zip(ticks.tolist(), pitch_tokens.tolist(), strict=True)
        self._answering = Answering(context, constraints, places, up)
        self._origin = context.start
        self._until = Tick(context.until - context.start)
        self._phrase_end = None if constraints.ends is None else constraints.ends - context.start
        self._changes = context.changes
        self._stated: int | None = None  # the chord last stated, if there are changes
        self._polyphony = constraints.polyphony
        self._ends: list[Tick] = []  # of the notes written that may still sound
        self._allowed: Mask | None = None  # until the next token
        self._in_key = constraints.in_key
        self.preference: NDArray[np.float32] | None = None
        if self._changes is not None:
            if context.until > context.start:
                self._harmonise(self._changes, Tick(context.until - 1))
        elif self._in_key and (tonality := recent_tonality(context)) is not None:
            self.preference = _preference(tonality.in_scale, self._in_key, up[Part.COMP])
        self._may_write = self._constant_mask(context.meter, constraints, up)
        self._pitches_left = bool(self._may_write[COMP:VELOCITY].any()) or bool(
            self._may_write[LEAD:DURATION].any()
        )

    @staticmethod
    def _constant_mask(meter: Meter, constraints: Constraints, up: Mapping[Part, int]) -> Mask:
        mask = np.ones(len(VOCABULARY), np.bool_)
        mask[[START, END]] = False
        mask[STYLE : STYLE + len(STYLES)] = False
        mask[PHRASE : PHRASE + PHRASE_BARS] = False  # stated where they are due, never drawn
        mask[BAR : BAR + len(METERS)] = False
        mask[bar_token(meter)] = True
        for part, first in ((Part.COMP, COMP), (Part.LEAD, LEAD)):
            low = max(0, constraints.lowest + up[part] - LOWEST)
            high = min(PITCHES, max(0, constraints.highest + up[part] + 1 - LOWEST))
            kept = slice(first + low, first + max(low, high))
            mask[first : first + PITCHES] = False
            mask[kept] = part in constraints.parts
            free = mask.copy()
            held = [first + pitch + up[part] - LOWEST for pitch in constraints.held]
            free[[token for token in held if first <= token < first + PITCHES]] = False
            if free[kept].any():
                mask = free
        return mask

    @property
    def through(self) -> Tick:
        """Every note with an onset before this tick has been returned by `push`."""
        return Tick(self._origin + max(self._until, self._writer.now))

    def allowed(self) -> Mask:
        """Shape (vocabulary,): what the grammar and the constraints allow next. Read-only."""
        if self._allowed is None:
            self._allowed = self._allowed_now()
            self._allowed.flags.writeable = False
        return self._allowed

    def _allowed_now(self) -> Mask:
        writer, kind = self._writer, KINDS[self.tokens[-1]]
        if kind == "Bar" and self._phrase_end is not None:
            bar = writer.next_bar_line - writer.bar_line
            left = bars_left(writer.bar_line, self._phrase_end, bar)
            if left is not None:
                mask: Mask = _COUNTDOWN[left - 1]
                return mask
        if kind in DETAILS:
            return self._durations() if kind == "Velocity" else DETAILS[kind]
        mask = writer.may_follow()
        mask &= self._may_write
        if self._changes is not None:
            if kind == "Position" and self._changes.at(self._now) != self._stated:
                return self._only_chord(self._changes)
            mask[CHORD:COMP] = False
        if mask[POSITION:CHORD].any():
            self._narrow_positions(mask)
        if writer.now < self._until or self._sounding(writer.now) >= self._polyphony:
            mask[CHORD:VELOCITY] = False
            mask[LEAD:DURATION] = False
        mask = self._answering.narrow(mask, writer)
        if self._changes is not None and kind == "Chord" and mask[COMP:VELOCITY].any():
            mask[:COMP] = mask[VELOCITY:] = False  # a change is heard where it comes
        return mask

    def _durations(self) -> Mask:
        """Shape (vocabulary,): the durations that the note being written may have."""
        mask = DETAILS["Velocity"].copy()
        self._answering.narrow_durations(mask, self._writer)
        if not mask.any():
            mask = DETAILS["Velocity"].copy()
        if self._changes is not None:
            end = Tick(self._now + int(DURATION_TICKS[-1]))
            tick = clash(self._changes, self._now, end, self._pitch_class)
            if tick is not None:
                room = tick + LONGEST_CLASH - self._now
                mask[DURATION : DURATION + len(DURATIONS)][room <= DURATION_TICKS] = False
        return mask

    @property
    def _pitch_class(self) -> int:
        """Of the note being written, as it will sound."""
        token = self._writer.pitch_token
        part, first = (Part.COMP, COMP) if token < VELOCITY else (Part.LEAD, LEAD)
        return (token - first + LOWEST - self._up[part]) % 12

    @property
    def _now(self) -> Tick:
        """The present position, in the context's ticks."""
        return Tick(self._origin + self._writer.now)

    def _harmonise(self, changes: Changes, tick: Tick) -> None:
        """The chord at `tick`, in the context's ticks, has been stated: write over it."""
        self._stated = changes.at(tick)
        if self._in_key:
            in_scale = scale_at(changes, tick)
            self.preference = _preference(in_scale, self._in_key, self._up[Part.COMP])

    def _only_chord(self, changes: Changes) -> Mask:
        """Shape (vocabulary,): the token of the chord that has to be stated here."""
        chord = transposed_chords(np.array([changes.at(self._now)]), self._up[Part.COMP])
        mask = np.zeros(len(VOCABULARY), np.bool_)
        mask[CHORD + chord] = True
        return mask

    def _narrow_positions(self, mask: Mask) -> None:
        """Clear in `mask` the positions that are past or where no further note may sound."""
        bar_line = self._writer.bar_line
        if not self._pitches_left:
            mask[POSITION:CHORD] = False
            return
        first = -(-(self._until - bar_line) // TICKS_PER_STEP)
        if first > 0:
            mask[POSITION : min(CHORD, POSITION + first)] = False
        if len(self._ends) >= self._polyphony:
            # No room until the note ends that leaves `polyphony - 1` still sounding.
            free_at = sorted(self._ends)[-self._polyphony]
            first = -(-(free_at - bar_line) // TICKS_PER_STEP)
            if first > 0:
                mask[POSITION : min(CHORD, POSITION + first)] = False

    def _sounding(self, at: Tick) -> int:
        return sum(end > at for end in self._ends)

    def due_before(self, token: int) -> int:
        """The position of a chord change that lies before `token`, an allowed one; else `token`.

        A change has a position of its own, wherever the limits would have the next note.
        """
        kind, writer = KINDS[token], self._writer
        if self._changes is None or kind not in ("Position", "Bar"):
            return token
        position = Tick(writer.bar_line + (token - POSITION) * TICKS_PER_STEP)
        target = writer.next_bar_line if kind == "Bar" else position
        for tick, chord in self._changes.between(self._now, Tick(self._origin + target)):
            if chord != self._stated:
                return POSITION + (tick - self._origin - writer.bar_line) // TICKS_PER_STEP
        return token

    def push(self, token: int) -> tuple[Note, ...]:
        """Take the next token; return the notes that it completes, in the context's ticks.

        Raises:
            ValueError: `token` is not allowed here, nor due before one that is.
        """
        if not 0 <= token < len(VOCABULARY):
            raise ValueError(f"there is no token {token}")
        if not self.allowed()[token] and (token < POSITION or self.due_before(BAR) != token):
            raise ValueError(f"token {token} is not allowed here")
        self._allowed = None
        self.tokens.append(token)
        notes = self._writer.follow(token)
        if KINDS[token] == "Position":
            self._ends = [end for end in self._ends if end > self._writer.now]
        elif KINDS[token] == "Chord" and self._changes is not None:
            self._harmonise(self._changes, self._now)
        for note in notes:
            self._ends.append(note.end)
            self._answering.wrote(note)
        return tuple(
            n._replace(onset=Tick(n.onset + self._origin), pitch=n.pitch - self._up[n.part])
            for n in notes
        )
