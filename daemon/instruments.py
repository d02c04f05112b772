"""Which channel each of jamd's parts goes out on, and which sound is asked for there."""

from __future__ import annotations

from collections.abc import Mapping

from jamd.config import Config
from jamd.notes import Part

_SHARED = (1, 1)  # every instrument plays channel 1
_OWN = (2, 3)  # away from channel 1, where most keyboards send


def channels(config: Config) -> Mapping[Part, int]:
    """The MIDI channel of each part, 0..15."""
    chosen = {Part.LEAD: config.midi.channel_lead, Part.COMP: config.midi.channel_comp}
    has_sound = config.sound.lead is not None or config.sound.comp is not None
    free = [c for c in _OWN if c not in chosen.values()] if has_sound else [*_SHARED]
    return {part: (channel or free.pop(0)) - 1 for part, channel in chosen.items()}


def programs(config: Config) -> Mapping[int, int]:
    """The General MIDI program, 0..127, that is asked for on a channel, 0..15."""
    on = channels(config)
    wanted = {Part.COMP: config.sound.comp, Part.LEAD: config.sound.lead}
    return {on[part]: number - 1 for part, number in wanted.items() if number is not None}
