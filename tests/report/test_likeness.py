"""What the likeness of continuations to real music is held against."""

from __future__ import annotations

import pytest

from jamd.notes import Tick
from jamd.report.figures import Written
from jamd.report.judge import likenesses
from jamd.report.stretches import Stretch, stretches
from jamd.training.corpus import Corpus

pytestmark = pytest.mark.train


def repeated(stretch: Stretch) -> Written:
    """A continuation that only plays again what was heard, until the end."""
    times = range(stretch.until, stretch.end, stretch.until)
    notes = [n._replace(onset=Tick(n.onset + by)) for by in times for n in stretch.heard]
    return Written(stretch, tuple(note for note in notes if note.onset < stretch.end))


def test_who_only_repeats_what_was_heard_is_as_close_as_the_mark_and_no_closer(
    made_corpus: Corpus,
) -> None:
    """The mark is real music of the same pieces: other pieces would be beaten without any skill."""
    places = stretches(made_corpus, made_corpus.of_split("held-out"), 3, 1)
    found = {one.feature.name: one for one in likenesses([repeated(place) for place in places])}
    for name in ("pitch-class histogram", "note density", "scale consistency"):
        one = found[name]
        assert one.comparison.overlap == pytest.approx(one.control.overlap)
        assert one.comparison.divergence == pytest.approx(one.control.divergence)
