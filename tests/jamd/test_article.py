"""The article's language: names as music21 gives them, music where a player can hear it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.article import (
    STEP,
    Article,
    as_the_article_writes,
    chord_name,
    note_name,
    pitch_of,
    voiced,
)
from jamd.language import Constraints, Context
from jamd.notes import Note, Part, Piece, Tick
from jamd.vocabulary import Vocabulary

WORDS = Vocabulary(["0.4.7", "2.5.9", "C4", "E4", "G4"])


@given(st.integers(12, 127))
def test_note_names_come_back(pitch: int) -> None:
    assert pitch_of(note_name(pitch)) == pitch


@given(st.text("C#-0123456789", max_size=6))
def test_what_is_no_name_has_no_pitch(name: str) -> None:
    pitch = pitch_of(name)
    assert pitch is None or name == note_name(pitch) or pitch < 12


@pytest.mark.train
def test_names_agree_with_music21() -> None:
    from music21 import chord, pitch

    for midi in range(12, 128):
        assert note_name(midi) == pitch.Pitch(midi=midi).nameWithOctave
    for bits in range(1, 4096, 7):
        classes = [i for i in range(12) if bits >> i & 1]
        assert chord_name(classes) == ".".join(map(str, chord.Chord(classes).normalOrder))


def test_a_piece_reads_as_names() -> None:
    c_major = [Note(Tick(480), p, 80, Tick(480), Part.COMP) for p in (48, 64, 67)]
    piece = Piece((Note(Tick(0), 60), *c_major, Note(Tick(960), 61)))
    tokens = Article(WORDS).encode(piece)
    assert [WORDS.token(t) for t in tokens] == ["C4", "0.4.7"], "C#4 is not in this vocabulary"


@given(st.lists(st.integers(0, 11), min_size=2, max_size=6, unique=True), st.floats(40, 80))
def test_a_chord_is_voiced_where_it_can_be_heard(classes: list[int], centre: float) -> None:
    pitches = voiced(classes, centre)
    assert [p % 12 for p in pitches] == classes
    assert abs(sum(pitches) / len(pitches) - centre) <= 6
    assert pitches == sorted(pitches)


def test_a_chord_of_one_pitch_class_is_an_octave() -> None:
    assert voiced([0], 60) in ([48, 60], [60, 72])


NAMES = st.one_of(
    st.integers(12, 127).map(note_name),
    st.sets(st.integers(0, 11), min_size=1).map(chord_name),
)


@given(st.lists(NAMES, max_size=20))
def test_what_names_sound_like_has_these_names(music: list[str]) -> None:
    language = Article(Vocabulary(sorted({*music, "C4"})))
    tokens = [language.vocabulary.id(name) for name in music]
    notes = language.decode(tokens)
    assert language.encode(Piece(notes)) == tokens
    assert {note.onset for note in notes} == {i * STEP for i in range(len(tokens))}


def test_the_article_writes_chords_below_the_staff_and_everything_a_beat_long() -> None:
    chord = [Note(Tick(240), p, 80, STEP, Part.COMP) for p in (48, 52, 55, 60)]
    written = as_the_article_writes([Note(Tick(0), 60, 80, STEP), *chord])
    assert [(n.onset, n.pitch, n.duration) for n in written] == [
        (0, 60, 480),
        *((240, p, 480) for p in (0, 4, 7)),
    ]


def test_a_continuation_steps_by_half_beats() -> None:
    context = Context((Note(Tick(0), 60, 100),), Tick(0), Tick(500), "combo")
    writing = Article(WORDS).begin(context, Constraints())
    assert writing.through == 720
    (note,) = writing.push(WORDS.id("G4"))
    assert note == Note(Tick(720), 67, 100, STEP, Part.LEAD)
    chord = writing.push(WORDS.id("2.5.9"))
    assert [n.pitch for n in chord] == [50, 53, 57]
    assert writing.through == 1200


def test_it_is_known_who_played_what() -> None:
    heard = (Note(Tick(0), 60), Note(Tick(960), 67))
    played = (Note(Tick(480), 64), Note(Tick(960), 60))
    context = Context(heard, Tick(0), Tick(1440), "combo", played=played)
    writing = Article(Vocabulary(["7.0", *WORDS])).begin(context, Constraints())
    assert len(writing.tokens) == 3
    assert writing.from_player == [True, False, True]


def test_an_answer_ends_on_a_long_note_of_the_tonic_triad() -> None:
    heard = tuple(Note(Tick(240 * i), pitch) for i, pitch in enumerate((60, 64, 67, 64, 67, 60)))
    context = Context(heard, Tick(0), Tick(1920), "combo")
    writing = Article(WORDS).begin(context, Constraints(ends=Tick(3840)))
    while writing.through < 3840:
        token = int(np.flatnonzero(writing.allowed())[-1])
        last = writing.push(token)
    assert writing.through == 3840
    assert {note.end for note in last} == {Tick(3720)}
    assert all(note.duration >= 480 for note in last)
    assert {note.pitch % 12 for note in last} & {0, 4, 7}
    late = replace(context, until=Tick(3480))
    assert Article(WORDS).begin(late, Constraints(ends=Tick(3840))).through == 3840


def test_masks_keep_parts_and_range() -> None:
    context = Context((), Tick(0), Tick(0), "combo")
    limits = Constraints(parts=frozenset({Part.LEAD}), lowest=62, highest=70)
    allowed = Article(WORDS).begin(context, limits).allowed()
    assert [name for name, ok in zip(WORDS, allowed, strict=True) if ok] == ["E4", "G4"]


def test_masks_bar_the_notes_that_the_player_holds_unless_nothing_is_left() -> None:
    context = Context((), Tick(0), Tick(0), "combo")
    for held, left in (({60, 67}, ["E4"]), ({60, 64, 67}, ["C4", "E4", "G4"])):
        limits = Constraints(parts=frozenset({Part.LEAD}), held=frozenset(held))
        allowed = Article(WORDS).begin(context, limits).allowed()
        assert [name for name, ok in zip(WORDS, allowed, strict=True) if ok] == left


@pytest.mark.parametrize("name", ["H9", "7.0.4", "0.4.4.7", ".".join(["0"] * 17)])
def test_a_name_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected a name like C4"):
        Article(Vocabulary([name]))
