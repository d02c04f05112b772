"""`jamd play`: everything is opened, the loop runs, everything is closed again in reverse."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

from jamd import __version__
from jamd.bundle import Bundle, resolve
from jamd.config import Config
from jamd.daemon import providers
from jamd.daemon.clock import MonotonicClock
from jamd.daemon.events import Entry, Event, Mode, Output, Panic, Sounded
from jamd.daemon.follower import Source
from jamd.daemon.journal import FORMAT, Decides, Journaled, Opened
from jamd.daemon.link import LinkPeer
from jamd.daemon.loop import Loop
from jamd.daemon.midi_system import NoMidiSystem
from jamd.daemon.picture import picture_of
from jamd.daemon.plain import to_plain
from jamd.daemon.ports import Connected, Ports, open_ports
from jamd.daemon.recorder import Recorder, keep_newest, picture, recover
from jamd.daemon.rehearsal import BARS, RehearsalRoom, period_s, seed_phrase
from jamd.daemon.remote import HAS_SOCKETS, PANIC, STATUS, Remote
from jamd.daemon.screen import Screen, note_rows, status_line, status_rows
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings, settings_from
from jamd.daemon.status import Status
from jamd.daemon.supervisor import Supervisor
from jamd.daemon.worker import Load
from jamd.errors import BundleError
from jamd.notes import TICKS_PER_BEAT
from jamd.roll import draw

PANIC_SIGNAL: int | None = getattr(signal, "SIGUSR1", None)
"""`kill -USR1` ends all that sounds; Windows has no such signal."""

LOOP = (
    "What jamd plays comes back into its input, and jamd does not listen to it: take that route "
    "away, or switch the monitoring of the track off."
)

STATUS_S = 0.1
"""How often the status line changes."""


def play(config: Config, screen: Screen, bars: int | None = None, own_tempo: bool = False) -> None:
    """Play until SIGINT, SIGTERM or the end of `bars`; without a MIDI system, rehearse.

    Args:
        config: Every setting.
        screen: What the user sees.
        bars: Stop after so many bars; None plays on (a rehearsal: `BARS`).
        own_tempo: The tempo was asked for: a clock that nobody starts does not change it.

    Raises:
        UserError: The bundle, the provider or the MIDI system is not as the settings want it.
    """
    clock = MonotonicClock()
    settings = replace(settings_from(config), own_tempo=own_tempo)
    bundle = Bundle.read(resolve(config.model.bundle))
    load, rival, why = providers.choose(
        config.model.provider,
        Load(bundle.path, threads=config.model.threads),
        bundle,
        driver := providers.nvidia_driver(),
    )
    with ExitStack() as stops:
        stops.callback(screen.close)
        link = None
        if settings.source is Source.LINK:
            link = LinkPeer(settings.bpm, settings.meter, settings.link_start_stop, clock)
            stops.callback(link.close)
        supervisor = Supervisor(load, clock.now())
        stops.callback(supervisor.close)
        ports, room = _open(config, settings, bars, screen)
        stops.callback(ports.close)
        if room is not None and bars is None:
            bars = BARS
        settings = replace(settings, bars=bars)
        session: Decides = Session(settings)
        for number in _stop_signals():  # given back after the take is saved: a second one waits
            stops.callback(signal.signal, number, signal.getsignal(number))
        if PANIC_SIGNAL is not None:
            stops.callback(signal.signal, PANIC_SIGNAL, signal.SIG_IGN)
        recorder = _start_recorder(config, screen)
        if recorder is not None:
            stops.callback(_save, recorder, screen, room is not None)
            recorder.write(_opened(config, settings, bundle))
            session = Journaled(Session(settings), recorder.write)
        trial = None
        if rival is not None:
            subject = f"{driver} {providers.fingerprint(bundle)}"
            trial = providers.Trial(supervisor, rival, subject, providers.Verdicts())
        watch = Watch(screen, ports, supervisor, recorder, trial, settings)
        loop = Loop(session, ports, supervisor, watch.journal, clock, tend=watch.tend, link=link)
        watch.stop, watch.room, watch.why = loop.stop, room, why
        watch.bars, watch.model = bars, config.model.bundle
        watch.tell = loop.tell
        stops.callback(_listen(watch, screen))
        for number in _stop_signals():
            signal.signal(number, lambda *_: loop.stop())
        if PANIC_SIGNAL is not None:
            signal.signal(PANIC_SIGNAL, lambda *_: loop.tell(Panic()))
        gc.collect()
        gc.freeze()  # a full collection would look through all that was imported: a late note
        loop.run()
    if supervisor.refused is not None:
        raise BundleError(f"the model cannot be run: {supervisor.refused}")


def _stop_signals() -> Iterator[int]:
    """Ctrl-C, the service manager, and the terminal's window closed, unless nohup forbids that."""
    yield from (signal.SIGINT, signal.SIGTERM)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


