"""The songs to be played: which one it is, and which one the player asks for.

The session knows of one song. A control that asks for another is an entry of its take, like every
control; here that becomes a wish, and `jamd.daemon.programme` begins another session with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from jamd.config.control import Control
from jamd.config.songs import Song
from jamd.daemon.control.controls import Action, place_of
from jamd.daemon.display.screen import Screen
from jamd.daemon.events import ControlUsed, Entry
from jamd.daemon.settings import Settings, settings_from
from jamd.daemon.sound.instruments import sounds, who_sounds

if TYPE_CHECKING:
    from mido import Message

_STEPS = {Action.NEXT_SONG.value: 1, Action.PREVIOUS_SONG.value: -1}
NONE = "there are no songs here: `jamd play --songs FOLDER` plays a folder of them"


class Setlist:
    """Goes from song to song as the player asks.

    Args:
        songs: In their order; one without a title if there are none.
        controls: What chooses the first song, the second and so on.
        screen: Where it is told which song it is.
    """

    def __init__(self, songs: Sequence[Song], controls: Sequence[Control], screen: Screen) -> None:
        self._songs = songs
        self._controls = controls
        self._screen = screen
        self._at = 0
        self._asked: deque[int] = deque()  # places of songs; threads may add to it
        if self._titles[0]:
            self._tell()

    @property
    def _titles(self) -> list[str]:
        return [song.title for song in self._songs]

    @property
    def song(self) -> Song:
        """The song that is played."""
        return self._songs[self._at]

    def hear(self, entry: Entry) -> None:
        """Take in an entry of the take: the player may have used a control."""
        match entry:
            case ControlUsed(action=action) if action in _STEPS:
                self._ask(self._at + _STEPS[action])
            case ControlUsed(action=Action.SONG.value, message=message) if message is not None:
                self._ask(_which(self._controls, message))

    def change(self) -> Song | None:
        """The song to change to, which is then the one that is played; None: go on with this."""
        if not self._asked:
            return None
        before = self.song.config
        while self._asked:  # the last one counts
            self._at = self._asked.popleft()
        self._tell()
        if self.song.config.sound.on and sounds(self.song.config) != sounds(before):
            self._screen.news(who_sounds(self.song.config))
        return self.song

    def answer(self, name: str | None) -> dict[str, object]:
        """The answer to `jamd song`, or to `jamd song NAME`. May be called from any thread."""
        titles = self._titles
        if not titles[0]:
            return {"error": NONE}
        if name is None:
            return {"songs": titles, "playing": self._at + 1}
        place = _find(titles, name)
        if place is None:
            known = ", ".join(titles)
            return {"error": f"expected a song, one of {known}, or its number; found {name!r}"}
        self._asked.append(place)
        return {}

    def refusal(self, action: str) -> str:
        """Why a press of a control changes no song; empty if it does, or is not for that.

        May be called from any thread.
        """
        step = _STEPS.get(action)
        asked = tuple(self._asked)  # of which the last counts
        return "" if step is None else self._lacking((asked or (self._at,))[-1] + step)

    def _ask(self, place: int) -> None:
        lacking = self._lacking(place)
        if lacking:
            self._screen.news(f"No other song: {lacking}.")
        else:
            self._asked.append(place)

    def _lacking(self, place: int) -> str:
        """Why there is no song at that place; empty if there is one."""
        titles = self._titles
        if not titles[0]:
            return NONE
        if 0 <= place < len(titles):
            return ""
        return f"{titles[0]} is the first" if place < 0 else f"{titles[-1]} is the last"

    def _tell(self) -> None:
        self._screen.news(f"Song {self._at + 1} of {len(self._songs)}: {self.song.title}.")


def settings_of(song: Song) -> Settings:
    """The settings of a session that plays `song`, with another seed each time if it has none."""
    return replace(settings_from(song.config), own_tempo=song.own_tempo, song=song.title)


def _which(controls: Sequence[Control], message: Message) -> int:
    """The place of the control that sent a message."""
    place = place_of(message)
    return next(
        i
        for i, control in enumerate(controls)
        if (control.kind, control.number) == place
        and control.channel in (None, message.channel + 1)
    )


def _find(titles: Sequence[str], name: str) -> int | None:
    """The place of the song called `name`, or numbered so, or whose title alone begins so."""
    called = name.strip().casefold()
    plain = [title.casefold() for title in titles]
    if called in plain:
        return plain.index(called)
    numbers = [str(number) for number in range(1, len(titles) + 1)]
    if called in numbers:
        return numbers.index(called)
    begin = [i for i, title in enumerate(plain) if called and title.startswith(called)]
    return begin[0] if len(begin) == 1 else None
