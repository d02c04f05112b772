"""What the player works by hand and foot without making music: controls, knobs, and others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from jamd.daemon.control.controls import Action, Controls, event_of
from jamd.daemon.control.knobs import Knobs
from jamd.daemon.control.unmapped import Unmapped
from jamd.daemon.events import Command, Event, Heard, Mode, Press
from jamd.daemon.midi.terms import ALL_NOTES_OFF, ALL_SOUND_OFF, SUSTAIN
from jamd.daemon.settings import Settings

if TYPE_CHECKING:
    from mido import Message


class Desk:
    """Tells what the player's messages ask for, if they are not music.

    Attributes:
        unmapped: The controls that have no meaning.
    """

    def __init__(self, settings: Settings) -> None:
        self._controls = Controls(settings.controls)
        self._knobs = Knobs(settings.knobs)
        self.unmapped = Unmapped()

    def owns(self, message: Message) -> bool:
        """Whether a channel message is a control's or a knob's, and so not music."""
        return self._controls.owns(message) or self._knobs.owns(message)

    def use(
        self, used: Message | Press, now: float, mode: Mode
    ) -> tuple[Action | None, Command | None]:
        """What a message that it owns, or a press, asks for at `now`, in seconds.

        Returns:
            The control's action, if it is a control's; and what to do, which for a knob may well be
            in force already.
        """
        if isinstance(used, Press):
            action = self._controls.press(Action(used.action), now)
            command = None
        else:
            self.unmapped.pass_over(used, now)
            action = self._controls.hear(used, now)
            command = self._knobs.hear(used)
        return action, command if action is None else event_of(action, mode)

    def panics(self, event: Event) -> bool:
        """Whether an event is a panic, however it is asked for."""
        return self._controls.panics(event)

    def decides_nothing(self, event: Event) -> bool:
        """Whether all that follows from an event is that it is written down, or sent on.

        So it is with wheels, pressure and most controllers, of which there may be 2,000 a second.
        """
        if not isinstance(event, Heard):
            return False
        message = event.message
        if message.type == "control_change":
            means = message.control in (SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF)
            return not means and not self.owns(message)
        return message.type in ("pitchwheel", "aftertouch", "polytouch")

    @property
    def state(self) -> tuple[tuple[tuple[int, int], ...], dict[str, float]]:
        """As `Controls.state`."""
        return self._controls.state

    def take_over(self, pressed: Iterable[tuple[int, int]], asked: Mapping[str, float]) -> None:
        """As `Controls.take_over`."""
        self._controls.take_over(pressed, asked)

    def let_go(self, but: Action | None = None) -> None:
        """Count every pedal and button as released, except those that mean `but`."""
        self._controls.let_go(but)
