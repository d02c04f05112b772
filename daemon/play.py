"""`jamd play`: opens everything, runs the loop, and closes everything again in reverse order."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from jamd import __version__
from jamd.bundle import Bundle, resolve
from jamd.config import Config
from jamd.daemon import providers
from jamd.daemon.clock import MonotonicClock
from jamd.daemon.cuda import nvidia_driver
from jamd.daemon.events import Mode, Output, Panic
from jamd.daemon.follower import BeatSource
from jamd.daemon.journal import FORMAT, Decides, Journaled, Opened
from jamd.daemon.link import LinkPeer
from jamd.daemon.loop import Loop
from jamd.daemon.midi_system import NoMidiSystem
from jamd.daemon.picture import picture_of
from jamd.daemon.ports import Ports, open_ports
from jamd.daemon.recorder import Recorder, keep_newest, picture, recover
from jamd.daemon.rehearsal import BARS, RehearsalRoom, period_s, rehearsed, seed_phrase
from jamd.daemon.remote import HAS_SOCKETS, Remote
from jamd.daemon.screen import Screen
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings, settings_from
from jamd.daemon.stop_signals import StopSignals
from jamd.daemon.supervisor import Supervisor
from jamd.daemon.watch import Watch
from jamd.daemon.worker import Load
from jamd.errors import BundleError, TakeError
from jamd.notes import TICKS_PER_BEAT
from jamd.roll import draw

PANIC_SIGNAL: int | None = getattr(signal, "SIGUSR1", None)
"""`kill -USR1` ends everything that sounds; Windows has no such signal."""


FIRST_WORD_S = 5.0
"""How long to wait for the worker to report whether it can run its model. It usually does so within
a second; CUDA may need longer."""


def play(
    config: Config,
    screen: Screen,
    stop_signals: StopSignals,
    bars: int | None = None,
    own_tempo: bool = False,
) -> None:
    """Play until a signal or the end of `bars`; without a MIDI system, rehearse.

    Args:
        config: Every setting.
        screen: What the user sees.
        stop_signals: Stop the loop; a signal that came before the loop does so as it begins.
        bars: Stop after this many bars; None plays on (a rehearsal: `BARS`).
        own_tempo: Whether the user chose the tempo: then a clock that only runs, without a Start,
            does not change it.

    Raises:
        UserError: The bundle, the provider or the MIDI system is not what the settings require; or
            the take could not be saved whole.
    """
    clock = MonotonicClock()
    settings = replace(settings_from(config), own_tempo=own_tempo)
    bundle = Bundle.read(resolve(config.model.bundle))
    load, rival, why = providers.choose(
        config.model.provider,
        Load(bundle.path, threads=config.model.threads),
        bundle,
        driver := nvidia_driver(),
    )
    with ExitStack() as stops:
        stops.callback(screen.close)
        link = None
        if settings.source is BeatSource.LINK:
            link = LinkPeer(settings.bpm, settings.meter, settings.link_start_stop, clock)
            stops.callback(link.close)
        supervisor = Supervisor(load, clock.now())
        stops.callback(supervisor.close)
        _wait_for_the_model(supervisor, clock, stop_signals)
        ports = _open(config, settings, bars, screen)
        stops.callback(ports.close)
        rehearsal = isinstance(ports, RehearsalRoom)
        if rehearsal:
            bars = bars or BARS
            settings = rehearsed(settings)
        settings = replace(settings, bars=bars)
        session: Decides = Session(settings)
        if PANIC_SIGNAL is not None:
            stops.callback(signal.signal, PANIC_SIGNAL, signal.SIG_IGN)
        recorder = _start_recorder(config, screen)
        if recorder is not None:
            stops.push(partial(_save, recorder, screen, rehearsal))
            recorder.write(_opened(config, settings, bundle, rehearsal))
            session = Journaled(session, recorder.write)
        trial = None
        if rival is not None:
            subject = f"{driver} {providers.fingerprint(bundle)}"
            trial = providers.Trial(supervisor, rival, subject, providers.Verdicts())
        model = config.model.bundle
        watch = Watch(screen, ports, supervisor, trial, recorder, settings, model, why)
        loop = Loop(session, ports, supervisor, watch.journal, clock, tend=watch.tend, link=link)
        stops.callback(_listen(partial(watch.answer, tell=loop.tell), screen))
        stop_signals.call(loop.stop)
        if PANIC_SIGNAL is not None:
            signal.signal(PANIC_SIGNAL, lambda *_: loop.tell(Panic()))
        gc.collect()
        gc.freeze()  # else a full collection scans everything imported, and a note is late
        loop.run()
    _raise_if_refused(supervisor)


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


def _open(config: Config, settings: Settings, bars: int | None, screen: Screen) -> Ports:
    """The ports, or the rehearsal room if there is no MIDI system and none is asked for."""
    try:
        ports = open_ports(config.midi, _own_ports(config))
    except NoMidiSystem as error:
        if config.midi.api != "auto":
            raise
        if config.midi.connect_input or config.midi.connect_output:
            # Perhaps nobody is watching: a service started before JACK has to be restarted.
            raise NoMidiSystem(
                "connect_input or connect_output is set: expected a MIDI system, found none: start "
                "ALSA's sequencer or JACK first, or leave both empty to rehearse without"
            ) from error
        kept = ", and hear them in the take" if config.takes.keep else ""
        screen.news(
            "There is no MIDI system here, so jamd plays in its rehearsal room, without a sound: "
            f"you see the notes{kept}."
        )
        if settings.source is BeatSource.MIDI:
            screen.news("No MIDI clock can come in there: the beat is jamd's own.")
        phrase = seed_phrase(settings.bpm)
        again = settings.mode is Mode.ANSWER
        bar_s = settings.meter.ticks_per_bar * 60 / settings.bpm / TICKS_PER_BEAT
        return RehearsalRoom(
            phrase, period_s(phrase, bar_s) if again else None, (bars or BARS) * bar_s
        )
    screen.news(
        f'{ports.system_name}: jamd listens on "{ports.input_name}" and plays on '
        f'"{ports.output_name}".'
    )
    screen.news("Connect your keyboard to the one and an instrument to the other. Ctrl-C ends.")
    for line in ports.as_opened():
        screen.news(line)
    return ports


def _listen(answer: Callable[[str], object], screen: Screen) -> Callable[[], None]:
    """Let `jamd panic` and `jamd status` reach this session; returns a function that ends that."""
    if not HAS_SOCKETS:
        return lambda: None
    try:
        return Remote(answer).close
    except OSError as error:
        why = error.strerror or error  # the error for a path that is too long has no strerror
        screen.news(f"`jamd panic` and `jamd status` cannot reach this one: {why}.")
        return lambda: None


def _own_ports(config: Config) -> dict[Output, str]:
    names = {Output.CLICK: config.click.port, Output.CLOCK: config.midi.clock_port}
    return {output: name for output, name in names.items() if name}


def _start_recorder(config: Config, screen: Screen) -> Recorder | None:
    if not config.takes.keep:
        return None
    folder = config.takes.folder
    try:
        for path in recover(folder):
            screen.news(f"A take that was cut off is now {path}.")
        if config.takes.most:
            keep_newest(folder, config.takes.most - 1)  # and the one that begins now
        return Recorder(folder, datetime.now().astimezone().strftime("%Y-%m-%d_%H.%M.%S"))
    except OSError as error:
        screen.news(
            f"Takes cannot be kept in {folder}: {error.strerror}. jamd plays without; --takes DIR "
            "keeps them elsewhere."
        )
        return None


def _opened(config: Config, settings: Settings, bundle: Bundle, rehearsal: bool) -> Opened:
    began = datetime.now().astimezone().isoformat(timespec="seconds")
    model = providers.fingerprint(bundle)
    return Opened(FORMAT, __version__, began, config.model.bundle, model, settings, rehearsal)


def _save(
    recorder: Recorder,
    screen: Screen,
    with_picture: bool,
    failed: type[BaseException] | None,
    *_: object,
) -> None:
    """End the take, as the exit of a context. An exception already under way is not replaced.

    Raises:
        TakeError: The take is not saved whole, and nothing else has failed.
    """
    folder = recorder.journal.parent
    problem = None
    try:
        path = recorder.close()
    except FileNotFoundError:
        problem = (
            f"the take cannot be saved: its journal {recorder.journal} was moved or deleted while "
            "jamd wrote it. If it was moved, the next `jamd play --takes DIR` makes the take, DIR "
            "being the folder it is in"
        )
    except OSError as error:
        problem = (
            f"the take cannot be saved: {error.strerror}. It stays as {recorder.journal}, of which "
            f"the next `jamd play` makes the take: first see that {folder} has room and can be "
            "written"
        )
    else:
        if recorder.trouble is not None:
            before = f"What was written before is {path}" if path else "Nothing was written before"
            problem = (
                f"the take is not whole: {recorder.trouble}, while it was written. {before}: see "
                f"that {folder} has room and can be written, or give another with --takes DIR"
            )
        elif path is not None:
            screen.news(f"The take is {path}.")
        if path is not None and with_picture:
            _draw(path, screen)
    if problem is not None and failed is None:
        raise TakeError(problem)
    if problem is not None:
        screen.news(problem)


def _draw(take: Path, screen: Screen) -> None:
    roll = picture(take)
    try:
        roll.write_text(draw(picture_of(take)), encoding="utf-8")
    except OSError as error:
        screen.news(
            f"Its piano roll cannot be drawn: {error.strerror}. `jamd roll` draws it later."
        )
        return
    screen.news(f"Its piano roll is {roll}.")
