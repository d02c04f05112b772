"""What an answer keeps to, whatever the model would like: here it likes nothing in particular."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jamd.grid.continuation import GridContinuation
from jamd.grid.grid import Grid
from jamd.grid.likeness import FIFTH, Register
from jamd.grid.tokens import DURATION, LEAD, LOWEST, PITCHES, VOCABULARY
from jamd.grid.writer import GridWriter
from jamd.harmony.tonality import Tonality, recent_tonality
from jamd.language import Constraints, Context
from jamd.notes import HELD, METERS, TICKS_PER_BEAT, Meter, Note, Part, Tick

LIMITS = Constraints(near=True, density=1.25, repeat_bars=4)
FOUR = Meter(4, 4)


@dataclass(frozen=True)
class Exchange:
    phrase: list[Note]
    answer: list[Note]
    begin: Tick
    end: Tick
    meter: Meter

    @property
    def tonality(self) -> Tonality:
        return tonality_at(self.phrase, self.begin, self.meter)

    @property
    def tune(self) -> list[Note]:
        return tune_of(self.answer)


def tonality_at(phrase: list[Note], begin: Tick, meter: Meter) -> Tonality:
    """The tonality in which `phrase` is answered from `begin` on."""
    tonality = recent_tonality(Context(tuple(phrase), Tick(0), begin, "combo", meter))
    assert tonality is not None
    return tonality


def tune_of(notes: list[Note]) -> list[Note]:
    return [note for note in notes if note.part is Part.LEAD] or notes


@st.composite
def phrases(draw: st.DrawFn, meter: Meter) -> list[Note]:
    """A tune of at least three notes within two bars, alone or over a chord a bar."""
    onsets = draw(
        st.lists(
            st.integers(0, 2 * meter.ticks_per_bar // 120 - 1), min_size=3, max_size=16, unique=True
        )
    )
    first = draw(st.integers(45, 85))
    steps = draw(st.lists(st.integers(-7, 7), min_size=16, max_size=16))
    onsets.sort()
    notes = []
    for onset, after, step in zip(onsets, [*onsets[1:], onsets[-1] + 2], steps, strict=False):
        pitch = min(max(first + step, 30), 100)
        notes.append(Note(Tick(120 * onset), pitch, 80, Tick(120 * (after - onset))))
    bar = meter.ticks_per_bar
    for line in draw(st.sampled_from(([], [0], [0, bar]))):
        length = draw(st.sampled_from((TICKS_PER_BEAT, bar)))
        notes += [Note(Tick(line), pitch, 80, Tick(length), Part.COMP) for pitch in (48, 52, 55)]
    return sorted(notes)


def answer_to(
    phrase: list[Note],
    meter: Meter,
    *,
    bars: int,
    seed: int,
    late: int = 0,
    broken_after: int = 0,
    waits: int = 0,
    climbs: bool = False,
    constraints: Constraints = LIMITS,
) -> Exchange:
    """An answer of `bars` bars, beginning `late` ticks into one; each token is drawn at random.

    Its first note begins at most `waits` ticks later.
    After `broken_after` tokens it is planned anew from what was written until then. One that
    `climbs` writes a note of the tune wherever it may, and always the highest.
    """
    bar = meter.ticks_per_bar
    begin = Tick(3 * bar + late)
    end = Tick(begin + bars * bar)
    draw = random.Random(seed)
    written: list[Note] = []

    def begin_at(until: Tick) -> GridContinuation:
        own = tuple(sorted(written))
        context = Context(tuple(phrase), Tick(0), until, "combo", meter, own, phrase[0].onset)
        begins = None if written else Tick(begin + waits)
        return Grid().begin(context, replace(constraints, begins=begins, ends=end))

    writing = begin_at(begin)
    count = 0
    while writing.through < end:
        allowed = np.flatnonzero(writing.allowed())
        tune = allowed[(allowed >= LEAD) & (allowed < DURATION)]
        token = tune[-1] if climbs and len(tune) else draw.choice(allowed)
        written += writing.push(int(token))
        count += 1
        if count == broken_after and writing.through < end:
            written = [note for note in written if note.onset < writing.through]
            writing = begin_at(writing.through)
    return Exchange(phrase, written, begin, end, meter)


@st.composite
def exchanges(draw: st.DrawFn, *, climbs: bool = False) -> Exchange:
    meter = draw(st.sampled_from(METERS))
    return answer_to(
        draw(phrases(meter)),
        meter,
        bars=draw(st.sampled_from((1, 2, 4))),
        seed=draw(st.integers(0, 999)),
        late=draw(st.sampled_from((0, 480))),
        broken_after=draw(st.integers(0, 40)),
        waits=WAITS,
        climbs=climbs,
    )


WAITS = 120  # ticks
MANY = settings(deadline=None, max_examples=60)


@MANY
@given(exchanges())
def test_an_answer_comes_in_when_it_is_expected(exchange: Exchange) -> None:
    assert exchange.begin <= exchange.answer[0].onset <= exchange.begin + WAITS


@MANY
@given(exchanges())
def test_an_answer_ends_like_a_phrase_before_the_downbeat(exchange: Exchange) -> None:
    assert exchange.answer
    assert all(note.end < exchange.end for note in exchange.answer)
    assert max(note.onset for note in exchange.answer) < exchange.end - TICKS_PER_BEAT
    last = exchange.tune[-1]
    assert max(last.duration, exchange.end - last.end) >= TICKS_PER_BEAT


@MANY
@given(exchanges())
def test_an_answer_ends_at_home(exchange: Exchange) -> None:
    assert exchange.tune[-1].pitch % 12 in exchange.tonality.tonic_tones


@MANY
@given(exchanges())
def test_the_register_is_the_players(exchange: Exchange) -> None:
    tunes = exchange.tune, tune_of(exchange.phrase)
    ours, theirs = (mean(note.pitch for note in notes) for notes in tunes)
    assert abs(ours - theirs) <= FIFTH


@MANY
@given(exchanges(climbs=True))
def test_no_note_takes_the_tune_out_of_the_players_register(exchange: Exchange) -> None:
    theirs = mean(note.pitch for note in tune_of(exchange.phrase))
    ours = [note.pitch for note in exchange.tune]
    for count in range(1, len(ours) + 1):
        assert abs(mean(ours[:count]) - theirs) <= FIFTH


@MANY
@given(exchanges())
def test_an_answer_is_not_much_denser_than_the_phrase(exchange: Exchange) -> None:
    phrase = exchange.phrase
    beats = (max(note.end for note in phrase) - phrase[0].onset) / TICKS_PER_BEAT
    most = 1.3 * len(phrase) / beats * (exchange.end - exchange.begin) / TICKS_PER_BEAT
    assert len(exchange.answer) <= max(2, most)  # it has a beginning and an end


@settings(deadline=None, max_examples=30)
@given(phrases(FOUR), st.frozensets(st.integers(0, 11), max_size=2), st.integers(0, 999))
def test_what_the_player_holds_is_not_struck_again_and_the_answer_ends_all_the_same(
    phrase: list[Note], classes: frozenset[int], seed: int
) -> None:
    # In every octave; but one tone of the tonic triad is left to end on.
    tonality = tonality_at(phrase, Tick(3 * FOUR.ticks_per_bar), FOUR)
    assume(tonality.tonic_tones - classes)
    held = frozenset(pitch for pitch in range(128) if pitch % 12 in classes)
    exchange = answer_to(
        phrase, FOUR, bars=2, seed=seed, waits=WAITS, constraints=replace(LIMITS, held=held)
    )
    assert not held & {note.pitch for note in exchange.answer}
    assert exchange.begin <= exchange.answer[0].onset <= exchange.begin + WAITS
    assert exchange.tune[-1].pitch % 12 in tonality.tonic_tones


def test_keys_held_down_that_are_all_a_part_may_write_do_not_silence_it() -> None:
    context = Context((), Tick(0), Tick(0), "combo")
    writing = Grid().begin(
        context, Constraints(frozenset({Part.LEAD}), 60, 61, held=frozenset({60, 61}))
    )
    notes: list[Note] = []
    draw = random.Random(1)
    while not notes:
        notes += writing.push(int(draw.choice(np.flatnonzero(writing.allowed()))))


@MANY
@given(exchanges())
def test_what_accompanies_the_last_note_is_of_the_triad(exchange: Exchange) -> None:
    last = [note for note in exchange.answer if note.onset >= exchange.end - 3 * TICKS_PER_BEAT / 2]
    assert {note.pitch % 12 for note in last} <= exchange.tonality.tonic_tones


@pytest.mark.parametrize("seed", range(20))
def test_where_the_players_tonic_is_held_the_tune_ends_on_the_nearest_other(seed: int) -> None:
    pitches = (60, 62, 60, 59, 60, 62, 64, 62, 60, 59, 60, 62, 60)
    tune = [Note(Tick(240 * i), pitch, 80, Tick(240)) for i, pitch in enumerate(pitches)]
    tune[-1] = tune[-1]._replace(duration=HELD)
    held = replace(LIMITS, held=frozenset({60}))
    answer = answer_to(tune, FOUR, bars=2, seed=seed, waits=WAITS, constraints=held).answer
    assert len(answer) <= 1.3 * len(tune)
    assert [note.pitch for note in answer if note.part is Part.LEAD][-1] in {48, 72}


@pytest.mark.parametrize("off", [-20, 20])
def test_a_part_whose_centre_is_too_far_off_has_pitches_left_that_draw_it_back(off: int) -> None:
    register = Register([Note(Tick(0), 60), Note(Tick(480), 64)])
    for _ in range(30):
        register.wrote(Note(Tick(0), 62 + off))
    mask = np.ones(len(VOCABULARY), bool)
    register.narrow(mask, GridWriter())
    left = np.flatnonzero(mask[LEAD : LEAD + PITCHES]) + LOWEST
    assert left.tolist() == list(range(53, 63) if off > 0 else range(62, 72))
