"""Chord symbols, charts, and the chord in force at each tick."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.config.file import load
from jamd.errors import ConfigError
from jamd.harmony.chart import MOST_BARS, Changes, Chart, chord_named
from jamd.harmony.harmony import CHORDS
from jamd.notes import METERS, Meter, Tick

FOUR, THREE = Meter(4, 4), Meter(3, 4)
BAR = FOUR.ticks_per_bar


@pytest.mark.parametrize(
    ("chord", "symbols"),
    [
        ("C:maj", "C Cmaj CM C6 C69 C6/9 Cadd9 C2 C/E C/Bb C/B♭ C(b5) C(9) Cadd#11 Cmajor (C) C,"),
        ("C:min", "Cm Cmin Cmi C- Cm6 Cm69 CmMaj7 Cm(maj7) C-Δ7 Cmadd9 Cmb6"),
        ("C:min", "CMin CMI Cminor Cm/maj7 Cmin/maj7 Cm/M7 C-^7 Cm7M"),
        ("C:7", "C7 C9 C13 C7b9 C7(b9,#11) C7#5 C7+5 C7-5 C+7 Caug7 C7alt Calt C9#11"),
        ("C:7", "C7(9) C7(13) C7(b9,13) C7/9 C7no5 C7omit5 Cdom7 C7(b9)/E (C7)"),
        ("C:7", "C(7) C(7)/E C(7b9) C+(7)"),
        ("C:maj7", "Cmaj7 CMaj7 CM7 Cma7 CΔ C△7 CΔ9 C^7 C^ Cmaj9 Cmaj13 Cmaj7#11"),
        ("C:maj7", "C∆7 C∆ CMAJ7 CMA7 C7M Cj7 Cmaj7(9) CM9 Cmaj(7)"),
        ("C:min7", "Cm7 Cmin7 Cmi7 C-7 C−7 Cm9 Cm11 CMin7 CMI7 Cm7(11) Cm7/11 Cm(7) C-(7)"),
        ("C:dim", "Cdim C° Cº Co CDim Cmb5"),
        ("C:dim7", "Cdim7 C°7 Co7 Cdim(7) C°(7)"),
        ("C:hdim7", "Cm7b5 Cm7-5 C-7b5 Cø Cø7 C∅7 Cø9 Ch7 Cm9b5"),
        ("C:aug", "Caug C+ C(#5) Cmaj7#5 C+maj7"),
        ("C:sus4", "Csus4 Csus C7sus4 C7sus C9sus C13sus4 Csus9 C7sus4(b9) C7/4 Cmaj7sus4 Csus(7)"),
        ("G:sus4", "Csus2"),
        ("Bb:7", "Bb7 B♭7 A#7 A♯13"),
        ("Gb:hdim7", "F#m7b5 Gbø F♯ø7/A"),
        ("B:maj7", "Cbmaj7 BΔ"),
    ],
)
def test_symbols_are_read_as_musicians_write_them(chord: str, symbols: str) -> None:
    for symbol in symbols.split():
        assert CHORDS[chord_named(symbol)] == chord, symbol


NO_CHORDS = "H c 7 C5 Cx Cfoo N.C. C7/ Cm7/H Cmaj5 Cdim6 Caug6 Cmmaj6 C##7 % /"


@pytest.mark.parametrize(
    "text", [*NO_CHORDS.split(), "", " | ", "/ C", "% | C", "C | D %", "C | 7", "|: :|"]
)
def test_what_is_no_chart_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it holds no more than the symbol
        Chart.parse(text)


def laid(text: str, meter: Meter = FOUR) -> list[tuple[int, str]]:
    """(beats of the meter from the beginning, chord)."""
    beat = meter.ticks_per_bar // meter.numerator
    changes = Changes.of(Chart.parse(text), meter)
    return [(tick // beat, CHORDS[chord_named(symbol)]) for tick, symbol in changes.symbols]


def test_the_chords_of_a_bar_share_it() -> None:
    assert laid("Dm7 G7 | C") == [(0, "D:min7"), (2, "G:7"), (4, "C:maj")]
    assert laid("C F G") == [(0, "C:maj"), (2, "F:maj"), (3, "G:maj")]
    assert laid("C / / G") == [(0, "C:maj"), (3, "G:maj")]
    assert laid("C F", THREE) == [(0, "C:maj"), (2, "F:maj")]
    assert laid("C F G", Meter(6, 8)) == [(0, "C:maj"), (2, "F:maj"), (4, "G:maj")]
    assert laid("C | / F | %") == [(0, "C:maj"), (6, "F:maj"), (10, "F:maj")]


def test_a_chart_may_stand_on_several_lines() -> None:
    chart = Chart.parse("| Dm7 | G7 |\n| C | % |\n")
    assert str(chart) == "Dm7 | G7 | C | C"
    assert Chart.parse(str(chart)) == chart


def test_a_chart_may_have_repeats_double_strokes_and_dots() -> None:
    assert str(Chart.parse("|: C . . G | F :| D || E |")) == "C / / G | F | C / / G | F | D | E"
    assert str(Chart.parse("| C . F . | G . . . |.\n")) == "C / F / | G / / /"
    assert str(Chart.parse("C | D :|: E | % :||")) == "C | D | C | D | E | E | E | E"
    assert str(Chart.parse("||: C :|| D :| :|\n|| E ||")) == "C | C | D | D | E"


def test_a_very_long_chart_is_refused() -> None:
    assert len(Chart.parse("C | " * MOST_BARS).bars) == MOST_BARS
    for text in ("C | " * 250_000, "C | " * MOST_BARS + "D", "|: " + "C | " * 250 + ":|"):
        with pytest.raises(ValueError):  # noqa: PT011 - it holds what was found
            Chart.parse(text)


@st.composite
def charts(draw: st.DrawFn) -> tuple[Changes, Meter]:
    meter = draw(st.sampled_from(METERS))
    symbols = st.sampled_from(["C", "Dm7", "G7", "F#ø", "/"])
    bars = draw(st.lists(st.lists(symbols, min_size=1, max_size=meter.numerator), min_size=1))
    bars[0][0] = "Am"
    changes = Changes.of(Chart.parse("|".join(map(" ".join, bars))), meter)
    return Changes(changes.symbols, changes.length, Tick(draw(st.integers(0, 9)) * 1440)), meter


@given(charts(), st.integers(0, 40_000), st.integers(0, 40_000))
def test_changes_are_where_the_chord_in_force_changes(
    chart: tuple[Changes, Meter], begin: int, length: int
) -> None:
    changes, _ = chart
    found = list(changes.between(Tick(begin), Tick(begin + length)))
    assert found[:1] == ([(begin, changes.at(Tick(begin)))] if length else [])
    in_force = {tick: changes.at(Tick(tick)) for tick in range(begin, begin + length)}
    true = [tick for tick in in_force if in_force.get(tick - 1) != in_force[tick]]
    assert [(tick, in_force[tick]) for tick in true] == found


def test_a_chart_goes_round() -> None:
    changes = Changes.of(Chart.parse("Dm7 | G7 | C | %"), FOUR)
    later = Changes(changes.symbols, changes.length, Tick(BAR))
    for bar in range(12):
        assert changes.at(Tick(bar * BAR)) == later.at(Tick((bar + 1) * BAR))
    assert CHORDS[later.at(Tick(0))] == "C:maj"  # the bar before the first


def test_the_settings_hold_a_chart(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[play]\nchanges = """\nDm7 G7 |\nC\n"""\n')
    assert load(file).config.play.changes == Chart.parse("Dm7 G7 | C")
    assert load(file, {"play.changes": ""}).config.play.changes is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dm7 | N.C.", '"N.C.": jamd plays a chord throughout: / goes on with the one before'),
        ("C5 | F5", '"(C|F)5": jamd plays the third: write C or Cm for C5'),
        ("am | F", '"am": a chord begins with a capital letter'),
        ("C | H7", '"H7": write B for H, and Bb for B'),
        ("/ C", '"/": the first bar begins with a chord'),
        ("C | D %", '"%": it is a bar by itself, not the first; / goes on with a chord'),
        ("C | " * 401, '"401 bars": at most 400 go round'),
    ],
)
def test_what_to_write_instead_is_said(tmp_path: Path, text: str, found: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[play]\nchanges = "{text}"\n')
    with pytest.raises(ConfigError, match=f"; found {found}$"):
        load(file)


def test_a_chart_that_cannot_be_played_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[play]\nchanges = "Dm7 | Cfoo"\n')
    with pytest.raises(
        ConfigError, match=r'play.changes: expected chord symbols .*; found "Cfoo"$'
    ):
        load(file)
    file.write_text('[transport]\nmeter = "3/4"\n[play]\nchanges = "C F G C"\n')
    with pytest.raises(ConfigError, match=r"at most 3 chords in a bar of 3/4; found 4$"):
        load(file)
