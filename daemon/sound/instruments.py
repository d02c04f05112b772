"""Which channel each of jamd's parts goes out on, and which sound it is to have there."""

from __future__ import annotations

from collections.abc import Mapping

from jamd.config.config import Config
from jamd.general_midi import name_of
from jamd.notes import Part

_SHARED = (1, 1)  # every instrument plays channel 1
_OWN = (2, 3)  # away from channel 1, where most keyboards send

OWN_SOUNDS: Mapping[Part, int] = {Part.LEAD: 12, Part.COMP: 6}
"""Vibraphone and electric piano 2: what jamd sounds like, if it makes the sound.

In FluidR3, above 300 Hz, where the speakers of a laptop begin, a vibraphone from G4 to G5 and an
electric piano 2 from C3 to C4 are 2 dB louder than the piano there, at the same velocity;
electric piano 1 is 6 dB louder."""


def channels(config: Config) -> Mapping[Part, int]:
    """The MIDI channel of each part, 0..15."""
    chosen = {Part.LEAD: config.midi.channel_lead, Part.COMP: config.midi.channel_comp}
    sound = config.sound
    has_sound = sound.on or sound.lead is not None or sound.comp is not None
    free = [c for c in _OWN if c not in chosen.values()] if has_sound else [*_SHARED]
    return {part: (channel or free.pop(0)) - 1 for part, channel in chosen.items()}


def sends_on(config: Config) -> bool:
    """Whether what the player plays is sent on. A synthesiser of jamd's own sounds it, too."""
    return config.sound.on if config.midi.thru is None else config.midi.thru


def programs(config: Config) -> Mapping[int, int]:
    """The General MIDI program, 0..127, that is asked for on a channel, 0..15, of an instrument."""
    on, sound = channels(config), config.sound
    wanted = {Part.COMP: sound.comp, Part.LEAD: sound.lead}  # on one channel, the lead's counts
    return {on[part]: number - 1 for part, number in wanted.items() if number is not None}


def own_programs(config: Config) -> Mapping[int, int]:
    """The same for an instrument of jamd's own, which has a sound for each part."""
    on = channels(config)
    unasked = {on[part]: OWN_SOUNDS[part] - 1 for part in (Part.COMP, Part.LEAD)}
    return {**unasked, **programs(config)}


def sounds(config: Config) -> Mapping[Part | None, int]:
    """The program of each part and of the player (None), as far as jamd has to do with it."""
    own = config.sound.on
    heard = own_programs(config) if own else programs(config)
    found: dict[Part | None, int] = {None: config.sound.player - 1} if own else {}
    return found | {part: heard[on] for part, on in channels(config).items() if on in heard}


def who_sounds(config: Config) -> str:
    """Who sounds like what, in words, where the instrument is jamd's own."""
    by_part = sounds(config)
    lead, comp, player = (name_of(by_part[part] + 1) for part in (Part.LEAD, Part.COMP, None))
    yours = f"; you are {player}" if sends_on(config) else ""
    return f"jamd is {lead} (lead) and {comp} (chords){yours}."
