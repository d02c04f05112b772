"""A replan late in a jam beside one at its beginning: memory -> context -> the next notes.

And one over a long chart, and one where the window that the model is shown has just moved, and was
read ahead at its new beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jamd.bench.report import Row, times_as_much
from jamd.bench.token import STYLE, Contender, alternate
from jamd.bundle.bundle import Bundle
from jamd.daemon.listening.memory import HOP_BARS, LONGEST_BARS, Memory
from jamd.daemon.midi.terms import NoteKey
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import Planned, PlanRequest
from jamd.daemon.playing.planner import READ_AHEAD, READING
from jamd.harmony.chart import Changes, Chart
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Part, Tick

FEW_BARS, MANY_BARS = 4, 64

TOKENS = 48
"""Tokens written in a replan: about a bar, and the same number in all, whatever the music is."""

METER = Meter(4, 4)
SCALE = (60, 62, 64, 65, 67, 69, 71)
CHORDS = ((48, 52, 55), (57, 60, 64), (53, 57, 60), (55, 59, 62))
"""C, Am, F and G, a bar each: music in a key. If what is known of the key changed as the window
moves, all of the window would be read anew, and reading ahead would be of no use."""

CHART = Changes.of(Chart.parse("C | Am7 / D7 G7 | F | G7 Dm7 G7 / |" * 25), METER)

TICKS_PER_S = 2.0 * TICKS_PER_BEAT


def rows(bundle: Bundle, rounds: int = 120) -> Iterator[Row]:
    """Measure `rounds` replans of each kind, in turns."""
    contenders = [
        _replanning(bundle, MANY_BARS),
        _replanning(bundle, FEW_BARS),
        _replanning(bundle, MANY_BARS, CHART),
        _replanning_where_the_window_moves(bundle),
    ]
    many, few, charted, moved = alternate(contenders, rounds)
    late = f"{MANY_BARS} bars of memory"
    for what, took, beside, others, most in (
        (f"replan of {TOKENS} tokens, {late}", many, f"{FEW_BARS} bars of memory", few, 1.1),
        ("the same over 100 bars of changes", charted, late, many, 1.1),
        ("the same where the model's window has just moved", moved, late, many, 1.5),
    ):
        took_ms, others_ms = ([us / 1000 for us in each] for each in (took, others))
        yield times_as_much(what, "ms", took_ms, beside, others_ms, most)


def _replanning(bundle: Bundle, bars: int, changes: Changes | None = None) -> Contender:
    """A replan after another note was heard a moment ago: what follows is written anew."""
    improviser = Improviser(bundle)
    until = Tick(bars * METER.ticks_per_bar)
    number = 0
    memory = _memory(until, number)

    def replan() -> list[Planned]:
        context = replace(memory.context(until, STYLE), changes=changes)
        through = Tick(until + 16 * METER.ticks_per_bar)
        request = PlanRequest(number, context, through, max_tokens=TOKENS)
        return list(improviser.plan(request))

    def change(_: object) -> None:
        nonlocal number, memory
        number += 1
        memory = _memory(until, number)

    return Contender(replan, after=change)


def _replanning_where_the_window_moves(bundle: Bundle) -> Contender:
    """The same, but the window has just moved, and its new beginning was read ahead."""
    improviser = Improviser(bundle)
    until = Tick((LONGEST_BARS + HOP_BARS) * METER.ticks_per_bar + TICKS_PER_STEP)
    number = 0
    memory = Memory(METER)

    def replan() -> list[Planned]:
        through = Tick(until + 16 * METER.ticks_per_bar)
        request = PlanRequest(number, memory.context(until, STYLE), through, max_tokens=TOKENS)
        return list(improviser.plan(request))

    def change(_: object = None) -> None:
        nonlocal number, memory
        number += 1
        memory = _memory(until, number)
        before, start = Tick(until - READ_AHEAD), memory.next_start(until)
        assert start is not None
        context = memory.context(before, STYLE)
        list(improviser.plan(PlanRequest(number, context, until, max_tokens=1)))
        ahead = memory.ahead(start, before, STYLE)
        list(improviser.plan(PlanRequest(READING, ahead, before, max_tokens=0)))

    change()
    return Contender(replan, after=change)


def _memory(until: Tick, number: int) -> Memory:
    """The player's eighths over jamd's chords up to `until`; the last beat depends on `number`.

    Its number of notes varies from try to try: after a change, tokens are read anew from the last
    whole block of them on, and how many there are, and so their cost, is a matter of chance.
    """
    memory = Memory(METER)
    eighth, last_beat = TICKS_PER_BEAT // 2, until - TICKS_PER_BEAT
    quick = range(last_beat, last_beat + (1 + number % 8) * TICKS_PER_STEP, TICKS_PER_STEP)
    onsets = [*range(0, last_beat, eighth), *quick]
    memory.commit(
        Note(Tick(line), pitch, 60, Tick(1900), Part.COMP)
        for bar, line in enumerate(range(0, until, METER.ticks_per_bar))
        for pitch in CHORDS[bar % len(CHORDS)]
    )
    for i, onset in enumerate(onsets):
        is_last = i == len(onsets) - 1
        if is_last:
            memory.context(Tick(onset), STYLE)  # as requested before that note
        key = NoteKey(0, 72 + number % 12 if is_last else SCALE[i * 3 % len(SCALE)])
        memory.heard.press(key, 80, Tick(onset), onset / TICKS_PER_S, TICKS_PER_S)
        memory.heard.release(
            key, Tick(onset + TICKS_PER_STEP if onset >= last_beat else onset + eighth)
        )
    return memory
