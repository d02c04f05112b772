"""Whoever asks for a count-in hears it, whole, wherever the beat comes from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mido import Message

from jamd.daemon.click import Sound, When
from jamd.daemon.events import Event, Heard, LinkState, TellLink, WorkerReady
from jamd.daemon.follower import Source
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.virtual import Performance, ScriptedImproviser

ONE = Settings(bpm=120, count_in=1, click=When.AUTO)  # a bar is 2 s
LINK = replace(ONE, source=Source.LINK, click=When.ON)
THEIRS = LinkState(peers=1, bpm=120, bar_line=1.0, playing=False, since=-1.0)


def clicks(
    settings: Settings, ready: float, *story: tuple[float, Event], until: float = 9.0
) -> list[str]:
    """`3.50 one`: when each click leaves, in seconds, and which it is."""
    events: list[tuple[float, Event]] = [(ready, WorkerReady()), *story]
    performance = Performance(Session(settings), ScriptedImproviser(), events)
    performance.run(until)
    sound = Sound()
    names = {sound.accent[0]: "one", sound.beat[0]: "beat"}
    return [
        f"{send.due:.2f} {names[send.message.note]}"
        for send in performance.port.sent
        if send.message.type == "note_on" and send.message.channel == sound.channel
    ]


def test_with_the_player_leading() -> None:
    heard = clicks(replace(ONE, source=Source.PLAYER), 1.0)
    assert heard == ["1.00 one", "1.50 beat", "2.00 beat", "2.50 beat"]


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
        performance = Performance(session, ScriptedImproviser(), events)
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