def _open(
    config: Config, settings: Settings, bars: int | None, screen: Screen
) -> tuple[Ports, RehearsalRoom | None]:
    try:
        ports = open_ports(config.midi, _own_ports(config))
    except NoMidiSystem:
        if config.midi.api != "auto":
            raise
        screen.news("There is no MIDI system here, so jamd plays in its rehearsal room.")
        phrase = seed_phrase(settings.bpm)
        again = settings.mode is Mode.ANSWER
        bar_s = settings.meter.ticks_per_bar * 60 / settings.bpm / TICKS_PER_BEAT
        room = RehearsalRoom(
            phrase, period_s(phrase, bar_s) if again else None, (bars or BARS) * bar_s
        )
        return room, room
    screen.news(
        f'{ports.system_name}: jamd listens on "{ports.input_name}" and plays on '
        f'"{ports.output_name}".'
    )
    screen.news("Connect your keyboard to the one and an instrument to the other. Ctrl-C ends.")
    return ports, None


def _listen(watch: Watch, screen: Screen) -> Callable[[], None]:
    """Let `jamd panic` and `jamd status` reach this session; returns what ends that."""
    if not HAS_SOCKETS:
        return lambda: None
    try:
        return Remote(watch.answer).close
    except OSError as error:
        screen.news(f"`jamd panic` and `jamd status` cannot reach this one: {error.strerror}.")
        return lambda: None


def _own_ports(config: Config) -> dict[Output, str]:
    names = {Output.CLICK: config.click.port, Output.CLOCK: config.midi.clock_port}
    return {output: name for output, name in names.items() if name}


def _start_recorder(config: Config, screen: Screen) -> Recorder | None:
    if not config.takes.keep:
        return None
    folder = config.takes.folder.expanduser()
    try:
        for path in recover(folder):
            screen.news(f"A take that was cut off is now {path}.")
        if config.takes.most:
            keep_newest(folder, config.takes.most - 1)  # and the one that begins now
        return Recorder(folder, datetime.now().astimezone().strftime("%Y-%m-%d_%H.%M.%S"))
    except OSError as error:
        screen.news(f"Takes cannot be kept in {folder}: {error.strerror}.")
        return None


def _opened(config: Config, settings: Settings, bundle: Bundle) -> Opened:
    began = datetime.now().astimezone().isoformat(timespec="seconds")
    model = providers.fingerprint(bundle)
    return Opened(FORMAT, __version__, began, config.model.bundle, model, settings)


def _save(recorder: Recorder, screen: Screen, with_picture: bool) -> None:
    try:
        path = recorder.close()
        if path is None:
            return
        screen.news(f"The take is {path}.")
        if with_picture:
            roll = picture(path)
            roll.write_text(draw(picture_of(path)), encoding="utf-8")
            screen.news(f"Its piano roll is {roll}.")
    except OSError as error:
        screen.news(f"The take is not saved whole: {error.strerror}.")


