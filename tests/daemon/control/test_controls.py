"""Controls: pedals, buttons, pads and keys that are mapped to a function."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mido import Message
from turn_taking import jam

from jamd.config.control import Control
from jamd.config.file import load
from jamd.daemon.control.controls import Action, Controls, event_of, meanings
from jamd.daemon.events import (
    ControlUsed,
    Effect,
    Event,
    Heard,
    Journal,
    Mode,
    ModeSet,
    Press,
    Send,
    SetMode,
    Sounded,
)
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes.take import to_midi
from jamd.errors import ConfigError
from readable_takes import ONE_BAR, play


def cc(number: int, value: int, channel: int = 0) -> Message:
    return Message("control_change", control=number, value=value, channel=channel)


def controls(**actions: str) -> dict[Control, Action]:
    return {Control.parse(text): Action(name) for name, text in actions.items()}


@pytest.mark.parametrize("text", ["cc 67", "note 21 channel 10", "program 5", "program 128"])
def test_a_control_is_written_as_it_is_read(text: str) -> None:
    assert str(Control.parse(text)) == text
    assert Control.parse(f" {text.upper()} ") == Control.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *(" ", "67", "pedal 67", "cc", "cc -1", "cc 6.5", "cc 67 10"),
        *("cc 120", "cc 123", "note 128", "program 0", "program 129"),
        *("cc 67 channel 0", "cc 67 channel 17"),
    ],
)
def test_what_is_no_control_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Control.parse(text)


def test_a_pedal_acts_when_it_rises_through_the_middle() -> None:
    pedal = Controls(controls(your_turn="cc 67"))
    values = [0, 20, 63, 64, 90, 127, 64, 63, 64, 0]
    acted = [pedal.hear(cc(67, value), at) is Action.YOUR_TURN for at, value in enumerate(values)]
    assert [value for value, act in zip(values, acted, strict=True) if act] == [64, 64]
    assert acted[3]
    assert acted[8]


def test_each_channel_has_a_pedal_of_its_own() -> None:
    pedal = Controls(controls(your_turn="cc 67"))
    assert pedal.hear(cc(67, 127, channel=0), 1.0) is Action.YOUR_TURN
    assert pedal.hear(cc(67, 127, channel=3), 2.0) is Action.YOUR_TURN
    on_ten = Controls(controls(your_turn="cc 67 channel 10"))
    assert not on_ten.owns(cc(67, 127, channel=0))
    assert on_ten.hear(cc(67, 127, channel=9), 1.0) is Action.YOUR_TURN


def test_a_pad_acts_when_it_is_struck_and_a_program_whenever_it_is_chosen() -> None:
    pads = Controls(controls(panic="note 21", endless="program 5"))
    struck, let_go = Message("note_on", note=21), Message("note_off", note=21)
    assert pads.owns(struck)
    assert pads.owns(let_go)
    assert pads.hear(struck, 1.0) is Action.PANIC
    assert pads.hear(let_go, 1.1) is None
    chosen = Message("program_change", program=4)
    assert [pads.hear(chosen, 2.0), pads.hear(chosen, 3.0)] == [Action.ENDLESS] * 2
    for music in (Message("note_on", note=22), Message("pitchwheel"), cc(21, 127)):
        assert not pads.owns(music)


def test_next_goes_round_the_modes() -> None:
    modes = [Mode.ANSWER]
    for _ in Mode:
        event = event_of(Action.NEXT_MODE, modes[-1])
        assert isinstance(event, SetMode)
        modes.append(event.mode)
    assert modes == [Mode.ANSWER, Mode.ENDLESS, Mode.OFF, Mode.ANSWER]


def test_the_settings_say_what_a_control_means(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[controls]\nyour_turn = ["note 21 channel 10", "cc 67"]\noff = ["program 5"]\n'
    )
    assert {
        str(control): action.value
        for control, action in meanings(load(file).config.controls).items()
    } == {
        "note 21 channel 10": "your_turn",
        "cc 67": "your_turn",
        "program 5": "off",
    }
    file.write_text('[controls]\nyour_trun = ["cc 67"]\npanic = ["pedal 67"]\noff = "cc 1"\n')
    with pytest.raises(ConfigError) as caught:
        load(file)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("no such setting; did you mean controls.your_turn?")
    assert lines[1].endswith('or "program 5"; found ["pedal 67"]')
    assert lines[2].endswith('or "program 5"; found "cc 1"')


def test_a_control_with_two_meanings_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[controls]\npanic = ["cc 66 channel 2"]\noff = ["cc 9"]\nagain = ["cc 9"]\n')
    with pytest.raises(ConfigError) as caught:
        load(file)
    expected = f"{file}: controls.{{}}: expected a control of its own; found {{}}, which means {{}}"
    assert str(caught.value).splitlines() == [
        expected.format("panic", "cc 66 channel 2", "controls.your_turn"),
        expected.format("off", "cc 9", "controls.again"),
    ]


PAD = Message("note_on", note=37, channel=9)


@pytest.mark.parametrize(
    "messages",
    [
        [PAD, PAD.copy(velocity=0), PAD, PAD.copy(velocity=0)],  # a pad that triggers twice
        [cc(67, value) for value in (40, 64, 63, 65, 62, 70, 127)],  # a foot that wavers
        [cc(67, 127), cc(67, 127, channel=1)],  # a keyboard with two layers
    ],
)
def test_what_is_pressed_once_acts_once(messages: list[Message]) -> None:
    session = Session(
        Settings(controls=controls(next_mode="cc 67") | controls(next_mode="note 37"))
    )
    for press in range(3):
        for i, message in enumerate(messages):
            session.handle(Heard(message), press + i * 0.02)
        session.handle(Heard(cc(67, 0)), press + 0.5)
        session.handle(Heard(cc(67, 0, channel=1)), press + 0.5)
        expected = [Mode.ENDLESS, Mode.OFF, Mode.ANSWER][press]
        assert session.status(press + 0.9).mode is expected


def test_a_panic_is_never_one_too_many() -> None:
    pads = Controls(controls(panic="note 21"))
    struck = Message("note_on", note=21)
    assert [pads.hear(struck, at) for at in (1.0, 1.02)] == [Action.PANIC] * 2


def told(settings: Settings, *messages: Message) -> list[Effect]:
    session = Session(settings)
    story: list[Event] = [Heard(message) for message in messages]
    return [effect for i, event in enumerate(story) for effect in session.handle(event, i / 10)]


def test_a_control_is_no_music_and_is_in_the_take() -> None:
    settings = Settings(
        start_at_once=True,
        thru=True,
        listen_channel=0,
        controls=controls(next_mode="note 21", off="cc 9 channel 10"),
    )
    effects = told(
        settings,
        Message("note_on", note=21),
        Message("note_off", note=21),
        cc(9, 127, channel=9),
    )
    assert not [effect for effect in effects if isinstance(effect, Send)]
    entries = [effect.entry for effect in effects if isinstance(effect, Journal)]
    assert not [entry for entry in entries if isinstance(entry, Sounded)]
    assert [entry.action for entry in entries if isinstance(entry, ControlUsed)] == [
        "next_mode",
        "off",
    ]
    assert [entry.mode for entry in entries if isinstance(entry, ModeSet)] == [
        Mode.ENDLESS,
        Mode.OFF,
    ]
    cues = [m.text for m in to_midi(entries).tracks[0] if m.type == "cue_marker"]
    assert cues == ["control: next mode", "control: off"]


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("moments", [(1.3,), (2.2,), (3.1, 3.6, 4.1), (3.1, 3.15, 5.0)])
@pytest.mark.parametrize("trade", [0, 2])
def test_a_press_does_what_the_control_does(
    action: Action, moments: tuple[float, ...], trade: int
) -> None:
    settings = replace(jam(trade=trade), controls={Control.parse("program 9"): action})
    used: list[tuple[float, Event]] = [
        (at, Heard(Message("program_change", program=8))) for at in moments
    ]
    pressed: list[tuple[float, Event]] = [(at, Press(action.value)) for at in moments]
    by_control, by_press = play(settings, ONE_BAR, *used), play(jam(trade=trade), ONE_BAR, *pressed)
    assert by_press.performance.sent == by_control.performance.sent
    assert by_press.entries == [
        replace(entry, message=None) if isinstance(entry, ControlUsed) else entry
        for entry in by_control.entries
    ]
    cues = [m.text for m in to_midi(by_press.entries).tracks[0] if m.type == "cue_marker"]
    bounces = moments[1:2] == (3.15,) and action is not Action.PANIC
    assert cues == [f"control: {action.value.replace('_', ' ')}"] * (len(moments) - bounces)


def test_a_pedal_and_a_press_at_once_act_once() -> None:
    session = Session(Settings(controls=controls(next_mode="cc 67")))
    session.handle(Heard(cc(67, 127)), 1.0)
    session.handle(Press("next_mode"), 1.05)
    assert session.status(1.1).mode is Mode.ENDLESS
    session.handle(Press("next_mode"), 1.2)
    assert session.status(1.2).mode is Mode.OFF


def test_who_presses_is_there() -> None:
    session = Session(Settings())
    session.handle(Press("tap"), 10.0)
    assert session.status(25.0).rested_s == 15.0


def test_a_control_for_panic_ends_what_sounds() -> None:
    settings = Settings(start_at_once=True, thru=True, controls=controls(panic="cc 9"))
    effects = told(settings, Message("note_on", note=60), cc(9, 127))
    assert [effect.message.type for effect in effects if isinstance(effect, Send)][:2] == [
        "note_on",
        "note_off",
    ]
