"""Start, Stop and Continue of a sequencer, and what holds before any of them was sent."""

from __future__ import annotations

import random

import pytest
from mido import Message

from jamd.daemon.events import Event, Heard
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource, ClockLost
from jamd.notes import TICKS_PER_BEAT

Story = list[tuple[float, Event]]

CLOCK, START, STOP, CONTINUE = (
    Heard(Message(kind)) for kind in ("clock", "start", "stop", "continue")
)
BEGIN_S = 10.0


def clocks(bpm: float, beats: float, begin: float = BEGIN_S) -> Story:
    return [(begin + i * 60 / bpm / 24, CLOCK) for i in range(round(beats * 24))]


def tell(session: Session, story: Story) -> None:
    for now, event in sorted(story, key=lambda one: one[0]):
        while (deadline := session.next_deadline()) is not None and deadline < now:
            session.advance(deadline)
        session.handle(event, now)


def song_beats(session: Session, now: float) -> float:
    """Quarter notes from the song's beginning."""
    transport = session._transport
    return (transport.exact_tick(now) - transport.bar_one) / TICKS_PER_BEAT


@pytest.mark.parametrize("jitter_s", [0.0, 0.003])
@pytest.mark.parametrize("after_s", [0.0, 0.0001, 0.001, 0.017])
def test_continue_comes_back_with_the_pulse_after_the_last(jitter_s: float, after_s: float) -> None:
    """However closely Stop follows its pulse, and whichever way that pulse jitters."""
    for seed in range(2):
        draw = random.Random(seed)
        story = [(at + draw.uniform(-jitter_s, jitter_s), each) for at, each in clocks(120, 16)]
        last, again = 200 + seed, 296
        said = [(story[0][0] - 0.001, START), (story[last][0] + after_s, STOP)]
        goes_on = [((story[again - 1][0] + story[again][0]) / 2, CONTINUE)]
        session = Session(Settings(bpm=100))
        tell(session, [*story, *said, *goes_on])
        now = BEGIN_S + 16 * 0.5
        beats = (last + 1) / 24 + now / 0.5 - (BEGIN_S + again * 0.5 / 24) / 0.5
        assert song_beats(session, now) == pytest.approx(beats, abs=0.01)


def test_after_a_lost_clock_too_continue_comes_back_with_the_pulse_after_the_last() -> None:
    session = Session(Settings(bpm=100))
    story: Story = [(BEGIN_S - 0.01, START), *clocks(120, 8)]
    tell(session, [*story, (BEGIN_S + 5.99, CONTINUE), *clocks(120, 4, BEGIN_S + 6)])
    assert song_beats(session, BEGIN_S + 7) == pytest.approx(10, abs=0.01)


def test_a_play_button_without_a_clock_starts_nothing_later() -> None:
    """A clock that appears later and only ticks is not the one that was started."""
    session = Session(Settings(bpm=100))
    note = Heard(Message("note_on", note=60, velocity=80))
    tell(session, [(1.0, START), (5.0, note), *clocks(100, 8, begin=17.0)])
    assert song_beats(session, 21.8) == pytest.approx(16.8 / 0.6, abs=0.1)


def test_a_sequencer_may_take_a_moment_to_send_its_first_pulse() -> None:
    session = Session(Settings(bpm=100))
    tell(session, [(BEGIN_S - 0.5, START), *clocks(120, 4)])
    assert song_beats(session, BEGIN_S + 1) == pytest.approx(2, abs=0.01)


NOTE = Heard(Message("note_on", note=60, velocity=80))


@pytest.mark.parametrize("source", [BeatSource.AUTO, BeatSource.MIDI])
@pytest.mark.parametrize(
    "said",
    [[], [(BEGIN_S + 3.99, STOP)], [(BEGIN_S + 5.5, CONTINUE), (BEGIN_S + 6, STOP)]],
    ids=["nothing", "stop", "buttons without a clock"],
)
def test_where_a_lost_clock_stops_no_key_goes_on_until_it_is_back(
    source: BeatSource, said: Story
) -> None:
    settings = Settings(bpm=100, source=source, on_clock_lost=ClockLost.STOP)
    session = Session(settings)
    tell(session, [(BEGIN_S - 0.01, START), *clocks(120, 8), *said, (BEGIN_S + 7, NOTE)])
    status = session.status(BEGIN_S + 8)
    assert (status.bar, status.waits) == (0, True)
    tell(session, [*clocks(120, 8, BEGIN_S + 20), (BEGIN_S + 22, NOTE)])
    assert session.status(BEGIN_S + 23).bar == 1


def test_where_a_clock_ends_with_stop_the_player_is_free_to_begin() -> None:
    session = Session(Settings(bpm=100))
    story: Story = [(BEGIN_S - 0.01, START), *clocks(140, 8), (BEGIN_S + 3.42, STOP)]
    tell(session, [*story, (BEGIN_S + 3.5, NOTE)])  # its clock is not lost yet
    assert session.status(BEGIN_S + 3.5).bar == 0
    tell(session, [(BEGIN_S + 7, NOTE)])
    status = session.status(BEGIN_S + 7.1)
    assert (status.bar, status.from_clock) == (1, False)
    assert status.bpm == pytest.approx(140)
    tell(session, [(BEGIN_S + 9.99, CONTINUE), *clocks(140, 4, BEGIN_S + 10)])
    assert song_beats(session, BEGIN_S + 10 + 60 / 140) == pytest.approx(9, abs=0.02)


@pytest.mark.parametrize("bpm", [63, 140, 215])
@pytest.mark.parametrize("running", [0, 2, 48])
@pytest.mark.parametrize("stray", [1, 3, 4])
def test_a_pulse_too_many_among_the_first_does_not_shift_the_beat(
    bpm: float, stray: int, running: int
) -> None:
    """Whether the clock begins with Start or ticked before, it is found out within a beat."""
    period = 60 / bpm / 24
    story = [(BEGIN_S + i * period, CLOCK) for i in range(-running, 24 * 8)]
    said = [(BEGIN_S - period / 3, START), (BEGIN_S + (stray - 0.5) * period, CLOCK)]
    session = Session(Settings(bpm=100))
    tell(session, [*story, *said])
    now = BEGIN_S + 24 * 8 * period
    assert song_beats(session, now) == pytest.approx(8, abs=0.003)
