"""`jamd play`: opens everything, runs the loop, and closes everything again in reverse order."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from jamd.bundle.bundle import Bundle, resolve
from jamd.config.config import Config
from jamd.config.songs import Song
from jamd.daemon.clock import Clock, MonotonicClock
from jamd.daemon.control.osc import OscPeer
from jamd.daemon.control.remote import HAS_SOCKETS, Remote
from jamd.daemon.display.model_news import ModelNews
from jamd.daemon.display.screen import Screen
from jamd.daemon.display.waterfall import DRAWN, TYPED, Waterfall
from jamd.daemon.events import Output, Panic
from jamd.daemon.loop import Loop
from jamd.daemon.model import providers
from jamd.daemon.model.cuda import nvidia_driver
from jamd.daemon.model.supervisor import Supervisor
from jamd.daemon.model.worker import Load
from jamd.daemon.ports.link import LinkPeer
from jamd.daemon.ports.live_ports import Instruments, LivePorts, open_ports
from jamd.daemon.ports.midi_system import NoMidiSystem, NotAllowed
from jamd.daemon.programme import Programme
from jamd.daemon.rehearsal import BARS, RehearsalRoom, player_for
from jamd.daemon.setlist import Setlist, settings_of
from jamd.daemon.settings import Settings, expect_chords
from jamd.daemon.sound.fluidsynth import Installed, expect_installed
from jamd.daemon.sound.instruments import programs, sends_on, who_sounds
from jamd.daemon.sound.synth import NAME, Sounding, Synth, drivers, setup_for
from jamd.daemon.status import Status
from jamd.daemon.stop_signals import StopSignals
from jamd.daemon.takes.take_keeper import TakeKeeper
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.watch import Watch
from jamd.errors import BundleError, UserError
from jamd.notes import Meter

PANIC_SIGNAL: int | None = getattr(signal, "SIGUSR1", None)
"""`kill -USR1` ends everything that sounds; Windows has no such signal."""


FIRST_WORD_S = 5.0
"""How long to wait for the worker to report whether it can run its model. It usually does so within
a second; CUDA may need longer."""


def play(
    config: Config,
    screen: Screen,
    stop_signals: StopSignals,
    bars: int | None,
    songs: Sequence[Song],
    rehearse: bool,
    roll: bool | None,
) -> None:
    """Play until a signal or the end of `bars`; without a MIDI system, rehearse.

    Args:
        config: Every setting.
        screen: What the user sees.
        stop_signals: Stop the loop; a signal that came before the loop does so as it begins.
        bars: Stop after this many bars of a song; None plays on (a rehearsal: `BARS`).
        songs: The songs to play, or one without a title.
        rehearse: Play to a bundled phrase, and leave the MIDI system alone.
        roll: Whether to draw what is played; None: a rehearsal, in a terminal.

    Raises:
        UserError: The bundle, the provider, the MIDI system, the synthesiser or an address of Open
            Sound Control is not what the settings require; or the take could not be saved whole.
    """
    clock = MonotonicClock()
    setlist = Setlist(songs, config.controls.song, screen)
    settings = settings_of(setlist.song)
    installed = expect_installed(config.sound.font) if config.sound.on else None
    bundle = Bundle.read(resolve(config.model.bundle))
    for song in songs:
        _expect_chords(song, bundle.manifest.language)
    load, rival, why = providers.choose(
        config.model.provider,
        Load(bundle.path, threads=config.model.threads),
        bundle,
        driver := nvidia_driver(),
    )
    with ExitStack() as stops:
        stops.callback(screen.close)
        link = _link_peer(settings, clock, stops)
        osc = _osc_peer(config, clock, stops)
        supervisor = Supervisor(load, clock.now())
        stops.callback(supervisor.close)
        _wait_for_the_model(supervisor, clock, stop_signals)
        live = None if rehearse else _open(setlist.song.config, screen)
        opened = live or _rehearsal_room(config, settings, bars or BARS, screen)
        stops.callback(opened.close)
        room = opened if isinstance(opened, RehearsalRoom) else None
        ports: Instruments = opened
        if installed is not None:
            ports = _sounding(opened, installed, setlist.song.config, settings, clock, stop_signals)
            stops.callback(ports.close)
            _tell_who_sounds(setlist.song.config, screen)
        if PANIC_SIGNAL is not None:
            stops.callback(signal.signal, PANIC_SIGNAL, signal.SIG_IGN)
        takes = stops.enter_context(TakeKeeper(config, screen, bundle, rehearsal=room is not None))
        programme = Programme(setlist, takes, ports, supervisor, link, room, bars)
        settings = programme.settings
        session = takes.begin(settings, setlist.song.config)
        trial = _trial(rival, supervisor, f"{driver} {providers.fingerprint(bundle)}")
        watch = Watch(
            screen,
            ports,
            room,
            ModelNews(supervisor, trial, config.model.bundle, why),
            takes,
            settings,
            setlist,
            bundle.manifest.language,
            _waterfall(settings.meter, screen, roll, rehearsal=room is not None),
            osc,
        )

        def tend(now: float, status: Status) -> bool:
            begun = programme.tend(now, status, loop, watch)
            return not begun and watch.tend(now, status)

        loop = Loop(session, ports, supervisor, watch.journal, clock, tend=tend, link=link)
        stops.callback(_listen(partial(watch.answer, tell=loop.tell), osc, screen))
        stop_signals.call(loop.stop)
        if PANIC_SIGNAL is not None:
            signal.signal(PANIC_SIGNAL, lambda *_: loop.tell(Panic()))
        gc.collect()
        gc.freeze()  # else a full collection scans everything imported, and a note is late
        loop.run()
    _raise_if_refused(supervisor)


def _expect_chords(song: Song, language: str) -> None:
    """As `expect_chords`, naming the file."""
    try:
        expect_chords(song.config.play.changes, language)
    except UserError as error:
        raise UserError(f"{song.origin}: {error}" if song.origin else str(error)) from None


def _link_peer(settings: Settings, clock: Clock, stops: ExitStack) -> LinkPeer | None:
    """The Link session, if jamd is to be in one."""
    if settings.source is not BeatSource.LINK:
        return None
    peer = LinkPeer(settings.bpm, settings.meter, settings.link_start_stop, clock)
    stops.callback(peer.close)
    return peer


def _osc_peer(config: Config, clock: Clock, stops: ExitStack) -> OscPeer | None:
    """The end of Open Sound Control that is jamd's, if it is asked for."""
    if config.osc.listen is None and not config.osc.to:
        return None
    peer = OscPeer(config.osc, clock)
    stops.callback(peer.close)
    return peer


