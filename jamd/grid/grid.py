"""The grid language: notes <-> tokens, on the beat grid.

A piece reads

    Start Style_jazz
    Bar_4/4 Position_0 Chord_D:min7 Comp_50 Velocity_5 Duration_24 Lead_65 Velocity_6 Duration_6
            Position_6 Lead_69 Velocity_6 Duration_6
    Bar_4/4 …
    End

Every bar starts with its `Bar`, even if empty. Where a phrase is to end at a known bar line,
`Phrase_3` after `Bar` states that three bars of it are left, this one included: it is given when a
phrase is asked for, and no piece is encoded with one. `Position` counts steps (12 a quarter note)
from the bar line and appears only where something happens. After it comes the harmony, if it
changes there, then the notes: Comp before Lead, each part from the lowest pitch up, each note as
pitch, velocity, duration. Comp comes first because live accompaniment must be decided before the
player's note of the same moment is known.

Onsets are rounded to the step, velocities to one of 8 bins, durations to the nearest of
`DURATIONS`; pitches outside a piano's 88 keys are moved into that range by octaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from jamd.columns import Columns, Ints
from jamd.grid.continuation import GridContinuation
from jamd.grid.encoding import bar_lines, encode, place, tokens_of, transposed_chords
from jamd.grid.tokens import PHRASE, RHYTHM, START, VOCABULARY, bars_left, style_token
from jamd.grid.writer import GridWriter
from jamd.language import Constraints, Context
from jamd.lengths import meant_lengths
from jamd.notes import HELD, TICKS_PER_BEAT, TICKS_PER_STEP, Part, Piece, Step, Tick
from jamd.register import transposition_of


class Grid:
    """The grid language. It has no state: all instances are alike."""

    name = "grid"
    vocabulary = VOCABULARY
    rhythm = RHYTHM

    def encode(self, piece: Piece) -> list[int]:
        """A whole piece as token ids, `Start` to `End`.

        Raises:
            ValueError: The piece's meter is not one of `METERS`, or its style not of `STYLES`.
        """
        tokens = encode(Columns.of(piece.notes), piece.meters, piece.style)
        ids: list[int] = tokens.tolist()
        return ids

    def decode(self, tokens: Iterable[int]) -> Piece:
        """Token ids as a piece: the inverse of `encode`, up to the grid.

        Takes any tokens that follow the grammar, with or without `Start` and `End`.

        Raises:
            ValueError: A token stands where the grammar does not allow it.
        """
        writer = GridWriter()
        notes = [note for token in tokens for note in writer.push(token)]
        return Piece(tuple(sorted(notes)), tuple(writer.meters), writer.style)

    def begin(self, context: Context, constraints: Constraints) -> GridContinuation:
        """Start writing what follows `context`.

        An onset off the grid goes to the nearest step. The player's notes last as long as they were
        meant to (`jamd.lengths`); one still held counts as lasting until now, or a beat if that is
        longer. Everything is transposed to C major or A minor, and a low tune up to the usual range
        of tunes (`jamd.register`), so that the model need not know every key and every voice; what
        it writes is transposed back.

        Raises:
            ValueError: The context's meter or style has no token, or `until` is before `start`.
        """
        if context.until < context.start:
            raise ValueError(f"until {context.until} is before start {context.start}")
        notes, own = Columns.of([*context.played, *context.heard]), len(context.played)
        up = transposition_of(notes, context.changes)
        lengths = np.append(notes.durations[:own], meant_lengths(notes.since(own)))
        lasting = np.maximum(TICKS_PER_BEAT, context.until - notes.onsets)
        notes = Columns(
            notes.onsets - context.start,
            notes.pitches + np.where(notes.lead, up[Part.LEAD], up[Part.COMP]),
            notes.velocities,
            np.where(lengths == HELD, lasting, lengths),
            notes.lead,
        )
        elapsed = Tick(context.until - context.start)
        here = Step(-(-elapsed // TICKS_PER_STEP))
        # A note rounded past the present falls where the model may write: leave it out.
        placed = place(notes, own).before(here)
        lines, bar_tokens = bar_lines(((Tick(0), context.meter),), here)
        countdown = _countdown(context, constraints, lines.tolist())
        harmony = _harmony(context, here, up[Part.COMP])
        bars = tokens_of(placed, lines, bar_tokens, countdown, harmony)
        prefix = np.concatenate(((START, style_token(context.style)), bars))
        line = Tick(int(lines[-1]) * TICKS_PER_STEP)
        return GridContinuation(prefix, line, placed, context, constraints, up)


def _harmony(context: Context, here: Step, up: int) -> tuple[Ints, Ints] | None:
    """The context's changes before step `here`, as `tokens_of` takes them; None without changes."""
    if context.changes is None:
        return None
    until = Tick(context.start + here * TICKS_PER_STEP)
    given = np.array([*context.changes.between(context.start, until)], np.int64).reshape(-1, 2)
    return (given[:, 0] - context.start) // TICKS_PER_STEP, transposed_chords(given[:, 1], up)


def _countdown(
    context: Context, constraints: Constraints, lines: Sequence[int]
) -> list[tuple[int, int]]:
    """(bar line in steps from the context's start, token) of the bars that are counted down.

    They are the bars of the answer being written, starting with the one in which it began.
    """
    if constraints.ends is None:
        return []
    began = min((note.onset for note in context.answer), default=context.until)
    bar = context.meter.steps_per_bar
    first = (began - context.start) // context.meter.ticks_per_bar * bar
    end = -(-(constraints.ends - context.start) // TICKS_PER_STEP)
    left = ((line, bars_left(line, end, bar)) for line in lines if line >= first)
    return [(line, PHRASE + bars - 1) for line, bars in left if bars is not None]
