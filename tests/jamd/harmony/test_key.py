"""The key is heard where there is one, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.columns import Columns
from jamd.grid.grid import Grid
from jamd.grid.tokens import CHORD, COMP, LEAD, LOWEST, VOCABULARY
from jamd.harmony.harmony import CHORDS
from jamd.harmony.key import BLUES, DORIAN, MINOR, MIXOLYDIAN, Key, home_of
from jamd.harmony.tonality import recent_tonality, tonality_of
from jamd.language import Constraints, Context
from jamd.notes import HELD, METERS, Meter, Note, Part, Tick

FOUR = Meter(4, 4)
TUNE = (67, 65, 64, 62, 60, 64, 67, 72, 71, 69, 67, 64, 62, 60)  # C major, ending at home


def key_of(heard: list[Note]) -> Key | None:
    tonality = tonality_of(heard)
    return tonality.key if tonality else None


def notes(pitches: tuple[int, ...], duration: Tick = Tick(240)) -> list[Note]:
    return [Note(Tick(240 * i), pitch, 80, duration) for i, pitch in enumerate(pitches)]


def test_the_tonic_triad_is_told_as_far_as_it_is_known() -> None:
    clear = tonality_of(notes(2 * TUNE, Tick(480)))
    assert clear is not None
    assert clear.tonic_tones == {0, 4, 7}
    scant = tonality_of(notes((60, 64, 69)))  # C major, A minor or F major
    assert scant is not None
    assert scant.tonic_tones < {0, 4}


@pytest.mark.parametrize("semitones", range(-12, 13))
def test_a_tune_in_major_has_its_key_wherever_it_is_played(semitones: int) -> None:
    tune = tuple(pitch + semitones for pitch in TUNE)
    assert key_of(notes(tune)) == Key(semitones % 12)


def test_a_minor_cadence_is_minor() -> None:
    assert key_of(notes((57, 60, 64, 57, 62, 65, 69, 64, 68, 71, 57, 60, 64, 57))) == Key(9, MINOR)


@pytest.mark.parametrize("pitches", [(), tuple(range(60, 72))])
def test_silence_and_a_chromatic_scale_have_no_key(pitches: tuple[int, ...]) -> None:
    assert key_of(notes(pitches)) is None


def test_held_notes_count() -> None:
    assert key_of(notes((60, 64, 67, 72), HELD)) == Key(0)


@pytest.mark.parametrize("semitones", [-4, -3, -2, -1, 1, 3, 4, 6])
def test_a_phrase_in_a_new_key_is_heard_in_it(semitones: int) -> None:
    first = notes(2 * TUNE)
    new = [
        note._replace(onset=Tick(note.onset + 7680), pitch=note.pitch + semitones)
        for note in notes(TUNE)
    ]
    tonality = recent_tonality(Context((*first, *new), Tick(0), Tick(11520), "combo"))
    assert tonality is not None
    assert tonality.key == Key(semitones % 12)


TWELVE_BARS = (0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7)
"""The roots of twelve bars, from the tonic up."""


@pytest.mark.parametrize("semitones", range(12))
@pytest.mark.parametrize(("chords", "scale"), [(True, False), (True, True), (False, True)])
def test_a_blues_is_heard_on_its_tonic(semitones: int, chords: bool, scale: bool) -> None:
    heard = []
    for bar, root in enumerate(TWELVE_BARS):
        line = bar * 1920
        for third in (0, 4, 7, 10) if chords else ():
            pitch = 48 + (root + third + semitones) % 12
            heard.append(Note(Tick(line), pitch, 80, Tick(1920), Part.COMP))
        for i, degree in enumerate((0, 3, 5, 6, 7, 10, 7, 5) if scale else ()):
            heard.append(Note(Tick(line + 240 * i), 60 + degree + semitones, 80, Tick(240)))
    context = Context(tuple(sorted(heard)), Tick(0), Tick(12 * 1920), "combo")
    tonality = recent_tonality(context)
    assert tonality is not None
    assert tonality.key in (Key(semitones), Key(semitones, BLUES))
    assert semitones in tonality.tonic_tones
    assert tonality.tonic_tones <= Key(semitones).triad


DM7, G7, G, F, C = (50, 53, 57, 60), (55, 59, 62, 65), (55, 59, 62), (53, 57, 60), (48, 52, 55)
DORIAN_TUNE = "62:2 65:1 67:1 69:3 72:2 71:2 69:1 67:1 69:1 65:1 64:1 62:4 65:1 64:1 62:1 60:1 62:8"
MIXOLYDIAN_TUNE = "67:2 71:1 74:1 74:2 72:1 71:1 69:2 65:2 67:4 71:1 74:1 77:2 74:2 72:1 71:1 67:8"


def tune_of(text: str) -> list[Note]:
    """Notes in a row, each as its pitch and its eighths."""
    heard: list[Note] = []
    for pitch, eighths in (map(int, word.split(":")) for word in text.split()):
        onset = heard[-1].end if heard else Tick(0)
        heard.append(Note(onset, pitch, 80, Tick(240 * eighths)))
    return heard


@pytest.mark.parametrize("semitones", range(-6, 6))
@pytest.mark.parametrize(
    ("vamp", "tune", "key"),
    [
        ((DM7, G7, DM7, G7), "", Key(2, DORIAN)),
        ((DM7, G7, DM7, G7), DORIAN_TUNE, Key(2, DORIAN)),
        ((), DORIAN_TUNE, Key(2, DORIAN)),
        ((G, F, C, G), "", Key(7, MIXOLYDIAN)),
        ((G, F, C, G), MIXOLYDIAN_TUNE, Key(7, MIXOLYDIAN)),
        ((), MIXOLYDIAN_TUNE, Key(7, MIXOLYDIAN)),
    ],
)
def test_a_modal_vamp_ends_on_the_triad_that_it_rests_on(
    vamp: tuple[tuple[int, ...], ...], tune: str, key: Key, semitones: int
) -> None:
    played = (*chords(*vamp).heard, *tune_of(tune))
    heard = sorted(note._replace(pitch=note.pitch + semitones) for note in played)
    until = Tick(-(-max(note.end for note in heard) // 1920) * 1920)
    tonality = recent_tonality(Context(tuple(heard), Tick(0), until, "combo"))
    assert tonality is not None
    assert {(tone - semitones) % 12 for tone in tonality.tonic_tones} <= key.triad
    assert all(tonality.in_scale[(tone + semitones) % 12] > 0.7 for tone in key.pitch_classes)


def test_a_cadence_that_begins_on_the_second_degree_is_major() -> None:
    tonality = recent_tonality(chords(DM7, G7, (*C, 59), (*C, 59)))
    assert tonality is not None
    assert tonality.key == Key(0)


def test_a_chord_from_elsewhere_is_no_new_key() -> None:
    applied = [note._replace(onset=Tick(note.onset + 7680)) for note in notes((62, 66, 69, 72))]
    tonality = recent_tonality(Context((*notes(2 * TUNE), *applied), Tick(0), Tick(9600), "combo"))
    assert tonality is not None
    assert tonality.key == Key(0)


def chords(*pitches: tuple[int, ...], meter: Meter = FOUR) -> Context:
    """A context in which each chord is held for a bar."""
    bar = meter.ticks_per_bar
    heard = [
        Note(Tick(i * bar), pitch, 80, Tick(bar), Part.COMP)
        for i, chord in enumerate(pitches)
        for pitch in chord
    ]
    return Context(tuple(heard), Tick(0), Tick(len(pitches) * bar), "combo", meter)


HOME = ((48, 52, 55), (53, 57, 60), (55, 59, 62, 65), (48, 52, 55))  # C F G7 C


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize(
    "borrowed",
    [
        ((57, 61, 64, 67), (57, 61, 64, 67)),  # A7 A7
        ((59, 63, 66, 69),),  # B7
        ((61, 65, 68), (48, 52, 55)),  # Db C
        ((62, 66, 69, 72), (55, 59, 62)),  # D7 G
    ],
)
def test_a_borrowed_chord_held_for_a_bar_is_no_new_key(
    borrowed: tuple[tuple[int, ...], ...], meter: Meter
) -> None:
    tonality = recent_tonality(chords(*HOME, *borrowed, meter=meter))
    assert tonality is not None
    assert tonality.key == Key(0)
    assert tonality.probabilities[0] > 0.6


def test_chords_in_a_new_key_are_heard_in_it() -> None:
    new = [tuple(pitch + 4 for pitch in chord) for chord in HOME]
    tonality = recent_tonality(chords(*HOME, *new))
    assert tonality is not None
    assert tonality.key == Key(4)


def test_what_is_outside_the_key_becomes_less_likely_and_stays_possible() -> None:
    context = Context(tuple(notes(2 * TUNE, Tick(480))), Tick(0), Tick(3840), "combo")
    writing = Grid().begin(context, Constraints(in_key=0.9))
    assert writing.preference is not None
    tonality = recent_tonality(context)
    assert tonality is not None
    assert tonality.in_scale[0] > 0.99
    assert tonality.in_scale[1] < 0.01

    def weight(*tones: int) -> object:
        return pytest.approx(np.log1p(-0.9 * (1 - min(tonality.in_scale[t] for t in tones))))

    assert writing.preference[LEAD + 60 - LOWEST] == weight(0)
    assert writing.preference[COMP + 61 - LOWEST] == weight(1)
    assert writing.preference[CHORD + CHORDS.index("G:7")] == weight(7, 11, 2, 5)
    assert writing.preference[CHORD + CHORDS.index("E:maj")] == weight(4, 8, 11)
    assert writing.preference[VOCABULARY.id("Duration_12")] == 0


def test_without_a_wish_or_a_key_the_model_decides() -> None:
    heard = tuple(notes(TUNE))
    free = Grid().begin(Context(heard, Tick(0), Tick(3840), "combo"), Constraints())
    assert free.preference is None
    silent = Grid().begin(Context((), Tick(0), Tick(0), "combo"), Constraints(in_key=0.9))
    assert silent.preference is None


@given(st.integers(-6, 5))
def test_the_model_hears_every_key_alike_and_answers_in_the_player_s(semitones: int) -> None:
    tune = Context(tuple(notes(TUNE)), Tick(0), Tick(3840), "combo")
    moved = Context(tuple(notes(tuple(p + semitones for p in TUNE))), Tick(0), Tick(3840), "combo")
    constraints = Constraints(lowest=21 + 12, highest=108 - 12, in_key=0.9)
    low, high = constraints.lowest + semitones, constraints.highest + semitones
    ours = Grid().begin(tune, constraints)
    theirs = Grid().begin(moved, Constraints(lowest=low, highest=high, in_key=0.9))

    assert theirs.tokens == ours.tokens
    assert ours.preference is not None
    assert theirs.preference is not None
    assert np.allclose(theirs.preference, ours.preference, atol=1e-5)
    answer = ["Position_24", "Lead_60", "Velocity_5", "Duration_12"]
    written = [
        [note for token in answer for note in writing.push(VOCABULARY.id(token))]
        for writing in (ours, theirs)
    ]
    assert [note.pitch for note in written[0]] == [60]
    assert [note.pitch for note in written[1]] == [60 + semitones]


def test_no_key_is_far_from_home() -> None:
    for tonic in range(12):
        scale = notes(tuple(60 + tonic + degree for degree in (0, 2, 4, 5, 7, 9, 11, 12)))
        assert -5 <= home_of(Columns.of(scale)) <= 6
        assert (tonic + home_of(Columns.of(scale))) % 12 == 0
    assert home_of(Columns.of([])) == 0
