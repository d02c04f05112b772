"""When an instrument is told to change its sound: whenever it is reached anew, and by a panic."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mido import Message

from jamd.daemon.midi.terms import ALL_NOTES_OFF


class ProgramChanges:
    """Knows who has been told.

    Args:
        programs: The program, 0..127, that is asked for on a channel, 0..15.
    """

    def __init__(self, programs: Mapping[int, int]) -> None:
        self._messages = _messages(programs)
        self._told: frozenset[str] | None = None  # None: nobody, not even who cannot be seen

    def opened(self) -> None:
        """The port that they are sent on is another one."""
        self._told = None

    def change(self, programs: Mapping[int, int]) -> list[Message]:
        """Ask for `programs` from now on. Returns what to send, as it differs from before."""
        before, self._messages = self._messages, _messages(programs)
        return [message for message in self._messages.values() if message not in before.values()]

    def due(self, reached: Collection[str]) -> list[Message]:
        """What to send now that these ports, by their ids, are played to."""
        told, self._told = self._told, frozenset(reached)
        return [*self._messages.values()] if told is None or self._told - told else []

    def after(self, message: Message) -> list[Message]:
        """What to send after `message`: a panic is pressed when an instrument has gone astray."""
        asked = self._messages.get(message.channel) if message.is_cc(ALL_NOTES_OFF) else None
        return [] if asked is None else [asked]


def _messages(programs: Mapping[int, int]) -> dict[int, Message]:
    """The message for each channel, 0..15."""
    return {
        channel: Message("program_change", channel=channel, program=program)
        for channel, program in programs.items()
    }
