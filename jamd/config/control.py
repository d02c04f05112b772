"""Controls and knobs: what a player presses and turns besides keys, as config.toml names them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class ControlKind(Enum):
    """What a control sends."""

    CC = "cc"  # a pedal, a button or a knob: a control change
    NOTE = "note"  # a pad, or a key that is not wanted for music
    PROGRAM = "program"  # a sound button, or a foot controller: a program change


_RANGES = {
    ControlKind.CC: range(120),  # 120 and above are channel modes, not controls
    ControlKind.NOTE: range(128),
    ControlKind.PROGRAM: range(1, 129),
}
_TEXT = re.compile(r"(cc|note|program) +(\d{1,3})(?: +channel +(\d{1,2}))?")
_KNOB = re.compile(r"(.+?)(?: +from +([\d.]+) +to +([\d.]+))?")


@dataclass(frozen=True, slots=True)
class Control:
    """A pedal, button, pad or key that is given a meaning.

    Attributes:
        kind: What it sends.
        number: Which one: a controller 0..119, a pitch 0..127, a program 1..128, as a musician
            counts them.
        channel: The MIDI channel it sends on, 1..16; None: any.
    """

    kind: ControlKind
    number: int
    channel: int | None = None

    @classmethod
    def parse(cls, text: str) -> Control:
        """Read `"cc 67"`, `"note 21 channel 10"`, `"program 5"`; raise ValueError at all else."""
        found = _TEXT.fullmatch(text.strip().lower())
        if found is None:
            raise ValueError(text)
        kind, number = ControlKind(found[1]), int(found[2])
        channel = None if found[3] is None else int(found[3])
        if number not in _RANGES[kind] or channel not in (None, *range(1, 17)):
            raise ValueError(text)
        return cls(kind, number, channel)

    def __str__(self) -> str:
        channel = "" if self.channel is None else f" channel {self.channel}"
        return f"{self.kind.value} {self.number}{channel}"

    def meets(self, other: Control) -> bool:
        """Whether one message could come from both."""
        same_channel = None in (self.channel, other.channel) or self.channel == other.channel
        return (self.kind, self.number) == (other.kind, other.number) and same_channel


@dataclass(frozen=True, slots=True)
class Knob:
    """A knob or slider that sets something while jamd plays.

    Attributes:
        control: The controller that it sends.
        travel: The values that it sets at 0 and at 127, the first perhaps the greater; None: not
            stated, or it chooses among names.
    """

    control: Control
    travel: tuple[float, float] | None = None

    @classmethod
    def parse(cls, text: str) -> Knob:
        """Read `"cc 74 channel 2 from 0.5 to 1.5"`, or a part; raise ValueError at all else."""
        found = _KNOB.fullmatch(text.strip().lower())
        if found is None:
            raise ValueError(text)
        control = Control.parse(found[1])
        if control.kind is not ControlKind.CC:
            raise ValueError(text)
        return cls(control, None if found[2] is None else (float(found[2]), float(found[3])))

    def __str__(self) -> str:
        if self.travel is None:
            return str(self.control)
        first, last = self.travel
        return f"{self.control} from {first:.15g} to {last:.15g}"
