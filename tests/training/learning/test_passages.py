"""Passages hold what their pieces hold, and come in the shares asked for."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.errors import CorpusError
from jamd.grid.grid import Grid
from jamd.grid.tokens import CHORD, POSITION, VOCABULARY
from jamd.notes import STEPS_PER_BEAT, TICKS_PER_BEAT, Note, Part, Piece, Tick
from jamd.training.learning.passages import Passages, Text, excerpts, passage, resolve_shares, whole

GRID = Grid()
SEEDS = st.integers(0, 2**32 - 1)


def text(bars: int, style: str = "jazz", has_velocity: bool = True) -> Text:
    """So many bars of 4/4: a chord, and a melody on the beats."""
    notes = []
    for bar in range(bars):
        start = bar * 4 * TICKS_PER_BEAT
        chord = (48 + bar % 5, 52 + bar % 5, 55 + bar % 5)
        notes += [Note(Tick(start), pitch, 50, Tick(1920), Part.COMP) for pitch in chord]
        for beat in range(4):
            onset = Tick(start + beat * TICKS_PER_BEAT)
            notes.append(Note(onset, 60 + (bar + beat) % 12, 100))
    tokens = np.array(GRID.encode(Piece(tuple(sorted(notes)), style=style)))
    return Text(tokens, style, has_velocity)


def kinds(tokens: np.ndarray) -> list[str]:
    return [VOCABULARY.kind(int(token)) for token in tokens]


@given(bars=st.integers(1, 40), longest=st.integers(8, 400), seed=SEEDS)
def test_every_passage_follows_the_grammar_from_start_style_bar(
    bars: int, longest: int, seed: int
) -> None:
    tokens = passage(text(bars), np.random.default_rng(seed), longest).tokens
    assert kinds(tokens[:3]) == ["Start", "Style", "Bar"]
    GRID.decode(tokens.tolist())  # raises where the grammar is broken
    assert len(tokens) <= longest + 1  # one more where the harmony is stated anew


@given(seed=SEEDS)
def test_a_passage_is_the_piece_in_some_key_maybe_with_the_accompaniment_late(seed: int) -> None:
    piece = GRID.decode(text(6).tokens.tolist())
    drawn = GRID.decode(passage(text(6), np.random.default_rng(seed)).tokens.tolist())

    def melody(of: Piece) -> list[int]:
        return [note.pitch for note in of.notes if note.part is Part.LEAD]

    ours = melody(drawn)
    theirs = melody(piece)[-len(ours) :]
    distances = {a - b for a, b in zip(ours, theirs, strict=True)}
    assert len(distances) == 1
    assert -5 <= distances.pop() <= 6


def test_most_passages_are_in_c_major_whatever_the_key_of_their_piece() -> None:
    e_major = [64, 66, 68, 69, 71, 73, 75, 76]
    notes = tuple(Note(Tick(480 * i), e_major[i % 8]) for i in range(64))
    piece = Text(np.array(GRID.encode(Piece(notes))), "jazz")
    at_home = 0
    for seed in range(100):
        drawn = GRID.decode(passage(piece, np.random.default_rng(seed)).tokens.tolist())
        at_home += {note.pitch % 12 for note in drawn.notes} <= {0, 2, 4, 5, 7, 9, 11}
    assert at_home > 70


def test_an_onset_that_is_misread_is_not_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jamd.training.learning.passages.UNSTEADY", 1.0)
    misread = 0
    for seed in range(20):
        drawn = passage(text(8), np.random.default_rng(seed))
        step = drawn.tokens - POSITION
        off = (step >= 0) & (step < CHORD - POSITION) & (step % STEPS_PER_BEAT > 0)
        assert not drawn.weights[off].any()
        misread += int(off.sum())
    assert misread > 10


def test_an_answer_brings_the_accompaniment_back_after_a_pause() -> None:
    """What is counted down begins as answers do: both hands of the player have paused."""
    notes = [
        Note(Tick((4 * bar + beat) * TICKS_PER_BEAT), 72)
        for bar in range(16)
        for beat in range(2 if bar % 2 else 4)  # a phrase ends in every other bar
    ]
    notes += [Note(Tick(1920 * bar), 48, 80, Tick(1920), Part.COMP) for bar in range(16)]
    phrases = Text(np.array(GRID.encode(Piece(tuple(sorted(notes))))), "jazz")
    counted = accompanied = paused = 0
    for seed in range(400):
        tokens = passage(phrases, np.random.default_rng(seed)).tokens
        countdown = np.flatnonzero([kind == "Phrase" for kind in kinds(tokens)])
        begun = 1920 * (kinds(tokens[: countdown[0]]).count("Bar") - 1) if len(countdown) else 0
        if not begun:
            continue
        counted += 1
        of_it = GRID.decode(tokens.tolist()).notes
        bar = {note.part for note in of_it if begun <= note.onset < begun + 1920}
        accompanied += Part.COMP in bar
        paused += not any(begun - 1920 <= note.onset < begun for note in of_it)
    assert accompanied / counted > 0.7  # the others go on within their first bar
    assert 0.05 < paused / counted < 0.5


@given(seed=SEEDS)
def test_velocities_that_teach_nothing_are_made_up_and_do_not_count(seed: int) -> None:
    drawn = passage(text(8, has_velocity=False), np.random.default_rng(seed))
    for token, weight in zip(drawn.tokens, drawn.weights, strict=True):
        kind = VOCABULARY.kind(int(token))
        given_or_made_up = kind in ("Start", "Style", "Velocity", "Phrase")
        misread = kind == "Position" and not weight
        assert weight == (0 if given_or_made_up or misread else 1)
    levels = {VOCABULARY.token(t) for t in drawn.tokens if VOCABULARY.kind(t) == "Velocity"}
    assert len(levels) <= 3  # one level and its neighbours


def test_whole_pieces_are_measured_as_they_stand() -> None:
    one = text(4)
    assert (whole(one).tokens == one.tokens).all()
    assert whole(one).weights.sum() == len(one.tokens) - 2  # all but Start and Style


def test_styles_are_read_in_their_shares_whatever_the_lengths() -> None:
    texts = [text(3, "jazz"), text(60, "song"), text(1, "roll"), text(2, "roll")]
    passages = Passages(texts, {"jazz": 2, "song": 1, "roll": 1}, np.random.default_rng(5))
    for _ in islice(passages, 2000):
        pass
    total = sum(passages.drawn.values())
    for style, share in {"jazz": 0.5, "song": 0.25, "roll": 0.25}.items():
        assert passages.drawn[style] / total == pytest.approx(share, abs=0.03)


def test_without_weights_styles_count_by_their_size() -> None:
    texts = [text(10, "jazz"), text(20, "song")]
    shares = resolve_shares(texts, {})
    sizes = [len(one.tokens) for one in texts]
    assert shares["song"] / shares["jazz"] == pytest.approx(sizes[1] / sizes[0])
    assert sum(resolve_shares(texts, {"jazz": 7}).values()) == pytest.approx(1)


def test_a_weight_for_a_style_that_is_not_there_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"expected .*\(jazz\); found roll"):
        resolve_shares([text(2)], {"roll": 1})
    with pytest.raises(CorpusError, match="expected pieces"):
        resolve_shares([], {})


def test_excerpts_are_the_same_every_time() -> None:
    texts = [text(30), text(5)]
    first, second = (
        [p.tokens.tolist() for p in excerpts(texts, np.random.default_rng(0), 6, 50)]
        for _ in range(2)
    )
    assert first == second
    assert len(first) == 6
