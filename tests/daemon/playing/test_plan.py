from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.daemon.playing.plan import Plan, Span, commit_window, fit
from jamd.notes import Meter, Note, Part, Tick

BOTH = frozenset(Part)
FOUR = Meter(4, 4)


@pytest.mark.parametrize(("bpm", "seconds"), [(50, 0.150), (120, 0.125), (150, 0.1), (220, 0.08)])
def test_the_commit_window_is_a_sixteenth_within_bounds(bpm: float, seconds: float) -> None:
    assert commit_window(60 / bpm) == pytest.approx(seconds)


def test_what_is_committed_cannot_be_cancelled() -> None:
    plan = Plan()
    plan.replace([Note(Tick(480), 60), Note(Tick(0), 62)], Tick(0), Tick(960))
    assert plan.next_onset == 0
    assert plan.commit(Tick(1)) == (Note(Tick(0), 62),)
    plan.cancel(Tick(240))
    assert plan.commit(Tick(960)) == ()
    assert plan.through == 240


@given(
    st.lists(
        st.builds(
            Note,
            onset=st.integers(-5000, 5000),
            pitch=st.integers(-10, 200),
            velocity=st.integers(-10, 200),
            duration=st.integers(-10, 50_000),
            part=st.sampled_from(Part),
        )
    ),
    st.booleans(),
)
def test_whatever_comes_only_what_can_be_played_is_kept(notes: list[Note], closes: bool) -> None:
    span = Span(Tick(480), Tick(2400), closes)
    for note in fit(notes, span, FOUR, frozenset({Part.LEAD})):
        assert span.start <= note.onset < span.through
        assert note.onset % 40 == 0
        assert 0 <= note.pitch <= 127
        assert 1 <= note.velocity <= 127
        assert note.part is Part.LEAD
        assert 1 <= note.duration <= 4 * FOUR.ticks_per_bar
        assert not closes or note.end < span.through


def test_what_fits_is_left_as_it_is() -> None:
    notes = [Note(Tick(480), 60, 1, Tick(7)), Note(Tick(2360), 127, 127, Tick(39), Part.COMP)]
    assert fit(notes, Span(Tick(480), Tick(2400)), FOUR, BOTH) == notes
