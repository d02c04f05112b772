"""A session's settings."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jamd.config.config import ADJUSTABLE, Config, knobs_in
from jamd.config.control import Knob
from jamd.config.controls import Controls
from jamd.config.setting_kinds import Choice
from jamd.daemon.control.controls import Meanings, meanings
from jamd.daemon.events import Mode
from jamd.daemon.midi.terms import DRUMS
from jamd.daemon.model.requests import Sampling
from jamd.daemon.playing.click import Sound, When
from jamd.daemon.playing.yielding import Yield
from jamd.daemon.sound.instruments import channels, sends_on
from jamd.daemon.timing.follower import BeatSource, ClockLost
from jamd.daemon.timing.swing import STRAIGHT
from jamd.errors import UserError
from jamd.harmony.chart import Changes, Chart
from jamd.language import Constraints
from jamd.notes import Meter, Part, Tick

_DIGITS = 9
"""Digits after the point of a value that was converted: what was set is shown as it was set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything musical about a session; `settings_from` reads it from config.toml.

    Attributes:
        mode: The first mode: when jamd plays.
        bpm: Tempo in quarter notes a minute, 20..400.
        meter: One of `jamd.notes.METERS`.
        start_at_once: Roll the transport as soon as a worker is there, which is then bar 1 beat 1;
            otherwise the first note heard is.
        count_in: Bars to count in before bar 1, as soon as a worker is there; 0: none.
        source: Where the beat comes from.
        own_tempo: The user chose `bpm`: a clock that only runs, without a Start, does not change
            it, and a player who is followed begins at about that tempo.
        on_clock_lost: What happens when a clock that was followed is lost.
        link_start_stop: Share starts and stops with a Link session.
        listen_channel: The MIDI channel heard, 0..15; None: all, without `mpe` except 9, drums.
        mpe: Each note has a channel of its own (MIDI Polyphonic Expression).
        program_changes: Let program changes and bank selects through; jamd makes no use of them.
        softest: The lowest velocity of a note that counts, 1..127.
        split: What the player plays below this MIDI pitch accompanies their tune and has no effect
            on turns.
        lead_channel: The MIDI channel on which Lead goes out, 0..15.
        comp_channel: The MIDI channel on which Comp goes out, 0..15.
        thru: Send the player's own notes on as they come; mode `off` always does.
        thru_apart: Whether what is sent on sounds apart from jamd's own, even on one channel.
        output_offset_s: How much later than its tick a note is sent; below 0, earlier.
        click: When there is a click.
        click_sound: What the click sends.
        click_port: Whether the click has a port of its own.
        click_offset_s: Like `output_offset_s`, for the click.
        send_clock: Send a MIDI clock while none is followed.
        clock_offset_s: Like `output_offset_s`, for that clock.
        style: One of `jamd.grid.tokens.STYLES`: the style on which the model is conditioned.
        bars: jamd begins nothing after this many bars; None: the jam has no end.
        trade_bars: In the mode answer, how many bars each plays in turn: 2, 4 or 8; 0: as long as
            the player's phrase was.
        yields: What takes the turn back from jamd.
        horizon_bars: How far ahead `endless` plans, in bars, at least 1.
        constraints: What may be written, whatever the model would prefer.
        sampling: How tokens are drawn.
        controls: What pedals, buttons, pads and keys mean besides music.
        knobs: The knob of each setting that has one, by the setting's name; see `ADJUSTABLE`.
        swing: Where the off-beat lies in the beat, 0.5..0.75; None: as the player swings.
        humanise_s: The standard deviation of jamd's own timing, in seconds.
        seed: 0..2**63-1; the same seed and the same input give the same session.
        chart: The chord changes that are played over; None: whatever the notes spell.
        song: What is played is called so; empty: it has no name.
    """

    mode: Mode = Mode.ANSWER
    bpm: float = 120.0
    meter: Meter = field(default_factory=lambda: Meter(4, 4))
    start_at_once: bool = False
    count_in: int = 0
    source: BeatSource = BeatSource.AUTO
    own_tempo: bool = False
    on_clock_lost: ClockLost = ClockLost.KEEP
    link_start_stop: bool = True
    listen_channel: int | None = None
    mpe: bool = False
    program_changes: bool = False
    softest: int = 1
    split: int = 0
    lead_channel: int = 0
    comp_channel: int = 0
    thru: bool = False
    thru_apart: bool = False
    output_offset_s: float = 0.0
    click: When = When.OFF
    click_sound: Sound = field(default_factory=Sound)
    click_port: bool = False
    click_offset_s: float = 0.0
    send_clock: bool = False
    clock_offset_s: float = 0.0
    style: str = "combo"
    bars: int | None = None
    trade_bars: int = 0
    yields: Yield = Yield.NOTE
    horizon_bars: int = 2
    constraints: Constraints = field(default_factory=Constraints)
    sampling: Sampling = field(default_factory=Sampling)
    controls: Meanings = field(default_factory=lambda: meanings(Controls()))
    knobs: Mapping[str, Knob] = field(default_factory=dict)
    swing: float | None = None
    humanise_s: float = 0.0
    seed: int = 0
    chart: Chart | None = None
    song: str = ""

    @property
    def changes(self) -> Changes | None:
        """The chart laid out from tick 0 on.

        Raises:
            ValueError: It has a bar with more chords than the meter has beats.
        """
        return None if self.chart is None else Changes.of(self.chart, self.meter)

    @property
    def has_drums(self) -> bool:
        """Whether notes on channel 10 are drums, and have no pitch."""
        return not self.mpe and self.listen_channel != DRUMS

    @property
    def count_in_ticks(self) -> Tick:
        """The length of the count-in."""
        return Tick(self.count_in * self.meter.ticks_per_bar)

    @property
    def lead_s(self) -> float:
        """How much to delay a count-in, in seconds, for what is sent earlier than its tick."""
        return max(0.0, -self.click_offset_s, -self.clock_offset_s)

    @property
    def adjustable(self) -> Mapping[str, float | str]:
        """The settings that `adjusted` changes, by name, as config.toml has them."""
        sampling, limits = self.sampling, self.constraints
        parts = ADJUSTABLE["parts"].kind
        assert isinstance(parts, Choice)
        return {
            "style": self.style,
            "temperature": sampling.temperature,
            "memory": sampling.memory,
            "parts": parts.name(limits.parts),
            "density": limits.density,
            "in_key": limits.in_key,
            "register": "player" if limits.near else "free",
            "trade": self.trade_bars,
            "yield": self.yields.value,
            "swing": _swing_named(self.swing),
            "humanise_ms": round(1000 * self.humanise_s, _DIGITS),
            "changes": "" if self.chart is None else str(self.chart),
        }

    def adjusted(self, name: str, value: float | str) -> Settings:
        """The same with one of the `adjustable` settings changed.

        Args:
            name: Its name.
            value: As config.toml has it.

        Raises:
            ValueError: `value` is not legal.
        """
        legal: Any = ADJUSTABLE[name].kind.accept(value)
        change: dict[str, Any]
        match name:
            case "temperature" | "memory":
                change = {"sampling": replace(self.sampling, **{name: legal})}
            case "parts" | "density" | "in_key":
                change = {"constraints": replace(self.constraints, **{name: legal})}
            case "register":
                change = {"constraints": replace(self.constraints, near=legal == "player")}
            case "trade":
                change = {"trade_bars": legal}
            case "yield":
                change = {"yields": Yield(legal)}
            case "swing":
                change = {"swing": _share(legal)}
            case "humanise_ms":
                change = {"humanise_s": legal / 1000}
            case "changes":
                change = {"chart": legal}
            case _:
                change = {name: legal}
        return replace(self, **change)


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _swing_named(swing: float | None) -> float | str:
    """A swing as config.toml has it."""
    if swing is None:
        return "player"
    return "off" if swing == STRAIGHT else round(100 * swing, _DIGITS)


def expect_chords(chart: Chart | None, language: str) -> None:
    """Raises UserError if there is a chart that a model of `language` would not play over."""
    if chart is not None and language != "grid":
        raise UserError(
            f"play.changes: expected a model that knows chords and bars, found one of the language "
            f"{language}: leave the changes empty, or choose another bundle"
        )


def settings_from(config: Config) -> Settings:
    """The settings in config.toml, with MIDI channels from 0, and a random seed if none is set."""
    midi, transport, model, play = config.midi, config.transport, config.model, config.play
    click, channel = config.click, channels(config)
    return Settings(
        mode=Mode(play.mode),
        bpm=transport.bpm,
        meter=transport.meter,
        start_at_once=transport.start == "at once",
        count_in=transport.count_in,
        source=BeatSource(transport.source),
        on_clock_lost=ClockLost(transport.on_clock_lost),
        link_start_stop=transport.link_start_stop,
        listen_channel=midi.channel_in - 1 if midi.channel_in else None,
        mpe=midi.mpe,
        program_changes=midi.program_changes,
        softest=midi.softest,
        split=midi.split,
        lead_channel=channel[Part.LEAD],
        comp_channel=channel[Part.COMP],
        thru=sends_on(config),
        thru_apart=config.sound.on,
        output_offset_s=midi.output_offset_ms / 1000,
        click=When(click.when),
        click_sound=Sound(
            click.channel - 1,
            (click.accent_note, click.accent_velocity),
            (click.beat_note, click.beat_velocity),
        ),
        click_port=bool(click.port),
        click_offset_s=(click.offset_ms if click.port else midi.output_offset_ms) / 1000,
        send_clock=midi.send_clock,
        clock_offset_s=(midi.clock_offset_ms if midi.clock_port else midi.output_offset_ms) / 1000,
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
        trade_bars=play.trade,
        yields=Yield(play.yield_),
        controls=meanings(config.controls),
        knobs=knobs_in(config),
        swing=_share(play.swing),
        humanise_s=play.humanise_ms / 1000,
        chart=play.changes,
        seed=model.seed if model.seed >= 0 else random.randrange(2**63),
    )
