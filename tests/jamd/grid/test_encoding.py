"""The grid language by columns is the grid language a note at a time."""

from __future__ import annotations

import plain_grid
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.columns import Columns
from jamd.grid.grid import Grid
from jamd.grid.tokens import END, START, STYLES, VOCABULARY, style_token
from jamd.language import Constraints, Context
from jamd.lengths import meant_lengths
from jamd.notes import HELD, METERS, TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Part, Piece, Tick
from jamd.register import transposition_of

CHORDS = ((0,), (0, 4, 7), (0, 3, 7), (0, 4, 10), (0, 3, 6, 9), (0, 3, 7, 10), tuple(range(20)))

# Onsets and lengths fall on beats, on the grid, between its steps, and far from each other.
times = st.one_of(
    st.integers(0, 24).map(lambda beat: beat * TICKS_PER_BEAT),
    st.integers(0, 200).map(lambda step: step * TICKS_PER_STEP),
    st.integers(0, 12_000),
)
lengths = st.one_of(st.sampled_from((1, 20, 40, 480, 960, 1920)), st.integers(1, 20_000))


@st.composite
def music(draw: st.DrawFn, lengths: st.SearchStrategy[int] = lengths) -> tuple[Note, ...]:
    """Notes and chords of both parts, sorted."""
    strikes = st.tuples(
        times,
        st.integers(0, 127),
        st.sampled_from(CHORDS),
        st.integers(1, 127),
        lengths,
        st.sampled_from(Part),
    )
    return tuple(
        sorted(
            Note(Tick(onset), min(127, root + tone), velocity, Tick(length), part)
            for onset, root, chord, velocity, length, part in draw(st.lists(strikes, max_size=30))
            for tone in chord
        )
    )


@st.composite
def meters(draw: st.DrawFn) -> tuple[tuple[Tick, Meter], ...]:
    """One meter or several, some with no bar line of their own."""
    line, found = 0, []
    for meter in draw(st.lists(st.sampled_from(METERS), min_size=1, max_size=4)):
        found.append((Tick(line), meter))
        line += draw(st.integers(1, 4)) * meter.ticks_per_bar
    return tuple(found)


@given(music(), meters(), st.sampled_from(STYLES))
def test_a_piece_has_the_same_tokens(
    notes: tuple[Note, ...], meters: tuple[tuple[Tick, Meter], ...], style: str
) -> None:
    placed = plain_grid.on_grid(notes)
    lines = plain_grid.bar_lines(meters, placed[-1][0] if placed else 0)
    whole = [START, style_token(style), *plain_grid.bars(placed, lines), END]
    assert Grid().encode(Piece(notes, meters, style)) == whole


@given(
    music(st.one_of(lengths, st.just(HELD))),
    music(),
    st.integers(0, 8),
    st.integers(0, 15_000),
    st.sampled_from(METERS),
)
def test_a_context_has_the_same_tokens(
    heard: tuple[Note, ...], played: tuple[Note, ...], bars: int, length: int, meter: Meter
) -> None:
    start = Tick(bars * meter.ticks_per_bar)
    until = Tick(start + length)

    def later(notes: tuple[Note, ...]) -> tuple[Note, ...]:
        moved = (note._replace(onset=Tick(note.onset + start)) for note in notes)
        return tuple(note for note in moved if note.onset < until)

    heard, played = later(heard), later(played)
    up = transposition_of(Columns.of([*heard, *played]))

    def read(note: Note, length: int) -> Note:
        lasts = max(TICKS_PER_BEAT, until - note.onset) if length == HELD else length
        onset, pitch = Tick(note.onset - start), note.pitch + up[note.part]
        return note._replace(onset=onset, pitch=pitch, duration=Tick(lasts))

    own = [read(note, note.duration) for note in played]
    theirs = map(read, heard, meant_lengths(Columns.of(heard)).tolist())
    here = -(-length // TICKS_PER_STEP)
    placed = [note for note in plain_grid.on_grid([*own, *theirs]) if note[0] < here]
    lines = plain_grid.bar_lines(((Tick(0), meter),), here)
    tokens = [START, style_token("jazz"), *plain_grid.bars(placed, lines)]
    context = Context(heard, start, until, "jazz", meter, played)
    assert Grid().begin(context, Constraints()).tokens == tokens


def test_a_broken_chord_is_named_on_its_first_beat() -> None:
    broken = tuple(
        Note(Tick(240 * i), pitch, 80, Tick(240), Part.COMP)
        for i, pitch in enumerate((48, 55, 52, 55))
    )
    tokens = [VOCABULARY.token(token) for token in Grid().encode(Piece(broken))]
    assert [token for token in tokens if token.startswith("Chord")] == ["Chord_C:maj"]
    assert tokens.index("Chord_C:maj") == tokens.index("Position_0") + 1


def test_what_has_no_token_is_an_error() -> None:
    note = Note(Tick(0), 60)
    with pytest.raises(ValueError, match=r"expected a meter of .*; found 5/4"):
        Grid().encode(Piece((note,), ((Tick(0), Meter(5, 4)),)))
    with pytest.raises(ValueError, match=r"expected a style of .*; found 'polka'"):
        Grid().encode(Piece((note,), style="polka"))
