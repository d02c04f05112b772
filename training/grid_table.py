"""The grid language for whole corpora: `Table` -> token ids, by columns.

`jamd.grid.Grid.encode` defines the tokens of a piece, a note at a time. Making an object for each
note and looking at each took two thirds of the time that preparing a corpus takes; this module
gives the same tokens, which the tests check, with a few dozen operations on whole columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jamd.grid_tokens import (
    CHORD,
    COMP,
    DURATION,
    DURATIONS,
    END,
    LEAD,
    LOWEST,
    POSITION,
    START,
    VELOCITY,
    bar_token,
    fold,
    style_token,
    velocity_bin,
)
from jamd.harmony import chord_of
from jamd.notes import STEPS_PER_BEAT, TICKS_PER_STEP, Meter, Tick
from jamd.training import reading
from jamd.training.parts import Table, moments, starts_of

Ints = NDArray[np.int64]


def _chord_table() -> Ints:
    table = np.full((12, 1 << 12), -1)
    for spelt in range(1 << 12):
        if chord_of(spelt, 0) is not None:
            table[:, spelt] = [chord_of(spelt, bass) for bass in range(12)]
    return table


_CHORD = _chord_table()
"""`chord_of` by pitch class of the bass and pitch classes spelt; -1 if they spell no chord."""

_PITCH = np.array([fold(pitch) for pitch in range(128)])
_VELOCITY = np.array([VELOCITY + velocity_bin(velocity) for velocity in range(128)])
_LENGTHS = np.array(DURATIONS)
_LONGEST_TICKS = DURATIONS[-1] * TICKS_PER_STEP
_BORDERS = (_LENGTHS[1:] + _LENGTHS[:-1]) * TICKS_PER_STEP // 2  # halfway between neighbours
_LENGTH_OF_TICKS = np.searchsorted(_BORDERS, np.arange(_LONGEST_TICKS + 1))
"""Index into `DURATIONS` of every duration up to the longest that has a token."""

_SILENT = 128  # a bass above every pitch: the beat has none


def encode(piece: Table, style: str) -> NDArray[np.uint16]:
    """A piece as token ids, shape (tokens,): those of `Grid.encode(piece.to_piece(style))`.

    Raises:
        ValueError: The piece's meter is not one of `METERS`, or its style not of `STYLES`.
    """
    stated_style = style_token(style)
    steps, details, ends = _on_grid(piece)
    lines, bar_tokens = _bar_lines(piece.meters, int(steps[-1]) if len(steps) else 0)
    change_steps, chords = _chord_changes(steps, details[:, 0], ends)
    events = np.sort(np.concatenate((steps, change_steps)), kind="stable")  # two runs, merged
    at = events[starts_of(events)] if len(events) else events  # each moment has a Position

    # Where each token stands: after all that comes before it in time.
    chords_before = np.searchsorted(change_steps, at)
    notes_before = np.searchsorted(steps, at)
    bars_until = np.searchsorted(lines, at, side="right")
    position_at = 2 + bars_until + np.arange(len(at)) + chords_before + 3 * notes_before
    moments_before = np.searchsorted(at, lines)
    bar_at = (
        2
        + np.arange(len(lines))
        + moments_before
        + np.searchsorted(change_steps, lines)
        + 3 * np.searchsorted(steps, lines)
    )
    chord_at = position_at[np.searchsorted(at, change_steps)] + 1

    tokens = np.empty(3 + len(lines) + len(at) + len(chords) + details.size, np.uint16)
    tokens[0], tokens[1], tokens[-1] = START, stated_style, END
    tokens[bar_at] = bar_tokens
    tokens[position_at] = POSITION + at - lines[bars_until - 1]
    tokens[chord_at] = CHORD + chords
    is_note = np.ones(len(tokens), np.bool_)  # whatever is nothing else belongs to a note
    is_note[[0, 1, -1]] = False
    is_note[bar_at] = is_note[position_at] = is_note[chord_at] = False
    tokens[is_note] = details.ravel()
    return tokens


def _on_grid(piece: Table) -> tuple[Ints, Ints, Ints]:
    """The notes in the order of the language, no pitch of a part twice at one moment.

    Returns:
        Their onset steps, shape (notes,); their tokens of pitch, velocity and duration, shape
        (notes, 3); and the steps at which they end, shape (notes,).
    """
    notes = piece.notes
    steps = moments(notes).astype(np.int64)
    pitches = _PITCH[notes[:, reading.PITCH]] + np.where(piece.lead, LEAD - LOWEST, COMP - LOWEST)
    lengths = _LENGTH_OF_TICKS[np.minimum(notes[:, reading.DURATION], _LONGEST_TICKS)]
    # COMP ids come before LEAD ids, so this is the language's own order. 9 bits hold a token, and
    # 6 a length. Of equal pitches the longest sorts first; the sort is stable for equal lengths.
    places = steps << 9 | pitches
    order = np.argsort(places << 6 | (63 - lengths), kind="stable")
    if len(order):
        order = order[starts_of(places[order])]
    steps, lengths = steps[order], lengths[order]
    details = np.empty((len(order), 3), np.int64)
    details[:, 0] = pitches[order]
    details[:, 1] = _VELOCITY[notes[order, reading.VELOCITY]]
    details[:, 2] = DURATION + lengths
    return steps, details, steps + _LENGTHS[lengths]


def _bar_lines(meters: tuple[tuple[Tick, Meter], ...], last: int) -> tuple[Ints, Ints]:
    """The step and the token of every bar line up to the bar that holds step `last`."""
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


def _chord_changes(steps: Ints, pitch_tokens: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Where the accompaniment starts to spell another chord, as `jamd.harmony` names chords.

    Returns:
        The steps, and the indices into `CHORDS`, both of shape (changes,).
    """
    comp = np.flatnonzero(pitch_tokens < VELOCITY)
    if not len(comp):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    steps, ends = steps[comp], ends[comp]
    pitches = pitch_tokens[comp] - COMP + LOWEST
    beats = int(steps[-1]) // STEPS_PER_BEAT + 1
    spelt, bass = _spelt_by_beat(steps, ends, pitches, beats)
    chords = _CHORD[bass[:-1] % 12, spelt[:-1]]
    over_two = _CHORD[np.minimum(bass[:-1], bass[1:]) % 12, spelt[:-1] | spelt[1:]]
    chords = np.where(chords < 0, over_two, chords)
    at = np.flatnonzero(chords >= 0)
    if len(at):
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