class Watch:
    """Looks after all that is in no hurry while the loop runs.

    Attributes:
        stop: Ends the loop.
        tell: Tells the session of an event, from whatever thread.
        room: The rehearsal room, if that is where jamd plays.
        model: What the settings call the model.
        why: Why the provider is the one it is.
        bars: Stop after so many bars; None plays on.
    """

    def __init__(
        self,
        screen: Screen,
        ports: Ports,
        supervisor: Supervisor,
        recorder: Recorder | None,
        trial: providers.Trial | None,
        settings: Settings,
    ) -> None:
        self.stop: Callable[[], None] = lambda: None
        self.tell: Callable[[Event], None] = lambda _: None
        self.room: RehearsalRoom | None = None
        self.model = ""
        self.why = ""
        self.bars: int | None = None
        self._screen = screen
        self._ports = ports
        self._supervisor = supervisor
        self._recorder = recorder
        self._trial = trial
        self._settings = settings
        self._counted_in = settings.count_in * settings.meter.ticks_per_bar
        self._introduced = self._loop_told = False
        self._bar = 0
        self._status_at = 0.0
        self._follows = False
        self._sounded: list[Sounded] = []
        self._seen: tuple[Status, Connected] | None = None

    def journal(self, entry: Entry) -> None:
        """Show an entry of the take, where the player cannot hear it."""
        if self.room is not None and isinstance(entry, Sounded):
            self._sounded.append(entry)

    def tend(self, now: float, status: Status) -> None:
        """Look after the worker, the ports, the screen and the end."""
        for line in (*self._worker_news(now), *self._ports.tend(now), *self._route_news(status)):
            self._screen.news(line)
        if self._recorder is not None and self._recorder.trouble is not None:
            self._screen.news(f"{self._recorder.trouble}.")
            self._recorder = None
        if self._supervisor.refused is not None and not self._introduced:
            self.stop()
        if status.bar != self._bar:
            self._bar = status.bar
            for line in self._trial.bar_line() if self._trial else ():
                self._screen.news(f"The model is {line}.")
        if self.bars is not None and status.bars_played >= self.bars:
            self.stop()
        for row in note_rows(self._sounded, self._settings.meter, self._counted_in):
            self._screen.news(row)
        self._sounded.clear()
        self._seen = status, self._ports.connected()
        if now >= self._status_at:
            self._status_at = now + STATUS_S
            self._screen.status(status_line(*self._seen, self._screen.width))

    def answer(self, command: str) -> dict[str, object]:
        """What `jamd panic` and `jamd status` are answered, in a thread of their own."""
        if command == PANIC:
            self.tell(Panic())
        if command != STATUS or self._seen is None:
            return {}
        status, connected = self._seen
        told: dict[str, object] = to_plain(status) | to_plain(connected)
        del told["class"]
        return {"rows": status_rows(status, connected)} | told

    def _route_news(self, status: Status) -> list[str]:
        """What has become of the routes in and out."""
        news = []
        if self._settings.send_clock and status.from_clock is not self._follows:
            self._follows = status.from_clock
            told = "follows a clock and sends none" if self._follows else "sends its clock"
            news.append(f"jamd {told}.")
        if status.loop and not self._loop_told:
            self._loop_told = True
            news.append(LOOP)
        return news

    def _worker_news(self, now: float) -> list[str]:
        supervisor = self._supervisor
        news = [f"jamd: {fault}" for fault in supervisor.faults]
        supervisor.faults.clear()
        if supervisor.ready is not None and not self._introduced:
            self._introduced = True
            where = providers.describe(supervisor.ready)
            news.append(f'Ready: the model "{self.model}" is on {where}; {self.why}.')
            if self.room is not None:
                beats = self._counted_in / TICKS_PER_BEAT
                self.room.begin(now + beats * 60 / self._settings.bpm)
        if self._trial is not None:
            news += [f"The model {line}." for line in self._trial.tend()]
        return news
