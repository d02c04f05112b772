"""Every setting, by section and by key.

`jamd.config.sections` is the table of settings. `jamd.config.file` reads files and options against
it and writes `config.toml` from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jamd.config.control import Knob
from jamd.config.controls import Controls, Knobs
from jamd.config.folders import Songs, Takes
from jamd.config.sections import Click, Midi, Model, Osc, Play, Sound, Transport
from jamd.config.setting import Setting, settings_of


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. `Config()` is the defaults."""

    midi: Midi = field(default_factory=Midi)
    transport: Transport = field(default_factory=Transport)
    click: Click = field(default_factory=Click)
    sound: Sound = field(default_factory=Sound)
    model: Model = field(default_factory=Model)
    play: Play = field(default_factory=Play)
    songs: Songs = field(default_factory=Songs)
    controls: Controls = field(default_factory=Controls)
    knobs: Knobs = field(default_factory=Knobs)
    osc: Osc = field(default_factory=Osc)
    takes: Takes = field(default_factory=Takes)


SECTIONS: Mapping[str, type[Any]] = {
    "midi": Midi,
    "transport": Transport,
    "click": Click,
    "sound": Sound,
    "model": Model,
    "play": Play,
    "songs": Songs,
    "controls": Controls,
    "knobs": Knobs,
    "osc": Osc,
    "takes": Takes,
}

INTRODUCTIONS: Mapping[str, str] = {
    "controls": "Pedals, buttons, pads, keys and programs that tell jamd something; they are not "
    "heard as music. A pedal or button acts when its value rises to 64 or above, a pad or key when "
    "it is struck, a program whenever it is chosen; programs count from 1.",
    "knobs": "Knobs, sliders and wheels that change a setting while jamd plays, each named after "
    "the setting. Its whole travel, 0 to 127, is a range of that. They are not heard as music.",
    "osc": "Open Sound Control: a phone, a tablet or another program presses and sets what "
    "[controls] and [knobs] can, and is told what jamd does. It needs pip install 'jamd[osc]'; "
    "docs/osc.md has the addresses.",
}
"""What goes for all the settings of a section, where something does."""


SETTINGS: Mapping[str, Setting] = {each.key: each for each in settings_of(SECTIONS)}
"""Every setting by its key, in the order of config.toml."""

_KNOBS = [each for each in SETTINGS.values() if each.section == "knobs"]

ADJUSTABLE: Mapping[str, Setting] = {
    name: next(each for each in SETTINGS.values() if each.name == name)
    for name in (*(each.name for each in _KNOBS), "changes")
}
"""The settings that can be changed while jamd plays, by name: those that a knob can change, and
the chord changes."""


def knobs_in(config: Config) -> Mapping[str, Knob]:
    """The knob of each setting that has one, by the setting's name."""
    knobs = {each.name: getattr(config.knobs, each.field) for each in _KNOBS}
    return {name: knob for name, knob in knobs.items() if knob is not None}
