"""What the transport is to do when whoever leads the beat stops, starts, or goes elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from jamd.notes import Tick


@dataclass(frozen=True, slots=True)
class Halt:
    """The song stops: end what sounds, play nothing."""


@dataclass(frozen=True, slots=True)
class Roll:
    """The song goes on now, at `song` ticks from its beginning."""

    song: Tick


@dataclass(frozen=True, slots=True)
class Wait:
    """The song stops, unless it soon goes on in time: end what jamd has sounding, begin nothing."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """The song has gone on in time: for the music, nothing has happened.

    Attributes:
        bar_one: The tick at which the song's bar 1 lies, or would, from now on.
    """

    bar_one: Tick


Move = Halt | Roll | Wait | GoOn
