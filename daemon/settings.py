"""What a session may be told in advance."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from jamd.config import Config, Controls
from jamd.daemon.controls import Meanings, meanings
from jamd.daemon.events import Mode
from jamd.daemon.follower import ClockLost, Source
from jamd.daemon.requests import Sampling
from jamd.language import Constraints
from jamd.notes import Meter


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything musical about a session; `settings_from` reads it from config.toml.

    Attributes:
        mode: When jamd plays, at first.
        bpm: Tempo in quarter notes a minute, 20..400.
        meter: One of `jamd.notes.METERS`.
        start_at_once: The transport rolls from the session's first moment, which is then bar 1
            beat 1; otherwise the first note heard is.
        source: Where the beat comes from.
        own_tempo: `bpm` was asked for: a clock that nobody starts does not change it.
        on_clock_lost: What follows when a clock that was followed is lost.
        link_start_stop: Share starts and stops with a Link session.
        listen_channel: The MIDI channel heard, 0..15; None: all of them.
        lead_channel: The MIDI channel on which Lead goes out, 0..15.
        comp_channel: The MIDI channel on which Comp goes out, 0..15.
        thru: Send the player's own notes on as they come.
        style: One of `jamd.grid.STYLES`: what the model takes itself to be playing.
        bars: jamd begins nothing after so many; None: the jam has no end.
        horizon_bars: How far ahead `endless` plans, in bars, at least 1.
        constraints: What may be written, whatever the model would like.
        sampling: How tokens are drawn.
        controls: What pedals, buttons, pads and keys mean besides music.
        seed: 0..2**63-1; the same seed and the same input give the same session.
    """

    mode: Mode = Mode.ANSWER
    bpm: float = 120.0
    meter: Meter = field(default_factory=lambda: Meter(4, 4))
    start_at_once: bool = False
    source: Source = Source.AUTO
    own_tempo: bool = False
    on_clock_lost: ClockLost = ClockLost.KEEP
    link_start_stop: bool = True
    listen_channel: int | None = None
    lead_channel: int = 0
    comp_channel: int = 0
    thru: bool = False
    style: str = "jazz"
    bars: int | None = None
    horizon_bars: int = 2
    constraints: Constraints = field(default_factory=Constraints)
    sampling: Sampling = field(default_factory=Sampling)
    controls: Meanings = field(default_factory=lambda: meanings(Controls()))
    seed: int = 0


def settings_from(config: Config) -> Settings:
    """What config.toml says; MIDI channels count from 0, and a seed is drawn where none is set."""
    midi, transport, model, play = config.midi, config.transport, config.model, config.play
    return Settings(
        mode=Mode(play.mode),
        bpm=transport.bpm,
        meter=transport.meter,
        start_at_once=transport.start == "at once",
        source=Source(transport.source),
        on_clock_lost=ClockLost(transport.on_clock_lost),
        link_start_stop=transport.link_start_stop,
        listen_channel=midi.channel_in - 1 if midi.channel_in else None,
        lead_channel=midi.channel_lead - 1,
        comp_channel=midi.channel_comp - 1,
        thru=midi.thru,
        style=model.style,
        constraints=Constraints(
            parts=play.parts,
            lowest=play.lowest,
            highest=play.highest,
            polyphony=play.polyphony,
            in_key=play.in_key,
            near=play.register == "player",
            density=play.density,
            repeat_bars=play.repeat_bars,
        ),
        sampling=Sampling(model.temperature, model.nucleus, model.memory),
        controls=meanings(config.controls),
        seed=model.seed if model.seed >= 0 else random.randrange(2**63),
    )
