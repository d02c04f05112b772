"""Held chords are struck in other music's rhythms, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from grid_corpora import write_grid_corpus
from hypothesis import given
from hypothesis import strategies as st

from jamd.errors import CorpusError
from jamd.grid.grid import Grid
from jamd.notes import Meter, Note, Part, Piece, Tick
from jamd.training.preparing.comping import BAR, rhythms_of, struck, write_struck

TRIAD = (48, 52, 55)


def chord(onset: int, duration: int, up: int = 0) -> list[Note]:
    return [Note(Tick(onset), pitch + up, 80, Tick(duration), Part.COMP) for pitch in TRIAD]


CHARLESTON = Piece(tuple(chord(0, 480) + chord(720, 480)))
PUSHED = Piece(tuple(chord(0, 480) + chord(1680, 240)))


def standard(bars: int = 4, meter: Meter = Meter(4, 4)) -> Piece:
    """A tune over a held chord a bar."""
    bar = meter.ticks_per_bar
    notes = [note for i in range(bars) for note in chord(bar * i, bar, up=i)]
    notes += [Note(Tick(480 * beat), 72) for beat in range(bar // 480 * bars)]
    return Piece(tuple(sorted(notes)), ((Tick(0), meter),))


def test_a_rhythm_is_where_a_bar_is_struck_and_for_how_long() -> None:
    assert rhythms_of([CHARLESTON, standard()]) == [((0, 480), (720, 480))]


def test_chords_are_struck_in_the_rhythm_and_the_tune_stays() -> None:
    piece = standard()
    new = struck(piece, [rhythms_of([CHARLESTON])], np.random.default_rng(0))
    lead, comp = ([n for n in new.notes if n.part is part] for part in (Part.LEAD, Part.COMP))
    assert lead == [n for n in piece.notes if n.part is Part.LEAD]
    assert [n.onset for n in comp[::3]] == [BAR * i + at for i in range(4) for at in (0, 720)]
    assert [n.pitch - i // 6 for i, n in enumerate(comp)] == list(TRIAD) * 8


def test_some_are_struck_an_eighth_ahead_of_their_bar() -> None:
    rhythms = [rhythms_of([PUSHED])]
    found = set()
    for seed in range(20):
        new = struck(standard(), rhythms, np.random.default_rng(seed))
        early = [n.pitch for n in new.notes if n.part is Part.COMP and n.onset == 1680]
        found.add(tuple(early))
        struck_again = [n for n in new.notes if n.part is Part.COMP and n.onset == BAR]
        assert bool(struck_again) == (early == list(TRIAD))  # an early chord is not struck twice
    assert found == {TRIAD, tuple(pitch + 1 for pitch in TRIAD)}


def test_no_chord_of_another_meter_is_struck_ahead() -> None:
    waltz = Meter(3, 4)
    line, back = 2 * BAR, 2 * BAR + 4 * waltz.ticks_per_bar
    held = [(0, BAR), (BAR, BAR)]
    held += [(at, waltz.ticks_per_bar) for at in range(line, back, waltz.ticks_per_bar)]
    held += [(back, BAR), (back + BAR, BAR)]
    meters = ((Tick(0), Meter(4, 4)), (Tick(line), waltz), (Tick(back), Meter(4, 4)))
    piece = Piece(tuple(sorted(note for each in held for note in chord(*each))), meters)
    for seed in range(20):
        new = struck(piece, [rhythms_of([PUSHED])], np.random.default_rng(seed))
        assert all(note in new.notes for note in piece.notes if line <= note.onset < back)
        assert max(note.duration for note in new.notes) <= BAR
        assert any(note.onset == back for note in new.notes)


def test_other_meters_keep_their_chords_as_they_are_held() -> None:
    waltz = standard(meter=Meter(3, 4))
    assert struck(waltz, [rhythms_of([CHARLESTON])], np.random.default_rng(0)) == waltz


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=20),
    st.lists(st.integers(0, 7), min_size=2, max_size=6, unique=True),
    st.integers(0, 2**32 - 1),
)
def test_every_chord_still_sounds_and_none_beyond_its_end(
    pads: list[tuple[int, int]], eighths: list[int], seed: int
) -> None:
    notes = [note for at, beats in pads for note in chord(480 * at, 480 * beats)]
    piece = Piece(tuple(sorted(set(notes))))
    rhythm = [tuple((Tick(240 * e), Tick(240)) for e in sorted(eighths))]
    new = struck(piece, [rhythm], np.random.default_rng(seed))
    assert {n.pitch for n in new.notes} == {n.pitch for n in piece.notes}
    assert max((n.end for n in new.notes), default=0) <= max((n.end for n in notes), default=0)
    assert all(n.duration > 0 for n in new.notes)
    Grid().decode(Grid().encode(new))


def test_a_corpus_keeps_its_pieces_sides_and_gets_a_style_of_its_own(tmp_path: Path) -> None:
    held = write_grid_corpus(tmp_path / "held", [("held-out", standard()), ("train", standard(8))])
    others = write_grid_corpus(tmp_path / "others", [("held-out", PUSHED), ("train", CHARLESTON)])
    new = write_struck(held, [others], tmp_path / "new", "combo")
    assert [(p.source, p.group, p.split) for p in new.pieces] == [
        (p.source, p.group, p.split) for p in held.pieces
    ]
    piece = Grid().decode(new.tokens(new.pieces[1]).tolist())
    assert piece.style == new.style == "combo"
    # The rhythm of the held-out piece of `others` is not learned from.
    assert {n.onset % BAR for n in piece.notes if n.part is Part.COMP} == {0, 720}


def test_a_corpus_without_rhythms_is_refused(tmp_path: Path) -> None:
    held = write_grid_corpus(tmp_path / "held", [("train", standard())])
    with pytest.raises(CorpusError, match="expected bars of 4/4 in which chords are struck"):
        write_struck(held, [held], tmp_path / "new", "combo")
