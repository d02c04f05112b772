"""A count-in that is asked for sounds in full, wherever the beat comes from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mido import Message

from jamd.daemon.events import Event, Heard, LinkState, Output, TellLink, WorkerReady
from jamd.daemon.playing.click import Sound, When
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.notes import Meter

ONE = Settings(bpm=120, count_in=1, click=When.AUTO)  # a bar is 2 s
LINK = replace(ONE, source=BeatSource.LINK, click=When.ON)
THEIRS = LinkState(peers=1, bpm=120, bar_line=1.0, playing=False, since=-1.0)


def clicks(
    settings: Settings, ready: float, *story: tuple[float, Event], until: float = 9.0
) -> list[str]:
    """Rows like `3.50 one`: when each click leaves, in seconds, and which click it is."""
    events: list[tuple[float, Event]] = [(ready, WorkerReady()), *story]
    performance = VirtualJam(Session(settings), ScriptedImproviser(), events)
    performance.run(until)
    sound = Sound()
    names = {sound.accent[0]: "one", sound.beat[0]: "beat"}
    return [
        f"{send.due:.2f} {names[send.message.note]}"
        for _, send in performance.sent
        if send.message.type == "note_on" and send.message.channel == sound.channel
    ]


def test_with_the_player_leading() -> None:
    heard = clicks(replace(ONE, source=BeatSource.PLAYER), 1.0)
    assert heard == ["1.00 one", "1.50 beat", "2.00 beat", "2.50 beat"]


def test_a_sequencers_start_ends_it() -> None:
    # Four bars are counted in from 1.0; a sequencer starts in the middle of them, at 3.0.
    pulses = [(3.0 + i / 48, Heard(Message("clock"))) for i in range(480)]
    story: list[tuple[float, Event]] = [
        (0.5, WorkerReady()),
        (2.99, Heard(Message("start"))),
        *pulses,
    ]
    session = Session(replace(ONE, count_in=4))
    performance = VirtualJam(session, ScriptedImproviser(), story)
    performance.run(9.1)
    status = session.status(9.1)
    assert (status.bar, status.bars_played) == (4, 3)


def test_while_a_keyboards_clock_merely_ticks() -> None:
    ticks = [(0.1 + i / 48, Heard(Message("clock"))) for i in range(400)]
    heard = clicks(ONE, 2.0, *ticks)
    assert heard == ["2.00 one", "2.50 beat", "3.00 beat", "3.50 beat"]


@pytest.mark.parametrize("click", [When.AUTO, When.ON])
@pytest.mark.parametrize("ready", [1.05, 1.7, 2.9])
def test_in_a_link_session_from_its_next_bar_line_on(ready: float, click: When) -> None:
    settings = replace(LINK, click=click)
    counted = ["3.00 one", "3.50 beat", "4.00 beat", "4.50 beat"]
    assert clicks(settings, ready, (0.5, THEIRS), until=4.9) == counted
    session = Session(settings)
    session.handle(THEIRS, 0.5)
    session.handle(WorkerReady(), ready)
    for now, bar in ((2.99, 0), (4.99, 0), (5.01, 1)):
        while (deadline := session.next_deadline()) is not None and deadline < now:
            session.advance(deadline)
        assert session.status(now).bar == bar


def test_who_joins_a_link_session_meanwhile_does_not_cut_it_short() -> None:
    alone = replace(THEIRS, peers=0)
    for line in (0.5, 1.0, 1.5):  # the session that is joined: behind by a beat to three
        joined = replace(THEIRS, bar_line=line)
        story = (0.5, alone), (2.6, joined)
        events: list[tuple[float, Event]] = [(2.0, WorkerReady()), *story]
        session = Session(replace(LINK, click=When.AUTO))
        performance = VirtualJam(session, ScriptedImproviser(), events)
        performance.run(2.61)
        transport = session._transport
        bar_one_s = transport.seconds_at(transport.bar_one)
        assert (bar_one_s - line) % 2.0 == pytest.approx(0, abs=0.02)
        heard = clicks(LINK, 2.0, *story)
        before = [at for each in heard if (at := float(each[:4])) < bar_one_s - 0.1]
        assert len(before) >= 4


@pytest.mark.parametrize("ready", [1.05, 1.7, 2.9])
def test_the_others_start_with_bar_one(ready: float) -> None:
    session = Session(LINK)
    session.handle(THEIRS, 0.5)
    (told,) = [e for e in session.handle(WorkerReady(), ready) if isinstance(e, TellLink)]
    assert told.seconds == pytest.approx(5.0, abs=0.001)
    assert told.playing


@pytest.mark.parametrize("meter", [Meter(4, 4), Meter(6, 8)])
@pytest.mark.parametrize("offset_s", [-0.2, -0.08, -0.03, 0.2])
def test_however_early_the_click_leaves_none_is_missing(offset_s: float, meter: Meter) -> None:
    settings = replace(ONE, meter=meter, click=When.ON, click_offset_s=offset_s, bpm=240)
    heard = clicks(settings, 1.0)
    first = 1.0 + max(0.0, offset_s)
    beat_s = 0.25 if meter == Meter(4, 4) else 0.125
    names = ["one", *["beat"] * (meter.numerator - 1)] * 2
    assert [each.split()[1] for each in heard[: len(names)]] == names
    due = [float(each.split()[0]) for each in heard[: len(names)]]
    assert due == pytest.approx([first + i * beat_s for i in range(len(names))], abs=0.012)


@pytest.mark.parametrize("count_in", [0, 1])
@pytest.mark.parametrize("offset_s", [-0.2, -0.1, 0.2])
def test_however_early_the_clock_leaves_its_pulses_come_one_by_one(
    offset_s: float, count_in: int
) -> None:
    settings = Settings(bpm=120, count_in=count_in, send_clock=True, clock_offset_s=offset_s)
    note = Heard(Message("note_on", note=60, velocity=80))
    events: list[tuple[float, Event]] = [(1.0, WorkerReady()), (5.0, note)]
    performance = VirtualJam(Session(settings), ScriptedImproviser(), events)
    performance.run(9.0)
    sent = [send for _, send in performance.sent if send.output is Output.CLOCK]
    pulses = [send.due for send in sent if send.message.type == "clock"]
    # The first pulse of the song may follow closely on the last pulse before it.
    assert min(later - one for one, later in zip(pulses, pulses[2:], strict=False)) > 0.9 * 0.5 / 24
    goes_on = [send.message.type for send in sent if send.message.type in ("start", "continue")]
    assert goes_on == ["start" if count_in or offset_s > 0 else "continue"]
