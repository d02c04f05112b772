"""A table is the piece that it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.grid.encoding import encode
from jamd.grid.grid import Grid
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Part, Tick
from jamd.parts import RECENT_NOTES, parts_of
from jamd.training.preparing.parts import Table, to_table
from jamd.training.preparing.reading import Reading, Voice, columns, in_order

pytestmark = pytest.mark.train

# Onsets and lengths fall on beats, on the grid, between its steps, and far from each other.
times = st.one_of(
    st.integers(0, 24).map(lambda beat: beat * TICKS_PER_BEAT),
    st.integers(0, 200).map(lambda step: step * 40),
    st.integers(0, 12_000),
)
lengths = st.one_of(st.sampled_from((1, 20, 40, 480, 960, 1920)), st.integers(1, 20_000))


@given(
    st.lists(
        st.tuples(times, lengths, st.integers(0, 127), st.integers(1, 127), st.booleans()),
        unique_by=lambda row: (row[0], row[2], row[4]),
        max_size=40,
    )
)
def test_a_table_reads_as_its_piece(
    rows: list[tuple[int, int, int, int, bool]],
) -> None:
    rows = sorted(rows, key=lambda row: (row[0], row[4], row[2]))
    notes = np.array([(*row[:4], 0) for row in rows], np.int32).reshape(-1, 5)
    lead = np.array([row[4] for row in rows], np.bool_)
    piece = Table(notes, lead, ((Tick(0), Meter(4, 4)),))
    assert list(piece.to_piece("jazz").notes) == [
        Note(Tick(onset), pitch, velocity, Tick(length), Part.LEAD if tune else Part.COMP)
        for onset, length, pitch, velocity, tune in rows
    ]
    tokens = encode(columns(piece.notes, piece.lead), piece.meters, "jazz")
    assert tokens.tolist() == Grid().encode(piece.to_piece("jazz"))


@given(st.lists(st.lists(st.integers(0, 127), min_size=1, max_size=6), min_size=1, max_size=8))
def test_the_parts_of_one_voice_are_those_of_a_player(moments: list[list[int]]) -> None:
    # The first moment keeps it from being nothing but chords, which are all Comp.
    moments = [[60], [62], *(list(dict.fromkeys(moment)) for moment in moments)]
    rows = [
        (beat * 480, 480, pitch, 80, 0) for beat, moment in enumerate(moments) for pitch in moment
    ]
    table = to_table(
        Reading(in_order(np.array(rows, np.int32)), (Voice(),), ((Tick(0), Meter(4, 4)),))
    )
    tune = set()
    before: list[int] = []
    for beat, moment in enumerate(moments):
        parts = parts_of(moment, before[-RECENT_NOTES:])
        tune |= {
            (beat * 480, p) for p, part in zip(moment, parts, strict=True) if part is Part.LEAD
        }
        before += sorted(moment)
    assert {(n.onset, n.pitch) for n in table.to_piece("jazz").notes if n.part is Part.LEAD} == tune