def _wait_for_the_model(
    supervisor: Supervisor, clock: MonotonicClock, stop_signals: StopSignals
) -> None:
    """Wait, for at most `FIRST_WORD_S`, so that no port is opened for a model that cannot run."""
    deadline = clock.now() + FIRST_WORD_S
    while not (supervisor.settle(clock.now()) or clock.now() >= deadline or stop_signals.asked):
        clock.sleep_until(clock.now() + 0.01)
    _raise_if_refused(supervisor)


def _raise_if_refused(supervisor: Supervisor) -> None:
    if supervisor.refused is not None:
        raise BundleError(f"the model cannot be run: {supervisor.refused}")


def _trial(rival: Load | None, supervisor: Supervisor, subject: str) -> providers.Trial | None:
    if rival is None:
        return None
    return providers.Trial(supervisor, rival, subject, providers.Verdicts())


def _sounding(
    ports: LivePorts | RehearsalRoom,
    installed: Installed,
    config: Config,
    settings: Settings,
    clock: Clock,
    stop_signals: StopSignals,
) -> Sounding:
    """`ports` with the sound of a FluidSynth, once that has started."""
    jack = isinstance(ports, LivePorts) and ports.system_name == "JACK"
    synth = Synth(installed, drivers(jack), setup_for(config))
    synth.start(clock, lambda: stop_signals.asked)
    return Sounding(ports, synth, settings, _own_ports(config))


