"""Notes by columns -> the tokens of the grid language (`jamd.grid.grid`).

A context of 32 bars is read anew for every request, while the player waits, and a corpus is tens of
thousands of pieces: looking at each note would take several times as long as a few dozen operations
on whole columns.

Needs numpy; the front process never imports this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jamd.columns import Bools, Columns, Ints, starts_of
from jamd.grid.tokens import (
    CHORD,
    COMP,
    DURATION,
    DURATIONS,
    END,
    HIGHEST,
    LEAD,
    LOWEST,
    POSITION,
    START,
    VELOCITY,
    bar_token,
    style_token,
    velocity_bin,
)
from jamd.harmony.harmony import QUALITIES, ROOTS, SPELT, chord_of
from jamd.notes import STEPS_PER_BEAT, TICKS_PER_STEP, Meter, Tick


def _chord_table() -> Ints:
    table = np.full((12, 1 << 12), -1)
    for spelt in SPELT:
        table[:, spelt] = [chord_of(spelt, bass) for bass in range(12)]
    return table


_CHORD = _chord_table()
"""`chord_of` by pitch class of the bass and pitch classes spelt; -1 if they spell no chord."""

_VELOCITY = np.array([VELOCITY + velocity_bin(velocity) for velocity in range(128)])
_LENGTHS = np.array(DURATIONS)
_LONGEST_TICKS = DURATIONS[-1] * TICKS_PER_STEP
_BORDERS = (_LENGTHS[1:] + _LENGTHS[:-1]) * TICKS_PER_STEP // 2  # half way between neighbours
_LENGTH_OF_TICKS = np.searchsorted(_BORDERS, np.arange(_LONGEST_TICKS + 1))
"""For every duration in ticks up to the longest that has a token, the index of the nearest of
`DURATIONS`; half way between two, that of the shorter one."""

_SILENT = 128  # a bass above every pitch: the beat has none


@dataclass(frozen=True, slots=True)
class Placed:
    """Notes on the grid in the order of the language, no pitch of a part twice at one moment.

    Attributes:
        steps: Shape (notes,): their onsets.
        details: Shape (notes, 3): their tokens of pitch, velocity and duration.
        ends: Shape (notes,): the steps at which they end.
        theirs: Shape (notes,): whether jamd played none of the notes placed there.
    """

    steps: Ints
    details: Ints
    ends: Ints
    theirs: Bools

    def before(self, step: int) -> Placed:
        """Those with an onset before `step`."""
        count = int(self.steps.searchsorted(step))
        return Placed(
            self.steps[:count], self.details[:count], self.ends[:count], self.theirs[:count]
        )


def place(notes: Columns, played: int = 0) -> Placed:
    """Round `notes` to the grid; of two at one moment on one pitch, keep only the longer.

    Args:
        notes: In any order.
        played: How many of them, from the first on, jamd played.
    """
    steps = (notes.onsets + TICKS_PER_STEP // 2) // TICKS_PER_STEP
    lengths = _LENGTH_OF_TICKS[np.minimum(notes.durations, _LONGEST_TICKS)]
    # COMP ids come before LEAD ids, so this is the language's own order. 9 bits hold a token, and
    # 6 a length. Of equal pitches the longest sorts first; the sort is stable for equal lengths.
    places = steps << 9 | _pitch_tokens(notes)
    order = np.argsort(places << 6 | (63 - lengths), kind="stable")
    starts = starts_of(places[order])
    longest = order[starts]
    places, lengths = places[longest], lengths[longest]
    details = np.empty((len(longest), 3), np.int64)
    details[:, 0] = places & 511
    details[:, 1] = _VELOCITY[notes.velocities[longest]]
    details[:, 2] = DURATION + lengths
    steps = places >> 9
    theirs = np.minimum.reduceat(order, starts) >= played
    return Placed(steps, details, steps + _LENGTHS[lengths], theirs)


def _pitch_tokens(notes: Columns) -> Ints:
    """Shape (notes,): pitches outside a piano's 88 keys are moved into that range by octaves."""
    folded = np.maximum(notes.pitches, LOWEST + (notes.pitches - LOWEST) % 12)
    folded = np.minimum(folded, HIGHEST - (HIGHEST - folded) % 12)
    tokens: Ints = folded + np.where(notes.lead, LEAD - LOWEST, COMP - LOWEST)
    return tokens


