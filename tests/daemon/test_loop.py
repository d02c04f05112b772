"""The loop passes everything on, in order and on time, and ends every note."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from mido import Message
from paper_loop import C4_OFF, FakeLink, FakePorts, FakeSession, Room

from jamd.daemon.clock import AWAKE_S
from jamd.daemon.events import (
    Adjust,
    Ask,
    ControlUsed,
    Effect,
    Event,
    HandedOver,
    Heard,
    InputLost,
    Journal,
    Leave,
    LinkState,
    Output,
    Panic,
    Press,
    Send,
    SetTempo,
    TellLink,
    Turn,
    TurnTaken,
    WorkerReady,
)
from jamd.daemon.loop import Loop
from jamd.daemon.model.requests import PlanRequest
from jamd.daemon.ports.connections import Connected
from jamd.daemon.ports.rtmidi_ports import Received
from jamd.daemon.status import Status
from jamd.language import Context
from jamd.notes import Tick

C4_ON = Message("note_on", note=60)
REQUEST = PlanRequest(1, Context((), Tick(0), Tick(0), "combo"), Tick(1920))


def test_what_comes_in_is_told_within_a_millisecond() -> None:
    coming = [Received(C4_ON, 0.5), Received(C4_OFF, 0.75)]
    session = FakeSession()
    Room(session, FakePorts(coming), [WorkerReady()]).loop.run()
    assert [(event, moment) for event, moment in session.told] == [
        (WorkerReady(), 0.0),
        (Heard(C4_ON), 0.5),
        (Heard(C4_OFF), 0.75),
    ]


def test_an_input_is_lost_when_the_last_that_was_connected_has_gone() -> None:
    class Plugged(FakePorts):
        def connected(self) -> Connected:
            now = room.clock.now()
            return Connected(("keys", "pads") if 0.1 < now < 0.3 else ("keys",) * (now < 0.6))

    session = FakeSession()
    room = Room(session, Plugged())
    room.loop.run()
    ((event, moment),) = session.told
    assert event == InputLost()
    assert moment == pytest.approx(0.61, abs=0.011)


@pytest.mark.parametrize(
    ("stays", "lost"),
    [
        ({"keys"}, 1),  # the pads have gone, and whose keys are down cannot be told
        ({"keys", "pads"}, 0),  # no news
        ({"keys", "pads", "daw"}, 0),  # one more
    ],
)
def test_where_several_come_in_on_one_port_any_of_them_can_be_lost(
    stays: set[str], lost: int
) -> None:
    class Plugged(FakePorts):
        def connected(self) -> Connected:
            mixed = {"keys", "pads"} if room.clock.now() < 0.3 else stays
            return Connected(tuple(sorted(mixed)), mixed=frozenset(mixed))

    session = FakeSession()
    room = Room(session, Plugged())
    room.loop.run()
    assert [event for event, _ in session.told] == [InputLost()] * lost
    assert all(0.3 <= moment < 0.33 for _, moment in session.told)


def test_what_was_never_seen_to_be_connected_is_not_lost() -> None:
    session = FakeSession()
    Room(session, FakePorts([Received(C4_ON, 0.1)])).loop.run()
    assert session.told == [(Heard(C4_ON), 0.1)]


@pytest.mark.parametrize(("stopped_s", "lost"), [(0.9, 0), (2.0, 1)])
def test_what_was_released_while_jamd_was_stopped_may_be_lost(stopped_s: float, lost: int) -> None:
    class Stopped(FakePorts):
        def poll(self, now: float) -> Sequence[Received]:
            if 0.25 <= now < 0.5:
                room.clock.sleep_until(0.25 + stopped_s)
            return super().poll(now)

    session = FakeSession()
    room = Room(session, Stopped())
    room.until_s = 3.0
    room.loop.run()
    assert [event for event, _ in session.told] == [InputLost()] * lost
    assert all(moment == pytest.approx(2.25, abs=0.002) for _, moment in session.told)


def test_another_session_goes_on_with_what_comes_in() -> None:
    left = HandedOver(pedals=(3,))

    class Leaves(FakeSession):
        def handle(self, event: Event, now: float) -> list[Effect]:
            super().handle(event, now)
            return [left] if event == Leave() else []

    first, second = Leaves([(0.1, Send(C4_ON, 0.1))]), FakeSession()
    ports = FakePorts([Received(C4_ON, 0.2), Received(C4_OFF, 0.6)])
    room = Room(first, ports)

    def tend(now: float, status: Status) -> None:
        if now >= 0.5 and not ports.sent[1:]:
            room.loop.go_on_with(second)
            assert ports.sent == [C4_ON, C4_OFF], "the first one's note is ended"
        room.tend(now, status)

    room.loop = Loop(first, ports, room.worker, room.entries.append, room.clock, tend=tend)
    room.loop.run()
    assert [event for event, _ in first.told] == [Heard(C4_ON), Leave()]
    assert [event for event, _ in second.told] == [left, Heard(C4_OFF)]
    assert min(second.advanced) >= 0.5, "no moment before it began"


def test_what_a_control_asks_for_is_done_before_anything_else_comes_in() -> None:
    used = ControlUsed(0, 0.25, "next_song", None)
    session = FakeSession([(0.2505, Journal(used))])
    room = Room(session, FakePorts([Received(C4_ON, 0.2515)]))
    room.loop.run()
    (heard,) = (moment for _, moment in session.told)
    assert any(0.2505 <= moment < heard for moment in room.tended)


@pytest.mark.parametrize("due_s", [0.9, 0.2515])
def test_so_it_is_if_it_came_in_at_the_same_look_or_something_is_due(due_s: float) -> None:
    """JACK hands over all that came in a period at once."""
    order: list[str] = []

    class Controlled(FakeSession):
        def handle(self, event: Event, now: float) -> list[Effect]:
            order.append("note" if event == Heard(C4_OFF) else "control")
            return [Journal(ControlUsed(0, now, "next_song", None))] * (event == Heard(C4_ON))

    def tend(now: float, status: Status) -> None:
        order.append("tended")
        room.tend(now, status)

    ports = FakePorts([Received(C4_ON, 0.25), Received(C4_OFF, 0.25)])
    session = Controlled([(due_s, Send(C4_ON, due_s))])
    room = Room(session, ports)
    room.loop = Loop(session, ports, room.worker, room.entries.append, room.clock, tend=tend)
    room.loop.run()
    at = order.index("control")
    assert order[at : at + 3] == ["control", "tended", "note"]


def test_what_is_asked_for_after_a_song_is_for_that_song() -> None:
    """By another thread, at once, as an Open Sound Control bundle does."""
    order: list[str] = []

    class Called(FakeSession):
        def handle(self, event: Event, now: float) -> list[Effect]:
            order.append(type(event).__name__)
            is_song = event == Press("song")
            return [Journal(ControlUsed(0, now, "song", None))] if is_song else []

    def tend(now: float, status: Status) -> None:
        room.tend(now, status)
        if order == ["Press"]:
            order.append("tended")
            room.loop.do(SetTempo(90.0))

    session = Called()
    room = Room(session, FakePorts())
    room.loop = Loop(session, FakePorts(), room.worker, room.entries.append, room.clock, tend=tend)
    room.loop.tell(Press("song"))
    room.loop.tell(Adjust("density", 2.0))
    room.loop.run()
    assert order[:4] == ["Press", "tended", "SetTempo", "Adjust"], "the song's tempo comes first"


def test_a_panic_waits_for_nothing_that_was_asked_for_before() -> None:
    room: Room

    class Called(FakeSession):
        def handle(self, event: Event, now: float) -> list[Effect]:
            super().handle(event, now)
            tended.append(len(room.tended))
            is_song = event == Press("song")
            return [Journal(ControlUsed(0, now, "song", None))] if is_song else []

    tended: list[int] = []
    session = Called()
    room = Room(session, FakePorts())
    room.loop.tell(Press("song"))
    room.loop.tell(Panic())
    room.loop.run()
    assert [event for event, _ in session.told] == [Press("song"), Panic()]
    assert tended[0] == tended[1]


def test_effects_are_done_at_their_deadline_and_in_order() -> None:
    entry = TurnTaken(0, 0.25, Turn.JAMD)
    session = FakeSession(
        [
            (0.2505, Send(C4_ON, 0.2505)),
            (0.2505, Journal(entry)),
            (0.2505, Ask(REQUEST)),
            (0.5, Send(C4_OFF, 0.5)),
        ]
    )
    ports = FakePorts()
    room = Room(session, ports)
    room.loop.run()
    assert ports.sent[:2] == [C4_ON, C4_OFF]
    assert room.entries == [entry]
    assert room.worker.asked == [REQUEST]
    assert list(room.loop.lateness_s)[:2] == [0.0, 0.0]


def test_a_link_session_is_asked_and_told() -> None:
    state = LinkState(peers=1, bpm=120, bar_line=0.0, playing=False, since=0.0)
    wish = TellLink(0.5, bpm=90)
    session, link = FakeSession([(0.5, wish)]), FakeLink(state)
    Room(session, FakePorts(), link=link).loop.run()
    assert session.told == [(state, 0.25)]
    assert link.told == [wish]


def test_it_tends_to_what_has_time_fifty_times_a_second() -> None:
    room = Room(FakeSession(), FakePorts())
    room.loop.run()
    gaps = [after - before for before, after in zip(room.tended, room.tended[1:], strict=False)]
    assert all(0.019 < gap < 0.022 for gap in gaps)


def test_a_session_that_fails_leaves_no_note_behind() -> None:
    loud = Message("note_on", channel=3, note=72)
    session = FakeSession([(0.0, Send(C4_ON, 0.0)), (0.0, Send(loud, 0.0))])
    session.fails_at = 0.5
    ports = FakePorts()
    with pytest.raises(RuntimeError, match="a bug"):
        Room(session, ports).loop.run()
    assert ports.sent[2:] == [C4_OFF, Message("note_off", channel=3, note=72)]


def test_the_session_ends_its_notes_when_the_loop_is_stopped() -> None:
    ports = FakePorts()
    Room(FakeSession([(0.0, Send(C4_ON, 0.0))]), ports).loop.run()
    assert ports.sent == [C4_ON, C4_OFF]


def test_what_is_due_is_decided_before_and_sent_at_its_moment() -> None:
    asked: list[float] = []
    sent: list[float] = []

    class Watched(FakeSession):
        def advance(self, now: float) -> list[Effect]:
            effects = super().advance(now)
            if effects:
                asked.append(room.clock.now())
            return effects

    class Watching(FakePorts):
        def send(self, message: Message, output: Output = Output.MAIN) -> None:
            sent.append(room.clock.now())

    room = Room(Watched([(0.5, Send(C4_ON, 0.5))]), Watching())
    room.clock.approach = lambda deadline: room.clock.sleep_until(deadline - AWAKE_S)  # type: ignore[method-assign]
    room.loop.run()
    assert asked == [pytest.approx(0.5 - AWAKE_S)]
    assert sent[0] == 0.5
    assert room.loop.lateness_s[0] == 0.0
