"""The article's own reading loop, kept to be measured against."""

from __future__ import annotations

from pathlib import Path

import pytest

from jamd.bench.article_loop import article_names

pytestmark = pytest.mark.train


def test_it_names_notes_and_chords() -> None:
    file = Path(__file__).parents[1] / "training" / "hostile" / "format_0_two_tracks.mid"
    names = article_names([file])
    assert len(names) >= 8
    assert "C4" in names
