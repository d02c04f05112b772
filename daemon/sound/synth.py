"""jamd's own instrument: a FluidSynth that belongs to this jam (`--sound`).

jamd writes to its shell and connects no port. So there is nothing to connect, it is the same on
every MIDI system and on none, and another FluidSynth of the user's is never mistaken for it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from mido import Message

from jamd.config.config import Config
from jamd.daemon.clock import Clock
from jamd.daemon.events import Output
from jamd.daemon.midi.terms import DRUMS, PEDALS, silences
from jamd.daemon.ports.connections import Connected
from jamd.daemon.ports.live_ports import Instruments
from jamd.daemon.ports.rtmidi_ports import Received
from jamd.daemon.settings import Settings
from jamd.daemon.sound.fluidsynth import THEIRS, Installed, Process, command, setup
from jamd.daemon.sound.instruments import own_programs
from jamd.errors import UserError

NAME = "FluidSynth"

_DRIVERS = {"linux": ("", "pulseaudio", "jack")}
"""The audio drivers to try, by platform. Its own choice, an empty name, is ALSA's default device on
Linux, which PipeWire and PulseAudio provide on most systems."""

START_LIMIT_S = 30.0
"""A FluidSynth that is not ready after this long is given up. A font of 150 MB takes half a second
from the disk's cache, and from a slow disk some seconds."""

RETRY_S = 5.0
"""Seconds from the loss of a FluidSynth to the start of another."""


class Synth:
    """Keeps a FluidSynth at hand. Moments are seconds of one monotonic clock.

    Args:
        installed: Where it is.
        drivers: The audio drivers to try, in this order; an empty name is its own choice.
        setup: What its shell is told first.
    """

    def __init__(
        self, installed: Installed, drivers: Sequence[str], setup: Sequence[str] = ()
    ) -> None:
        self._installed = installed
        self._setup = setup
        self._drivers = drivers
        self._driver = drivers[0]
        self._process: Process | None = None
        self._start_at = 0.0
        self._lost = False

    @property
    def pid(self) -> int | None:
        """The process id of the FluidSynth in use; None: there is none."""
        return self._process.pid if self._process else None

    @property
    def ready(self) -> bool:
        """Whether what is sent sounds."""
        return self._process is not None and self._process.ready

    def start(self, clock: Clock, stopped: Callable[[], bool] = lambda: False) -> None:
        """Start it, and wait until it is ready, or until `stopped`.

        Raises:
            UserError: It does not start, or cannot read the sound font.
        """
        reasons = []
        for driver in self._drivers:
            self._driver = driver
            reason = self._settle(clock, stopped)
            if self.ready or stopped():
                return
            reasons.append(reason)
            self.close()
        raise UserError(
            f"FluidSynth does not start: {reasons[0]}: connect a sound card or free it, or play "
            "without --sound"
        )

    def _settle(self, clock: Clock, stopped: Callable[[], bool]) -> str:
        """Start it with the present driver. Returns what is wrong, once that is known."""
        try:
            self._process = self._begun()
        except OSError as error:
            return str(error.strerror or error)
        deadline = clock.now() + START_LIMIT_S
        while not (reason := self._process.look()) and not self._process.ready and not stopped():
            if clock.now() >= deadline:
                return f"it was not ready after {START_LIMIT_S:.0f} s"
            clock.sleep_until(clock.now() + 0.01)
        if not self._process.knows_font:
            self.close()
            raise UserError(
                f"FluidSynth cannot read the sound font {self._installed.font}: choose another by "
                "--sound-font"
            )
        return reason

    def change(self, setup: Sequence[str]) -> None:
        """Tell its shell `setup`, now and whenever one is started."""
        self._setup = setup
        if self._process is not None:
            for line in setup:
                self._process.tell(line)

    def send(self, message: Message, first: int = 0) -> None:
        """Let a message sound, at once; it is dropped while there is nothing that could.

        `first` is as for `fluidsynth.command`.
        """
        if self.ready and (line := command(message, first)):
            assert self._process is not None
            self._process.tell(line)

    def tend(self, now: float, wanted: bool = True) -> list[str]:
        """Replace a FluidSynth that has ended. Returns news, one line each. Never waits.

        Args:
            now: The moment.
            wanted: False while the system that it plays on has gone.
        """
        if not wanted:
            self._lose(now)
            return []
        if self._process is None:
            if now >= self._start_at:
                self._start_at = now + RETRY_S
                # Starting a process takes some milliseconds: too long for a note that is just due.
                threading.Thread(target=self._restart, daemon=True).start()
            return []
        if reason := self._process.look():
            told = self._lost
            self._lose(now + RETRY_S)
            return [] if told else [f"{NAME} is gone: {reason}. jamd plays on, and restarts it."]
        if self._lost and self._process.ready:
            self._lost = False
            return [f"{NAME} is back."]
        return []

    def _restart(self) -> None:
        with suppress(OSError):  # for lack of memory, say
            self._process = self._begun()

    def _begun(self) -> Process:
        return Process(self._installed, self._driver, self._setup)

    def _lose(self, start_at: float) -> None:
        if self._process is not None:
            self._process.kill()
        self._process, self._start_at, self._lost = None, start_at, True

    def close(self) -> None:
        """End it, after the last notes."""
        if self._process is not None:
            self._process.close()
            self._process = None


def drivers(jack: bool) -> tuple[str, ...]:
    """The audio drivers to try; `jack`: a JACK server is there, and jamd's ports are on it."""
    return ("jack",) if jack else _DRIVERS.get(sys.platform, ("",))


def setup_for(config: Config) -> list[str]:
    """What FluidSynth's shell is to be told for the sounds of `config`."""
    return setup(own_programs(config), config.sound.player - 1, mpe=config.midi.mpe)


class Sounding:
    """Ports whose main output sounds, too.

    Args:
        ports: The ports.
        synth: What sounds.
        settings: What the player's keyboard sends.
        apart: The outputs that have a port of their own: whoever hears those, it is not `synth`.
    """

    def __init__(
        self, ports: Instruments, synth: Synth, settings: Settings, apart: Collection[Output] = ()
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._synth = synth
        self._apart = frozenset(apart)

    def poll(self, now: float) -> Sequence[Received]:
        return self._ports.poll(now)

    def send(self, message: Message, output: Output = Output.MAIN) -> None:
        self._ports.send(message, output)
        if output not in self._apart:
            self._sound(message, output)

    def _sound(self, message: Message, output: Output) -> None:
        if output is Output.THRU and not (message.channel == DRUMS and self._settings.has_drums):
            pedal = message.type == "control_change" and message.control in PEDALS
            everywhere = pedal and self._settings.mpe  # it has a channel to itself
            for channel in range(16) if everywhere else (message.channel,):
                self._synth.send(message.copy(channel=channel), THEIRS)
            return
        self._synth.send(message)
        if silences(message):  # a panic is for all
            self._synth.send(message, THEIRS)

    def change_sounds(self, config: Config) -> None:
        self._ports.change_sounds(config)
        self._synth.change(setup_for(config))

    def tend(self, now: float) -> Sequence[str]:
        news: Iterable[str] = self._ports.tend(now)
        return [*news, *self._synth.tend(now, wanted=not self._ports.connected().gone)]

    def connected(self) -> Connected:
        connected = self._ports.connected()
        if not self._synth.ready:
            return connected
        return replace(connected, from_output=(*connected.from_output, NAME))

    def close(self) -> None:
        """End the sound. The ports are for whoever opened them to close."""
        self._synth.close()
