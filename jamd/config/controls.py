"""The sections of config.toml on what the player works by hand and foot: controls and knobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jamd.config.control import Control, ControlKind, Knob
from jamd.config.control_kinds import ControlName, KnobName
from jamd.config.sections import Model, Play, Transport
from jamd.config.setting import declared as _setting
from jamd.config.setting import settings_of
from jamd.config.setting_kinds import Among, Choice, Number, NumberOr, Several

_CONTROLS = Several(
    ControlName(),
    'controls, such as "cc 66", "note 21 channel 10" or "program 5"',
    one="CONTROL",
)


@dataclass(frozen=True, slots=True)
class Controls:
    """What pedals, buttons, pads and keys mean. Each field is named after an action."""

    your_turn: tuple[Control, ...] = _setting(
        (Control(ControlKind.CC, 66),),
        _CONTROLS,
        "This one hands the turn to jamd at once; cc 66 is the middle pedal, cc 67 the left one, "
        "cc 64 the right one.",
    )
    panic: tuple[Control, ...] = _setting(
        (), _CONTROLS, "Silence everything; cc 120 and cc 123 always do."
    )
    tap: tuple[Control, ...] = _setting((), _CONTROLS, "Tap it on the beat to set the tempo.")
    again: tuple[Control, ...] = _setting((), _CONTROLS, "Play the last answer once more.")
    next_mode: tuple[Control, ...] = _setting(
        (), _CONTROLS, "Change to the next mode: answer, endless, off, and round again."
    )
    answer: tuple[Control, ...] = _setting((), _CONTROLS, "Change to answer mode.")
    endless: tuple[Control, ...] = _setting((), _CONTROLS, "Change to endless mode.")
    off: tuple[Control, ...] = _setting((), _CONTROLS, "Change to off mode.")
    next_song: tuple[Control, ...] = _setting(
        (), _CONTROLS, "Change to the next song of the folder in [songs]."
    )
    previous_song: tuple[Control, ...] = _setting((), _CONTROLS, "Change to the song before.")
    song: tuple[Control, ...] = _setting(
        (),
        _CONTROLS,
        "Change to a song: the first of these controls to the first song, the second to the "
        "second, and so on.",
    )


def _knob(section: type[Any], name: str, travel: tuple[float, float] | None = None) -> Any:
    """The knob for setting `name` of `section`; `travel` as in `KnobName`."""
    settings = settings_of({section.__name__.lower(): section})
    known = next(each for each in settings if each.name == name)
    kind = known.kind.number if isinstance(known.kind, NumberOr) else known.kind
    assert isinstance(kind, Number | Choice | Among)
    told = "divided evenly among its values"
    if travel is not None:
        told = f"from {travel[0]:g} to {travel[1]:g}, unless the knob says otherwise"
    doc = f"Sets {name} in [{known.section}], {told}."
    return _setting(None, KnobName(kind, travel), doc, option=f"--knob-{name.replace('_', '-')}")


@dataclass(frozen=True, slots=True)
class Knobs:
    """What knobs and sliders set while jamd plays. Each field is named after a setting."""

    temperature: Knob | None = _knob(Model, "temperature", (0.5, 1.5))
    memory: Knob | None = _knob(Model, "memory", (0.0, 1.0))
    density: Knob | None = _knob(Play, "density", (0.5, 2.0))
    in_key: Knob | None = _knob(Play, "in_key", (0.0, 0.99))
    bpm: Knob | None = _knob(Transport, "bpm", (40.0, 240.0))
    style: Knob | None = _knob(Model, "style")
    parts: Knob | None = _knob(Play, "parts")
    mode: Knob | None = _knob(Play, "mode")
    trade: Knob | None = _knob(Play, "trade")
    yield_: Knob | None = _knob(Play, "yield")
    register: Knob | None = _knob(Play, "register")
    swing: Knob | None = _knob(Play, "swing", (50.0, 75.0))
    humanise_ms: Knob | None = _knob(Play, "humanise_ms", (0.0, 30.0))
