"""What is watched while the loop runs: the worker, the ports, the screen and the end."""

from __future__ import annotations

from collections.abc import Callable

from jamd.config.file import adjustment, crowded
from jamd.config.setting_kinds import ChordChart
from jamd.daemon.control import knobs, remote
from jamd.daemon.control.controls import Action
from jamd.daemon.control.osc import OscPeer
from jamd.daemon.display.input_news import InputNews
from jamd.daemon.display.model_news import ModelNews
from jamd.daemon.display.screen import Screen, note_rows, status_line, status_rows
from jamd.daemon.display.waterfall import Waterfall
from jamd.daemon.events import Command, Entry, Event, Panic, Press, SetTempo, Sounded
from jamd.daemon.ports.connections import Connected
from jamd.daemon.ports.live_ports import Ports
from jamd.daemon.rehearsal import RehearsalRoom, entrance_s
from jamd.daemon.setlist import Setlist
from jamd.daemon.settings import Settings, expect_chords
from jamd.daemon.status import Status
from jamd.daemon.takes.plain_json import to_plain
from jamd.daemon.takes.take_keeper import TakeKeeper
from jamd.errors import ConfigError, UserError
from jamd.notes import Meter

STATUS_S = 0.1
"""Seconds between two updates of the status line."""

_ACTIONS = [action.value for action in Action if action is not Action.SONG]
"""What can be pressed; which song, `jamd song` says."""


class Watch:
    """Takes care of everything that is not urgent while the loop runs.

    Args:
        screen: Where news and the status are shown.
        ports: Where jamd plays.
        room: The rehearsal room, if it plays there.
        model: What there is to tell of the model.
        takes: Records the takes.
        settings: The first session's settings.
        setlist: The songs.
        language: The language of the model.
        waterfall: Draws what is played; None: nothing is drawn, and a rehearsal told in words.
        osc: jamd's end of Open Sound Control, if it is asked for.
    """

    def __init__(
        self,
        screen: Screen,
        ports: Ports,
        room: RehearsalRoom | None,
        model: ModelNews,
        takes: TakeKeeper,
        settings: Settings,
        setlist: Setlist,
        language: str,
        waterfall: Waterfall | None = None,
        osc: OscPeer | None = None,
    ) -> None:
        self._screen = screen
        self._ports = ports
        self._room = room
        self._model = model
        self._input = InputNews()
        self._takes = takes
        self._settings = settings
        self._setlist = setlist
        self._language = language
        self._waterfall = waterfall
        self._osc = osc
        self._status_at = 0.0
        self._sounded: list[Sounded] = []
        self._seen: tuple[Status, Connected] | None = None

    def begin(self, settings: Settings) -> None:
        """A session with other settings has begun: another song."""
        self._settings = settings
        self._sounded.clear()
        if self._waterfall is not None:
            self._waterfall = self._waterfall.anew(settings.meter)

    def journal(self, entry: Entry) -> None:
        """Note an entry of the take for display."""
        self._setlist.hear(entry)
        if self._waterfall is not None:
            self._waterfall.hear(entry)
        elif self._room is not None and isinstance(entry, Sounded):
            self._sounded.append(entry)

    def tend(self, now: float, status: Status) -> bool:
        """Attend to the worker, the ports and the screen. Returns whether the loop is to end."""
        was_there = self._model.introduced
        for line in (
            *self._model.tend(status.bar),
            *self._ports.tend(now),
            *self._input.of(status, self._settings),
        ):
            self._screen.news(line)
        if self._room is not None and self._model.introduced and not was_there:
            self._room.begin(now + entrance_s(self._settings))
        trouble = self._takes.trouble()
        if trouble is not None:
            self._screen.news(
                f"The take cannot be written any more: {trouble}. jamd plays on; what was written "
                "until now becomes the take."
            )
        if self._waterfall is not None:
            for row in self._waterfall.rows(status.tick, status.bar_one, self._screen.width):
                self._screen.draw(row)
        for row in note_rows(self._sounded, self._settings.meter, status.bar_one):
            self._screen.news(row)
        self._sounded.clear()
        self._seen = status, self._ports.connected()
        for line in self._osc.tend(*self._seen) if self._osc else ():
            self._screen.news(line)
        if now >= self._status_at:
            self._status_at = now + STATUS_S
            self._screen.status(status_line(*self._seen, self._screen.width))
        bars = self._settings.bars
        return self._model.is_refused or (bars is not None and status.bars_played >= bars)

    def answer(self, command: str, tell: Callable[[Event], None]) -> dict[str, object]:
        """As the function `answer`, by what has been seen. Called in a thread of its own."""
        name, _, rest = command.partition(" ")
        if name == remote.SONG:
            answered = self._setlist.answer(rest or None)
            if not answered:  # a song was asked for: the change comes before what is asked next
                tell(Press(Action.SONG.value))
            return answered
        if name == remote.PRESS and (refusal := self._setlist.refusal(rest)):
            return {"error": f"no other song: {refusal}"}
        osc = self._osc.described if self._osc else ""
        return answer(command, self._seen, tell, self._settings.meter, self._language, osc)


def answer(
    command: str,
    seen: tuple[Status, Connected] | None,
    tell: Callable[[Event], None],
    meter: Meter,
    language: str,
    osc: str = "",
) -> dict[str, object]:
    """The answer to `jamd panic`, `status`, `set` and `press`.

    Args:
        command: As for `remote.ask`, or any other line: whoever it is from, it is not trusted.
        seen: The status; None: it is not known yet.
        tell: Passes an event to the session.
        meter: The session's.
        language: The model's.
        osc: What there is to say of Open Sound Control.
    """
    match command.split(" ", 2):
        case [remote.PANIC]:
            tell(Panic())
            return {}
        case [remote.STATUS]:
            return {} if seen is None else _told(*seen, osc)
        case [remote.SET, name, value] if name == "changes" or " " not in value:
            try:
                tell(_change(name, value, seen, meter, language))
            except UserError as error:
                return {"error": str(error)}
            return {}
        case [remote.PRESS, action] if action in _ACTIONS:
            tell(Press(action))
            return {}
    known = f"panic, status, song NAME, set NAME VALUE or press with {', '.join(_ACTIONS)}"
    return {"error": f"expected a command that this jamd knows, {known}; found {command[:60]!r}"}


def _change(
    name: str, text: str, seen: tuple[Status, Connected] | None, meter: Meter, language: str
) -> Command:
    """What changes a setting to the value that `text` gives. Raises UserError if nothing may."""
    value = adjustment(name, text)
    if name == "changes":
        chart = ChordChart().accept(value)
        expect_chords(chart, language)
        if crowd := crowded(chart, meter):
            raise ConfigError(f"changes: {crowd}")
    change = knobs.command(name, value)
    if isinstance(change, SetTempo) and seen is not None and seen[0].from_clock:
        raise ConfigError("bpm: expected a tempo of jamd's own; found that of a MIDI clock")
    return change


def _told(status: Status, connected: Connected, osc: str) -> dict[str, object]:
    """What `jamd status` is told."""
    told: dict[str, object] = to_plain(status) | to_plain(connected)
    del told["class"]
    rows = status_rows(status, connected, osc)
    return told | {"settings": dict(status.settings), "osc": osc, "rows": rows}
