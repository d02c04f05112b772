"""Where a DAW loops or jumps by whole bars, the chord changes go with its song."""

from __future__ import annotations

from dataclasses import replace

import pytest
from looping_daw import (
    ARDOUR_8,
    BEGIN_S,
    CLOCK,
    CONTINUE,
    ENDLESS,
    JAM,
    NOTHING,
    PULSES,
    SEAMLESS,
    START,
    STOP,
    STOPPING,
    Eighths,
    Jump,
    cycle,
    phrase,
    position,
)

from jamd.daemon.events import Adjust, ChangesLaid, Mode, WorkerReady
from jamd.daemon.model.requests import PlanRequest
from jamd.daemon.session import Session
from jamd.daemon.timing.midi_clock import CLOCKS_PER_BEAT
from jamd.daemon.virtual import VirtualJam
from jamd.harmony.chart import Chart
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


@pytest.mark.parametrize("at_the_end", [SEAMLESS["a position"], STOPPING["Stop and Start"]])
def test_changes_that_are_given_after_a_loop_lie_where_the_song_has_bar_1(at_the_end: Jump) -> None:
    bar_s = 2.0
    given = (BEGIN_S + 10.2 * bar_s, Adjust("changes", str(SCALE)))  # in the loop's bar 3
    jam = cycle(at_the_end, [*phrase(7, 2, 120), given], JAM, loops=2)
    assert jam.session.status(BEGIN_S + 15.9 * bar_s).chord == "G"


def test_after_a_loop_a_sequencer_that_is_stopped_goes_on_in_its_bar_over_its_chord() -> None:
    pulse_s = 0.5 / CLOCKS_PER_BEAT
    first = BEGIN_S + PULSES * pulse_s
    story = [(BEGIN_S - 0.005, START), (first - 0.05 * pulse_s, position(0))]
    story += [(BEGIN_S + i * pulse_s, CLOCK) for i in range(PULSES + 193)]
    story += [(first + 4.01, STOP), (first + 6, CONTINUE)]
    story += [(first + 6.01 + i * pulse_s, CLOCK) for i in range(50)]
    session = Session(replace(JAM, chart=SCALE))
    jam = VirtualJam(session, Eighths(), [(0.0, WorkerReady()), *story])
    jam.run(first + 6.8)
    status = session.status(first + 6.8)
    assert (status.bar, status.chord) == (3, "D")


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
