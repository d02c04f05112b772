"""What differs from reading to reading keeps to the grammar, and to what it says it changes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jamd.grid import Grid
from jamd.notes import METERS, Meter, Note, Part, Piece, Tick, to_tick
from jamd.training.variations import alone_at_first, misplaced

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


def test_an_accompaniment_comes_in_late() -> None:
    notes = [Note(Tick(1920 * bar), 48, 80, Tick(1920), Part.COMP) for bar in range(4)]
    notes += [Note(Tick(480 * beat), 72) for beat in range(16)]
    tokens = np.array(Grid().encode(Piece(tuple(sorted(notes)))), np.int32)
    third = np.flatnonzero(tokens == tokens[2])[2]
    late = Grid().decode(alone_at_first(tokens, int(third)).tolist())
    assert {n.onset // 1920 for n in late.notes if n.part is Part.COMP} == {2, 3}
    assert sum(n.part is Part.LEAD for n in late.notes) == 16
