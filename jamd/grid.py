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

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from jamd.grid_continuation import GridContinuation
from jamd.grid_tokens import (
    CHORD,
    COMP,
    DURATION,
    DURATIONS,
    END,
    HIGHEST,
    LEAD,
    LOWEST,
    PHRASE,
    POSITION,
    RHYTHM,
    START,
    VELOCITY,
    VOCABULARY,
    bar_token,
    bars_left,
    duration_bin,
    fold,
    style_token,
    velocity_bin,
)
from jamd.grid_writer import GridWriter
from jamd.harmony import chords_by_beat
from jamd.language import Constraints, Context
from jamd.lengths import meant_lengths
from jamd.notes import (
    HELD,
    STEPS_PER_BEAT,
    TICKS_PER_BEAT,
    TICKS_PER_STEP,
    Meter,
    Note,
    Part,
    Piece,
    Step,
    Tick,
)
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
        notes = _in_order(
            _on_grid(n.onset, n.pitch, n.velocity, n.duration, n.part) for n in piece.notes
        )
        last = notes[-1][0] if notes else 0
        lines = _bar_lines(piece.meters, last)
        return [START, style_token(piece.style), *_bars(notes, lines), END]

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
        start, up = context.start, transposition_of([*context.heard, *context.played])

        def placed(note: Note, length: int) -> GridNote:
            if length == HELD:
                length = max(TICKS_PER_BEAT, context.until - note.onset)
            pitch = note.pitch + up[note.part]
            return _on_grid(note.onset - start, pitch, note.velocity, length, note.part)

        played = [placed(note, note.duration) for note in context.played]
        heard = map(placed, context.heard, meant_lengths(context.heard))
        own = {note[:2] for note in played}
        notes = _in_order([*played, *heard])
        elapsed = Tick(context.until - context.start)
        here = Step(-(-elapsed // TICKS_PER_STEP))
        # A note rounded past the present falls where the model may write: leave it out.
        notes = [note for note in notes if note[0] < here]
        lines = _bar_lines(((Tick(0), context.meter),), here)
        countdown = _countdown(context, constraints)
        prefix = [START, style_token(context.style), *_bars(notes, lines, countdown)]
        line = Tick(here // context.meter.steps_per_bar * context.meter.ticks_per_bar)
        places = [note[:2] for note in notes]
        return GridContinuation(prefix, line, places, own, context, constraints, up)


GridNote = tuple[int, int, int, int, int]
"""(onset step, pitch token, velocity token, duration token, end step)."""


def _on_grid(onset: int, pitch: int, velocity: int, duration: int, part: Part) -> GridNote:
    """A note, given by its fields (in ticks), as tokens at a step."""
    if not LOWEST <= pitch <= HIGHEST:
        pitch = fold(pitch)
    step = (onset + TICKS_PER_STEP // 2) // TICKS_PER_STEP
    token = (COMP if part is Part.COMP else LEAD) + pitch - LOWEST
    length = _length(duration)
    return (
        step,
        token,
        VELOCITY + velocity_bin(velocity),
        DURATION + length,
        step + DURATIONS[length],
    )


def _in_order(notes: Iterable[GridNote]) -> list[GridNote]:
    """`notes` in the order of the language; of two at one moment on one pitch, only the longer."""
    placed: dict[tuple[int, int], GridNote] = {}
    for note in notes:
        known = placed.setdefault(note[:2], note)
        if known[4] < note[4]:
            placed[note[:2]] = note
    # COMP ids come before LEAD ids, so this is the language's own order.
    return sorted(placed.values())


@lru_cache(maxsize=4096)  # music has few different durations
def _length(duration: int) -> int:
    return duration_bin(duration / TICKS_PER_STEP)


def _bar_lines(meters: Sequence[tuple[Tick, Meter]], last: int) -> Iterator[tuple[int, Meter]]:
    """(step, meter) of every bar line up to the bar that holds step `last`."""
    step, index = 0, 0
    while step <= last:
        while index + 1 < len(meters) and meters[index + 1][0] <= step * TICKS_PER_STEP:
            index += 1
        meter = meters[index][1]
        yield step, meter
        step += meter.steps_per_bar


def _countdown(context: Context, constraints: Constraints) -> tuple[int, int] | None:
    """(first step, end step) of the bars to count down, from the context's start; None: no bars.

    They are the bars of the answer being written, starting with the one in which it began.
    """
    if constraints.ends is None:
        return None
    began = min((note.onset for note in context.answer), default=context.until)
    first = (began - context.start) // context.meter.ticks_per_bar * context.meter.steps_per_bar
    return first, -(-(constraints.ends - context.start) // TICKS_PER_STEP)


def _bars(
    notes: Sequence[GridNote],
    lines: Iterable[tuple[int, Meter]],
    countdown: tuple[int, int] | None = None,
) -> list[int]:
    """The tokens of whole bars, some of them counted down. `notes` are sorted by onset."""
    changes = _chord_changes(notes)
    tokens: list[int] = []
    i, c = 0, 0
    for line, meter in lines:
        tokens.append(bar_token(meter))
        if countdown is not None and line >= countdown[0]:
            left = bars_left(line, countdown[1], meter.steps_per_bar)
            if left is not None:
                tokens.append(PHRASE + left - 1)
        end = line + meter.steps_per_bar
        while True:
            note_at = notes[i][0] if i < len(notes) else end
            chord_at = changes[c][0] if c < len(changes) else end
            moment = note_at if note_at < chord_at else chord_at
            if moment >= end:
                break
            tokens.append(POSITION + moment - line)
            if chord_at == moment:
                tokens.append(CHORD + changes[c][1])
                c += 1
            while i < len(notes) and notes[i][0] == moment:
                tokens += notes[i][1:4]
                i += 1
    return tokens


def _chord_changes(notes: Sequence[GridNote]) -> list[tuple[int, int]]:
    """(step, index into CHORDS) wherever the chord that the accompaniment spells changes."""
    comp = [(n[0], n[4], n[1] - COMP + LOWEST) for n in notes if n[1] < VELOCITY]
    if not comp:
        return []
    beats = comp[-1][0] // STEPS_PER_BEAT + 1
    changes: list[tuple[int, int]] = []
    current: int | None = None
    for beat, chord in enumerate(chords_by_beat(comp, beats, STEPS_PER_BEAT)):
        if chord is not None and chord != current:
            changes.append((beat * STEPS_PER_BEAT, chord))
            current = chord
    return changes
