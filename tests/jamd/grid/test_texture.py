"""What the player plays together stays together, whatever the model would like."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from operator import attrgetter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jamd.grid.grid import Grid
from jamd.grid.tokens import KINDS
from jamd.language import Constraints, Context
from jamd.notes import METERS, TICKS_PER_BEAT, Meter, Note, Part, Tick

FREE = Constraints()
BOTH = frozenset(Part)
POLYPHONY = FREE.polyphony


def tune(meter: Meter, bars: int) -> list[Note]:
    """A note a beat."""
    beat = meter.ticks_per_pulse
    return [Note(Tick(t), 72, 80, beat) for t in range(0, bars * meter.ticks_per_bar, beat)]


def chords(meter: Meter, bars: int, length: int) -> list[Note]:
    """One a bar."""
    lines = range(0, bars * meter.ticks_per_bar, meter.ticks_per_bar)
    return [Note(Tick(t), p, 80, Tick(length), Part.COMP) for t in lines for p in (48, 52, 55)]


def answer_to(
    phrase: list[Note],
    meter: Meter,
    seed: int,
    constraints: Constraints = FREE,
    liked: Sequence[str] = (),
) -> list[Note]:
    """Eight bars after one of rest, written by someone who likes all other kinds of token alike."""
    bar = meter.ticks_per_bar
    begin = Tick((max(note.end for note in phrase) // bar + 1) * bar)
    context = Context(tuple(sorted(phrase)), Tick(0), begin, "combo", meter, phrase=Tick(0))
    writing = Grid().begin(context, constraints)
    draw = random.Random(seed)
    written: list[Note] = []
    while writing.through < begin + 8 * bar:
        kinds = defaultdict(list)
        for token in np.flatnonzero(writing.allowed()).tolist():
            kinds[KINDS[token]].append(token)
        tokens = kinds[draw.choice([kind for kind in liked if kind in kinds][:1] or list(kinds))]
        written += writing.push(draw.choice(tokens[: len(tokens) // 2 + 1]))  # short, soon, low
    return written


def missing(phrase: list[Note], answer: list[Note], meter: Meter, part: Part, rest: int) -> int:
    """On how many beats with a note `part` is not there, having rested for `rest` ticks or more.

    Where as much sounds as may, there is no room for it.
    """
    until = (max(note.end for note in phrase) // meter.ticks_per_bar + 1) * meter.ticks_per_bar
    count = 0
    for onset, struck in groupby(answer, key=attrgetter("onset")):
        ends = [note.end for note in struck if note.part is part]
        on_beat = onset % meter.ticks_per_pulse == 0
        room = sum(note.onset <= onset < note.end for note in answer) < FREE.polyphony
        count += not ends and on_beat and room and onset - until >= rest
        until = max([until, *ends])
    return count


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(METERS), st.integers(0, 999))
def test_an_accompaniment_rests_for_a_beat_at_most_and_a_tune_for_a_bar(
    meter: Meter, seed: int
) -> None:
    phrase = tune(meter, 2) + chords(meter, 2, meter.ticks_per_bar)
    answer = answer_to(phrase, meter, seed)
    assert not missing(phrase, answer, meter, Part.COMP, meter.ticks_per_pulse)
    assert not missing(phrase, answer, meter, Part.LEAD, meter.ticks_per_bar)


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize("phrase_rests", [False, True])
def test_whoever_likes_silence_best_is_silent_for_a_bar_or_as_long_as_the_player(
    meter: Meter, phrase_rests: bool
) -> None:
    bar, beat = meter.ticks_per_bar, meter.ticks_per_pulse
    phrase = tune(meter, 1)
    if phrase_rests:
        phrase.append(Note(Tick(4 * bar), 72, 80, beat))
    answer = answer_to(phrase, meter, 0, liked=("Bar",))
    begin = (phrase[-1].end // bar + 1) * bar
    longest, until = 0, begin
    for note in answer:
        longest, until = max(longest, note.onset - until), max(until, note.end)
    allowed = 3 * bar if phrase_rests else bar
    assert allowed <= longest < allowed + beat


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(METERS), st.integers(0, 999), st.sampled_from(["Bar", "Duration"]))
def test_an_answer_does_not_stall_where_its_phrase_runs(
    meter: Meter, seed: int, liked: str
) -> None:
    bar, pulse = meter.ticks_per_bar, meter.ticks_per_pulse
    run = [Note(Tick(t), 72, 80, Tick(pulse // 3)) for t in range(0, 2 * bar, pulse // 3)]
    begin = (run[-1].end // bar + 1) * bar
    answer = answer_to(run, meter, seed, Constraints(ends=Tick(begin + 8 * bar)), (liked,))
    onsets = [begin, *(note.onset for note in answer)]
    assert max(after - before for before, after in pairwise(onsets)) < 2 * pulse
    assert onsets[-1] >= begin + 7 * bar


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(METERS), st.integers(0, 999))
def test_an_accompaniment_rests_as_long_as_the_players_did(meter: Meter, seed: int) -> None:
    bar = meter.ticks_per_bar
    phrase = tune(meter, 4) + chords(meter, 1, TICKS_PER_BEAT)
    answer = answer_to(phrase, meter, seed)
    assert not missing(phrase, answer, meter, Part.COMP, 4 * bar - TICKS_PER_BEAT)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(METERS), st.integers(0, 999))
def test_an_accompaniment_leaves_the_tune_its_share(meter: Meter, seed: int) -> None:
    phrase = tune(meter, 2) + chords(meter, 2, meter.ticks_per_bar)
    eager = "Position", "Comp"
    answer = answer_to(phrase, meter, seed, Constraints(density=1.25), eager)
    struck = {note.onset for note in answer if note.part is Part.COMP}
    assert len(struck) <= 1.25 * (8 + 1) + 1  # one a bar, and a bar's worth ahead


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(METERS), st.integers(0, 999))
def test_an_accompaniment_that_the_player_did_not_play_leaves_most_notes_to_the_tune(
    meter: Meter, seed: int
) -> None:
    phrase = tune(meter, 2)
    eager = "Position", "Comp"
    answer = answer_to(phrase, meter, seed, Constraints(density=1.25), eager)
    notes = 1.25 / 3 * len(phrase) / 2 * (8 + 1)  # eight bars', and a bar's worth ahead
    comp = [note for note in answer if note.part is Part.COMP]
    assert len({note.onset for note in comp}) <= notes + 1
    assert len(comp) <= notes + POLYPHONY  # the last chord may be full


def test_without_a_tune_an_accompaniment_may_have_every_note() -> None:
    meter = METERS[2]
    phrase = tune(meter, 2)
    only = Constraints(parts=frozenset({Part.COMP}), density=1.25)
    for eager in (("Position", "Comp"), ("Chord", "Comp", "Position")):
        assert len(answer_to(phrase, meter, 1, only, eager)) >= len(phrase) / 2 * 8


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(METERS), st.integers(0, 999))
def test_a_tune_comes_back_though_an_accompaniment_would_use_up_what_density_allows(
    meter: Meter, seed: int
) -> None:
    phrase = tune(meter, 2)
    eager = "Comp", "Position"
    answer = answer_to(phrase, meter, seed, Constraints(density=1.25), eager)
    assert not missing(phrase, answer, meter, Part.LEAD, meter.ticks_per_bar)


@pytest.mark.parametrize("phrase", [tune(METERS[2], 2), chords(METERS[2], 2, TICKS_PER_BEAT)])
def test_what_the_player_does_not_play_may_stay_away(phrase: list[Note]) -> None:
    meter = METERS[2]
    other = Part.COMP if phrase[0].part is Part.LEAD else Part.LEAD
    answers = [answer_to(phrase, meter, seed) for seed in range(20)]
    assert any(missing(phrase, answer, meter, other, meter.ticks_per_bar) for answer in answers)


def test_a_part_that_may_not_be_written_is_not_waited_for() -> None:
    meter = METERS[2]
    phrase = tune(meter, 2) + chords(meter, 2, meter.ticks_per_bar)
    answer = answer_to(phrase, meter, 1, Constraints(parts=frozenset({Part.LEAD})))
    assert {note.part for note in answer} == {Part.LEAD}


def short(notes: list[Note], share: float) -> list[Note]:
    """The same with all notes but the last sounding for a share of their length."""
    lengths = [Tick(int(share * note.duration)) for note in notes[:-1]]
    return [
        *(note._replace(duration=length) for note, length in zip(notes, lengths, strict=False)),
        notes[-1],
    ]


@pytest.mark.parametrize("ends", [False, True])
@given(st.sampled_from(METERS), st.floats(0.05, 0.6), st.integers(0, 99))
def test_a_staccato_tune_is_answered_staccato(
    ends: bool, meter: Meter, share: float, seed: int
) -> None:
    phrase = short(tune(meter, 2), share)
    limits = replace(FREE, ends=Tick(11 * meter.ticks_per_bar)) if ends else FREE
    answer = [n for n in answer_to(phrase, meter, seed, limits) if n.part is Part.LEAD]
    last = max((note.onset for note in answer), default=0)
    longest = max(phrase[0].duration, 40)
    assert all(note.duration <= longest for note in answer if not ends or note.onset < last)


def test_a_tune_that_is_not_staccato_may_be_answered_with_long_notes() -> None:
    for phrase in (tune(METERS[2], 2), short(tune(METERS[2], 2), 0.7)):
        answers = [n for seed in range(20) for n in answer_to(phrase, METERS[2], seed)]
        assert max(n.duration for n in answers if n.part is Part.LEAD) > TICKS_PER_BEAT
