"""The grid language keeps what it promises to keep, and nothing it writes breaks its grammar."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.columns import Columns
from jamd.grid.continuation import GridContinuation
from jamd.grid.grid import Grid
from jamd.grid.tokens import (
    DURATIONS,
    HIGHEST,
    LOWEST,
    PHRASE_BARS,
    STYLES,
    VOCABULARY,
    bin_velocity,
    fold,
    transposition,
    velocity_bin,
)
from jamd.grid.writer import GridWriter
from jamd.language import Constraints, Context
from jamd.notes import METERS, TICKS_PER_STEP, Meter, Note, Part, Piece, Tick, to_tick
from jamd.register import transposition_of

notes = st.builds(
    lambda step, pitch, velocity, length, part: Note(
        to_tick(step), pitch, velocity, to_tick(length), part
    ),
    st.integers(0, 400),
    st.integers(LOWEST, HIGHEST),
    st.integers(1, 127),
    st.sampled_from(DURATIONS),
    st.sampled_from(Part),
)
pieces = st.builds(
    lambda group, meter, style: Piece(tuple(sorted(group)), ((Tick(0), meter),), style),
    st.lists(notes, max_size=60),
    st.sampled_from(METERS),
    st.sampled_from(STYLES),
)


def text(tokens: list[int]) -> list[str]:
    return [VOCABULARY.token(token) for token in tokens]


def test_a_bar_reads_as_documented() -> None:
    dm7 = [Note(Tick(0), p, 80, Tick(960), Part.COMP) for p in (50, 53, 57, 60)]
    lead = [Note(Tick(0), 65, 100, Tick(240)), Note(Tick(240), 69, 100, Tick(240))]
    piece = Piece((*dm7, *lead), style="jazz")
    assert text(Grid().encode(piece)) == [
        *("Start", "Style_jazz", "Bar_4/4", "Position_0", "Chord_D:min7"),
        *("Comp_50", "Velocity_5", "Duration_24", "Comp_53", "Velocity_5", "Duration_24"),
        *("Comp_57", "Velocity_5", "Duration_24", "Comp_60", "Velocity_5", "Duration_24"),
        *("Lead_65", "Velocity_6", "Duration_6"),
        *("Position_6", "Lead_69", "Velocity_6", "Duration_6", "End"),
    ]


@given(pieces)
def test_decoding_gives_back_what_the_grid_can_hold(piece: Piece) -> None:
    decoded = Grid().decode(Grid().encode(piece))
    wanted: dict[tuple[int, Part, int], Note] = {}
    for note in piece.notes:
        key = (note.onset, note.part, note.pitch)
        if key not in wanted or wanted[key].duration < note.duration:
            wanted[key] = note
    kept = sorted(wanted.values())
    assert [(n.onset, n.part, n.pitch, n.duration) for n in sorted(decoded.notes)] == [
        (n.onset, n.part, n.pitch, n.duration) for n in kept
    ]
    assert [velocity_bin(n.velocity) for n in sorted(decoded.notes)] == [
        velocity_bin(n.velocity) for n in kept
    ]
    assert decoded.meters == piece.meters
    assert decoded.style == piece.style


@given(pieces)
def test_encoding_a_decoded_piece_changes_nothing(piece: Piece) -> None:
    tokens = Grid().encode(piece)
    assert Grid().encode(Grid().decode(tokens)) == tokens


def test_changes_of_meter_come_back() -> None:
    meters = ((Tick(0), Meter(3, 4)), (Tick(2880), Meter(6, 8)))
    piece = Piece((Note(Tick(0), 60), Note(Tick(2880), 62), Note(Tick(5000), 64)), meters)
    assert Grid().decode(Grid().encode(piece)).meters == meters


def test_an_unknown_meter_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a meter of 2/4.*; found 5/4"):
        Grid().encode(Piece((Note(Tick(0), 60),), ((Tick(0), Meter(5, 4)),)))


@given(pieces, st.integers(-12, 12))
def test_transposing_tokens_is_transposing_notes(piece: Piece, semitones: int) -> None:
    inside = [n for n in piece.notes if LOWEST <= n.pitch + semitones <= HIGHEST]
    piece = Piece(tuple(inside), piece.meters, piece.style)
    moved = Piece(
        tuple(Note(n.onset, n.pitch + semitones, n.velocity, n.duration, n.part) for n in inside),
        piece.meters,
        piece.style,
    )
    table = transposition(semitones)
    ours = [t for t in (table[t] for t in Grid().encode(piece)) if not _is_chord(t)]
    assert ours == [t for t in Grid().encode(moved) if not _is_chord(t)]


def _is_chord(token: int) -> bool:
    return VOCABULARY.kind(token) == "Chord"


def test_a_token_out_of_place_is_named() -> None:
    with pytest.raises(ValueError, match="Duration_1 cannot stand after Bar_4/4"):
        Grid().decode([VOCABULARY.id("Bar_4/4"), VOCABULARY.id("Duration_1")])


@given(
    pieces,
    st.integers(0, 20_000),
    st.builds(
        lambda parts, lowest, span, polyphony: Constraints(
            frozenset(parts), lowest, lowest + span, polyphony
        ),
        st.sets(st.sampled_from(Part), min_size=1),
        st.integers(21, 100),
        st.integers(0, 8),
        st.integers(1, 6),
    ),
    st.randoms(use_true_random=False),
)
def test_whatever_is_drawn_keeps_the_constraints(
    piece: Piece, until: int, limits: Constraints, random: Random
) -> None:
    meter = piece.meters[0][1]
    heard = tuple(note for note in piece.notes if note.onset < until)
    context = Context(heard, Tick(0), Tick(until), "combo", meter)
    writing = Grid().begin(context, limits)
    written: list[Note] = []
    through = writing.through
    for _ in range(200):
        allowed = np.flatnonzero(writing.allowed())
        assert len(allowed), "the music must always be able to go on"
        new = writing.push(random.choice(allowed.tolist()))
        assert all(note.onset >= through for note in new)
        assert writing.through >= through
        through = writing.through
        written += new
    for note in written:
        assert note.onset >= until
        assert note.part in limits.parts
        assert limits.lowest <= note.pitch <= limits.highest
        sounding = [n for n in written if n.onset <= note.onset < n.end]
        assert len(sounding) <= limits.polyphony


@given(pieces, st.integers(0, 20_000), st.randoms(use_true_random=False))
def test_a_continuation_goes_on_where_its_tokens_lead(
    piece: Piece, until: int, random: Random
) -> None:
    """It is begun from the notes; following every token from the first comes to the same."""
    heard: list[Note] = []
    played: list[Note] = []
    for note in piece.notes:
        if note.onset < until:
            (played if random.random() < 0.3 else heard).append(note)
    meter = piece.meters[0][1]
    context = Context(tuple(heard), Tick(0), Tick(until), "combo", meter, tuple(played))
    writing = Grid().begin(context, Constraints())
    up = transposition_of(Columns.of(context.notes))

    def place(note: Note) -> tuple[Tick, int, Part]:
        step = (note.onset + TICKS_PER_STEP // 2) // TICKS_PER_STEP
        return to_tick(step), note.pitch, note.part

    def back(note: Note) -> Note:
        return note._replace(pitch=note.pitch - up[note.part])

    own = {(at, fold(pitch + up[part]) - up[part], part) for at, pitch, part in map(place, played)}
    writer = GridWriter()
    told: list[bool] = []
    for i, token in enumerate(writing.tokens, start=1):
        for note in writer.push(token):
            told += [place(back(note)) not in own] * (i - len(told))
    told += [False] * (len(writing.tokens) - len(told))
    assert writing.from_player == told
    for _ in range(50):
        token = random.choice(np.flatnonzero(writing.allowed()).tolist())
        assert writing.push(token) == tuple(map(back, writer.push(token)))


def test_an_answer_is_counted_down_from_where_it_began() -> None:
    played = Note(Tick(4 * 1920), 67, 80, Tick(480))
    # The player rests for three bars, so jamd may.
    heard = (Note(Tick(0), 60, 80, Tick(480)), Note(Tick(3 * 1920), 62, 80, Tick(480)))
    until = Tick(5 * 1920)
    context = Context(heard, Tick(0), until, "combo", played=(played,), phrase=Tick(0))
    writing = Grid().begin(context, Constraints(ends=Tick(8 * 1920)))
    assert [t for t in text(writing.tokens) if t.startswith(("Bar", "Phrase"))] == [
        *["Bar_4/4"] * 4,  # the player's
        *("Bar_4/4", "Phrase_4", "Bar_4/4", "Phrase_3"),
    ]
    writing.push(VOCABULARY.id("Bar_4/4"))
    (only,) = np.flatnonzero(writing.allowed())
    assert VOCABULARY.token(int(only)) == "Phrase_2"


def test_of_a_long_answer_only_the_last_bars_are_counted_down() -> None:
    played = Note(Tick(1920), 67, 80, Tick(480))
    heard = (Note(Tick(0), 60, 80, Tick(480)),)
    until = Tick(2 * 1920)
    context = Context(heard, Tick(0), until, "combo", played=(played,), phrase=Tick(0))
    ends = Tick((1 + 3 + PHRASE_BARS) * 1920)
    limits = Constraints(ends=ends)
    counted = [f"Phrase_{left}" for left in range(PHRASE_BARS, 0, -1)]
    lines = ["Bar_4/4"] * (1 + 3) + [name for left in counted for name in ("Bar_4/4", left)]

    def stated(writing: GridContinuation) -> list[str]:
        return [name for name in text(writing.tokens) if name.startswith(("Bar", "Phrase"))]

    bar = VOCABULARY.id("Bar_4/4")
    writing = Grid().begin(context, limits)
    while writing.through < ends:
        anew = stated(Grid().begin(replace(context, until=writing.through), limits))
        assert anew == lines[: len(anew)]
        assert anew.count("Bar_4/4") == stated(writing).count("Bar_4/4")
        allowed = np.flatnonzero(writing.allowed()).tolist()
        writing.push(bar if bar in allowed else allowed[0])
    assert stated(writing) == [*lines, "Bar_4/4"]


def test_what_goes_on_for_ever_is_not_counted_down() -> None:
    writing = Grid().begin(Context((), Tick(0), Tick(0), "combo"), Constraints())
    assert not any(t.startswith("Phrase") for t in text(writing.tokens))
    writing.push(VOCABULARY.id("Bar_4/4"))
    allowed = text(np.flatnonzero(writing.allowed()).tolist())
    assert not any(t.startswith("Phrase") for t in allowed)


def test_a_low_tune_is_read_where_tunes_lie_and_written_where_it_was() -> None:
    low = tuple(Note(Tick(240 * i), 36 + p) for i, p in enumerate((0, 4, 7, 5, 4, 2, 0, 0)))
    chord = (Note(Tick(0), 60, part=Part.COMP), Note(Tick(0), 64, part=Part.COMP))
    context = Context(tuple(sorted((*low, *chord))), Tick(0), Tick(1920), "jazz")
    written = Grid().begin(context, Constraints())
    read = [note.pitch for note in Grid().decode(written.tokens).notes]
    assert sorted(read) == sorted([60, 64, *(note.pitch + 24 for note in low)])
    tokens = "Position_0 Comp_48 Velocity_5 Duration_12 Lead_62 Velocity_5 Duration_12 Position_12"
    new = [note for name in tokens.split() for note in written.push(VOCABULARY.id(name))]
    assert [(note.pitch, note.part) for note in new] == [(48, Part.COMP), (38, Part.LEAD)]


def test_a_held_note_lasts_until_now() -> None:
    held = Note(Tick(0), 60, 80, Tick(0))
    tokens = Grid().begin(Context((held,), Tick(0), Tick(1440), "combo"), Constraints()).tokens
    assert text(tokens)[-1] == f"Duration_{1440 // TICKS_PER_STEP}"


@given(st.integers(1, 127))
def test_a_velocity_comes_back_within_its_bin(velocity: int) -> None:
    assert velocity_bin(bin_velocity(velocity_bin(velocity))) == velocity_bin(velocity)


@given(st.integers(1, 192 * TICKS_PER_STEP))
def test_a_duration_goes_to_its_nearest(ticks: int) -> None:
    one = Note(Tick(0), 60, 80, Tick(ticks))
    (found,) = Grid().decode(Grid().encode(Piece((one,)))).notes
    assert abs(found.duration - ticks) == min(abs(to_tick(d) - ticks) for d in DURATIONS)


@given(st.integers(0, 127))
def test_a_pitch_folds_by_octaves(pitch: int) -> None:
    assert LOWEST <= fold(pitch) <= HIGHEST
    assert (fold(pitch) - pitch) % 12 == 0
