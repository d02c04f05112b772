"""What differs from reading to reading keeps to the grammar, and to what it says it changes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jamd.grid.grid import Grid
from jamd.grid.tokens import VOCABULARY
from jamd.notes import METERS, Meter, Note, Part, Piece, Tick, to_tick
from jamd.training.learning.variations import misplaced, without_comp, without_notes

steps = st.lists(st.integers(0, 300), min_size=1, max_size=60)


def tokens_of(onsets: list[int], meter: Meter) -> np.ndarray:
    notes = [Note(to_tick(step), 60 + step % 12) for step in sorted(set(onsets))]
    return np.array(Grid().encode(Piece(tuple(notes), ((Tick(0), meter),))), np.int32)


@given(steps, st.sampled_from(METERS), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_misread_onsets_keep_their_order_and_their_bar(
    onsets: list[int], meter: Meter, seed: int, share: float
) -> None:
    tokens = tokens_of(onsets, meter)
    changed, wrong = misplaced(tokens, np.random.default_rng(seed), share)
    assert ((changed != tokens) == wrong).all()
    before, after = (Grid().decode(t.tolist()).notes for t in (tokens, changed))
    bar = meter.ticks_per_bar
    for one, other in zip(before, after, strict=True):
        assert one.pitch == other.pitch
        assert one.onset // bar == other.onset // bar
        assert abs(one.onset - other.onset) <= to_tick(3)


def test_so_many_are_misread_as_was_asked_for() -> None:
    tokens = tokens_of(list(range(0, 300, 6)), Meter(4, 4))
    rng = np.random.default_rng(0)
    slips = [misplaced(tokens, rng, 0.1)[1].sum() for _ in range(200)]
    assert 0.07 < np.mean(slips) / 50 < 0.1


def accompanied(chords: list[tuple[int, ...]]) -> np.ndarray:
    """A bar for each chord, with a tune of quarter notes above it."""
    notes = [
        Note(Tick(1920 * bar), pitch, 80, Tick(1920), Part.COMP)
        for bar, chord in enumerate(chords)
        for pitch in chord
    ]
    notes += [Note(Tick(480 * beat), 72) for beat in range(4 * len(chords))]
    return np.array(Grid().encode(Piece(tuple(sorted(notes)))), np.int32)


def bars_of_comp(tokens: np.ndarray) -> set[int]:
    notes = Grid().decode(tokens.tolist()).notes
    return {note.onset // 1920 for note in notes if note.part is Part.COMP}


def test_an_accompaniment_comes_in_late_and_rests() -> None:
    tokens = accompanied([(48, 55, 64)] * 6)
    bars = np.flatnonzero(tokens == tokens[2])
    assert bars_of_comp(without_comp(tokens, 0, int(bars[2]))) == {2, 3, 4, 5}
    rested = without_comp(tokens, int(bars[1]), int(bars[4]))
    assert bars_of_comp(rested) == {0, 4, 5}
    assert sum(note.part is Part.LEAD for note in Grid().decode(rested.tolist()).notes) == 24


def test_a_pause_leaves_nothing_of_either_part() -> None:
    tokens = accompanied([(48, 55, 64)] * 4)
    bars = np.flatnonzero(tokens == tokens[2])
    left = Grid().decode(without_notes(tokens, int(bars[1]), int(bars[3])).tolist()).notes
    assert {(note.part, note.onset // 1920) for note in left} == {
        (part, bar) for part in Part for bar in (0, 3)
    }


def test_after_a_rest_the_harmony_reached_meanwhile_is_stated() -> None:
    tokens = accompanied([(48, 52, 55), (50, 53, 57), (43, 47, 50), (43, 47, 50)])
    bars = np.flatnonzero(tokens == tokens[2])
    rested = without_comp(tokens, int(bars[1]), int(bars[3]))
    names = [VOCABULARY.token(token) for token in rested]
    assert [name for name in names if name.startswith("Chord")] == ["Chord_C:maj", "Chord_G:maj"]
    assert names[names.index("Chord_G:maj") + 1] == "Comp_43"


@given(steps, steps, st.integers(0, 400), st.integers(0, 400))
def test_without_some_of_its_accompaniment_music_keeps_to_the_grammar(
    tune: list[int], comp: list[int], since: int, until: int
) -> None:
    notes = [Note(to_tick(step), 72) for step in set(tune)]
    notes += [Note(to_tick(s), p, part=Part.COMP) for s in set(comp) for p in (48, 52 + s % 3, 55)]
    tokens = np.array(Grid().encode(Piece(tuple(sorted(notes)))), np.int32)
    left = Grid().decode(without_comp(tokens, since, until).tolist()).notes
    assert [n for n in left if n.part is Part.LEAD] == [
        n for n in Grid().decode(tokens.tolist()).notes if n.part is Part.LEAD
    ]
    kept = Grid().decode(without_notes(tokens, since, until).tolist()).notes
    assert set(kept) <= set(left)
