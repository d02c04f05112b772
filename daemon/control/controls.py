"""Separates the controls from the music in what the player sends, and gives their meaning."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING

from jamd.config import controls as config_controls
from jamd.config.control import Control, ControlKind
from jamd.daemon import events
from jamd.daemon.events import Command, Event, Mode
from jamd.daemon.midi.terms import PEDAL_DOWN, ends_note, silences

if TYPE_CHECKING:
    from mido import Message

BOUNCE_S = 0.1
"""An action asked for again this soon was meant once: pads trigger twice, pedals bounce or waver
around `PEDAL_DOWN`, and a keyboard with layers sends the same pedal on several channels."""

_KINDS = {
    "control_change": (ControlKind.CC, "control", 0),
    "note_on": (ControlKind.NOTE, "note", 0),
    "note_off": (ControlKind.NOTE, "note", 0),
    "program_change": (ControlKind.PROGRAM, "program", 1),  # on the wire they count from 0
}


class Action(Enum):
    """What a control can mean: the settings of `[controls]` by their names."""

    YOUR_TURN = "your_turn"
    PANIC = "panic"
    TAP = "tap"
    AGAIN = "again"
    NEXT_MODE = "next_mode"
    ANSWER = "answer"
    ENDLESS = "endless"
    OFF = "off"
    NEXT_SONG = "next_song"
    PREVIOUS_SONG = "previous_song"
    SONG = "song"


_EVENTS: Mapping[Action, Command] = {
    Action.YOUR_TURN: events.YourTurn(),
    Action.PANIC: events.Panic(),
    Action.TAP: events.Tap(),
    Action.AGAIN: events.Again(),
    Action.ANSWER: events.SetMode(Mode.ANSWER),
    Action.ENDLESS: events.SetMode(Mode.ENDLESS),
    Action.OFF: events.SetMode(Mode.OFF),
}

Meanings = Mapping[Control, Action]


def meanings(controls: config_controls.Controls) -> Meanings:
    """What each control means by the settings."""
    return {
        control: Action(field.name)
        for field in fields(controls)
        for control in getattr(controls, field.name)
    }


def event_of(action: Action, mode: Mode) -> Command | None:
    """The event that `action` causes while `mode` is on; None: it asks for another song."""
    if action is Action.NEXT_MODE:
        modes = list(Mode)
        return events.SetMode(modes[(modes.index(mode) + 1) % len(modes)])
    return _EVENTS.get(action)


def place_of(message: Message) -> tuple[ControlKind, int] | None:
    """Kind and number of the control that may have sent a channel message; None: none could."""
    kind, field, first = _KINDS.get(message.type, (None, "", 0))
    return None if kind is None else (kind, getattr(message, field) + first)


class Controls:
    """Watches the player's messages for controls.

    A pedal or button acts when it goes down (`PEDAL_DOWN`), a pad or key when it is struck, a
    program whenever it is chosen. What bounces acts once (`BOUNCE_S`), except for a panic.

    Args:
        meanings: What each control means; no two may overlap.
    """

    def __init__(self, meanings: Meanings) -> None:
        self._meanings = {
            (control.kind, control.number, channel - 1): action
            for control, action in meanings.items()
            for channel in ([control.channel] if control.channel else range(1, 17))
        }
        self._pressed: set[tuple[int, int]] = set()  # (channel, controller)
        self._asked: dict[str, float] = {}  # when each action was last asked for, by its name

    def owns(self, message: Message) -> bool:
        """Whether a channel message is a control's, and so not music."""
        return self._meaning(message) is not None

    def hear(self, message: Message, now: float) -> Action | None:
        """What a control's message asks for at `now`, in seconds.

        None if the control is only released or held, or bounces, or if it is no control's message.
        """
        action = self._meaning(message)
        if action is None:
            return None
        if message.type == "control_change":
            place = (message.channel, message.control)
            was_pressed = place in self._pressed
            if message.value < PEDAL_DOWN:
                self._pressed.discard(place)
                return None
            self._pressed.add(place)
            if was_pressed:
                return None
        elif ends_note(message):
            return None
        return self.press(action, now, _which(message) if action is Action.SONG else "")

    def press(self, action: Action, now: float, which: str = "") -> Action | None:
        """`action`, as its control asks for it at `now`, in seconds; None if that bounces.

        With `which`, the same action for something else is no bounce.
        """
        if action is Action.PANIC:
            return action
        name = action.value + which
        last, self._asked[name] = self._asked.get(name, -math.inf), now
        return action if now - last >= BOUNCE_S else None

    @property
    def state(self) -> tuple[tuple[tuple[int, int], ...], dict[str, float]]:
        """What is down, as (channel, controller), and when each action was asked for last."""
        return tuple(sorted(self._pressed)), dict(self._asked)

    def take_over(self, pressed: Iterable[tuple[int, int]], asked: Mapping[str, float]) -> None:
        """Go on with another's `state`: what is down since then is not pressed anew."""
        self._pressed.update(pressed)
        self._asked.update(asked)

    def let_go(self, but: Action | None = None) -> None:
        """Count every pedal and button as released, except those that mean `but`."""
        self._pressed = {
            (channel, number)
            for channel, number in self._pressed
            if but and self._meanings.get((ControlKind.CC, number, channel)) is but
        }

    def panics(self, event: Event) -> bool:
        """Whether an event is a panic: `Panic`, a channel mode message, or a control for it."""
        match event:
            case events.Panic() | events.Press(Action.PANIC.value):
                return True
            case events.Heard(message) if hasattr(message, "channel"):
                return silences(message) or self._meaning(message) is Action.PANIC
        return False

    def _meaning(self, message: Message) -> Action | None:
        place = place_of(message)
        return None if place is None else self._meanings.get((*place, message.channel))


def _which(message: Message) -> str:
    """The control that sent a message, as it is written in config.toml."""
    place = place_of(message)
    assert place is not None  # it is a control's
    return f" {place[0].value} {place[1]}"
