"""A keyboard that sends each key several times plays each note once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from mido import Message
from turn_taking import jam

from jamd.daemon.events import Event, WorkerReady
from jamd.daemon.listening.layers import LAYER_S, Layers
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from readable_takes import ONE_BAR, Take, heard

DRONE = ONE_BAR + "    2.1.0 player 48 80 96"
TWO_NOTES = "1.1.0 player 60 80 9\n1.2.0 player 64 80 9"


def layered(settings: Settings, text: str, channels: Sequence[int]) -> Take:
    """The take of a player whose keyboard sends each key on `channels`, 2 ms apart."""
    story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
    for layer, channel in enumerate(channels):
        story += [(at + 0.002 * layer, event) for at, event in heard(text, channel=channel)]
    performance = VirtualJam(Session(settings), ScriptedImproviser(), story)
    performance.run(16.0)
    return Take(performance.entries, performance)


@pytest.mark.parametrize("channels", [(0, 1), (0, 1, 2), (0, 0)])
@pytest.mark.parametrize("text", [ONE_BAR, DRONE, TWO_NOTES])
def test_a_key_with_layers_is_one_note(text: str, channels: Sequence[int]) -> None:
    alone, layers = (layered(jam(), text, each) for each in ((0,), channels))
    assert layers.jamds == alone.jamds
    assert layers.turns == alone.turns
    assert layers.players == alone.players


def test_all_layers_are_sent_on_and_end() -> None:
    played = layered(replace(jam(), thru=True), "1.1.0 player 60 80 9", (0, 1, 2))
    sent = [(send.message.type, send.message.channel) for _, send in played.performance.sent]
    assert sent == [(kind, channel) for kind in ("note_on", "note_off") for channel in range(3)]


def on(channel: int = 0, velocity: int = 80) -> Message:
    return Message("note_on", note=60, channel=channel, velocity=velocity)


def test_a_pitch_that_is_down_and_struck_again_later_or_is_not_down_is_another_note() -> None:
    later = [(on(0), 0.0), (on(1), LAYER_S + 0.001), (on(1, 0), 0.5), (on(0, 0), 0.6)]
    up = [(on(0), 0.0), (on(0, 0), 0.005), (on(0), 0.010), (on(0, 0), 0.5)]
    for story in (later, up):
        layers = Layers()
        assert not any(layers.doubles(message, at) for message, at in story)


def test_a_layer_whose_note_off_was_lost_is_heard_when_it_is_struck_alone() -> None:
    layers = Layers()
    assert [layers.doubles(on(each), 0.0) for each in (0, 1)] == [False, True]
    assert not layers.doubles(on(1), 1.0)
    assert not layers.doubles(on(1, 0), 1.1)
