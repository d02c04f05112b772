"""Which channel and which sound each part has."""

from __future__ import annotations

import pytest

from jamd.config.file import load
from jamd.daemon.settings import settings_from
from jamd.daemon.sound.instruments import channels, own_programs, programs, sounds
from jamd.notes import Part

VIBRAPHONE, TUBA = 12, 59


@pytest.mark.parametrize(
    ("options", "lead", "comp", "asked"),
    [
        ({}, 1, 1, {}),
        ({"sound.on": True}, 2, 3, {}),
        ({"midi.channel_comp": 2}, 1, 2, {}),
        ({"midi.channel_lead": 5}, 5, 1, {}),
        ({"sound.lead": VIBRAPHONE}, 2, 3, {2: VIBRAPHONE}),
        ({"sound.comp": TUBA}, 2, 3, {3: TUBA}),
        (
            {"sound.lead": VIBRAPHONE, "sound.comp": TUBA, "midi.channel_lead": 3},
            *(3, 2, {3: VIBRAPHONE, 2: TUBA}),
        ),
        (
            {"sound.lead": VIBRAPHONE, "midi.channel_lead": 1, "midi.channel_comp": 1},
            *(1, 1, {1: VIBRAPHONE}),
        ),
        (
            {"sound.lead": VIBRAPHONE, "midi.channel_lead": 2, "midi.channel_comp": 3},
            *(2, 3, {2: VIBRAPHONE}),
        ),
    ],
)
def test_parts_have_channels_of_their_own_if_they_have_sounds_of_their_own(
    options: dict[str, object], lead: int, comp: int, asked: dict[int, int]
) -> None:
    """As musicians count: from 1."""
    config = load(None, options).config
    assert settings_from(config).thru_apart is config.sound.on
    assert channels(config) == {Part.LEAD: lead - 1, Part.COMP: comp - 1}
    assert {channel + 1: program + 1 for channel, program in programs(config).items()} == asked
    settings = settings_from(config)
    assert (settings.lead_channel, settings.comp_channel) == (lead - 1, comp - 1)


@pytest.mark.parametrize(
    ("options", "sounds"),
    [
        ({}, {2: VIBRAPHONE, 3: 6}),
        ({"sound.comp": TUBA}, {2: VIBRAPHONE, 3: TUBA}),
        ({"midi.channel_lead": 1}, {1: VIBRAPHONE, 2: 6}),
        ({"midi.channel_lead": 1, "midi.channel_comp": 1}, {1: VIBRAPHONE}),
        ({"midi.channel_lead": 1, "midi.channel_comp": 1, "sound.comp": TUBA}, {1: TUBA}),
    ],
)
def test_an_instrument_of_jamds_own_has_a_sound_for_each_part(
    options: dict[str, object], sounds: dict[int, int]
) -> None:
    config = load(None, {"sound.on": True, **options}).config
    own = own_programs(config)
    assert {channel + 1: program + 1 for channel, program in own.items()} == sounds
    assert programs(config).items() <= own.items(), "the port is told only what was asked for"


def test_a_take_is_told_what_was_heard_and_nothing_that_is_not_known() -> None:
    def told(**sound: object) -> object:
        return sounds(load(None, {f"sound.{name}": value for name, value in sound.items()}).config)

    assert told() == told(player=17) == {}
    assert told(lead=VIBRAPHONE) == {Part.LEAD: 11}
    assert told(on=True, player=17) == {None: 16, Part.LEAD: 11, Part.COMP: 5}
