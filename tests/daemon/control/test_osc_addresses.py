"""An OSC address asks for what `jamd set`, `press` or `panic` does, and the docs list them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from jamd.commands.press import ACTIONS
from jamd.config.config import ADJUSTABLE
from jamd.config.file import adjustment
from jamd.daemon.control.osc_addresses import COMMANDS, TOLD, Value, command_of, state, table
from jamd.daemon.events import Turn
from jamd.daemon.ports.connections import Connected
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.errors import UserError

DOCS = Path(__file__).parents[3] / "docs" / "osc.md"


@pytest.mark.parametrize(
    ("address", "value", "command"),
    [
        ("/jamd/set/temperature", 1.25, "set temperature 1.25"),
        ("/jamd/set/temperature", 0.8999999761581421, "set temperature 0.9"),  # 0.9 in 32 bits
        ("/jamd/set/bpm", 120, "set bpm 120"),
        ("/jamd/set/trade", 4.0, "set trade 4"),  # many apps know no whole numbers
        ("/jamd/set/style", "piano", "set style piano"),
        ("/jamd/set/swing", "player", "set swing player"),
        ("/jamd/set/changes", "Dm7 G7 | C", "set changes Dm7 G7 | C"),
        ("/jamd/set/changes", "", "set changes "),
        ("/jamd/press/your_turn", 1, "press your_turn"),
        ("/jamd/press/tap", 1.0, "press tap"),
        ("/jamd/press/tap", True, "press tap"),
        ("/jamd/press/tap", 127, "press tap"),
        ("/jamd/press/tap", None, "press tap"),
        ("/jamd/press/tap", 0, ""),
        ("/jamd/press/tap", 0.0, ""),
        ("/jamd/press/tap", False, ""),
        ("/jamd/panic", 1, "panic"),
        ("/jamd/panic", None, "panic"),
        ("/jamd/panic", 0, ""),
        ("/jamd/state", None, "state"),
    ],
)
def test_a_message_is_a_command(address: str, value: Value, command: str) -> None:
    assert command_of(address, value) == command


@pytest.mark.parametrize(
    ("address", "value", "told"),
    [
        ("/jamd/set/polyphony", 4, "there is no such address"),
        ("/jamd/press", 1, "there is no such address"),
        ("/jamd/*", 1, "there is no such address"),
        ("/jamd/press/tap", "now", "expected 1 for pressed or 0 for released, or no value"),
        ("/jamd/press/tap", float("nan"), "expected 1 for pressed"),
        ("/jamd/panic", -1, "expected 1 for pressed"),
        ("/jamd/set/temperature", None, "expected a number from 0.05 to 2.0"),
    ],
)
def test_another_is_refused(address: str, value: Value, told: str) -> None:
    with pytest.raises(UserError, match=told):
        command_of(address, value)


@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), 1e30, -(2**63), "", "a b"])
@pytest.mark.parametrize("name", [name for name in ADJUSTABLE if name != "changes"])
def test_a_value_of_the_wrong_kind_is_no_setting(name: str, value: Value) -> None:
    _, _, text = command_of(f"/jamd/set/{name}", value).split(" ", 2)
    with pytest.raises(UserError):
        adjustment(name, text)


def test_whatever_can_be_set_or_pressed_has_an_address_and_is_told_at_the_same() -> None:
    assert {f"/jamd/set/{name}" for name in ADJUSTABLE} <= {*COMMANDS}
    presses = {address for address in COMMANDS if address.startswith("/jamd/press/")}
    assert {f"/jamd/press/{action}" for action in ACTIONS} == presses
    told = state(Session(Settings()).status(0.0), Connected())
    assert {*told} | {"/jamd/beat"} == {f"/jamd/set/{name}" for name in ADJUSTABLE} | {*TOLD}


@pytest.mark.parametrize(
    ("value", "command"), [("Autumn Leaves", "song Autumn Leaves"), (2, "song 2"), (2.0, "song 2")]
)
def test_a_song_is_chosen_by_its_title_or_number(value: Value, command: str) -> None:
    assert command_of("/jamd/song", value) == command
    with pytest.raises(UserError, match="title or its number"):
        command_of("/jamd/song", None)


def test_what_is_told_can_be_set() -> None:
    """A fader that follows can send back what it was sent."""
    for address, (value,) in state(Session(Settings()).status(0.0), Connected()).items():
        if address.startswith("/jamd/set/"):
            _, name, text = command_of(address, value).split(" ", 2)
            adjustment(name, text)


def test_a_tempo_that_follows_somebody_is_told_as_the_status_line_shows_it() -> None:
    status = Session(Settings(bpm=92.5)).status(0.0)
    assert state(status, Connected())["/jamd/set/bpm"] == (92.5,)
    assert status.turn is Turn.PLAYER
    assert state(status, Connected(("a key",)))["/jamd/input"] == (1,)


def test_the_docs_have_the_table() -> None:
    assert "\n".join(table()) in DOCS.read_text(encoding="utf-8")
