"""Settings that change while jamd plays: when that is heard, and what stays as it was.

The improviser here writes a note on every sixteenth whose pitch is fifty times the temperature, so
a take shows which temperature each of its notes was asked for with.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from turn_taking import BAR, BEAT_S, ToTheEnd, jam

from jamd.config.config import ADJUSTABLE
from jamd.daemon import virtual
from jamd.daemon.events import (
    Adjust,
    Adjusted,
    Again,
    Answered,
    Ask,
    Effect,
    Entry,
    Event,
    Mode,
    WorkerReady,
)
from jamd.daemon.listening.memory import Memory
from jamd.daemon.model.requests import Planned, PlanRequest
from jamd.daemon.playing.plan import Span
from jamd.daemon.playing.planner import ASK_SECONDS, Planner
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.status import ADJUSTED_S
from jamd.daemon.takes.take import to_midi
from jamd.daemon.timing.swing import STRAIGHT
from jamd.daemon.timing.transport import SIXTEENTH
from jamd.daemon.virtual import ANSWER_SECONDS, VirtualJam
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Part, Tick
from readable_takes import FOUR, ONE_BAR, Take, heard, play, rows

WINDOW_S = BEAT_S / 4  # at 120 bpm
BREATH = 5 * SIXTEENTH  # the longest gap between the notes of endless sixteenths


class Thermometer:
    """Answers with sixteenths, as high as the temperature."""

    def __init__(self) -> None:
        self.asked: list[PlanRequest] = []

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        self.asked.append(request)
        first = -(-request.context.until // SIXTEENTH) * SIXTEENTH
        pitch = round(50 * request.sampling.temperature)
        part = max(request.constraints.parts)
        onsets = range(first, request.through, SIXTEENTH)
        notes = tuple(Note(Tick(onset), pitch, 80, Tick(60), part) for onset in onsets)
        yield Planned(request.id, notes, request.through, done=True)


def seconds(note: Note) -> float:
    return note.onset / SIXTEENTH * WINDOW_S


def adjusted(*values: tuple[float, float]) -> list[tuple[float, Event]]:
    """The temperature, from each moment on."""
    return [(at, Adjust("temperature", value)) for at, value in values]


def endless(*events: tuple[float, Event], bars: int = 8) -> Take:
    return play(jam(Mode.ENDLESS), ONE_BAR, *events, bars=bars, improviser=Thermometer())


def gaps(notes: Sequence[Note]) -> set[int]:
    return {later.onset - note.onset for note, later in itertools.pairwise(notes)}


def test_changes_asked_for_in_a_song_of_another_meter_are_left_out() -> None:
    """They were checked by the song before, a moment ago: four chords fit no bar of 3/4."""
    session = Session(Settings(meter=Meter(3, 4)))
    session.handle(WorkerReady(), 0.0)
    assert session.handle(Adjust("changes", "| C D E F |"), 0.1) == []
    assert session.handle(Adjust("changes", "| C D E |"), 0.2) != []


@given(at=st.floats(4, 12))
@examples(deadline=None, max_examples=40)
def test_what_is_adjusted_is_heard_once_the_worker_has_answered(at: float) -> None:
    notes = endless(*adjusted((at, 1.5))).notes
    # An answer that a note of the old plan overtakes is asked for once more.
    latest = at + WINDOW_S + 2 * max(ANSWER_SECONDS, ASK_SECONDS)
    assert all(note.pitch == 50 for note in notes if seconds(note) <= at)
    assert all(note.pitch == 75 for note in notes if seconds(note) > latest)
    assert gaps(notes) <= {SIXTEENTH, BREATH}, "the old plan stands until then"


def flood(first: float, last: float) -> list[tuple[float, Event]]:
    """A knob from one end to the other and back, 200 steps a second."""
    count = round((last - first) * 200)
    swept = [*range(128), *range(126, 0, -1)]
    return adjusted(
        *((first + i / 200, 0.5 + swept[i % len(swept)] / 127) for i in range(count)),
        (last, 1.9),
    )


@pytest.mark.parametrize("answer_s", [0.005, 0.02, 0.15, 0.4])
def test_a_flood_neither_silences_jamd_nor_waits_for_its_end(
    answer_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual, "ANSWER_SECONDS", answer_s)
    notes = endless(*flood(5, 11)).notes
    assert gaps(notes) <= {SIXTEENTH, BREATH}
    assert all(note.pitch == 95 for note in notes if seconds(note) > 11 + WINDOW_S + 4 * answer_s)
    pitches = [note.pitch for note in notes if 5.5 < seconds(note) < 11]
    assert len(set(pitches)) > 3, "the knob is heard while it moves"


def test_a_flood_asks_for_one_answer_at_a_time() -> None:
    improviser = Thermometer()
    session = Session(jam(Mode.ENDLESS))
    told: list[tuple[float, int | None]] = []  # (when, the request's id; None: its answer)

    class Watched(VirtualJam):
        def _do(self, effects: list[Effect]) -> None:  # type: ignore[override]
            told.extend((self._clock.now(), e.request.id) for e in effects if isinstance(e, Ask))
            super()._do(effects)

        def _arrive(self, event: Event | PlanRequest) -> None:  # type: ignore[override]
            if isinstance(event, PlanRequest):
                told.append((self._clock.now(), None))
            super()._arrive(event)

    story: list[tuple[float, Event]] = [(0.0, WorkerReady()), *heard(ONE_BAR), *flood(5, 8)]
    Watched(session, improviser, story).run(10)
    during = [(at, asked) for at, asked in told if 5 <= at < 8.1]
    assert len(during) > 100
    kinds = [asked is None for _, asked in during]
    assert all(one is not other for one, other in itertools.pairwise(kinds)), "asked, answered, …"
    asks = [at for at, asked in during if asked is not None]
    assert min(b - a for a, b in itertools.pairwise(asks)) >= ASK_SECONDS - 1e-9


def test_every_note_of_a_flood_is_ended_and_sent_when_it_is_due() -> None:
    jammed = endless(*flood(3, 12))
    sounding: set[int] = set()
    for _, send in jammed.performance.sent:
        if send.message.type == "note_on":
            assert send.message.note not in sounding
            sounding.add(send.message.note)
        elif send.message.type == "note_off":
            sounding.discard(send.message.note)
    assert not sounding
    assert endless(*flood(3, 12)).rows == jammed.rows, "the same again"


def test_what_is_played_once_more_stays_as_it_was() -> None:
    notes = play(
        jam(), ONE_BAR, (5.0, Again()), *adjusted((5.0, 1.5)), improviser=Thermometer()
    ).notes
    first, again = notes[: len(notes) // 2], notes[len(notes) // 2 :]
    assert [note.pitch for note in again] == [note.pitch for note in first]


def test_an_answer_that_is_being_made_is_made_anew() -> None:
    # The phrase is over at 2.25 s; what will answer it is asked for before that.
    for at in (1.0, 2.15, 2.2, 2.24):
        played = play(jam(), ONE_BAR, *adjusted((at, 1.5)), improviser=Thermometer())
        assert {note.pitch for note in played.notes} == {75}, at


def planner() -> Planner:
    made = Planner(Settings(), Memory(FOUR))
    made.hear(WorkerReady(), Tick(0))
    return made


def test_an_answer_is_in_the_parts_that_it_was_asked_for() -> None:
    asking = planner()
    asking.aim(Span(Tick(0), Tick(BAR)))
    for parts, part in (("comp", Part.LEAD), ("lead", Part.COMP), ("both", Part.LEAD)):
        request = asking.ask(asking.deadline(Tick(0)) or 0.0, Tick(0))
        assert request is not None
        asking.settings = asking.settings.adjusted("parts", parts)
        own = max(request.constraints.parts)
        notes = (Note(Tick(0), 60, part=own), Note(Tick(0), 62, part=part))
        asking.hear(Answered(Planned(request.id, notes, Tick(BAR), done=True)), Tick(0))
        planned = {note.part for note in asking._plan.notes}
        assert planned == {note.part for note in notes} & request.constraints.parts


def test_what_the_worker_cannot_answer_is_asked_for_with_the_new_settings() -> None:
    asking = planner()
    asking.aim(Span(Tick(0), Tick(BAR)))
    first = asking.ask(0.0, Tick(0))
    asking.settings = asking.settings.adjusted("style", "piano")
    assert asking.ask(1.0, Tick(0)) is None, "one at a time"
    asking.hear(WorkerReady(), Tick(0))
    second = asking.ask(2.0, Tick(0))
    assert first is not None
    assert second is not None
    assert (first.context.style, second.context.style) == ("combo", "piano")


def test_all_that_can_be_adjusted_for_the_model_is_in_what_is_asked() -> None:
    values: dict[str, float | str] = {
        "style": "game",
        "temperature": 0.3,
        "memory": 0.25,
        "parts": "comp",
        "density": 3.0,
        "in_key": 0.5,
        "register": "free",
        "changes": "Dm7 | G7",
    }
    assert {*values, *OTHERS, "bpm", "mode"} == set(ADJUSTABLE)
    assert {*values, *OTHERS} == set(Settings().adjustable)
    improviser = Thermometer()
    story = [(4.0, Adjust(name, value)) for name, value in values.items()]
    settings = jam(Mode.ENDLESS)
    story_of_all: list[tuple[float, Event]] = [(0.0, WorkerReady()), *heard(ONE_BAR), *story]
    session = Session(settings)
    VirtualJam(session, improviser, story_of_all).run(6)
    last = improviser.asked[-1]
    assert session.status(6.0).settings == {**Settings().adjustable, **values}
    assert last.context.style == "game"
    assert (last.sampling.temperature, last.sampling.memory) == (0.3, 0.25)
    assert last.constraints.parts == {Part.COMP}
    assert (last.constraints.density, last.constraints.in_key) == (3.0, 0.5)
    assert not last.constraints.near
    assert last.context.changes is not None
    assert last.context.changes.symbol_at(last.context.until) in ("Dm7", "G7")
    assert session.rest()[0].style == "game"


OTHERS: dict[str, float | str] = {
    "trade": 4,
    "yield": "never",
    "swing": 57.0,
    "humanise_ms": 8.2,
}
"""All that can be adjusted and is not for the model."""


def test_what_is_not_for_the_model_is_shown_as_it_was_set_and_asks_for_nothing() -> None:
    def asked(*story: tuple[float, Event]) -> list[PlanRequest]:
        improviser = Thermometer()
        session = Session(jam(Mode.ENDLESS))
        begin: list[tuple[float, Event]] = [(0.0, WorkerReady()), *heard(ONE_BAR)]
        VirtualJam(session, improviser, [*begin, *story]).run(8)
        if story:
            assert {**session.status(8.0).settings, **OTHERS} == session.status(8.0).settings
        return improviser.asked

    story = [(4.0 + i / 10, Adjust(name, value)) for i, (name, value) in enumerate(OTHERS.items())]
    assert asked(*story) == asked()


@pytest.mark.parametrize("share", [0.5, 0.57, 0.58, 0.62, 0.69, 0.75, None])
def test_a_setting_in_another_unit_is_the_same_when_it_is_set_to_what_is_shown(
    share: float | None,
) -> None:
    settings = replace(Settings(), swing=share, humanise_s=8.2 / 1000)
    for name in ("swing", "humanise_ms"):
        assert settings.adjusted(name, settings.adjustable[name]) == settings


def places(notes: Sequence[Note]) -> list[tuple[float, int]]:
    """(seconds, how far into its beat in ticks) of each note."""
    return [(seconds(note), note.onset % TICKS_PER_BEAT) for note in notes]


@pytest.mark.parametrize("at", [4.0, 4.1, 4.3, 5.0])
def test_swing_is_heard_from_the_next_note_that_is_not_certain_yet(at: float) -> None:
    straight = endless()
    swung = endless((at, Adjust("swing", 62)))
    window = at + WINDOW_S
    for (begin, place), (_, plain) in zip(places(swung.notes), places(straight.notes), strict=True):
        if begin < at:
            assert place == plain
        elif begin > window + 1e-6 and plain == TICKS_PER_BEAT // 2:
            assert place == round(0.62 * TICKS_PER_BEAT)
    back = endless((at, Adjust("swing", 62)), (at + 2, Adjust("swing", "off")))
    for (_, place), (meant, _) in zip(places(back.notes), places(straight.notes), strict=True):
        if meant > window + 2 + 1e-6:  # what is meant within the window is certain, and swings
            assert place % SIXTEENTH == 0


def test_humanised_from_then_on_and_no_more() -> None:
    plain = [note.onset for note in endless().notes]
    story = [(4.0, Adjust("humanise_ms", 15)), (8.0, Adjust("humanise_ms", 0))]
    strays = [note.onset - onset for note, onset in zip(endless(*story).notes, plain, strict=True)]
    moments = [onset / SIXTEENTH * WINDOW_S for onset in plain]
    between = [stray for stray, at in zip(strays, moments, strict=True) if 4.2 < at < 8]
    around = [stray for stray, at in zip(strays, moments, strict=True) if not 4 < at < 8.2]
    assert sum(stray != 0 for stray in between) > 0.8 * len(between)
    assert not any(around)


adjustments = st.one_of(
    st.builds(Adjust, st.just("trade"), st.sampled_from([0, 2, 4, 8])),
    st.builds(Adjust, st.just("yield"), st.sampled_from(["now", "note", "never"])),
    st.builds(Adjust, st.just("swing"), st.sampled_from(["player", "off"]) | st.floats(50, 75)),
    st.builds(Adjust, st.just("humanise_ms"), st.sampled_from([0.0]) | st.floats(0, 30)),
)


@given(
    settings=st.builds(
        jam, st.sampled_from([Mode.ANSWER, Mode.ENDLESS]), trade=st.sampled_from([0, 2, 4])
    ),
    offset_s=st.sampled_from([0.0, -0.1, 0.03]),
    story=st.lists(st.tuples(st.floats(0, 16), adjustments), max_size=40),
    again=st.lists(st.floats(4, 16), max_size=3),
)
@examples(deadline=None, max_examples=60)
def test_whatever_is_adjusted_every_note_ends_and_is_sent_when_it_is_due(
    settings: Settings,
    offset_s: float,
    story: list[tuple[float, Event]],
    again: list[float],
) -> None:
    phrases = "".join(f"{bar}{row[1:]}\n" for bar in (1, 4, 7) for row in rows(ONE_BAR))
    settings = replace(settings, output_offset_s=offset_s)
    pressed = [(at, Again()) for at in again]
    jammed = play(settings, phrases, *story, *pressed, improviser=ToTheEnd())
    sounding: set[int] = set()
    for _, send in jammed.performance.sent:
        if send.message.type == "note_on":
            assert send.message.note not in sounding, "struck twice"
            sounding.add(send.message.note)
        elif send.message.type == "note_off":
            sounding.remove(send.message.note)
    assert not sounding
    dues = [send.due for _, send in jammed.performance.sent]
    assert all(later - earlier > -1e-6 for earlier, later in itertools.pairwise(dues))


def test_in_three_beats_of_eighths_swing_is_kept_and_not_heard() -> None:
    session = Session(Settings(meter=Meter(6, 8)))
    session.handle(Adjust("swing", 62.0), 0.0)
    assert session.status(0.0).settings["swing"] == 62.0
    assert session._feel.own_swing == STRAIGHT


@pytest.mark.parametrize(("name", "value"), [("temperature", 2.5), ("style", "disco")])
def test_what_is_not_legal_is_refused(name: str, value: float | str) -> None:
    with pytest.raises(ValueError, match=str(value)):
        Settings().adjusted(name, value)


def test_what_is_set_to_what_it_is_changes_nothing() -> None:
    same = Adjust("temperature", jam().sampling.temperature)
    session = Session(jam())
    assert session.handle(same, 0.0) == []
    assert session.status(0.0).adjusted is None


def test_the_status_says_for_a_while_what_was_adjusted() -> None:
    session = Session(jam())
    session.handle(Adjust("temperature", 1.5), 1.0)
    assert session.status(1.0).adjusted == "temperature"
    assert session.status(1.0 + ADJUSTED_S).adjusted is None
    assert session.status(9.0).settings["temperature"] == 1.5


def cues(entries: Sequence[Entry]) -> list[tuple[int, str]]:
    tick, found = 0, []
    for message in to_midi(entries).tracks[0]:
        tick += message.time
        if message.type == "cue_marker":
            found.append((tick, message.text))
    return found


def test_a_sweep_is_one_cue_where_it_came_to_rest() -> None:
    step = BEAT_S / 16
    sweep = adjusted(*((2 + i * step, 1 + i / 100) for i in range(1, 13)))
    more: list[tuple[float, Event]] = [
        (2.1, Adjust("style", "piano")),
        (2 + 12 * step + BEAT_S, Adjust("temperature", 0.5)),
        (4.0, Adjust("in_key", 0.5)),
    ]
    jammed = play(jam(), ONE_BAR, *sweep, *more)
    assert sum(isinstance(entry, Adjusted) for entry in jammed.entries) == 12 + len(more)
    assert cues(jammed.entries) == [
        (2016, "style piano"),
        (1920 + 360, "temperature 1.12"),
        (1920 + 360 + 480, "temperature 0.5"),
        (3840, "in key 0.5"),
    ]
