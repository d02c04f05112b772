"""A session that follows a sequencer's clock, up to where it sends to the port."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest
from mido import Message

from jamd.daemon.events import Event, Heard, Mode, Send, SetTempo, WorkerReady
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource, ClockLost
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.notes import TICKS_PER_BEAT

Story = list[tuple[float, Event]]

CLOCK, START, STOP, CONTINUE = (
    Heard(Message(kind)) for kind in ("clock", "start", "stop", "continue")
)
BEGIN_S = 10.0
ENDLESS = Settings(mode=Mode.ENDLESS, bpm=100)


def clocks(bpm: float, beats: float, begin: float = BEGIN_S, jitter: float = 0.0) -> Story:
    draw = random.Random(3)
    period = 60 / bpm / 24
    return [
        (begin + i * period + draw.uniform(-jitter, jitter), CLOCK) for i in range(int(beats * 24))
    ]


def phrase(bpm: float, begin: float = BEGIN_S) -> Iterator[tuple[float, Event]]:
    """A bar of quarter notes."""
    for i, pitch in enumerate((60, 64, 67, 65)):
        yield begin + (i + 0.02) * 60 / bpm, Heard(Message("note_on", note=pitch, velocity=80))
        yield begin + (i + 0.7) * 60 / bpm, Heard(Message("note_off", note=pitch))


def perform(settings: Settings, story: Story, until: float) -> VirtualJam:
    performance = VirtualJam(
        Session(settings), ScriptedImproviser(), [(0.0, WorkerReady()), *story]
    )
    performance.run(until)
    return performance


def place(session: Session, now: float) -> tuple[int, int]:
    status = session.status(now)
    return status.bar, status.beat


def tell(session: Session, story: Sequence[tuple[float, Event]]) -> list[Send]:
    effects = []
    for now, event in story:
        while (deadline := session.next_deadline()) is not None and deadline < now:
            effects += session.advance(deadline)
        effects += session.handle(event, now)
    return [effect for effect in effects if isinstance(effect, Send)]


def test_start_begins_bar_one_with_the_next_pulse() -> None:
    session = Session(Settings(bpm=100))
    story: Story = [*clocks(120, 8, BEGIN_S - 4), (BEGIN_S - 0.005, START)]
    tell(session, story)
    assert place(session, BEGIN_S - 0.004) == (0, 0)
    assert session.status(BEGIN_S).from_clock
    tell(session, clocks(120, 5))
    assert place(session, BEGIN_S + 0.01) == (1, 1)
    assert place(session, BEGIN_S + 2.01) == (2, 1)


def test_stop_ends_what_sounds_and_nothing_plays_until_the_song_goes_on() -> None:
    stop = BEGIN_S + 8.2
    story: Story = [
        (BEGIN_S - 0.01, START),
        *clocks(120, 60),
        *phrase(120),
        (stop, STOP),
        *phrase(120, stop + 1),
        (stop + 8, START),
        *phrase(120, BEGIN_S + 17),
    ]
    performance = perform(ENDLESS, story, BEGIN_S + 28)
    sent = performance.sent
    beginnings = [at for at, send in sent if send.message.type == "note_on"]
    assert any(at < stop for at in beginnings)
    assert not any(stop <= at < stop + 8 for at in beginnings)
    assert any(at > stop + 8 for at in beginnings)
    sounding: set[int] = set()
    for at, send in sent:
        if at > stop:
            break
        change = sounding.add if send.message.type == "note_on" else sounding.discard
        change(send.message.note)
    assert not sounding


@pytest.mark.parametrize("missing", range(1, 10))
@pytest.mark.parametrize("before", [0, 3])  # pulses of the standing sequencer's
def test_a_pulse_that_is_missing_right_after_the_start_does_not_move_the_beat(
    missing: int, before: int
) -> None:
    session = Session(Settings(bpm=100))
    ticking = clocks(120, before / 24, BEGIN_S - before / 48)
    rolling = clocks(120, 4)
    tell(session, [*ticking, (BEGIN_S - 0.001, START), *rolling[:missing], *rolling[missing + 1 :]])
    beat = session._transport.exact_tick(BEGIN_S + 1.9) / TICKS_PER_BEAT
    assert beat == pytest.approx(3.8, abs=0.002)


def test_the_song_is_found_by_its_position_and_goes_on_from_there() -> None:
    session = Session(Settings(bpm=100))
    story: Story = [
        *clocks(120, 4, BEGIN_S - 2),
        (BEGIN_S - 0.004, Heard(Message("songpos", pos=16 * 4 + 8))),  # 5.3
        (BEGIN_S - 0.003, CONTINUE),
        *clocks(120, 4),
    ]
    tell(session, story)
    assert place(session, BEGIN_S + 0.01) == (5, 3)
    assert place(session, BEGIN_S + 1.01) == (6, 1)
    stop = BEGIN_S + 1.995
    rest: Story = [
        (BEGIN_S + 1.99, Heard(Message("songpos", pos=0))),  # rolling: no news
        (stop, STOP),
        *clocks(120, 2, BEGIN_S + 2),
        (BEGIN_S + 2.99, CONTINUE),
        *clocks(120, 2, BEGIN_S + 3),
    ]
    tell(session, rest)
    assert place(session, BEGIN_S + 3.01) == (6, 3)
    assert place(session, BEGIN_S + 3.51) == (6, 4)


def test_a_position_is_heeded_while_only_the_player_is_rolling() -> None:
    """The sequencer sends a clock but is stopped, or its clock is lost: its song is not rolling."""
    went: list[tuple[float, Event]] = [
        (BEGIN_S + 9.9, Heard(Message("songpos", pos=16 * 16))),
        (BEGIN_S + 9.99, CONTINUE),
    ]
    for before in (
        [*clocks(120, 20), *phrase(120, BEGIN_S + 2.1)],
        [(BEGIN_S - 0.01, START), *clocks(120, 8)],
    ):
        session = Session(Settings(bpm=100))
        tell(session, sorted([*before, *went], key=lambda one: one[0]))
        tell(session, clocks(120, 5, BEGIN_S + 10))
        assert place(session, BEGIN_S + 10.01) == (17, 1)
        assert place(session, BEGIN_S + 12.01) == (18, 1)


def test_a_start_while_it_rolls_is_bar_one_and_ticks_still_rise() -> None:
    session = Session(Settings(bpm=100))
    tell(session, [(BEGIN_S - 0.01, START), *clocks(120, 7)])
    before = session._transport.tick_at(BEGIN_S + 3.4)
    tell(session, [(BEGIN_S + 3.49, START), *clocks(120, 4, BEGIN_S + 3.5)])
    assert place(session, BEGIN_S + 3.51) == (1, 1)
    assert session._transport.tick_at(BEGIN_S + 3.5) > before
    assert session._transport.tick_at(BEGIN_S + 3.5) % 1920 == 0


@pytest.mark.parametrize("source", [BeatSource.AUTO, BeatSource.MIDI])
def test_a_lost_clock_leaves_its_tempo(source: BeatSource) -> None:
    session = Session(Settings(bpm=100, source=source))
    tell(session, [(BEGIN_S - 0.01, START), *clocks(140, 16)])
    later = BEGIN_S + 16 * 60 / 140 + 5
    session.advance(later)
    status = session.status(later)
    assert not status.from_clock
    assert status.bpm == pytest.approx(140)
    beat = session._transport.exact_tick(later) / TICKS_PER_BEAT
    assert beat == pytest.approx((later - BEGIN_S) * 140 / 60, abs=0.01)


def test_a_clock_that_comes_back_is_followed_where_the_beat_is_by_then() -> None:
    session = Session(Settings(bpm=100))
    again = [pulse for pulse in clocks(140, 32) if pulse[0] > BEGIN_S + 8]
    tell(session, [(BEGIN_S - 0.01, START), *clocks(140, 16), *again])
    now = again[-1][0]
    assert session.status(now).from_clock
    beat = session._transport.exact_tick(now) / TICKS_PER_BEAT
    assert beat == pytest.approx((now - BEGIN_S) * 140 / 60, abs=0.005)


def test_a_lost_clock_stops_if_so_set() -> None:
    settings = Settings(mode=Mode.ENDLESS, bpm=100, on_clock_lost=ClockLost.STOP)
    lost = BEGIN_S + 16 * 0.5
    story: Story = [(BEGIN_S - 0.01, START), *clocks(120, 16), *phrase(120)]
    performance = perform(settings, story, lost + 20)
    assert max(at for at, _ in performance.sent) <= lost + 0.25


@pytest.mark.parametrize("lost_s", [0.3, 0.5, 3.0])
@pytest.mark.parametrize("on_lost", ClockLost)
def test_when_a_clock_is_back_the_song_is_where_it_went_on_to(
    on_lost: ClockLost, lost_s: float
) -> None:
    session = Session(Settings(bpm=100, on_clock_lost=on_lost))
    gone, back = BEGIN_S + 5.0, BEGIN_S + 5.0 + lost_s
    pulses = [pulse for pulse in clocks(120, 60, jitter=0.001) if not gone < pulse[0] < back]
    tell(session, [(BEGIN_S - 0.01, START), *(pulse for pulse in pulses if pulse[0] <= gone)])
    session.advance(gone + 0.28)
    assert session._transport.rolling == (on_lost is ClockLost.KEEP)
    assert session.status(gone + 0.28).waits == (on_lost is ClockLost.STOP)
    tell(session, [pulse for pulse in pulses if back <= pulse[0] < back + 3])
    song = session._transport.exact_tick(back + 3) - session._transport.bar_one
    assert song / TICKS_PER_BEAT == pytest.approx((5.0 + lost_s + 3) * 2, abs=0.01)


@pytest.mark.parametrize("said", [None, STOP])
def test_a_clock_that_is_back_rolls_nothing_that_was_stopped_or_that_it_did_not_start(
    said: Event | None,
) -> None:
    session = Session(Settings(bpm=100, on_clock_lost=ClockLost.STOP))
    before = [(BEGIN_S - 0.01, START), *clocks(120, 8)] if said else clocks(120, 8)
    story: Story = [*before, *phrase(120, BEGIN_S + 1.5)]
    tell(session, sorted(story, key=lambda one: one[0]))
    if said is not None:
        tell(session, [(BEGIN_S + 4.5, said)])
    tell(session, clocks(120, 8, BEGIN_S + 5))
    assert not session._transport.rolling
    tell(session, [(BEGIN_S + 8.9, CONTINUE), *clocks(120, 0.5, BEGIN_S + 9)])
    if said is not None:
        assert place(session, BEGIN_S + 9.2) == (3, 2), "where it was when it was stopped"


def test_a_clock_without_start_sets_the_tempo_and_the_first_note_the_bar() -> None:
    session = Session(Settings(bpm=100))
    tell(session, sorted([*clocks(140, 12), *phrase(140, BEGIN_S + 2)], key=lambda one: one[0]))
    begin = BEGIN_S + 2 + 0.02 * 60 / 140
    now = begin + 4 * 60 / 140 * 0.7
    assert session._transport.exact_tick(now) / TICKS_PER_BEAT == pytest.approx(2.8, abs=0.01)
    assert session.status(now).bpm == pytest.approx(140)


def test_with_the_internal_source_a_clock_is_no_news() -> None:
    session = Session(Settings(bpm=100, source=BeatSource.INTERNAL))
    tell(session, [(BEGIN_S - 0.01, START), *clocks(140, 12)])
    status = session.status(BEGIN_S + 5)
    assert (status.bar, status.bpm, status.from_clock) == (0, 100, False)


def test_with_a_clock_as_the_source_there_is_no_beat_without_one() -> None:
    session = Session(Settings(bpm=100, source=BeatSource.MIDI, start_at_once=True))
    session.advance(1.0)
    tell(session, list(phrase(100)))
    assert session.status(BEGIN_S + 5).bar == 0
    assert session.status(BEGIN_S + 5).waits
    assert session.next_deadline() is None


def test_a_tempo_set_by_hand_gives_way_to_the_clock() -> None:
    session = Session(Settings(bpm=100))
    tell(session, [(BEGIN_S - 0.01, START), *clocks(140, 8), (BEGIN_S + 3.4, SetTempo(80))])
    assert session.status(BEGIN_S + 3.4).bpm == pytest.approx(140, rel=0.01)


ASKED = Settings(bpm=90, own_tempo=True)


def test_a_tempo_that_was_asked_for_stands_against_a_clock_that_nobody_starts() -> None:
    session = Session(ASKED)
    story: Story = [
        *clocks(140, 16),
        *phrase(90, BEGIN_S + 2),
        (BEGIN_S + 5, Heard(Message("stop"))),
    ]
    tell(session, sorted(story, key=lambda one: one[0]))
    status = session.status(BEGIN_S + 6)
    assert (status.bpm, status.from_clock) == (90, False)
    begin = BEGIN_S + 2 + 0.02 * 60 / 90
    beat = session._transport.exact_tick(BEGIN_S + 6) / TICKS_PER_BEAT
    assert beat == pytest.approx((BEGIN_S + 6 - begin) * 90 / 60)


@pytest.mark.parametrize("go", [START, CONTINUE])
def test_a_clock_that_is_started_leads_whatever_was_asked_for(go: Event) -> None:
    session = Session(ASKED)
    tell(session, [*clocks(140, 8, BEGIN_S - 10), (BEGIN_S - 0.01, go), *clocks(140, 8)])
    status = session.status(BEGIN_S + 3.4)
    assert status.bpm == pytest.approx(140)
    assert status.from_clock


def test_a_tempo_set_by_hand_stands_against_a_clock_that_nobody_starts() -> None:
    session = Session(Settings(bpm=100))
    tell(
        session, [*clocks(140, 8), (BEGIN_S + 3.41, SetTempo(80)), *clocks(140, 8, BEGIN_S + 3.43)]
    )
    status = session.status(BEGIN_S + 6.8)
    assert (status.bpm, status.from_clock) == (80, False)
