"""A keyboard that says that it sends MPE is believed, and the player told what to set."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from mido import Message

from jamd.config import Config
from jamd.daemon.connections import Connected
from jamd.daemon.events import Heard
from jamd.daemon.session import Session
from jamd.daemon.setlist import Setlist
from jamd.daemon.settings import Settings
from jamd.daemon.watch import MPE, Watch
from jamd.songs import Song


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
    shown: list[str] = []
    screen: Any = SimpleNamespace(news=shown.append, status=lambda line: None, width=80)
    ports: Any = SimpleNamespace(tend=lambda now: (), connected=Connected)
    supervisor: Any = SimpleNamespace(faults=[], ready=None, refused=None)
    takes: Any = SimpleNamespace(trouble=lambda: None)
    settings = Settings(mpe=set_already)
    setlist = Setlist([Song(Config())], (), screen)
    told = ("default", "grid", "")
    watch = Watch(screen, ports, None, supervisor, None, takes, settings, setlist, *told)
    status = Session(settings).status(0.0)
    for seconds, says_mpe in ((1.0, False), (2.0, True), (3.0, True)):
        watch.tend(seconds, replace(status, says_mpe=says_mpe))
    assert shown == news
