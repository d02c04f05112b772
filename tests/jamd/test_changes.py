"""Music over given chord changes, whatever the model would like: here it likes nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jamd.grid.grid import Grid
from jamd.grid.tokens import CHORD, COMP, KINDS, VOCABULARY
from jamd.grid.writer import GridWriter
from jamd.harmony.chart import Changes, Chart
from jamd.harmony.chart_scale import scale_at
from jamd.harmony.harmony import CHORDS, ROOTS, tones_of, triad_of
from jamd.language import Constraints, Context
from jamd.notes import METERS, TICKS_PER_BEAT, Meter, Note, Part, Tick

SYMBOLS = ("C", "Dm7", "G7", "F#m7b5", "Ebmaj7", "Bb+", "A7sus4", "/")


@dataclass(frozen=True)
class Written:
    """What was written over changes.

    Attributes:
        context: What was continued.
        constraints: The limits.
        through: How far was asked for.
        notes: What was written.
        stated: (tick, index into `CHORDS`) of each chord as the model reads it, in all that was
            read and written.
    """

    context: Context
    constraints: Constraints
    through: Tick
    notes: list[Note]
    stated: list[tuple[int, int]]


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    meter = draw(st.sampled_from(METERS))
    bar = meter.ticks_per_bar
    shares = st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=meter.numerator)
    bars = draw(st.lists(shares, min_size=1, max_size=5))
    bars[0][0] = draw(st.sampled_from(SYMBOLS[:-1]))
    laid = Changes.of(Chart.parse("|".join(map(" ".join, bars))), meter)
    first = Tick(draw(st.integers(0, 3)) * bar)
    start = Tick(draw(st.integers(0, 3)) * bar)
    until = Tick(start + 120 * draw(st.integers(0, 2 * bar // 120)))
    onsets = draw(st.lists(st.integers(start, max(start, until - 1)), max_size=12))
    pitches = st.integers(40, 84)
    parts = st.sampled_from(Part)
    heard = tuple(
        sorted(Note(Tick(at), draw(pitches), 80, Tick(240), draw(parts)) for at in onsets)
    )
    return Context(
        heard if until > start else (),
        start,
        until,
        "combo",
        meter,
        phrase=start if heard and until > start else None,
        changes=Changes(laid.symbols, laid.length, first),
    )


@st.composite
def written(draw: st.DrawFn) -> Written:
    context = draw(contexts())
    through = Tick(context.until + draw(st.integers(1, 3)) * context.meter.ticks_per_bar)
    constraints = Constraints(
        parts=draw(st.sampled_from([frozenset(Part), frozenset({Part.LEAD})])),
        polyphony=draw(st.integers(1, 5)),
        in_key=draw(st.sampled_from([0.0, 0.9])),
        near=draw(st.booleans()),
        density=draw(st.sampled_from([0.0, 0.5, 2.0])),
        repeat_bars=4,
        begins=draw(st.sampled_from([None, context.until])),
        ends=through if draw(st.booleans()) else None,
    )
    return write(context, constraints, through, draw(st.integers(0, 99)))


def write(context: Context, constraints: Constraints, through: Tick, seed: int) -> Written:
    """Draw any allowed token until `through`, three times as readily one that goes on in time."""
    chance = random.Random(seed)
    writing = Grid().begin(context, constraints)
    notes: list[Note] = []
    for _ in range(2000):
        if writing.through >= through:
            break
        allowed = np.flatnonzero(writing.allowed())
        onwards = allowed[allowed < CHORD]
        among = onwards if len(onwards) and chance.random() < 0.75 else allowed
        notes += writing.push(writing.due_before(int(chance.choice(among))))
    assert writing.through >= through
    return Written(context, constraints, through, notes, stated(writing.tokens, context))


def stated(tokens: list[int], context: Context) -> list[tuple[int, int]]:
    """As `Written.stated`."""
    writer, found = GridWriter(), []
    for token in tokens:
        writer.push(token)
        if KINDS[token] == "Chord":
            found.append((context.start + writer.now, token - CHORD))
    return found


@given(written())
def test_every_change_is_stated_where_it_comes(music: Written) -> None:
    assert music.context.changes is not None
    true = list(music.context.changes.between(music.context.start, music.through))
    until = [tick for tick, _ in music.stated if tick < music.through]
    assert until == [tick for tick, _ in true]
    qualities = len(CHORDS) // len(ROOTS)
    moved = {
        ((model - chord) // qualities % 12, (model - chord) % qualities)
        for (_, model), (_, chord) in zip(music.stated, true, strict=False)
    }
    assert len(moved) <= 1  # all of them as many semitones higher
    assert all(quality == 0 for _, quality in moved)


@given(written())
def test_the_limits_are_kept_over_changes_too(music: Written) -> None:
    limits, until = music.constraints, music.context.until
    assert all(until <= note.onset for note in music.notes)
    assert {note.part for note in music.notes} <= limits.parts
    for note in music.notes:
        sounding = [n for n in music.notes if n.onset <= note.onset < n.end]
        assert len(sounding) <= limits.polyphony
    if limits.ends is not None:
        assert all(note.end <= limits.ends - TICKS_PER_BEAT // 4 for note in music.notes)


@given(written())
def test_the_accompaniment_strikes_every_change_whatever_the_density(music: Written) -> None:
    context, limits = music.context, music.constraints
    if Part.COMP not in limits.parts:
        return
    assert context.changes is not None
    tune = (note.onset for note in music.notes if note.part is Part.LEAD)
    end = music.through if limits.ends is None else max(tune, default=context.until)
    struck = {note.onset for note in music.notes if note.part is Part.COMP}
    room = limits.polyphony - (limits.ends is not None)  # one is kept for the last note
    for tick, _ in context.changes.between(context.until, end):
        is_full = sum(note.onset < tick < note.end for note in music.notes) >= room
        if context.changes.is_change(tick) and not is_full:
            assert tick in struck


def test_an_answer_is_over_before_a_change_in_its_last_beat() -> None:
    changes = Changes.of(Chart.parse("C F G Am"), Meter(4, 4))
    begins, ends = Tick(1920), Tick(3840)
    phrase = (Note(Tick(0), 60), Note(Tick(480), 64))
    context = Context(phrase, Tick(0), begins, "combo", phrase=Tick(0), changes=changes)
    limits = Constraints(near=True, density=1.25, begins=begins, ends=ends)
    for seed in range(30):
        notes = write(context, limits, ends, seed).notes
        assert max(note.onset for note in notes) <= ends - TICKS_PER_BEAT * 5 // 4


@given(written())
def test_an_answer_ends_on_the_chord_that_is_then_in_force(music: Written) -> None:
    tune = [note for note in music.notes if note.part is Part.LEAD]
    if music.constraints.ends is None or not tune:
        return
    assert music.context.changes is not None
    chord = CHORDS[music.context.changes.at(tune[-1].onset)]
    assert tune[-1].pitch % 12 in triad_of(chord)


@given(written())
def test_no_note_is_held_into_a_chord_that_it_is_not_of(music: Written) -> None:
    changes = music.context.changes
    assert changes is not None
    for note in music.notes:
        foreign = [
            tick
            for tick, chord in changes.between(note.onset, note.end)
            if tick > note.onset and note.pitch % 12 not in tones_of(CHORDS[chord])
        ]
        assert all(note.end - tick < TICKS_PER_BEAT for tick in foreign)


def test_the_chords_given_stand_for_those_that_the_notes_spell() -> None:
    pad = tuple(Note(Tick(0), pitch, 80, Tick(1920), Part.COMP) for pitch in (50, 53, 57))
    changes = Changes.of(Chart.parse("C F"), Meter(4, 4))
    context = Context(pad, Tick(0), Tick(1920), "jazz", changes=changes)
    tokens = Grid().begin(context, Constraints()).tokens
    names = [VOCABULARY.token(token) for token in tokens]
    assert [name for name in names if name.startswith(("Chord", "Pos"))] == [
        *("Position_0", "Chord_C:maj", "Position_24", "Chord_F:maj")
    ]
    assert sum(COMP <= token < COMP + 88 for token in tokens) == 3


def test_the_scale_of_a_chord_is_the_keys_as_far_as_the_chord_allows() -> None:
    changes = Changes.of(Chart.parse("C | A7 | Dm7 | G7"), Meter(4, 4))

    def scale(bar: int) -> set[str]:
        inside = scale_at(changes, Tick(bar * 1920))
        return {ROOTS[tone] for tone in np.flatnonzero(inside > 0.5)}

    assert scale(0) == set("CDEFGAB")
    assert scale(1) == {"Db", "E", "F", "G", "A", "B"}
    assert scale(3) == set("CDEFGAB")


def test_the_scale_goes_round_with_the_chart_wherever_it_begins() -> None:
    changes = Changes.of(Chart.parse("C | A7 | Dm7 | Gm7 C7"), Meter(4, 4))
    later = replace(changes, start=Tick(3 * 1920))
    for eighth in range(32):
        tick = Tick(eighth * 240)
        scale = scale_at(changes, tick)
        assert np.array_equal(scale, scale_at(changes, Tick(tick + 2 * changes.length)))
        assert np.array_equal(scale, scale_at(later, Tick(tick + later.start)))
