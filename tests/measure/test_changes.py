"""How far the shipped model's answers are made of the chords given, and the measures themselves."""

from __future__ import annotations

import random

from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle
from jamd.config.config import Config
from jamd.daemon.settings import settings_from
from jamd.harmony.chart import Changes, Chart
from jamd.measure.changes import (
    Chorus,
    ends_on_chord,
    figures,
    is_in_chord,
    line,
    out_of_step,
    strikes,
)
from jamd.notes import Meter, Note, Part, Tick

CHANGES = Changes.of(Chart.parse("C | G7"), Meter(4, 4))


def test_the_shipped_model_plays_over_changes() -> None:
    settings = settings_from(Config())
    bundle = Bundle.read(bundles.resolve("default"))
    found = {figure.name: figure for figure in figures(bundle, settings, lines=2)}
    assert not [figure for figure in found.values() if figure.ok is False]
    given = found["tune: time on tones of the chord"].value
    assert given > found["... without the changes"].value + 10
    assert given > found["... of the chord half a round later"].value + 10


def test_a_line_is_made_of_the_chords() -> None:
    notes = list(line(CHANGES, Tick(4 * 1920), random.Random(1)))
    assert len(notes) > 12
    assert all(is_in_chord(note, CHANGES) for note in notes)
    other = out_of_step(Chorus(CHANGES, Tick(0), tuple(notes)))
    assert not all(is_in_chord(note, other.changes) for note in notes)


def test_an_ending_is_told_by_the_chord_under_it() -> None:
    assert ends_on_chord(Chorus(CHANGES, Tick(0), (Note(Tick(1920), 74),)))
    assert not ends_on_chord(Chorus(CHANGES, Tick(0), (Note(Tick(0), 74),)))
    assert not ends_on_chord(Chorus(CHANGES, Tick(0), (Note(Tick(1920), 77),)))  # the seventh


def test_changes_count_as_struck_within_an_eighth_until_the_tune_ends() -> None:
    tune = (Note(Tick(0), 72), Note(Tick(3 * 1920 + 240), 74))
    comp = tuple(Note(Tick(tick), 48, part=Part.COMP) for tick in (0, 1920 - 240, 2 * 1920 + 480))
    assert strikes(Chorus(CHANGES, Tick(0), (*tune, *comp))) == [True, True, False, False]
    assert strikes(Chorus(CHANGES, Tick(1920), (*tune, *comp))) == [True, False, False]
