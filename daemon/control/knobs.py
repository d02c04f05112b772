"""Knobs: which of the player's controllers changes a setting while jamd plays, and to what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jamd.config.config import ADJUSTABLE
from jamd.config.control import Knob
from jamd.config.setting_kinds import Among, Choice
from jamd.daemon.events import Adjust, Command, Mode, SetMode, SetTempo

if TYPE_CHECKING:
    from mido import Message


def command(setting: str, value: float | str) -> Command:
    """What changes a setting, one of `ADJUSTABLE`, to `value`, which is as config.toml has it."""
    match setting, value:
        case "bpm", float():
            return SetTempo(value)
        case "mode", str():
            return SetMode(Mode(value))
    return Adjust(setting, value)


class Knobs:
    """Watches the player's messages for knobs.

    Args:
        knobs: The knob of each setting that has one; no two may overlap.
    """

    def __init__(self, knobs: Mapping[str, Knob]) -> None:
        self._knobs = knobs
        self._settings = {
            (knob.control.number, channel - 1): setting
            for setting, knob in knobs.items()
            for channel in ([knob.control.channel] if knob.control.channel else range(1, 17))
        }

    def owns(self, message: Message) -> bool:
        """Whether a channel message is a knob's, and so not music."""
        return self._setting(message) is not None

    def hear(self, message: Message) -> Command | None:
        """What a knob's message asks for; None if it is no knob's.

        It may well be in force already: a keyboard with layers sends each message on several
        channels, and many positions stand for one value.
        """
        setting = self._setting(message)
        if setting is None:
            return None
        return command(setting, _value(self._knobs[setting], setting, message.value))

    def _setting(self, message: Message) -> str | None:
        if message.type != "control_change":
            return None
        return self._settings.get((message.control, message.channel))


def _value(knob: Knob, setting: str, position: int) -> float | str:
    """The value at a position, 0..127; a number in three figures, as people say it."""
    if knob.travel is not None:
        first, last = knob.travel
        return float(f"{first + (last - first) * position / 127:.3g}")
    kind = ADJUSTABLE[setting].kind
    assert isinstance(kind, Choice | Among)
    values = list(kind.values) if isinstance(kind, Choice) else kind.numbers
    return values[position * len(values) // 128]