def _tell_who_sounds(config: Config, screen: Screen) -> None:
    """Tell who is heard, and what they sound like."""
    screen.news(f"You hear jamd{' and yourself' if sends_on(config) else ''} through {NAME}.")
    screen.news(who_sounds(config))


def _open(config: Config, screen: Screen) -> LivePorts | None:
    """The ports; None if there is no MIDI system, and none is asked for."""
    try:
        ports = open_ports(
            config.midi, _own_ports(config), programs(config), sounds=config.sound.on
        )
    except NoMidiSystem as error:
        if config.midi.api != "auto":
            raise
        barred = isinstance(error, NotAllowed)
        if config.midi.connect_input or config.midi.connect_output:
            # Perhaps nobody is watching: a service started before JACK has to be restarted.
            if barred:
                raise
            raise NoMidiSystem(
                "connect_input or connect_output is set: expected a MIDI system, found none: start "
                "ALSA's sequencer or JACK first, or leave both empty to rehearse without"
            ) from error
        if barred:
            screen.news(f"jamd: {error}.")
        screen.news(f"There is no MIDI system here{' that jamd may use' if barred else ''}.")
        return None
    screen.news(
        f'{ports.system_name}: jamd listens on "{ports.input_name}" and plays on '
        f'"{ports.output_name}".'
    )
    if config.sound.on and config.midi.connect_input is None:
        screen.news("Plug in a keyboard, now or later, and play. Ctrl-C ends.")
    else:
        other = "" if config.sound.on else " and an instrument to the second, or use --sound"
        screen.news(f"Connect your keyboard to the first{other}. Ctrl-C ends.")
    for line in ports.as_opened():
        screen.news(line)
    return ports


def _rehearsal_room(config: Config, settings: Settings, bars: int, screen: Screen) -> RehearsalRoom:
    kept = ", and hear them in the take" if config.takes.keep else ""
    how = "" if config.sound.on else f", without a sound: you see the notes{kept}"
    screen.news(f"jamd plays in its rehearsal room, and a bundled phrase is your part{how}.")
    if not config.sound.on:
        screen.news("To hear it now, use --sound.")
    if settings.source is BeatSource.MIDI:
        screen.news("No MIDI clock can come in there: the beat is jamd's own.")
    return RehearsalRoom(*player_for(settings, bars))


def _waterfall(
    meter: Meter, screen: Screen, roll: bool | None, rehearsal: bool
) -> Waterfall | None:
    """What draws on `screen`, once told what is whose; in colours unless NO_COLOR is set."""
    if not (rehearsal and screen.is_terminal if roll is None else roll):
        return None
    marks = DRAWN if screen.can_draw(str(DRAWN)) else TYPED
    screen.news(f"Below, {marks.legend}")
    colours = screen.is_terminal and not os.environ.get("NO_COLOR")
    return Waterfall(meter, marks, colours=colours)


def _listen(
    answer: Callable[[str], dict[str, object]], osc: OscPeer | None, screen: Screen
) -> Callable[[], None]:
    """Let commands such as `jamd panic` reach this session; returns a function that ends it.

    What comes in through `osc` reaches it, too, until that is closed.
    """
    if osc is not None:
        osc.start(answer)
    if not HAS_SOCKETS:
        return lambda: None
    try:
        return Remote(answer).close
    except OSError as error:
        why = error.strerror or error  # the error for a path that is too long has no strerror
        screen.news(
            f"`jamd panic`, `status`, `set`, `press` and `song` cannot reach this one: {why}."
        )
        return lambda: None


def _own_ports(config: Config) -> dict[Output, str]:
    names = {Output.CLICK: config.click.port, Output.CLOCK: config.midi.clock_port}
    return {output: name for output, name in names.items() if name}
