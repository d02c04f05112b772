"""What a model is asked to write, and how its accompaniment is held against the music."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from grid_corpora import write_grid_corpus
from hypothesis import given
from hypothesis import strategies as st

from jamd.bundle.bundle import Bundle
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import Sampling
from jamd.grid.grid import Grid
from jamd.grid.tokens import BAR as BAR_TOKEN
from jamd.grid.tokens import CHORD, COMP, DURATION, LEAD, VELOCITY, VOCABULARY
from jamd.harmony.harmony import CHORDS
from jamd.notes import METERS, Meter, Note, Part, Piece, Tick, to_step
from jamd.report.listening import Fit, Harmony, duet_bits, harmony_of, without_lead
from jamd.report.stretches import Stretch, stretches
from jamd.report.timing import after_a_hand, as_heard, as_played, as_written, played_samples
from jamd.report.writing import accompaniment, continuation, shuffled_bars
from jamd.training.corpus import Corpus
from jamd.training.judging.evaluate import Sample
from jamd.training.judging.likelihood import Ids, Judgement
from jamd.training.judging.predictors import Floats
from jamd.training.learning.passages import Text, whole

pytestmark = pytest.mark.train

BUNDLE = Path(__file__).parent.parent / "fixtures" / "tiny-bundle"
BAR = 4 * 480
SIZE = len(VOCABULARY)


def song(bars: int) -> Piece:
    """A chord a bar, and a tune of its tones in eighths."""
    notes = []
    for bar in range(bars):
        root = 48 + (0, 5, 7, 9)[bar % 4]
        triad = (root, root + (3 if bar % 4 == 3 else 4), root + 7)
        notes += [Note(Tick(bar * BAR), p, 60, Tick(BAR), Part.COMP) for p in triad]
        notes += [
            Note(Tick(bar * BAR + i * 240), triad[i % 3] + 24, 90, Tick(240)) for i in range(8)
        ]
    return Piece(tuple(sorted(notes)), style="jazz")


@pytest.fixture(scope="module")
def improviser() -> Improviser:
    return Improviser(Bundle.read(BUNDLE))


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return write_grid_corpus(tmp_path, [("held-out", song(bars)) for bars in (12, 24, 60)])


def one(corpus: Corpus) -> Stretch:
    return stretches(corpus, corpus.pieces, 1, seed=1)[0]


def test_stretches_are_shared_among_pieces_and_do_not_overlap(corpus: Corpus) -> None:
    found = stretches(corpus, corpus.pieces, 4, seed=1)
    assert sorted((s.source, s.first_bar) for s in found) == [
        ("1.mid", 1),
        ("2.mid", 1),
        ("2.mid", 25),
    ]
    assert found == stretches(corpus, corpus.pieces, 4, seed=1)
    for stretch in found:
        assert (stretch.until, stretch.end, stretch.bars) == (8 * BAR, 24 * BAR, 16)
        assert all(note.onset < stretch.until for note in stretch.heard)
        assert all(stretch.until <= note.onset < stretch.end for note in stretch.real)
        assert stretch.heard + stretch.real == Grid().decode(Grid().encode(song(24))).notes


def test_short_pieces_give_shorter_stretches(corpus: Corpus) -> None:
    (found,) = stretches(corpus, corpus.pieces[:1], 2, seed=1)
    assert (found.until, found.bars) == (4 * BAR, 8)
    assert not stretches(corpus, (), 5, seed=1)


def test_a_continuation_keeps_to_its_bars(corpus: Corpus, improviser: Improviser) -> None:
    stretch = one(corpus)
    found = [continuation(improviser, stretch, Sampling(), 1, 1) for _ in range(2)]
    assert found[0] == found[1]
    assert all(stretch.until <= note.onset < stretch.end for note in found[0])


def test_an_accompaniment_is_comp_alone(corpus: Corpus, improviser: Improviser) -> None:
    stretch = one(corpus)
    lead = [note for note in stretch.real if note.part is Part.LEAD]
    comp = accompaniment(improviser, stretch, lead, Sampling(), np.random.default_rng(1))
    assert {note.part for note in comp} <= {Part.COMP}
    assert all(stretch.until <= note.onset < stretch.end for note in comp)


class Copyist(Improviser):
    """Expects at every place just what a piece has there, and remembers what it was asked."""

    def __init__(self, tokens: list[int]) -> None:
        self.language = Grid()
        self.asked: list[int] = []
        self._piece = tokens
        self.logits = self._logits

    def _logits(self, tokens: object) -> Floats:
        assert isinstance(tokens, list)
        assert tokens == self._piece[: len(tokens)]
        self.asked = tokens
        logits = np.full(SIZE, -100, np.float32)
        logits[self._piece[len(tokens)]] = 100
        return logits


def with_lead(notes: tuple[Note, ...], higher: int) -> tuple[Note, ...]:
    """Notes with their Lead so many semitones higher."""
    return tuple(n._replace(pitch=n.pitch + higher * (n.part is Part.LEAD)) for n in notes)


@pytest.mark.parametrize(("higher", "read"), [(0, 0), (-24, -12), (-36, -12)])
def test_who_knows_the_piece_accompanies_it_as_it_is(
    corpus: Corpus, higher: int, read: int
) -> None:
    """A tune of low notes is read higher, in the bars heard and in those to accompany alike."""
    found = one(corpus)
    piece = Piece(with_lead(found.heard + found.real, read), style="jazz")
    stretch = replace(
        found, heard=with_lead(found.heard, higher), real=with_lead(found.real, higher)
    )
    assert stretch.home == 0
    bar_line = BAR_TOKEN + METERS.index(Meter(4, 4))
    copyist = Copyist([*Grid().encode(piece)[:-1], bar_line])
    lead = [note for note in stretch.real if note.part is Part.LEAD]
    comp = accompaniment(copyist, stretch, lead, Sampling(), np.random.default_rng(1))
    real = [note for note in stretch.real if note.part is Part.COMP]
    assert [(n.onset, n.pitch) for n in comp] == [(n.onset, n.pitch) for n in real]


class Fond(Improviser):
    """Prefers some tokens to all others wherever they may stand, the first ones most."""

    def __init__(self, *names: str) -> None:
        self.language = Grid()
        liked = np.zeros(SIZE, np.float32)
        liked[[VOCABULARY.id(name) for name in names]] = np.arange(len(names), 0, -1) * 50
        self.logits = lambda _tokens: liked


@pytest.mark.parametrize(
    ("home", "liked"),
    [
        (3, ["Comp_21"]),
        (-3, ["Comp_108"]),
        (0, ["Duration_96", *(f"Comp_{pitch}" for pitch in range(30, 108))]),
    ],
    ids=["lower than a piano", "higher than a piano", "more at once than fingers"],
)
def test_an_accompaniment_has_no_limits(corpus: Corpus, home: int, liked: list[str]) -> None:
    found = one(corpus)
    heard, real = (
        tuple(note._replace(pitch=note.pitch - home) for note in notes)
        for notes in (found.heard, found.real)
    )
    end = Tick(found.until + 2 * BAR)
    stretch = replace(found, heard=heard, real=real, end=end, home=home)
    lead = [note for note in real if note.part is Part.LEAD]
    comp = accompaniment(Fond(*liked), stretch, lead, Sampling(), np.random.default_rng(1))
    pitch = int(liked[-1].removeprefix("Comp_")) - home
    assert pitch in {note.pitch for note in comp}


def test_shuffled_bars_are_the_same_bars_elsewhere(corpus: Corpus) -> None:
    stretch = one(corpus)
    lead = [note for note in stretch.real if note.part is Part.LEAD]
    moved = shuffled_bars(stretch, lead, seed=1)
    assert len(moved) == len(lead)
    bars = [[n.pitch for n in lead if n.onset // BAR == bar] for bar in range(8, 24)]
    others = [[n.pitch for n in moved if n.onset // BAR == bar] for bar in range(8, 24)]
    assert sorted(bars) == sorted(others)
    assert bars != others


@given(st.integers(1, 12), st.booleans())
def test_without_lead_is_the_piece_without_it(bars: int, drop_comp: bool) -> None:
    piece = song(bars)
    notes = tuple(n for n in piece.notes if not drop_comp or n.onset >= BAR or n.part is Part.LEAD)
    tokens = np.array(Grid().encode(Piece(notes, style="jazz")), np.int32)
    comp = Piece(tuple(n for n in notes if n.part is Part.COMP), style="jazz")
    left = without_lead(tokens)
    kept = Grid().decode(left.tolist()).notes
    assert kept == tuple(Grid().decode(Grid().encode(comp)).notes)
    assert not ((left >= LEAD) & (left < LEAD + 88)).any()


class Uniform:
    """Holds every token for as likely as any other."""

    def logits(self, tokens: Ids) -> Iterator[Floats]:
        yield np.zeros((len(tokens), SIZE), np.float32)

    def judge(self, tokens: Ids) -> Judgement:
        raise NotImplementedError


def test_duet_bits_by_hand() -> None:
    tokens = np.array(Grid().encode(song(4)), np.int32)
    sample = Sample(tokens, whole(Text(tokens, "jazz", has_velocity=False)).weights > 0)
    found = duet_bits(Uniform(), [sample])
    among = VELOCITY - CHORD  # chord names and pitches of Comp
    assert VELOCITY - COMP == 88
    assert found.notes == 12
    expected = (12 + 4) * np.log2(among) + 12 * np.log2(SIZE)
    assert found.given == pytest.approx(expected)
    assert found.alone == pytest.approx(expected)


def test_the_real_accompaniment_fits_its_own_harmony(corpus: Corpus) -> None:
    stretch = one(corpus)
    harmony = harmony_of(stretch)
    assert [CHORDS[chord] for chord in harmony.chords[:4]] == ["C:maj", "F:maj", "G:maj", "A:min"]
    fit = Fit()
    fit.add([note for note in stretch.real if note.part is Part.COMP], harmony)
    assert (fit.notes, fit.inside, fit.onsets, fit.holding) == (48, 48, 16, 16)
    strange = Fit()
    strange.add([Note(Tick(0), 61, part=Part.COMP), Note(Tick(0), 60, part=Part.COMP)], harmony)
    assert (strange.notes, strange.inside, strange.onsets, strange.holding) == (2, 1, 1, 1)
    assert Harmony((480,), (0,)).tones_at(0) is None


def test_a_hand_is_heard_as_meant_and_the_nearest_step_is_not() -> None:
    piece = song(16)
    played = as_played(piece, np.random.default_rng(1))
    off = [a.onset - b.onset for a, b in zip(played.notes, piece.notes, strict=True)]
    assert 10 < np.std(off) < 30  # ticks of 1/960 s
    meant = [(n.onset, n.pitch) for n in piece.notes]
    heard = {(n.onset, n.pitch) for n in as_heard(played).notes}
    nearest = {(Tick(40 * to_step(n.onset)), n.pitch) for n in as_written(played).notes}
    right = [sum(note in found for note in meant) for found in (heard, nearest)]
    assert right[0] > 0.95 * len(meant) > right[1]


def test_played_samples_count_what_was_counted() -> None:
    tokens = np.array(Grid().encode(song(8)), np.int32)
    for has_velocity in (True, False):
        counted = whole(Text(tokens, "jazz", has_velocity)).weights > 0
        (found,) = played_samples([Sample(tokens, counted)], as_played, as_heard, seed=1)
        velocities = (found.tokens >= VELOCITY) & (found.tokens < LEAD)
        assert bool(found.counted[velocities].any()) is has_velocity
        assert Grid().decode(found.tokens.tolist()).meters[0][1] == Meter(4, 4)


def test_after_a_hand_only_what_followed_is_counted(corpus: Corpus) -> None:
    places = stretches(corpus, corpus.of_split("held-out"), 2, seed=1)
    exact, heard = (after_a_hand(places, reading, 1) for reading in (None, as_heard))
    for place, one, other in zip(places, exact, heard, strict=True):
        pitches = (one.tokens >= COMP) & (one.tokens < DURATION)
        pitches &= ~((one.tokens >= VELOCITY) & (one.tokens < LEAD))
        assert (pitches & one.counted).sum() == len(place.real)
        # Where the harmony goes on, its name may have to be said anew: no more than that differs.
        assert abs(int(one.counted.sum()) - int(other.counted.sum())) <= 1
