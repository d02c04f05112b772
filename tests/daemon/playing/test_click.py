"""The click: when it sounds, on which output, and that each note-on gets its note-off."""

from __future__ import annotations

import pytest
from mido import Message

from jamd.daemon.events import Event, Heard, Mode, Output, Panic, Send, SetTempo, WorkerReady
from jamd.daemon.playing.click import Click, Sound, When
from jamd.daemon.playing.schedule import Ledger
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.notes import METERS, Meter, Tick

Story = list[tuple[float, Event]]
SOUND = Sound()
DRUMS = SOUND.channel


def phrase(bpm: float, begin: float = 0.0) -> Story:
    """A bar of quarter notes."""
    beat = 60 / bpm
    return [
        (begin + (i + at) * beat, Heard(Message(kind, note=pitch)))
        for i, pitch in enumerate((60, 64, 67, 65))
        for at, kind in ((0.0, "note_on"), (0.7, "note_off"))
    ]


def sends(settings: Settings, story: Story, until: float) -> list[Send]:
    events: Story = [(0.0, WorkerReady()), *story]
    performance = VirtualJam(Session(settings), ScriptedImproviser(), events)
    performance.run(until)
    return [send for _, send in performance.sent]


def place(settings: Settings, story: Story, now: float) -> tuple[int, int]:
    """The bar and the beat shown at `now`."""
    session = Session(settings)
    for at, event in story:
        while at < now and (deadline := session.next_deadline()) is not None and deadline < at:
            session.advance(deadline)
        if at < now:
            session.handle(event, at)
    session.advance(now)
    status = session.status(now)
    return status.bar, status.beat


def clicks(sent: list[Send]) -> list[str]:
    """Rows like `3.50 one`: when each click is due, in seconds, and which click it is."""
    names = {SOUND.accent[0]: "one", SOUND.beat[0]: "beat"}
    return [
        f"{send.due:.2f} {names[send.message.note]}"
        for send in sent
        if send.message.type == "note_on" and send.message.channel == DRUMS
    ]


@pytest.mark.parametrize("meter", METERS)
def test_the_accent_is_on_one_and_every_beat_of_the_meter_clicks(meter: Meter) -> None:
    click = Click(SOUND, meter, Ledger())
    click.begin(Tick(1))
    out = list(click.release(Tick(2 * meter.ticks_per_bar), Tick(0)))
    begins = [o for o in out if o.message.type == "note_on"]
    assert len(begins) == 2 * meter.numerator  # the first one lies before it began
    assert [o.tick for o in begins if o.message.note == SOUND.accent[0]] == [
        meter.ticks_per_bar,
        2 * meter.ticks_per_bar,
    ]
    assert len(out) == 2 * len(begins) - 1, "the last one still sounds"


def test_it_begins_with_the_first_note_and_ends_with_the_first_answer() -> None:
    settings = Settings(mode=Mode.ENDLESS, bpm=120, click=When.AUTO)
    sent = sends(settings, phrase(120, begin=3.0), 12.0)
    answer = min(s.due for s in sent if s.message.type == "note_on" and s.message.channel == 0)
    heard = clicks(sent)
    assert heard[:5] == ["3.00 one", "3.50 beat", "4.00 beat", "4.50 beat", "5.00 one"]
    assert float(heard[-1].split()[0]) <= answer < 12.0 - 4


def test_with_a_clock_to_follow_there_is_none_unless_it_is_on() -> None:
    pulses: Story = [(1 + i * 0.5 / 24, Heard(Message("clock"))) for i in range(480)]
    story: Story = [(0.9, Heard(Message("start"))), *pulses]
    auto = clicks(sends(Settings(bpm=100, click=When.AUTO), story, 10.0))
    assert len(auto) <= 1, "the first pulse does not tell a tempo yet"
    on = clicks(sends(Settings(bpm=100, click=When.ON), story, 10.0))
    assert on[1:6] == ["1.50 beat", "2.00 beat", "2.50 beat", "3.00 one", "3.50 beat"]
    waiting = Settings(bpm=100, click=When.ON, source=BeatSource.MIDI)
    assert clicks(sends(waiting, phrase(100), 10.0)) == []


def test_it_follows_a_change_of_tempo_and_survives_a_panic() -> None:
    settings = Settings(bpm=120, click=When.ON, start_at_once=True)
    story: Story = [(1.25, SetTempo(60)), (1.9, Panic())]
    heard = clicks(sends(settings, story, 4.6))
    assert heard == [
        "0.00 one",
        "0.50 beat",
        "1.00 beat",
        "1.75 beat",
        "2.75 one",
        "3.75 beat",
    ]


@pytest.mark.parametrize(("offset_s", "panic_s"), [(-0.1, 1.93), (0.1, 2.05)])
def test_a_panic_neither_repeats_a_click_nor_costs_one_that_is_moved(
    offset_s: float, panic_s: float
) -> None:
    settings = Settings(bpm=60, click=When.ON, start_at_once=True, click_offset_s=offset_s)
    undisturbed = clicks(sends(settings, [], 3.5))
    assert clicks(sends(settings, [(panic_s, Panic())], 3.5)) == undisturbed


def test_a_panic_before_a_count_in_adds_no_click() -> None:
    settings = Settings(bpm=240, count_in=1, click=When.AUTO, send_clock=True, clock_offset_s=-0.5)
    undisturbed = clicks(sends(settings, [], 1.9))
    assert clicks(sends(settings, [(0.01, Panic())], 1.9)) == undisturbed


@pytest.mark.parametrize("own_port", [True, False])
def test_every_click_ends_on_the_port_on_which_it_began(own_port: bool) -> None:
    settings = Settings(
        mode=Mode.ENDLESS, bpm=137, click=When.ON, click_port=own_port, lead_channel=DRUMS
    )
    story: Story = [*phrase(137), (9.0, Panic()), (12.21, SetTempo(230))]
    sent = sends(settings, story, 20.03)
    sounding: set[tuple[Output, int, int]] = set()
    for send in sent:
        if send.message.type in ("note_on", "note_off"):
            key = send.output, send.message.channel, send.message.note
            (sounding.add if send.message.type == "note_on" else sounding.remove)(key)
    assert not sounding
    assert {s.output for s in sent} == ({Output.MAIN, Output.CLICK} if own_port else {Output.MAIN})


def test_a_count_in_is_heard_and_bar_one_comes_after_it() -> None:
    settings = Settings(bpm=120, count_in=1, click=When.AUTO)
    story: Story = [(0.5, WorkerReady()), *phrase(120, begin=2.0)]
    shown = [place(settings, story, now) for now in (0.4, 1.1, 2.4, 2.6, 4.6)]
    assert shown == [(0, 0), (0, 2), (0, 4), (1, 1), (2, 1)]
    heard = clicks(sends(settings, story[1:], 3.0))
    assert heard == ["0.00 one", "0.50 beat", "1.00 beat", "1.50 beat", "2.00 one", "2.50 beat"]


def test_a_phrase_within_the_count_in_is_answered_from_bar_one_on() -> None:
    settings = Settings(bpm=120, count_in=4)
    sent = sends(settings, phrase(120, begin=0.5), 14.0)
    first = min(send.due for send in sent if send.message.type == "note_on")
    assert first == pytest.approx(8.0)
