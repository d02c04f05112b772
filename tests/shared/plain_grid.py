"""The grid language a note at a time: slow, and plain enough to check `jamd.grid.encoding` by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from jamd.grid.tokens import (
    CHORD,
    COMP,
    DURATION,
    DURATIONS,
    LEAD,
    LOWEST,
    POSITION,
    VELOCITY,
    bar_token,
    fold,
    velocity_bin,
)
from jamd.harmony.harmony import chord_of
from jamd.notes import STEPS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Part, Tick

GridNote = tuple[int, int, int, int, int]
"""(onset step, pitch token, velocity token, duration token, end step)."""


def bar_lines(meters: Sequence[tuple[Tick, Meter]], last: int) -> Iterator[tuple[int, Meter]]:
    """(step, meter) of every bar line up to the bar that holds step `last`."""
    step, index = 0, 0
    while step <= last:
        while index + 1 < len(meters) and meters[index + 1][0] <= step * TICKS_PER_STEP:
            index += 1
        meter = meters[index][1]
        yield step, meter
        step += meter.steps_per_bar


def on_grid(notes: Iterable[Note]) -> list[GridNote]:
    """`notes` in the order of the language; of two at one moment on one pitch, only the longer."""
    placed: dict[tuple[int, int], GridNote] = {}
    for note in notes:
        step = (note.onset + TICKS_PER_STEP // 2) // TICKS_PER_STEP
        token = (COMP if note.part is Part.COMP else LEAD) + fold(note.pitch) - LOWEST
        off = [abs(steps * TICKS_PER_STEP - note.duration) for steps in DURATIONS]
        length = off.index(min(off))
        velocity = VELOCITY + velocity_bin(note.velocity)
        one = step, token, velocity, DURATION + length, step + DURATIONS[length]
        known = placed.setdefault((step, token), one)
        if known[4] < one[4]:
            placed[step, token] = one
    return sorted(placed.values())  # ids of Comp come before ids of Lead


def bars(notes: Sequence[GridNote], lines: Iterable[tuple[int, Meter]]) -> list[int]:
    """The tokens of whole bars."""
    changes = dict(_chord_changes(notes))
    tokens: list[int] = []
    for line, meter in lines:
        tokens.append(bar_token(meter))
        for step in range(line, line + meter.steps_per_bar):
            here = [note for note in notes if note[0] == step]
            if here or step in changes:
                tokens.append(POSITION + step - line)
            if step in changes:
                tokens.append(CHORD + changes[step])
            for note in here:
                tokens += note[1:4]
    return tokens


def _chord_changes(notes: Sequence[GridNote]) -> Iterator[tuple[int, int]]:
    """(step, index into `CHORDS`) wherever the accompaniment spells another chord.

    A beat spells what sounds in it; if that is nothing, what sounds in it and in the next one.
    """
    comp = [(n[0], n[4], n[1] - COMP + LOWEST) for n in notes if n[1] < VELOCITY]
    last = comp[-1][0] // STEPS_PER_BEAT if comp else -1
    current: int | None = None
    for beat in range(last + 1):
        chord = _spelt(comp, beat, beat)
        if chord is None:
            chord = _spelt(comp, beat, min(beat + 1, last))
        if chord is not None and chord != current:
            yield beat * STEPS_PER_BEAT, chord
            current = chord


def _spelt(comp: Sequence[tuple[int, int, int]], first: int, last: int) -> int | None:
    begin, end = first * STEPS_PER_BEAT, (last + 1) * STEPS_PER_BEAT
    sounding = [pitch for on, off, pitch in comp if on < end and off > begin]
    if not sounding:
        return None
    return chord_of(sum({1 << pitch % 12 for pitch in sounding}), min(sounding) % 12)
