"""The settings in force: those that are adjusted while jamd plays reach all who go by them here."""

from __future__ import annotations

import math

from jamd.daemon.events import (
    Adjust,
    Adjusted,
    Again,
    Effect,
    Journal,
    SetMode,
    SetTempo,
    Tap,
    YourTurn,
)
from jamd.daemon.playing.floor import Floor
from jamd.daemon.playing.planner import Planner
from jamd.daemon.status import ADJUSTED_S
from jamd.daemon.timing.beat import Beat
from jamd.daemon.timing.feel import Feel

Wish = SetMode | SetTempo | Tap | Adjust | YourTurn | Again
"""What the player may ask for while jamd plays, a panic apart."""


class Adjustments:
    """Changes settings while jamd plays, and passes the player's other wishes on.

    Args:
        beat: Is given other chord changes, and another tempo.
        feel: Places jamd's notes beside the grid.
        planner: Asks for what jamd plays.
        floor: Passes the turn; its mode is changed, too.

    Attributes:
        settings: The session's, as adjusted since it began.
    """

    def __init__(self, beat: Beat, feel: Feel, planner: Planner, floor: Floor) -> None:
        self._beat = beat
        self._feel = feel
        self._planner = planner
        self._floor = floor
        self._last = -math.inf, ""  # when which setting was adjusted
        self.settings = planner.settings

    def obey(self, wish: Wish, now: float) -> list[Effect]:
        """Do at `now`, in seconds, what the player wishes."""
        match wish:
            case SetMode(mode):
                return self._floor.set_mode(mode, now)
            case SetTempo(bpm):
                return self._beat.set_tempo(bpm, now)
            case Tap():
                return self._beat.tap(now)
            case Adjust(setting, value):
                return self.adjust(setting, value, now)
            case YourTurn():
                return self._floor.hand_over(now)
            case Again():
                return self._floor.play_again(now)

    def adjust(self, setting: str, value: float | str, now: float) -> list[Effect]:
        """Change a setting at `now`, in seconds; the others are as in `events.Adjust`.

        Changes that do not fit the meter are left out: they were asked for in the song before.
        """
        adjusted = self.settings.adjusted(setting, value)
        if adjusted == self.settings:
            return []
        try:
            changes = adjusted.changes
        except ValueError:
            return []
        self.settings = adjusted
        self._planner.settings = adjusted
        self._floor.adjust(adjusted)
        self._feel.adjust(adjusted.swing, adjusted.humanise_s)
        effects = self._beat.give(changes, now) if setting == "changes" else []
        self._last = now, setting
        tick = self._beat.transport.tick_at(now)
        return [*effects, Journal(Adjusted(tick, now, setting, value))]

    def latest(self, now: float) -> str | None:
        """The setting adjusted last, if that was less than `ADJUSTED_S` before `now`."""
        seconds, setting = self._last
        return setting if now < seconds + ADJUSTED_S else None
