"""A keyboard that says that it sends MPE is believed, and the player told what to set."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mido import Message

from jamd.daemon.display.input_news import MPE, InputNews
from jamd.daemon.events import Heard
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings


def says(*controls: tuple[int, int], channel: int = 0) -> bool:
    session = Session(Settings())
    for control, value in controls:
        message = Message("control_change", channel=channel, control=control, value=value)
        session.handle(Heard(message), 1.0)
    return session.status(1.0).says_mpe


@pytest.mark.parametrize("channel", [0, 15])
def test_a_zone_is_announced_on_a_master_channel(channel: int) -> None:
    assert says((101, 0), (100, 6), (6, 15), channel=channel)
    assert says((100, 6), (101, 0), (6, 7), channel=channel)


def test_other_parameters_announce_no_zone() -> None:
    assert not says((101, 0), (100, 6), (6, 15), channel=3)
    assert not says((101, 0), (100, 6), (6, 0)), "this ends one"
    assert not says((101, 0), (100, 0), (6, 48)), "the range of the wheel"
    assert not says((101, 0), (100, 6), (101, 127), (100, 127), (6, 15))
    assert not says((101, 0), (100, 6), (98, 3), (6, 15)), "not a registered one"
    assert not says((6, 15)), "a knob"


@pytest.mark.parametrize(("set_already", "news"), [(False, [MPE]), (True, [])])
def test_the_player_is_told_once_what_to_set(set_already: bool, news: list[str]) -> None:
    settings = Settings(mpe=set_already)
    status = Session(settings).status(0.0)
    input_news = InputNews()
    shown = [
        line
        for says_mpe in (False, True, True)
        for line in input_news.of(replace(status, says_mpe=says_mpe), settings)
    ]
    assert shown == news
