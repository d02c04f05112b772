"""Knobs: settings that the player changes while jamd plays."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message
from turn_taking import BEAT_S, ToTheEnd, jam

from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle
from jamd.config.config import ADJUSTABLE, Config
from jamd.config.control import Knob
from jamd.config.file import load
from jamd.config.setting_kinds import Choice, Number
from jamd.daemon.control.knobs import Knobs, command
from jamd.daemon.events import (
    Adjust,
    Adjusted,
    Event,
    Heard,
    Journal,
    Mode,
    Send,
    SetMode,
    SetTempo,
    Sounded,
    TempoSet,
    WorkerReady,
)
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.playing.click import When
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings, settings_from
from jamd.daemon.takes.take import to_midi
from jamd.notes import TICKS_PER_BEAT
from readable_takes import ONE_BAR, play


def cc(number: int, value: int, channel: int = 0) -> Message:
    return Message("control_change", control=number, value=value, channel=channel)


def knobs(**texts: str) -> dict[str, Knob]:
    """What a config.toml with these in [knobs] says."""
    config = load(None, {f"knobs.{name}": text for name, text in texts.items()}).config
    return dict(settings_from(config).knobs)


def turned(knob: str, *values: int, setting: str = "temperature") -> list[object]:
    turning = Knobs(knobs(**{setting: knob}))
    return [turning.hear(cc(74, value)) for value in values]


def test_the_whole_travel_is_the_settings_range() -> None:
    assert turned("cc 74", 0, 64, 127) == [
        Adjust("temperature", value) for value in (0.5, 1.0, 1.5)
    ]
    assert turned("cc 74 from 2 to 0.05", 0, 1, 127) == [
        Adjust("temperature", value) for value in (2.0, 1.98, 0.05)
    ]
    assert turned("cc 74", 0, 127, setting="bpm") == [SetTempo(40.0), SetTempo(240.0)]


def test_names_share_the_travel_evenly() -> None:
    told = turned("cc 74", *range(128), setting="parts")
    firsts = [next(group) for _, group in groupby(enumerate(told), key=itemgetter(1))]
    assert firsts == [
        (0, Adjust("parts", "both")),
        (43, Adjust("parts", "lead")),
        (86, Adjust("parts", "comp")),
    ]
    bars = turned("cc 74", 0, 32, 64, 127, setting="trade")
    assert bars == [Adjust("trade", bars) for bars in (0, 2, 4, 8)]
    yields = turned("cc 74", 0, 64, 127, setting="yield")
    assert yields == [Adjust("yield", rule) for rule in ("now", "note", "never")]
    # A switch with three positions.
    modes = turned("cc 74", 0, 64, 127, setting="mode")
    assert modes == [SetMode(mode) for mode in (Mode.ANSWER, Mode.ENDLESS, Mode.OFF)]


@given(
    st.sampled_from([name for name in ADJUSTABLE if name != "changes"]),
    st.integers(0, 127),
    st.data(),
)
def test_whatever_a_knob_sets_is_legal(setting: str, position: int, data: st.DataObject) -> None:
    kind = ADJUSTABLE[setting].kind
    text = "cc 74"
    if isinstance(kind, Number) and data.draw(st.booleans()):
        ends = st.floats(kind.lowest, kind.highest)
        text += f" from {data.draw(ends):f} to {data.draw(ends):f}"
    (told,) = turned(text, position, setting=setting)
    match told:
        case Adjust(name, value):
            adjusted = Settings().adjusted(name, value)
            assert adjusted.adjusted(name, adjusted.adjustable[name]) == adjusted
        case SetTempo(bpm):
            assert kind.accept(bpm) == bpm
        case _:
            assert isinstance(told, SetMode)


def adjustments(session: Session, *story: Event) -> list[tuple[str, object]]:
    """What is adjusted when all of it happens at one moment."""
    effects = [effect for event in story for effect in session.handle(event, 1.0)]
    entries = [effect.entry for effect in effects if isinstance(effect, Journal)]
    return [
        ("bpm", entry.bpm) if isinstance(entry, TempoSet) else (entry.setting, entry.value)
        for entry in entries
        if isinstance(entry, TempoSet | Adjusted)
    ]


def rolling(**texts: str) -> Session:
    session = Session(Settings(start_at_once=True, knobs=knobs(**texts)))
    session.handle(WorkerReady(), 0.0)
    return session


def test_a_knob_that_sends_the_same_again_sets_it_once() -> None:
    session = rolling(temperature="cc 74", bpm="cc 7")
    layers = [Heard(cc(number, 90, channel)) for number in (74, 7) for channel in range(3)]
    assert adjustments(session, *layers) == [("temperature", 1.21), ("bpm", 182.0)]
    assert adjustments(session, Heard(cc(74, 91))) == [("temperature", 1.22)]
    session = rolling(swing="cc 9", trade="cc 10")
    ends = [Heard(cc(number, 0)) for number in (9, 10, 9, 10)]
    assert adjustments(session, *ends) == [("swing", 50.0)], "trade is 0 as it is"


def test_a_knob_that_is_touched_sets_what_was_set_otherwise_meanwhile() -> None:
    session = rolling(temperature="cc 74", bpm="cc 7", style="cc 75")
    turns = [Heard(cc(74, 90)), Heard(cc(7, 90)), Heard(cc(75, 0))]
    told = [("temperature", 1.21), ("bpm", 182.0), ("style", "jazz")]
    assert adjustments(session, *turns) == told
    otherwise = Adjust("temperature", 0.7), SetTempo(90.0), Adjust("style", "piano")
    adjustments(session, *otherwise)
    assert adjustments(session, *turns) == told


def test_each_knob_is_a_controller_of_its_own() -> None:
    turning = Knobs(knobs(temperature="cc 74 channel 2", density="cc 74 channel 3"))
    assert not turning.owns(cc(74, 1))
    assert not turning.owns(cc(75, 1, channel=1))
    assert not turning.owns(Message("note_on", note=74, channel=1))
    assert turning.hear(cc(74, 0, channel=1)) == Adjust("temperature", 0.5)
    assert turning.hear(cc(74, 0, channel=2)) == Adjust("density", 0.5)


def test_each_setting_that_is_adjustable_can_be_changed() -> None:
    for name, setting in ADJUSTABLE.items():
        kind = setting.kind
        raw = next(iter(kind.values)) if isinstance(kind, Choice) else setting.default
        raw = {"changes": "C | F", "swing": "player"}.get(name, raw)
        assert isinstance(raw, int | float | str)
        session = Session(Settings())
        session.handle(command(name, raw), 0.0)
        status = session.status(0.0)
        told = {**status.settings, "bpm": status.bpm, "mode": status.mode.value}
        assert told[name] == raw


TURNED = knobs(temperature="cc 74", bpm="cc 7", parts="cc 1", mode="cc 2")


def test_a_knob_is_no_music_but_somebody_is_there() -> None:
    settings = Settings(start_at_once=True, thru=True, listen_channel=0, knobs=TURNED)
    session = Session(settings)
    effects = [
        effect
        for i, message in enumerate([cc(74, 0, 5), cc(74, 0), cc(74, 9), cc(7, 127), cc(1, 127)])
        for effect in session.handle(Heard(message), i / 10)
    ]
    assert not [effect for effect in effects if isinstance(effect, Send)]
    entries = [effect.entry for effect in effects if isinstance(effect, Journal)]
    assert not [entry for entry in entries if isinstance(entry, Sounded)]
    assert [(e.setting, e.value) for e in entries if isinstance(e, Adjusted)] == [
        ("temperature", 0.5),
        ("temperature", 0.571),
        ("parts", "comp"),
    ]
    status = session.status(10.4)
    assert (status.bpm, status.bar, status.last_note) == (240, 0, None)
    assert status.rested_s == pytest.approx(10)


def test_a_knob_does_not_change_the_tempo_of_a_clock() -> None:
    ticks = [(i / 48, Heard(Message("clock"))) for i in range(100)]
    settings = replace(jam(), knobs=TURNED, source=Settings().source)
    session = Session(settings)
    session.handle(Heard(Message("start")), 0.0)
    for at, tick in ticks:
        session.handle(tick, at)
    session.handle(Heard(cc(7, 127)), ticks[-1][0])
    assert session.status(ticks[-1][0]).bpm == pytest.approx(120)


SWEEP = [
    (at, Heard(cc(74, position, channel)))
    for i in range(800)
    for at, position in [(4.0 + i / 200, abs(127 - i % 254))]
    for channel in (0, 3)
]
"""Up and down for four seconds, 200 steps a second, from a keyboard with two layers."""


def test_a_sweep_leaves_one_cue_and_every_note_its_end() -> None:
    settings = replace(jam(Mode.ENDLESS), knobs=TURNED)
    jammed = play(settings, ONE_BAR, *SWEEP, improviser=ToTheEnd())
    assert jammed.rows == play(settings, ONE_BAR, improviser=ToTheEnd()).rows, "nothing is missing"
    cues = [m.text for m in to_midi(jammed.entries).tracks[0] if m.type == "cue_marker"]
    assert cues == ["temperature 1.21"]
    sent = [send.message.type for _, send in jammed.performance.sent]
    assert sent.count("note_on") == sent.count("note_off") > 50


@pytest.fixture(scope="module")
def improviser() -> Improviser:
    return Improviser(Bundle.read(bundles.resolve("default")))


def test_the_model_plays_on_under_a_knob_that_never_rests(improviser: Improviser) -> None:
    settings = replace(
        settings_from(Config()),
        seed=3,
        horizon_bars=1,
        mode=Mode.ENDLESS,
        bpm=120.0,
        start_at_once=True,
        click=When.OFF,
        knobs=TURNED,
    )

    tune = "\n".join(
        f"1.{i // 2 + 1}.{i % 2 * 6} player {60 + pitch} 80 5"
        for i, pitch in enumerate((0, 2, 4, 5, 7, 5, 4, 2))
    )

    def onsets(*story: tuple[float, Event]) -> int:
        """Moments at which something begins, while the knob is turned or would be."""
        notes = play(settings, tune, *story, bars=4, improviser=improviser).notes
        moments = {note.onset * BEAT_S / TICKS_PER_BEAT for note in notes}
        return sum(4 <= moment < 6 for moment in moments)

    left_alone = onsets()
    assert left_alone > 5
    assert onsets(*(event for event in SWEEP if event[0] < 6)) > 0.6 * left_alone
