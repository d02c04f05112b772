"""Where a DAW loops or jumps by whole bars, the chord changes go with its song."""

from __future__ import annotations

from dataclasses import replace

import pytest
from looping_daw import (
    ARDOUR_8,
    BEGIN_S,
    ENDLESS,
    JAM,
    NOTHING,
    PULSES,
    SEAMLESS,
    STOPPING,
    Eighths,
    Jump,
    cycle,
    phrase,
)

from jamd.chart import Chart
from jamd.daemon.events import ChangesLaid, Mode
from jamd.daemon.midi_clock import CLOCKS_PER_BEAT
from jamd.daemon.requests import PlanRequest
from jamd.notes import TICKS_PER_BEAT

SCALE = Chart.parse("C | Db | D | Eb | E | F | Gb | G | Ab | A | Bb | B")


@pytest.mark.parametrize(
    ("at_the_end", "chord"),
    [
        *((SEAMLESS[said], "G") for said in ("a position", "Start", "Start a pulse early")),
        (SEAMLESS["position and Continue"], "Ab"),
        (SEAMLESS["Continue"], "B"),  # it does not say where it is
        (NOTHING, "B"),
        *((each, "A" if said == "to bar 3" else "G") for said, each in STOPPING.items()),
        (ARDOUR_8, "G"),
    ],
)
@pytest.mark.parametrize("mode", [Mode.ANSWER, Mode.ENDLESS])
def test_the_changes_go_with_the_song(at_the_end: Jump, chord: str, mode: Mode) -> None:
    settings = replace(JAM, chart=SCALE, mode=mode)
    jam = cycle(at_the_end, phrase(7, 2, 120), settings)
    end_s = BEGIN_S + PULSES * 3 * 60 / 120 / CLOCKS_PER_BEAT - 0.2
    assert jam.session.status(end_s).chord == chord


@pytest.mark.parametrize("said", STOPPING)
def test_what_is_planned_beyond_a_jump_is_planned_over_the_chords_there(said: str) -> None:
    settings = replace(ENDLESS, chart=SCALE)
    improviser = Eighths()
    jam = cycle(STOPPING[said], phrase(5, 2, 120), settings, loops=2, improviser=improviser)
    [_, second] = [entry for entry in jam.entries if isinstance(entry, ChangesLaid)]
    known = second.tick + TICKS_PER_BEAT // 2  # what is certain by then cannot be planned anew
    asked = [request for request in improviser.asked if request.context.until >= known]
    over = [request.context.until for request in improviser.asked if _is_over(request, second)]
    assert over[0] - second.tick < TICKS_PER_BEAT
    assert all(_is_over(request, second) for request in asked)


def _is_over(request: PlanRequest, laid: ChangesLaid) -> bool:
    return request.context.changes == laid.changes
