"""What comes in that is not heard as music, in words for the player."""

from __future__ import annotations

from jamd.daemon.settings import Settings
from jamd.daemon.status import Status

LOOP = (
    "What jamd plays comes back into its input, and jamd does not listen to it: take that route "
    "away, or switch the monitoring of the track off."
)

DRUMS_UNHEARD = (
    "Notes come in on channel 10, and jamd does not hear them, because they are drums in General "
    "MIDI. Set channel_in = 10 to hear that channel alone, or mpe = true for an MPE keyboard."
)

MPE = "The keyboard says that it sends MPE: set mpe = true in [midi] of config.toml."


class InputNews:
    """Tells of a clock whenever that comes or goes, and of anything else once in an evening."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._follows = False

    def of(self, status: Status, settings: Settings) -> list[str]:
        """What is new, line by line.

        Args:
            status: The session's.
            settings: The session's.
        """
        news = []
        if settings.send_clock and status.from_clock is not self._follows:
            self._follows = status.from_clock
            told = "follows a clock and sends none" if self._follows else "sends its clock"
            news.append(f"jamd {told}.")
        if status.loop and self._is_new("loop"):
            news.append(LOOP)
        if status.unheard is not None and self._is_new("unheard"):
            news.append(_why_unheard(status.unheard, settings.listen_channel))
        if status.says_mpe and not settings.mpe and self._is_new("mpe"):
            news.append(MPE)
        return news

    def _is_new(self, subject: str) -> bool:
        """Whether nothing has been said on `subject` until now."""
        is_new = subject not in self._said
        self._said.add(subject)
        return is_new


def _why_unheard(channel: int, heard: int | None) -> str:
    """Why notes on a channel, 1..16, are not heard; `heard` is the only one that is, 0..15."""
    if heard is None:
        return DRUMS_UNHEARD
    return f"Notes come in on channel {channel}, but jamd hears only {heard + 1} (channel_in)."
