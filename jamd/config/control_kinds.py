"""The kinds of setting that name what the player works by hand and foot: controls and knobs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from jamd.config.control import Control, Knob
from jamd.config.setting_kinds import Among, Choice, Number


@dataclass(frozen=True, slots=True)
class ControlName:
    """A control, by its name."""

    expected = 'a control: "cc 67", "note 21" or "program 5", perhaps with "channel 10" behind it'

    def accept(self, raw: object) -> Control:
        if not isinstance(raw, str):
            raise ValueError(raw)
        return Control.parse(raw)

    def show(self, value: object) -> str:
        return json.dumps(str(value))


@dataclass(frozen=True, slots=True)
class KnobName:
    """A knob, by its name; empty quotes: none.

    Attributes:
        sets: The kind of what it sets: a `Number`, or a few values, which share its travel.
        travel: The values at its two ends unless it is named with others; None for a few values.
    """

    sets: Number | Choice | Among
    travel: tuple[float, float] | None = None

    @property
    def expected(self) -> str:
        longer = '"cc 74 channel 2"'
        if self.travel is not None and isinstance(self.sets, Number):
            first, last = self.travel
            longer = f'"cc 74 channel 2 from {first:g} to {last:g}"'
            longer += f" (within {self.sets.lowest:g} to {self.sets.highest:g})"
        return f'a knob, such as "cc 74" or {longer}, or empty quotes'

    def accept(self, raw: object) -> Knob | None:
        if not isinstance(raw, str):
            raise ValueError(raw)
        if raw == "":
            return None
        knob = Knob.parse(raw)
        if knob.travel is None:
            return replace(knob, travel=self.travel)
        for end in knob.travel:
            self.sets.accept(end)  # of a few values, none is a float
        return knob

    def show(self, value: object) -> str:
        return json.dumps("" if value is None else str(value))
