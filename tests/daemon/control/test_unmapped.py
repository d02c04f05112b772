"""A player sees what their pedals, knobs and pads send, in the words of config.toml."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from mido import Message

from jamd.config.control import Control
from jamd.config.file import load
from jamd.daemon.control.controls import Action
from jamd.daemon.display.screen import status_line, status_rows
from jamd.daemon.events import Heard
from jamd.daemon.ports.connections import Connected
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings, settings_from


def cc(number: int, value: int = 90, channel: int = 0) -> Message:
    return Message("control_change", control=number, value=value, channel=channel)


def on(pitch: int, channel: int = 0) -> Message:
    return Message("note_on", note=pitch, velocity=80, channel=channel)


def told(*story: tuple[float, Message], settings: Settings | None = None) -> Session:
    session = Session(settings or Settings())
    for seconds, message in story:
        session.handle(Heard(message), seconds)
    return session


@pytest.mark.parametrize(
    ("message", "control"),
    [
        (cc(74, channel=1), "cc 74 channel 2"),
        (cc(67, 0), "cc 67 channel 1"),
        (on(36, channel=9), "note 36 channel 10"),
        (Message("program_change", program=4), "program 5 channel 1"),
        (on(60), None),  # music
        (Message("note_off", note=36, channel=9), None),
        (cc(66), None),  # has a meaning
        (cc(64), None),
        (cc(101), None),
        (cc(121), None),
        (cc(123), None),
        (Message("pitchwheel", pitch=9), None),
        (Message("aftertouch", value=9), None),
    ],
)
def test_a_control_is_called_what_config_calls_it(message: Message, control: str | None) -> None:
    status = told((1.0, message)).status(1.0)
    assert status.control == control
    assert control is None or str(Control.parse(control)) == control


def test_a_controller_of_14_bits_is_called_by_its_coarse_half() -> None:
    moves = [(i / 50 + j / 1000, cc(n)) for i in range(20) for j, n in enumerate((16, 48))]
    slowly = (0.9, cc(48))  # the coarse half need not move
    assert told(*moves, slowly).status(1.0).control == "cc 16 channel 1"
    mapped = Settings(controls={Control.parse("cc 16"): Action.AGAIN})
    assert told(*moves, slowly, settings=mapped).status(1.0).control is None
    assert told((1.0, cc(48))).status(1.0).control == "cc 48 channel 1", "alone it is a control"


def test_a_note_that_is_not_heard_may_be_a_pad() -> None:
    deaf = Settings(listen_channel=0)
    assert told((1.0, on(40, 2)), settings=deaf).status(1.0).control == "note 40 channel 3"
    mpe = Settings(mpe=True)
    assert told((1.0, on(40, 9)), settings=mpe).status(1.0).control is None


def test_it_is_in_the_status_line_for_a_while_and_then_in_the_status() -> None:
    session = told((1.0, cc(74, channel=1)))
    for seconds, shown in ((1.0, True), (3.9, True), (4.1, False)):
        status = session.status(seconds)
        assert (" · cc 74 channel 2 · " in status_line(status, Connected())) is shown
        assert "control     cc 74 channel 2" in status_rows(status, Connected())
    assert "control" not in " ".join(status_rows(told().status(1.0), Connected()))


def test_what_is_written_as_shown_has_a_meaning() -> None:
    shown = told((1.0, cc(74, channel=1))).status(1.0).control
    given = settings_from(load(None, {"knobs.temperature": shown}).config)
    session = told((1.0, cc(74, 127, channel=1)), settings=replace(given, listen_channel=None))
    assert session.status(1.0).control is None
    assert session.status(1.0).settings["temperature"] == 1.5


def test_the_status_has_the_number_of_a_key() -> None:
    rows = status_rows(replace(told().status(0.0), last_note=70), Connected())
    assert rows[0] == "heard last  B♭4, note 70"


def moved(number: int, first: float, last: float) -> Iterable[tuple[float, Message]]:
    """A breath controller's, say: 50 messages a second, as each note has its own on a channel."""
    times = (first + i / 50 for i in range(round(50 * (last - first))))
    return ((at, cc(number, round(at * 50) % 128, round(at) % 4)) for at in times)


def test_what_is_played_does_not_stay_in_the_line() -> None:
    """Phrases of six seconds, each after a rest as long."""
    breath = [each for begin in range(0, 120, 12) for each in moved(2, begin, begin + 6)]
    session = Session(Settings())
    shown = []
    for seconds, message in breath:
        session.handle(Heard(message), seconds)
        shown.append(session.status(seconds).uses_control)
    assert all(shown[:250])
    assert not any(shown[1000:])
    session.handle(Heard(cc(74)), 120.0)
    session.handle(Heard(cc(2)), 120.1)
    assert session.status(120.1).control == "cc 74 channel 1"
    session.handle(Heard(cc(2)), 190.0)
    assert session.status(190.0).control == "cc 2 channel 1"
