"""A session states its next deadline; polling it earlier finds nothing to decide.

Nor does it matter what else is due at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import cycle

import pytest
from mido import Message

from jamd.config.file import load
from jamd.daemon.events import (
    Again,
    Ask,
    Effect,
    Entry,
    Event,
    Heard,
    Mode,
    Sounded,
    TempoSet,
    WorkerReady,
)
from jamd.daemon.model.requests import LikelihoodRequest, Likelihoods
from jamd.daemon.playing.click import When
from jamd.daemon.playing.course import Course
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings, settings_from
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.harmony.chart import Chart
from jamd.measure.performances import Performance as Played
from jamd.measure.performances import shipped
from jamd.notes import TICKS_PER_BEAT

SHIPPED = shipped("openings.txt")
NAMED = {(opening.kind, opening.name): opening for opening in SHIPPED}
OPENINGS = SHIPPED[::12]
KNOBS = settings_from(load(None, {"knobs.temperature": "cc 74"}).config).knobs
CHART = Chart.parse("Dm7 G7 | Cmaj7 | %")


def story(played: Played) -> Iterator[tuple[float, Event]]:
    """What was played, from the first second on, each key released a little early."""
    first = played.notes[0].onset
    a_tick = 60 / played.bpm / TICKS_PER_BEAT
    for note in played.notes:
        begin = 1 + (note.onset - first) * a_tick
        yield begin, Heard(Message("note_on", note=note.pitch, velocity=80))
        end = begin + 0.8 * note.duration * a_tick
        yield end, Heard(Message("note_off", note=note.pitch))


def unsure(request: LikelihoodRequest) -> list[Likelihoods]:
    return [Likelihoods(request.id, tuple(0.0 for _ in request.shifts))]


def jam(
    played: Played,
    settings: Settings,
    looks_s: float | None,
    looks: tuple[Message, ...] = (Message("active_sensing"),),
) -> list[Entry]:
    """The entries, if the session gets irrelevant messages every `looks_s` seconds, in turns."""
    turned = Heard(Message("control_change", control=74, value=90))
    events: list[tuple[float, Event]] = [(0.0, WorkerReady()), *story(played)]
    if settings.knobs:
        events += [(7.3, turned), (10.0, Again())]
    end = max(seconds for seconds, _ in events) + 6
    if looks_s is not None:
        times = (looks_s * n for n in range(round(end / looks_s)))
        events += zip(times, map(Heard, cycle(looks)), strict=False)
    performance = VirtualJam(Session(settings), ScriptedImproviser(), events, unsure)
    performance.run(end)
    # How closely a take records the tempo depends on how often the session is polled.
    return [entry for entry in performance.entries if not isinstance(entry, TempoSet)]


PRESSED = (
    Message("aftertouch", channel=1, value=90),
    Message("pitchwheel", channel=2, pitch=-700),
    Message("polytouch", channel=1, note=60, value=33),
    Message("control_change", channel=2, control=74, value=12),
)
"""What an MPE keyboard sends of every key that is down, hundreds of times a second."""


@pytest.mark.parametrize("opening", OPENINGS, ids=lambda played: played.name)
@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(trade_bars=2),
        Settings(trade_bars=4),
        Settings(mode=Mode.OFF, source=BeatSource.PLAYER),
        Settings(source=BeatSource.PLAYER),
        Settings(mode=Mode.ENDLESS),
        Settings(mode=Mode.ENDLESS, source=BeatSource.PLAYER, chart=CHART, knobs=KNOBS),
    ],
    ids=["answer", "twos", "fours", "off", "player", "endless", "changes"],
)
def test_looks_between_its_deadlines_change_nothing(opening: Played, settings: Settings) -> None:
    assert jam(opening, settings, looks_s=0.02) == jam(opening, settings, None)


def test_a_look_does_not_end_a_note_sent_on_that_may_have_come_back() -> None:
    played, settings = NAMED["song", "downbeat_20"], Settings(thru=True)
    assert jam(played, settings, looks_s=0.0073) == jam(played, settings, None)


def test_what_a_key_changes_is_planned_alike_if_a_note_is_due_at_that_moment() -> None:
    played, settings = NAMED["piano", "downbeat_25"], Settings(mode=Mode.ENDLESS)
    assert jam(played, settings, looks_s=0.0073) == jam(played, settings, None)


@pytest.mark.parametrize("bpm", [60.0, 90.0, 100.0, 137.0])
@pytest.mark.parametrize("sent", ["click", "clock"])
def test_what_is_sent_at_that_moment_does_not_put_off_planning(bpm: float, sent: str) -> None:
    settings = Settings(
        bpm=bpm,
        start_at_once=True,
        trade_bars=2,
        source=BeatSource.INTERNAL,
        click=When.ON if sent == "click" else When.OFF,
        send_clock=sent == "clock",
    )
    beat_s = 60 / bpm
    asked: list[float] = []

    class Watched(VirtualJam):
        def _do(self, effects: Iterable[Effect]) -> None:
            kept = list(effects)
            asked.extend(self._clock.now() for effect in kept if isinstance(effect, Ask))
            super()._do(kept)

    tune = [Message(kind, note=60) for kind in ("note_on", "note_off")] * 4
    keys = [((0.1 + 0.5 * i) * beat_s, Heard(message)) for i, message in enumerate(tune)]
    Watched(Session(settings), ScriptedImproviser(), [(0.0, WorkerReady()), *keys]).run(8 * beat_s)
    assert asked[0] == pytest.approx(7 * beat_s)  # a beat before jamd's bars


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When it was decided what follows, from now on."""
    moments: list[float] = []
    decide = Course.advance

    def counted(course: Course, now: float) -> list[Effect]:
        moments.append(now)
        return decide(course, now)

    monkeypatch.setattr(Course, "advance", counted)
    return moments


def test_pressure_decides_nothing_and_costs_no_decisions(decided: list[float]) -> None:
    settings = Settings(mpe=True, thru=True)
    alone, decided_alone = jam(OPENINGS[0], settings, None), len(decided)
    pressed = jam(OPENINGS[0], settings, 0.001, PRESSED)
    music = [e for e in pressed if not isinstance(e, Sounded) or "note_o" in e.message.type]
    assert music == alone
    messages = len(pressed) - len(music)
    assert messages > 5000
    # Only just before something is due is all of it looked at, as with any other message.
    assert len(decided) - 2 * decided_alone < messages / 5


def test_a_clock_s_pulses_cost_no_decisions(decided: list[float]) -> None:
    """Else a note that falls on one is late by what they cost."""
    keys = list(story(NAMED["song", "downbeat_20"]))
    pulses = [(n / 48, Heard(Message("clock"))) for n in range(48 * 30)]
    events: list[tuple[float, Event]] = [(0.0, WorkerReady()), (0.0, Heard(Message("start")))]
    events += [*pulses, *keys]
    led = VirtualJam(Session(Settings(source=BeatSource.MIDI)), ScriptedImproviser(), events)
    led.run(30)
    answered = [e for e in led.entries if isinstance(e, Sounded) and e.part is not None]
    assert answered
    assert len(decided) < 3 * (len(keys) + len(answered))  # there are 1,440 pulses


def test_pressure_after_the_end_is_not_in_the_take() -> None:
    session = Session(Settings(start_at_once=True))
    assert session.handle(Heard(PRESSED[0]), 0.1)
    session.shutdown(0.2)
    assert not session.handle(Heard(PRESSED[0]), 0.3)