def bar_lines(meters: Sequence[tuple[Tick, Meter]], last: int) -> tuple[Ints, Ints]:
    """The step and the token of every bar line up to the bar that holds step `last`.

    Raises:
        ValueError: A meter is not one of `METERS`.
    """
    lines: list[Ints] = []
    tokens: list[int] = []
    step = 0
    for index, (_, meter) in enumerate(meters):
        until = last + 1
        if index + 1 < len(meters):
            until = min(until, -(-meters[index + 1][0] // TICKS_PER_STEP))
        if step >= until:
            continue
        of_meter = np.arange(step, until, meter.steps_per_bar)
        lines.append(of_meter)
        tokens += [bar_token(meter)] * len(of_meter)
        step = int(of_meter[-1]) + meter.steps_per_bar
    return np.concatenate(lines), np.array(tokens)


def encode(notes: Columns, meters: Sequence[tuple[Tick, Meter]], style: str) -> Ints:
    """A whole piece as token ids, `Start` to `End`.

    Args:
        notes: In any order.
        meters: As in `Piece`.
        style: As in `Piece`.

    Raises:
        ValueError: A meter is not one of `METERS`, or the style not of `STYLES`.
    """
    beginning = (START, style_token(style))
    placed = place(notes)
    last = int(placed.steps[-1]) if len(placed.steps) else 0
    return np.concatenate((beginning, tokens_of(placed, *bar_lines(meters, last)), (END,)))


def tokens_of(
    notes: Placed,
    lines: Ints,
    bar_tokens: Ints,
    stated: Sequence[tuple[int, int]] = (),
    harmony: tuple[Ints, Ints] | None = None,
) -> Ints:
    """The tokens of whole bars.

    Args:
        notes: What sounds in them.
        lines: The steps of their bar lines.
        bar_tokens: The token of each of them.
        stated: (step, token): what else is to stand at a bar line, by step.
        harmony: The steps at which the chord changes, and the indices into `CHORDS`, both of shape
            (changes,); None: what the accompaniment spells.
    """
    changes, chords = _chord_changes(notes) if harmony is None else harmony
    moments = np.sort(np.concatenate((notes.steps, changes)))
    moments = moments[starts_of(moments)]  # each has a Position
    positions = moments - lines[lines.searchsorted(moments, side="right") - 1]
    stated_at, stated_tokens = np.array(stated, np.int64).reshape(-1, 2).T
    at = (
        lines << 2,
        stated_at << 2,
        moments << 2 | 1,
        changes << 2 | 2,
        np.repeat(notes.steps << 2 | 3, 3),
    )
    tokens = (
        bar_tokens,
        stated_tokens,
        POSITION + positions,
        CHORD + chords,
        notes.details.ravel(),
    )
    order = np.argsort(np.concatenate(at), kind="stable")  # of runs that are sorted already
    ordered: Ints = np.concatenate(tokens)[order]
    return ordered


def transposed_chords(chords: Ints, semitones: int) -> Ints:
    """Indices into `CHORDS` with roots `semitones` higher (or lower, below 0)."""
    roots, qualities = np.divmod(chords, len(QUALITIES))
    moved: Ints = (roots + semitones) % len(ROOTS) * len(QUALITIES) + qualities
    return moved


def _chord_changes(notes: Placed) -> tuple[Ints, Ints]:
    """Where the accompaniment starts to spell another chord, as `jamd.harmony.harmony` names it.

    Returns:
        The steps, and the indices into `CHORDS`, both of shape (changes,).
    """
    comp = notes.details[:, 0] < VELOCITY
    steps, ends = notes.steps[comp], notes.ends[comp]
    if not len(steps):
        return steps, steps
    pitches = notes.details[comp, 0] - COMP + LOWEST
    beats = int(steps[-1]) // STEPS_PER_BEAT + 1
    spelt, bass = _spelt_by_beat(steps, ends, pitches, beats)
    chords = _CHORD[bass[:-1] % 12, spelt[:-1]]
    over_two = _CHORD[np.minimum(bass[:-1], bass[1:]) % 12, spelt[:-1] | spelt[1:]]
    chords = np.where(chords < 0, over_two, chords)
    at = np.flatnonzero(chords >= 0)
    at = at[starts_of(chords[at])]
    return at * STEPS_PER_BEAT, chords[at]


def _spelt_by_beat(steps: Ints, ends: Ints, pitches: Ints, beats: int) -> tuple[Ints, Ints]:
    """What sounds in each beat, and in one extra silent beat; both arrays are (beats + 1,).

    Returns:
        The pitch classes, 12 bits, bit 0 for C; and the lowest pitch, `_SILENT` if nothing sounds.
    """
    first = steps // STEPS_PER_BEAT
    lasting = np.minimum(beats, -(-ends // STEPS_PER_BEAT)) - first
    # Each note once for each beat in which it sounds: its first beat and those that follow.
    before = lasting.cumsum() - lasting
    sounding = np.repeat((first - before) << 7 | pitches, lasting)
    sounding += np.arange(len(sounding)) << 7
    sounding.sort()
    starts = starts_of(sounding >> 7)
    beat = sounding[starts] >> 7
    spelt, bass = np.zeros(beats + 1, np.int64), np.full(beats + 1, _SILENT)
    spelt[beat] = np.bitwise_or.reduceat(1 << (sounding & 127) % 12, starts)
    bass[beat] = sounding[starts] & 127
    return spelt, bass
