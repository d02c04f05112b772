"""What a session leaves to the next: what the player holds down, and who leads the beat."""

from __future__ import annotations

from mido import Message

from jamd.daemon.control.desk import Desk
from jamd.daemon.events import Effect, HandedOver, Journal, Send, Sounded
from jamd.daemon.listening.ear import Ear
from jamd.daemon.listening.echo import Echo
from jamd.daemon.midi.terms import SUSTAIN
from jamd.daemon.playing.planner import Planner
from jamd.daemon.playing.stage import Stage
from jamd.daemon.timing.beat import Beat
from jamd.daemon.timing.follower import Follower

DOWN = 127
"""The value of a pedal that is down."""


class Handover:
    """Gives to another session what this one has, and takes over what another had.

    Args:
        beat: Which clock is followed.
        ear: Which pedals are down.
        desk: Which controls are.
        echo: What may come back by a route.
        planner: How many requests the worker has had.
        stage: What was sent on.
    """

    def __init__(
        self,
        beat: Beat,
        ear: Ear,
        desk: Desk,
        echo: Echo,
        planner: Planner,
        stage: Stage,
    ) -> None:
        self._beat = beat
        self._ear = ear
        self._desk = desk
        self._echo = echo
        self._planner = planner
        self._stage = stage

    def give(self, now: float) -> list[Effect]:
        """End what jamd plays at `now`, and hand over. The keys must not count as up yet."""
        # While messages come back, only this session knows whose a release is: end all of it.
        sure = not self._echo.loop and self._echo.deadline is None
        ends = self._stage.close(now, but_thru=sure)
        self._note(ends, now)
        follower = self._beat.follower
        pressed, asked = self._desk.state
        given = HandedOver(
            pedals=self._ear.pedals,
            sent_on=tuple(self._stage.sent_on),
            channels=self._stage.channels,
            pressed=pressed,
            asked=asked,
            sequencer=follower.hand_over(now) if isinstance(follower, Follower) else None,
            requests=self._planner.requests,
            route=self._echo.hand_over(now),
        )
        return [*ends, given]

    def take(self, given: HandedOver, now: float) -> list[Effect]:
        """Go on at `now` with what another session gave, before anything else has happened."""
        follower = self._beat.follower
        if isinstance(follower, Follower) and given.sequencer is not None:
            follower.take_over(given.sequencer, now)
        self._desk.take_over(given.pressed, given.asked)
        self._planner.requests = given.requests  # a late answer is to none of this session's
        self._echo.take_over(given.route)
        effects: list[Effect] = []
        for channel in given.pedals:
            self._ear.pedal(channel, DOWN, now)
            pedal = Message("control_change", channel=channel, control=SUSTAIN, value=DOWN)
            effects.append(Journal(Sounded(self._beat.transport.tick_at(now), now, None, pedal)))
        return effects + self._stage.take_over(given.sent_on, given.channels, now)

    def _note(self, ends: list[Effect], now: float) -> None:
        """What goes out last comes back to another session, which has to know of it."""
        for effect in ends:
            if isinstance(effect, Send):
                self._echo.sent(effect, now)
