"""jamd's end of OSC on real UDP sockets: what comes in is done, and what changes is told."""

from __future__ import annotations

import builtins
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg
from pythonosc.udp_client import UDPClient
from waiting import until

from jamd.config.endpoint import Endpoint
from jamd.config.sections import Osc
from jamd.daemon.clock import MonotonicClock
from jamd.daemon.control.osc import MOST_COMPLAINTS, OscPeer
from jamd.daemon.control.osc_addresses import COMMANDS, Value, command_of
from jamd.daemon.events import Adjust, Event, Panic, Press, SetTempo
from jamd.daemon.ports.connections import Connected
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.watch import answer
from jamd.errors import UserError
from jamd.notes import Meter

STATUS = Session(Settings()).status(0.0)
NOWHERE = Connected()


class Jamd:
    """A peer on ports of its own, and what it was asked for and had to say."""

    def __init__(self) -> None:
        self.hearer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.hearer.bind(("127.0.0.1", 0))
        self.hearer.settimeout(10)
        self.listen = Endpoint("localhost", free_port())
        to = Endpoint("127.0.0.1", self.hearer.getsockname()[1])
        self.peer = OscPeer(Osc(self.listen, (to,)), MonotonicClock())
        self.done: list[Event] = []
        self.said: list[str] = []
        self.threads: set[str] = set()
        self.status = STATUS
        self.peer.start(self._answer)
        self.look()
        self._app = UDPClient("127.0.0.1", self.listen.port)

    def look(self) -> None:
        """What the loop does each 20 ms."""
        self.said += self.peer.tend(self.status, NOWHERE)

    def until(self, wanted: Callable[[], object], what: str) -> None:
        until(wanted, 10, what, doing=self.look)

    def heard(self) -> tuple[str, list[Any]]:
        message = OscMessage(self.hearer.recv(2000))
        return message.address, message.params

    def says(self, address: str, values: object) -> None:
        """What an app sends."""
        self._app.send(build_msg(address, values))  # type: ignore[arg-type]

    def close(self) -> None:
        self.peer.close()
        self.hearer.close()
        self._app.close()

    def _answer(self, command: str) -> dict[str, object]:
        self.threads.add(threading.current_thread().name)
        return answer(command, (self.status, NOWHERE), self.done.append, Meter(4, 4), "grid")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("0.0.0.0", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def jamd() -> Iterator[Jamd]:
    with closing(Jamd()) as one:
        yield one


def test_what_is_sent_is_done_as_jamd_set_and_press_do_it(jamd: Jamd) -> None:
    jamd.says("/jamd/set/temperature", 0.9)
    jamd.says("/jamd/set/bpm", 92)
    jamd.says("/jamd/set/changes", "Dm7 G7 | C")
    jamd.says("/jamd/press/tap", 1)
    jamd.says("/jamd/press/tap", 0)
    jamd.says("/jamd/panic", [])
    jamd.until(lambda: len(jamd.done) == 5, "what was sent")
    settings = [Adjust("temperature", 0.9), SetTempo(92.0), Adjust("changes", "Dm7 G7 | C")]
    assert [event for event in jamd.done if event not in (Press("tap"), Panic())] == settings
    assert Press("tap") in jamd.done
    assert Panic() in jamd.done
    assert jamd.threads == {"osc"}
    assert [line for line in jamd.said if "from" in line] == []


def test_it_says_where_it_is_and_who_was_heard(jamd: Jamd) -> None:
    to = jamd.hearer.getsockname()[1]
    assert jamd.said == [
        f"OSC: at localhost:{jamd.listen.port} you can control jamd.",
        f"OSC: 127.0.0.1:{to} is told what jamd does.",
    ]
    assert jamd.peer.described == f"at localhost:{jamd.listen.port}, tells 127.0.0.1:{to}"
    jamd.says("/jamd/press/tap", 1)
    jamd.until(lambda: jamd.done, "the tap")
    assert ", last heard 127.0.0.1, tells " in jamd.peer.described


def test_what_is_refused_is_said_once_and_the_rest_is_done(jamd: Jamd) -> None:
    for _ in range(3):
        jamd.says("/jamd/set/temperature", 9.0)
        jamd.says("/jamd/set/temprature", 1.0)
        jamd.says("/jamd/press/tap", "now")
        jamd.says("/jamd/press/again", [1, 2])
        jamd.says("/jamd/set/bpm", [90, 91, 92])
    jamd.until(lambda: sum("from" in line for line in jamd.said) == 5, "five lines")
    jamd.says("/jamd/set/density", 1.5)
    jamd.until(lambda: jamd.done, "the density")
    assert jamd.done == [Adjust("density", 1.5)]
    said = {line for line in jamd.said if "from" in line}
    who, end = "OSC from 127.0.0.1: ", ". This is said once."
    one = "no value or one, a number or a text"
    assert said == {
        f"{who}temperature: expected a number from 0.05 to 2.0; found 9{end}",
        f"{who}/jamd/set/temprature: there is no such address{end}",
        f"{who}/jamd/press/tap: expected 1 for pressed or 0 for released, or no value{end}",
        f"{who}/jamd/press/again: expected {one}; found 2 values{end}",
        f"{who}/jamd/set/bpm: expected {one}; found 3 values{end}",
    }


@given(
    st.sampled_from([*COMMANDS]),
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.none(),
)
def test_whatever_value_comes_in_is_done_or_refused(address: str, value: Value) -> None:
    session, done = Session(Settings()), list[Event]()
    with suppress(UserError):
        said = answer(command_of(address, value), None, done.append, Meter(4, 4), "grid")
        assert len(str(said.get("error", "")).splitlines()) < 2
    for event in done:
        session.handle(event, 0.0)


def test_no_flood_of_nonsense_stops_it_or_fills_the_terminal(
    jamd: Jamd, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        to = ("127.0.0.1", jamd.listen.port)
        for i in range(2000):
            kind = i % 4
            packet = rng.randbytes(rng.randrange(200)) if kind else b"/%04d\0\0\0,q\0\0" % i
            head = b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc"
            stranger.sendto((b"", packet, head, b"/jamd/set/")[kind] + packet, to)
    until(lambda: jamd.done, 10, "a tap", doing=partial(jamd.says, "/jamd/press/tap", 1))
    jamd.look()
    assert {*jamd.done} == {Press("tap")}
    assert sum("from" in line for line in jamd.said) <= MOST_COMPLAINTS
    assert capfd.readouterr() == ("", "")


def test_the_state_is_told_and_then_what_changes_and_the_beat(jamd: Jamd) -> None:
    first = dict(jamd.heard() for _ in range(20))
    assert first["/jamd/turn"] == [0]
    assert first["/jamd/set/mode"] == ["answer"]
    clock = MonotonicClock()
    at = clock.now() + 0.2
    jamd.status = replace(STATUS, bar=4, beat=4, next_beat=(at, 5, 1))
    jamd.look()
    assert jamd.heard() == ("/jamd/beat", [4, 4])
    assert jamd.heard() == ("/jamd/beat", [5, 1])  # though nobody looked meanwhile
    assert clock.now() >= at
    jamd.says("/jamd/state", 1)
    jamd.until(lambda: "last" in jamd.peer.described, "the question")
    assert dict(jamd.heard() for _ in range(20)) == first


def test_a_port_that_everybody_reaches_is_said_to_be_one() -> None:
    at = Endpoint("0.0.0.0", free_port())
    with closing(OscPeer(Osc(listen=at), MonotonicClock())) as peer:
        peer.start(lambda _: {})
        (line,) = peer.tend(STATUS, NOWHERE)
        assert line.endswith("you can control jamd, and so can everybody in that network.")


def test_a_port_in_use_or_an_address_elsewhere_is_refused_and_nothing_stays_open(
    jamd: Jamd,
) -> None:
    for listen, to, told in (
        (jamd.listen, (), rf"osc.listen: .* is free; found {jamd.listen}: Address already in use"),
        (Endpoint("192.0.2.1", 9000), (), "osc.listen: .* found 192.0.2.1:9000: Cannot assign"),
        (None, (Endpoint("a" * 70, 1),), "osc.to: expected the address of a computer; found aaa"),
    ):
        with pytest.raises(UserError, match=told) as refused:
            OscPeer(Osc(listen, to), MonotonicClock())
        assert len(str(refused.value).splitlines()) == 1


def test_a_name_that_nobody_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def knows_none(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", knows_none)
    told = (
        "osc.to: expected the address of a computer; found ipad.local:1: Name or service not known"
    )
    with pytest.raises(UserError, match=f"^{told}$"):
        OscPeer(Osc(to=(Endpoint("ipad.local", 1),)), MonotonicClock())


def test_a_listener_that_cannot_be_reached_is_said_once() -> None:
    with closing(OscPeer(Osc(to=(Endpoint("127.0.0.1", 9),)), MonotonicClock())) as peer:
        peer._listeners[0].socket.close()  # nineteen messages fail, as without a network
        peer.start(lambda _: {})
        said: list[str] = []
        looks = partial(peer.tend, STATUS, NOWHERE)
        until(lambda: len(said) > 1, 10, "a line", doing=lambda: said.extend(looks()))
        assert said[1:] == ["OSC: 127.0.0.1:9 cannot be told: Bad file descriptor."]


def test_without_the_package_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> ModuleType:
        if name.startswith("pythonosc"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"python-osc, found none: pip install 'jamd\[osc\]'"):
        OscPeer(Osc(), MonotonicClock())


def test_it_is_gone_when_it_is_closed() -> None:
    one = Jamd()
    one.close()
    assert not any(thread.name == "osc" for thread in threading.enumerate())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", one.listen.port))
