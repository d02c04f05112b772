"""Which song is played, and which one the player asks for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from mido import Message

from jamd.config.config import Config
from jamd.config.control import Control
from jamd.config.controls import Controls
from jamd.config.sections import Midi, Play, Sound
from jamd.config.songs import Song
from jamd.daemon.events import Event, Heard, Journal, Press
from jamd.daemon.programme import after_a_rest
from jamd.daemon.session import Session
from jamd.daemon.setlist import Setlist, settings_of
from jamd.daemon.settings import Settings
from jamd.daemon.watch import Watch

CONFIG = Config(
    controls=Controls(
        next_song=(Control.parse("cc 67"),),
        previous_song=(Control.parse("cc 65"),),
        song=(
            Control.parse("program 1"),
            Control.parse("program 2 channel 2"),
            Control.parse("note 36"),
            Control.parse("program 9"),
        ),
    )
)
TITLES = ("Autumn Leaves", "Blues", "Bluesette")


class Played:
    """A setlist, and a session with the player's controls."""

    def __init__(self, *titles: str) -> None:
        self.news: list[str] = []
        screen: Any = SimpleNamespace(news=self.news.append)
        songs = [Song(CONFIG, title) for title in titles]
        self.setlist = Setlist(songs, CONFIG.controls.song, screen)
        self._session = Session(settings_of(songs[0]))
        self._now = 0.0

    def use(self, message: Message, after_s: float = 1.0) -> str | None:
        """The song to change to when the player has used a control."""
        self._now += after_s
        for effect in self._session.handle(Heard(message), self._now):
            if isinstance(effect, Journal):
                self.setlist.hear(effect.entry)
        song = self.setlist.change()
        return None if song is None else song.title


NEXT = Message("control_change", control=67, value=127)
PREVIOUS = Message("control_change", control=65, value=127)


def released(message: Message) -> Message:
    return message.copy(value=0)


def test_from_song_to_song_and_back_and_no_further() -> None:
    played = Played(*TITLES)
    assert played.use(PREVIOUS) is None
    for expected in ("Blues", "Bluesette", None):
        assert played.use(NEXT) == expected
        played.use(released(NEXT))
    played.use(released(PREVIOUS))
    assert played.use(PREVIOUS) == "Blues"
    assert played.news == [
        "Song 1 of 3: Autumn Leaves.",
        "No other song: Autumn Leaves is the first.",
        "Song 2 of 3: Blues.",
        "Song 3 of 3: Bluesette.",
        "No other song: Bluesette is the last.",
        "Song 2 of 3: Blues.",
    ]


def test_a_control_of_its_own_for_each_song() -> None:
    played = Played(*TITLES)
    assert played.use(Message("program_change", program=1)) is None, "on another channel"
    assert played.use(Message("program_change", program=1, channel=1)) == "Blues"
    assert played.use(Message("note_on", note=36)) == "Bluesette"
    assert played.use(Message("program_change", program=0)) == "Autumn Leaves"
    assert played.use(Message("program_change", program=0)) == "Autumn Leaves", "from its beginning"
    assert played.use(Message("program_change", program=8)) is None, "there are three"


def test_who_scrolls_through_the_programs_arrives_at_the_last() -> None:
    played = Played(*TITLES)
    first = Message("program_change", program=0)
    second = Message("program_change", program=1, channel=1)
    assert played.use(first) == "Autumn Leaves"
    assert played.use(second, 0.03) == "Blues"
    assert played.use(second, 0.03) is None, "it bounces"
    assert played.use(second, 0.2) == "Blues"


def test_who_sounds_different_in_the_next_song_is_told_where_jamd_makes_the_sound() -> None:
    for on in (True, False):
        news: list[str] = []
        screen: Any = SimpleNamespace(news=news.append)
        sounds = (Sound(on), *2 * (Sound(on, lead=57, comp=5, player=20),))
        songs = [Song(Config(sound=s), t) for s, t in zip(sounds, TITLES, strict=True)]
        setlist = Setlist(songs, (), screen)
        for song in ("2", "3"):
            setlist.answer(song)
            setlist.change()
        told = ["jamd is trumpet (lead) and electric piano 1 (chords); you are church organ."]
        assert news[1:] == ["Song 2 of 3: Blues.", *told[:on], "Song 3 of 3: Bluesette."]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Blues", "Blues"),
        ("bluesette", "Bluesette"),
        ("autumn", "Autumn Leaves"),
        ("3", "Bluesette"),
        ("blu", None),
        ("0", None),
        ("4", None),
        ("9" * 5000, None),
        ("", None),
        ("\x1b[2J", None),
    ],
)
def test_by_name_or_number(name: str, title: str | None) -> None:
    played = Played(*TITLES)
    answer = played.setlist.answer(name)
    assert ("error" in answer) == (title is None)
    song = played.setlist.change()
    assert (None if song is None else song.title) == title
    assert played.setlist.change() is None, "once"


def test_of_several_asked_for_at_once_the_last_counts() -> None:
    played = Played(*TITLES)
    for name in ("3", "2"):
        assert played.setlist.answer(name) == {}
    song = played.setlist.change()
    assert song is not None
    assert song.title == "Blues"
    assert played.setlist.change() is None


def test_a_list() -> None:
    played = Played(*TITLES)
    played.use(NEXT)
    assert played.setlist.answer(None) == {"songs": list(TITLES), "playing": 2}


def test_without_songs_there_is_none_to_change_to() -> None:
    played = Played("")
    assert played.use(NEXT) is None
    assert "`jamd play --songs FOLDER`" in played.news[0]
    for name in (None, "x"):
        assert "--songs" in str(played.setlist.answer(name)["error"])


def test_the_settings_of_a_song() -> None:
    song = Song(Config(play=Play(trade=4), sound=Sound(on=True)), "Blues", own_tempo=True)
    settings = settings_of(song)
    assert (settings.trade_bars, settings.song, settings.own_tempo) == (4, "Blues", True)
    assert settings.thru, "a synthesiser of jamd's own sounds the player, too"
    assert not settings_of(Song(Config(midi=Midi(thru=False), sound=Sound(on=True)))).thru
    assert settings_of(song).seed != settings.seed


def test_after_a_rest_it_is_the_same_song() -> None:
    settings = settings_of(Song(CONFIG, "Blues"))
    status = Session(settings).status(0.0)
    assert status.song == "Blues"
    assert after_a_rest(settings, CONFIG, status).song == "Blues"


def test_who_asks_for_a_song_is_told_if_there_is_none_and_the_session_asked_at_once_if_not() -> (
    None
):
    """As `jamd press` and `jamd song` ask, in a thread of their own."""
    played, told = Played(*TITLES), list[Event]()
    nothing: Any = None
    watch = Watch(*5 * (nothing,), Settings(), played.setlist, "grid")
    first = {"error": "no other song: Autumn Leaves is the first"}
    assert watch.answer("press previous_song", told.append) == first
    assert "error" in watch.answer("song Waltz", told.append)
    assert told == []
    for command in ("press next_song", "song 3", "press panic"):
        assert watch.answer(command, told.append) == {}
    assert told == [Press("next_song"), Press("song"), Press("panic")]
    assert watch.answer("press previous_song", told.append) == {}, "song 3 was asked for"
    last = {"error": "no other song: Bluesette is the last"}
    assert watch.answer("press next_song", told.append) == last
    alone = Watch(*5 * (nothing,), Settings(), Played("").setlist, "grid")
    assert "--songs" in str(alone.answer("press next_song", told.append)["error"])
