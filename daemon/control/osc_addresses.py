"""The addresses of Open Sound Control (OSC): what each asks of jamd, and what each tells.

What comes in is translated into the commands of `jamd set`, `press`, `song` and `panic`, so that
nothing can be asked for in another way, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from jamd.config.config import ADJUSTABLE
from jamd.daemon.control.controls import Action
from jamd.daemon.control.remote import PANIC, PRESS, SET, SONG
from jamd.daemon.events import Turn
from jamd.daemon.ports.connections import Connected
from jamd.daemon.status import Status
from jamd.errors import UserError

Value = bool | int | float | str | None
"""What a message carries; None: nothing."""

STATE = "state"
"""The command that asks for everything to be told again."""

BEAT = "/jamd/beat"

_SETS: Final = {f"/jamd/set/{name}": f"{SET} {name}" for name in ADJUSTABLE}
_PRESSES: Final = {
    f"/jamd/press/{action.value}": f"{PRESS} {action.value}"
    for action in Action
    if action is not Action.SONG  # which, `_SONG` says
}
_SONG: Final = "/jamd/song"

COMMANDS: Final[Mapping[str, str]] = {
    **_PRESSES,
    "/jamd/panic": PANIC,
    "/jamd/state": STATE,
    _SONG: SONG,
    **_SETS,
}
"""What each address asks for: a command as for `remote.ask`, which lacks the value of a setting or
the name of a song; or `STATE`."""

PRESSED = 0.5
"""From this value on a button is pressed; below, it is released."""


def command_of(address: str, value: Value) -> str:
    """The command that a message asks for; empty if it is that of a button which is released.

    Raises:
        UserError: There is no such address, or it does not take that value.
    """
    command = COMMANDS.get(address)
    if command is None:
        raise UserError("there is no such address")
    if expected := _expected(address):
        if value is None:
            raise UserError(f"expected {expected}")
        return f"{command} {_text(value)}"
    if value is None:
        return command
    if isinstance(value, str) or not math.isfinite(value) or value < 0:
        raise UserError("expected 1 for pressed or 0 for released, or no value")
    return command if value >= PRESSED else ""


def _expected(address: str) -> str:
    """The values that an address takes, in words; empty if it is a button's."""
    if address == _SONG:
        return "a song's title or its number"
    return ADJUSTABLE[address.rpartition("/")[2]].kind.expected if address in _SETS else ""


def _text(value: bool | float | str) -> str:
    """`value` as it is typed: OSC's numbers have 32 bits, which hold six digits exactly."""
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else f"{value:.6g}"


def state(status: Status, connected: Connected) -> dict[str, tuple[Value, ...]]:
    """What is told whenever it changes, by its address: all but `BEAT`."""
    follows = status.from_clock or status.told_by is not None  # then the tempo never rests
    return {
        "/jamd/turn": (int(status.turn is Turn.JAMD),),
        "/jamd/chord": (status.chord or "",),
        _SONG: (status.song,),
        "/jamd/input": (int(bool(connected.to_input)),),
        "/jamd/output": (int(bool(connected.from_output)),),
        "/jamd/model": (int(status.worker),),
        "/jamd/set/bpm": (float(round(status.bpm) if follows else status.bpm),),
        "/jamd/set/mode": (status.mode.value,),
        **{f"/jamd/set/{name}": (value,) for name, value in status.settings.items()},
    }


TOLD: Final[Mapping[str, tuple[str, str]]] = {
    BEAT: ("bar and beat, two whole numbers", "on every beat; bar 0 is a count-in, 0 0 no beat"),
    "/jamd/turn": ("1 or 0", "1: jamd has the turn; 0: you have"),
    "/jamd/chord": ("a text", "the chord in force, of the changes; empty if there is none"),
    _SONG: ("a text", "the song that is played; empty if there are none"),
    "/jamd/input": ("1 or 0", "1: something is connected to jamd's input"),
    "/jamd/output": ("1 or 0", "1: jamd's output is connected to something"),
    "/jamd/model": ("1 or 0", "1: the model is there"),
}
"""What the addresses that are only told carry, and when or what that means, in words."""


def table() -> Iterator[str]:
    """The tables of docs/osc.md, line by line."""
    yield from ("| to jamd | value |", "|---|---|")
    for address in COMMANDS:
        expected = _expected(address).replace("|", "\\|") or "1, or none; 0 for the release"
        yield f"| `{address}` | {expected} |"
    yield from ("", "| from jamd | values | meaning |", "|---|---|---|")
    for address, (values, meaning) in TOLD.items():
        yield f"| `{address}` | {values} | {meaning} |"
    yield "| `/jamd/set/…` | as above | the setting in force |"
