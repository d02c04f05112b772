"""A session states its next deadline; polling it earlier finds nothing to decide."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mido import Message

from jamd.daemon.events import Entry, Event, Heard, Mode, TempoSet, WorkerReady
from jamd.daemon.follower import BeatSource
from jamd.daemon.requests import LikelihoodRequest, Likelihoods
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.measure.performances import Performance as Played
from jamd.measure.performances import shipped
from jamd.notes import TICKS_PER_BEAT

OPENINGS = shipped("openings.txt")[::12]


def story(played: Played) -> Iterator[tuple[float, Event]]:
    """What was played, from the first second on, each key released a little early."""
    first = played.notes[0].onset
    a_tick = 60 / played.bpm / TICKS_PER_BEAT
    for note in played.notes:
        begin = 1 + (note.onset - first) * a_tick
        yield begin, Heard(Message("note_on", note=note.pitch, velocity=80))
        end = begin + 0.8 * note.duration * a_tick
        yield end, Heard(Message("note_off", note=note.pitch))


def unsure(request: LikelihoodRequest) -> list[Likelihoods]:
    return [Likelihoods(request.id, tuple(0.0 for _ in request.shifts))]


def jam(played: Played, settings: Settings, looks_s: float | None) -> list[Entry]:
    """The entries, if the session gets an irrelevant message every `looks_s` seconds."""
    events = [(0.0, WorkerReady()), *story(played)]
    end = max(seconds for seconds, _ in events) + 6
    if looks_s is not None:
        looks = (looks_s * n for n in range(round(end / looks_s)))
        events += [(look, Heard(Message("active_sensing"))) for look in looks]
    performance = VirtualJam(Session(settings), ScriptedImproviser(), events, unsure)
    performance.run(end)
    # How closely a take records the tempo depends on how often the session is polled.
    return [entry for entry in performance.entries if not isinstance(entry, TempoSet)]


@pytest.mark.parametrize("opening", OPENINGS, ids=lambda played: played.name)
@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(trade_bars=2),
        Settings(trade_bars=4),
        Settings(mode=Mode.OFF, source=BeatSource.PLAYER),
        Settings(source=BeatSource.PLAYER),
    ],
    ids=["answer", "twos", "fours", "off", "player"],
)
def test_looks_between_its_deadlines_change_nothing(opening: Played, settings: Settings) -> None:
    assert jam(opening, settings, looks_s=0.02) == jam(opening, settings, None)
