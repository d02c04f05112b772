"""The status announces the next beat: its moment, its bar and its place in the bar."""

from __future__ import annotations

import pytest
from mido import Message

from jamd.daemon.events import Heard, SetTempo, WorkerReady
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource
from jamd.notes import Meter

NOTE = Heard(Message("note_on", note=60))


def begun(settings: Settings) -> Session:
    session = Session(settings)
    session.handle(WorkerReady(), 0.0)
    session.handle(NOTE, 1.0)
    return session


@pytest.mark.parametrize(
    ("meter", "now", "expected"),
    [
        (Meter(4, 4), 1.0, (1.5, 1, 2)),
        (Meter(4, 4), 1.49, (1.5, 1, 2)),
        (Meter(4, 4), 1.5, (2.0, 1, 3)),
        (Meter(4, 4), 2.6, (3.0, 2, 1)),
        (Meter(6, 8), 2.1, (2.25, 1, 6)),
        (Meter(6, 8), 2.3, (2.5, 2, 1)),
    ],
)
def test_it_is_the_first_after_the_present_one(
    meter: Meter, now: float, expected: tuple[float, int, int]
) -> None:
    told = begun(Settings(bpm=120.0, meter=meter)).status(now).next_beat
    assert told is not None
    assert (round(told[0], 6), *told[1:]) == expected


def test_it_moves_with_the_tempo() -> None:
    session = begun(Settings(bpm=120.0))
    session.handle(SetTempo(60.0), 1.25)
    told = session.status(1.3).next_beat
    assert told is not None
    assert told[0] == pytest.approx(1.75)


def test_there_is_one_in_a_count_in_and_none_while_the_transport_stands() -> None:
    session = Session(Settings(bpm=120.0, count_in=1))
    assert session.status(0.0).next_beat is None
    session.handle(WorkerReady(), 0.0)
    assert session.status(0.1).next_beat == (0.5, 0, 2)
    assert session.status(1.6).next_beat == (2.0, 1, 1)
    waits = Session(Settings(source=BeatSource.MIDI))
    waits.handle(WorkerReady(), 0.0)
    assert waits.status(1.0).next_beat is None
