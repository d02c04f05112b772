"""One session after the other: that of the next song, or another after a rest."""

from __future__ import annotations

from dataclasses import replace

from jamd.config.config import Config
from jamd.config.songs import Song
from jamd.daemon.events import SetTempo, WorkerReady
from jamd.daemon.loop import Loop
from jamd.daemon.model.supervisor import Supervisor
from jamd.daemon.ports.link import LinkPeer
from jamd.daemon.ports.live_ports import Instruments
from jamd.daemon.rehearsal import BARS, RehearsalRoom, entrance_s, player_for, rehearsed
from jamd.daemon.setlist import Setlist, settings_of
from jamd.daemon.settings import Settings, settings_from
from jamd.daemon.status import Status
from jamd.daemon.takes.take_keeper import TakeKeeper
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.watch import Watch


class Programme:
    """Ends a session and begins the next, when the player asks for that or has long gone.

    Args:
        setlist: The songs.
        takes: Records each session.
        instruments: Asked for the sounds of each song.
        supervisor: The worker's supervisor.
        link: The Link session, if jamd is in one.
        room: The rehearsal room, if jamd plays there.
        bars: How many bars a song has; None: it has no end.

    Attributes:
        settings: Those of the song that is played, as they are before anything is adjusted.
    """

    def __init__(
        self,
        setlist: Setlist,
        takes: TakeKeeper,
        instruments: Instruments,
        supervisor: Supervisor,
        link: LinkPeer | None,
        room: RehearsalRoom | None,
        bars: int | None,
    ) -> None:
        self._setlist = setlist
        self._takes = takes
        self._instruments = instruments
        self._supervisor = supervisor
        self._link = link
        self._room = room
        self._bars = BARS if bars is None and room is not None else bars
        self.settings = self._of(setlist.song)

    def tend(self, now: float, status: Status, loop: Loop, watch: Watch) -> bool:
        """Begin another session in `loop` if it is time. Returns whether one has begun."""
        song = self._setlist.change()
        if song is not None:
            self._change(song, now, status, loop)
            watch.begin(self.settings)
            return True
        config = self._setlist.song.config
        if 0 < 60 * config.takes.rest_min <= status.rested_s:
            self._go_on(after_a_rest(self.settings, config, status), loop)
            return True
        return False

    def _of(self, song: Song) -> Settings:
        settings = replace(settings_of(song), bars=self._bars)
        return settings if self._room is None else rehearsed(settings)

    def _go_on(self, settings: Settings, loop: Loop) -> None:
        self._takes.begin_another(settings, self._setlist.song.config, loop.go_on_with)
        if self._supervisor.ready is not None:
            loop.do(WorkerReady())

    def _change(self, song: Song, now: float, status: Status, loop: Loop) -> None:
        settings = self.settings = self._of(song)
        self._go_on(settings, loop)
        self._instruments.change_sounds(song.config)
        if self._link is not None:
            self._link.begin(settings.meter)
        if status.link_peers == 0:  # where there are others, the tempo is everybody's
            loop.do(SetTempo(settings.bpm))
        if self._room is not None:
            player = player_for(settings, self._bars or BARS)
            self._room.change(player, now, now + entrance_s(settings))


def after_a_rest(settings: Settings, config: Config, status: Status) -> Settings:
    """The settings of the next session: as the player left them; nothing sounds unasked."""
    seed = settings_from(config).seed
    quiet = replace(settings, count_in=0, start_at_once=False)
    for name, value in status.settings.items():
        quiet = quiet.adjusted(name, value)
    if settings.source is not BeatSource.PLAYER:  # else the tempo was only that of the last phrase
        quiet = replace(quiet, bpm=status.bpm, own_tempo=status.own_tempo)
    return replace(quiet, mode=status.mode, seed=seed)
