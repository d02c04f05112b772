"""What is heard from the player: keys, turned into notes for the memory and into a phrase."""

from __future__ import annotations

import math
from collections.abc import Callable

from mido import Message

from jamd.daemon.listening.dynamics import Dynamics
from jamd.daemon.listening.layers import Layers
from jamd.daemon.listening.memory import Memory
from jamd.daemon.listening.mpe import Mpe
from jamd.daemon.listening.phrase import Phrase
from jamd.daemon.midi.terms import (
    ALL_NOTES_OFF,
    BANK,
    BANK_FINE,
    DRUMS,
    PEDAL_DOWN,
    SUSTAIN,
    NoteKey,
    begins_note,
    ends_note,
)
from jamd.daemon.settings import Settings
from jamd.daemon.timing.feel import Feel
from jamd.daemon.timing.transport import Transport
from jamd.notes import TICKS_PER_BEAT, Tick
from jamd.placing import as_played

HABIT_S = 0.030
"""Some keyboards send All Notes Off whenever the last key comes up, and ask for nothing by that: at
once, or a JACK period later."""


class Ear:
    """Writes down what the player plays, and knows when a phrase is over.

    Args:
        settings: Which channel is heard, and where the keyboard is split.
        transport: Places a moment on the beat; must be rolling when a key goes down or up.
        memory: Where the notes are written down.
        feel: Learns how they are swung.

    Attributes:
        dynamics: How loud an answer is to be.
        phrase: What the player plays now, or played last.
        notes_heard: Notes heard in the whole session.
        last_note: MIDI pitch of the last note, or None.
        deaf_to: The channel, 0..15, of the last note that was not heard because of it, or None.
        mpe: Whether the player's keyboard says that it sends MPE.
    """

    def __init__(
        self, settings: Settings, transport: Transport, memory: Memory, feel: Feel
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._memory = memory
        self.dynamics = Dynamics(transport)
        self._feel = feel
        self._layers = Layers()
        self._came_up: dict[int, float] = {}  # by channel, when any key last did
        self._learnt = True  # nothing has been heard since `learn`
        self.phrase = Phrase()
        self.notes_heard = 0
        self.last_note: int | None = None
        self.deaf_to: int | None = None
        self.mpe = Mpe()

    def notice(self, message: Message, now: float) -> None:
        """Any channel message of the player's comes in, whether it is heard or not."""
        self.mpe.hear(message)
        if ends_note(message):
            self._came_up[message.channel] = now

    def is_habit(self, message: Message, now: float) -> bool:
        """Whether a channel mode message only follows the release of its channel's last key."""
        up_s = now - self._came_up.get(message.channel, -math.inf)
        holds = any(key.channel == message.channel for key in self._memory.heard.keys)
        return message.is_cc(ALL_NOTES_OFF) and up_s <= HABIT_S and not holds

    def minds(self, message: Message) -> bool:
        """Whether the channel message `message` is heard at all."""
        if message.type == "program_change" or message.is_cc(BANK) or message.is_cc(BANK_FINE):
            return self._settings.program_changes
        return self._settings.listen_channel in (None, message.channel)

    def hears(self, message: Message) -> bool:
        """Whether `minds` lets a message through that is not drums: without pitch, in no phrase."""
        is_drums = message.channel == DRUMS and self._settings.has_drums
        return self.minds(message) and not is_drums

    def is_too_soft(self, message: Message) -> bool:
        """Whether a message strikes a note too softly to count."""
        return begins_note(message) and message.velocity < self._settings.softest

    def pass_over(self, message: Message) -> None:
        """A message is not heard: it is drums, or not one that `minds` lets through."""
        if begins_note(message):
            self.deaf_to = message.channel

    def doubles(self, message: Message, now: float) -> bool:
        """Whether a message that `minds` lets through, at `now`, only repeats another."""
        return self._layers.doubles(message, now)

    def is_tune(self, key: NoteKey) -> bool:
        """Whether a key is on the tune's side of the split. The other side takes no turns."""
        return key.pitch >= self._settings.split

    def press(self, key: NoteKey, velocity: int, now: float, leads: bool = True) -> None:
        """A key goes down. If it does not lead, it is heard, but is not part of the phrase."""
        tick = self._transport.tick_at(now)
        self._learnt = False
        if leads:
            self._feel.hear(tick)  # first: where a note was meant depends on it
        rate = TICKS_PER_BEAT / self._transport.beat_seconds
        self._memory.heard.press(key, velocity, tick, now, rate)
        if leads:
            self.dynamics.hear(velocity)
            self.phrase.press(key, velocity, tick, now)
        self.notes_heard += 1
        self.last_note = key.pitch

    def release(self, key: NoteKey, now: float) -> None:
        """A key goes up; one that was not down is ignored."""
        tick = self._transport.tick_at(now)
        self._memory.heard.release(key, tick)
        self.phrase.release(key, tick, now)

    def pedal(self, channel: int, value: int, now: float) -> None:
        """The sustain pedal moves, 0..127. It lengthens the notes it holds, but no phrase."""
        tick = self._transport.tick_at(now)
        for each in (channel, *range(16)) if self._settings.mpe else (channel,):
            self._memory.heard.pedal(each, value >= PEDAL_DOWN, tick)

    @property
    def pedals(self) -> tuple[int, ...]:
        """The channels, 0..15, on which the sustain pedal was pressed and is down."""
        down = self._memory.heard.pedals
        return down[:1] if self._settings.mpe else down  # one holds all, and is noted there first

    def releases(self) -> list[Message]:
        """Messages that release all that is down: the keys, then the pedals."""
        heard = self._memory.heard
        return [
            *(Message("note_off", channel=key.channel, note=key.pitch) for key in heard.keys),
            *(
                Message("control_change", channel=channel, control=SUSTAIN, value=0)
                for channel in self.pedals
            ),
        ]

    def shift(self, by: int) -> None:
        """Move all that was heard `by` ticks later."""

        def later(tick: Tick) -> Tick:
            return Tick(tick + by)

        self._feel.learn(later)
        self._memory.heard.move(Tick(0), later)
        self.phrase.move(later)

    def hand_over(self, now: float) -> None:
        """The player hands the turn over: the phrase is over."""
        self.phrase.hand_over(now)

    @property
    def looks_back_at(self) -> float | None:
        """When the player seems to pause, in seconds; None if nothing was played since `learn`."""
        return None if self._learnt else self.phrase.pauses(self._transport.beat_seconds)

    def learn(self, remap: Callable[[Tick], Tick] | None) -> bool:
        """Look back on the phrase so far.

        Args:
            remap: Gives where its ticks turn out to lie; None if where they were heard.

        Returns:
            Whether what was heard is now read differently.
        """
        self._learnt = True
        since = self.phrase.first
        changed = self._feel.learn(remap) or remap is not None
        if since is None or not changed:
            return False
        self._memory.heard.move(since, remap or as_played)
        if remap is not None:
            self.phrase.move(remap)
        return True

    def begin_phrase(self) -> None:
        """What the player plays from now on is a new phrase."""
        self.phrase = Phrase()
        self.dynamics.begin_phrase()
        self._feel.begin_phrase()
        self._learnt = True
