"""The status of a session at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jamd.daemon.events import Mode, Turn
from jamd.notes import Tick

ADJUSTED_S = 3.0
"""For how long a status says which setting was adjusted, or which control was used."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a status line shows.

    Attributes:
        last_note: MIDI pitch last heard from the player, or None.
        bar: The bar, from 1; 0 while the transport stands still, and in the count-in.
        beat: The beat in the bar, from 1; 0 while the transport stands still.
        turn: Who has the floor.
        bpm: Tempo in quarter notes a minute.
        mode: When jamd plays.
        sounding: Number of jamd's notes that sound.
        worker: Whether there is a worker to ask.
        own_tempo: As in `Settings`, or since then.
        from_clock: Whether the tempo is a MIDI clock's.
        waits: Whether the transport waits for somebody else to start it, not for the first note.
        told_by: Where the player's own tempo comes from, in words; None: it is not the player's.
        unheard: The MIDI channel, counted from 1, of the last note that was not heard because jamd
            does not listen to that channel; None: there was none.
        says_mpe: Whether a keyboard has said that it sends MPE.
        control: The control without a meaning that was used last, as config.toml names it, channel
            included; None: there was none.
        uses_control: Whether it was used within the last `ADJUSTED_S`.
        loop: Whether what jamd plays has come back into its input.
        settings: The settings that can be adjusted, by name, as config.toml has them.
        song: The song's title; empty if there is none.
        adjusted: The one adjusted last, for `ADJUSTED_S` after that.
        next_beat: When the next beat falls, in seconds on the session's clock, if the tempo stays;
            and its bar and beat. None while the transport stands still.
        link_peers: How many others are in the Link session; None: jamd is in none.
        bars_played: Whole bars since the count-in, regardless of a sequencer's song position.
        rested_s: For how many seconds nobody has played: since a clock began to tick, if nobody has
            played at all. 0 if there was no clock either, if a key or a pedal is down, if a wheel
            that is sent on is not at rest, if the beat goes on for others to hear, or if the jam
            is to end by itself.
        chord: The chord in force, of the changes given; None while the transport stands still, in a
            count-in, or if there are none.
        tick: Where the transport stands.
        bar_one: The tick of the transport at which bar 1 begins, or would.
    """

    last_note: int | None
    bar: int
    beat: int
    turn: Turn
    bpm: float
    mode: Mode
    sounding: int
    worker: bool
    own_tempo: bool
    from_clock: bool
    waits: bool
    bars_played: int
    rested_s: float
    tick: Tick
    bar_one: Tick
    link_peers: int | None
    told_by: str | None
    unheard: int | None
    says_mpe: bool
    control: str | None
    uses_control: bool
    loop: bool
    chord: str | None
    settings: Mapping[str, float | str]
    song: str
    adjusted: str | None
    next_beat: tuple[float, int, int] | None
