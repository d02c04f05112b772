"""`again`: the last answer is repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import turn_taking
from hypothesis import given
from hypothesis import strategies as st
from mido import Message
from turn_taking import BAR, ToTheEnd

from jamd.config.control import Control, ControlKind
from jamd.daemon.control.controls import Action
from jamd.daemon.events import Again, Event, Heard, Mode, SetMode, WorkerReady
from jamd.daemon.model.requests import Planned, PlanRequest
from jamd.daemon.playing.encore import LastAnswer
from jamd.daemon.playing.plan import Span
from jamd.daemon.playing.yielding import Yield
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes.take import rows
from jamd.daemon.timing.transport import SIXTEENTH, Transport
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.notes import METERS, TICKS_PER_BEAT, Meter, Note, Tick
from readable_takes import ONE_BAR, play, seconds


def keys(
    pitches: Sequence[int], begin_s: float, apart_s: float, held_s: float
) -> list[tuple[float, Event]]:
    """Keys struck one after the other."""
    return [
        (begin_s + apart_s * i + wait, Heard(Message(kind, note=pitch, velocity=80)))
        for i, pitch in enumerate(pitches)
        for kind, wait in (("note_on", 0.0), ("note_off", held_s))
    ]


PHRASE = keys((60, 64, 67, 65), 0.0, 0.5, 0.4)
"""A bar of quarter notes at 120 bpm."""

SETTINGS = Settings()


def jam(*events: tuple[float, Event], settings: Settings = SETTINGS, bars: int = 10) -> list[str]:
    """What jamd plays, as rows."""
    story: list[tuple[float, Event]] = [(0.0, WorkerReady()), *PHRASE, *events]
    performance = VirtualJam(Session(settings), ScriptedImproviser(), story)
    performance.run(2.0 * bars)
    return [row for row in rows(performance.entries) if " player " not in row]


def moved(rows: list[str], bars: int) -> list[str]:
    return [f"{int(row.split('.', 1)[0]) + bars}.{row.split('.', 1)[1]}" for row in rows]


FIRST = jam()


def test_the_last_answer_is_played_once_more_and_once_more() -> None:
    """Asked for on the first beat of a bar, it begins a half bar's multiple after the first one."""
    assert jam((10.25, Again())) == [*FIRST, *moved(FIRST, 4)]
    twice = jam((10.25, Again()), (14.25, Again()))
    assert twice == [*FIRST, *moved(FIRST, 4), *moved(FIRST, 6)]


def test_it_is_as_loud_as_it_was_note_for_note() -> None:
    """The phrase ends far softer than it began."""
    phrase = """
        1.1.0 player 60 110 9
        1.2.0 player 64 100 9
        1.3.0 player 67 70 9
        1.4.0 player 65 50 9
    """
    once = play(SETTINGS, phrase).jamds
    twice = play(SETTINGS, phrase, (seconds("6.1.6"), Again()), bars=10).jamds
    assert [row.split()[3] for row in once] != [once[0].split()[3]] * len(once)
    assert twice == [*once, *moved(once, 4)]


def test_an_answer_that_is_broken_off_to_be_played_again_is_played_again_whole() -> None:
    whole = [row.split()[2] for row in FIRST]
    for again in ([2.6], [3.3], [3.3, 4.6], [3.3, 3.35, 10.25]):  # the answer begins at 2.5 s
        rows = jam(*((moment, Again()) for moment in again))
        assert [row.split()[2] for row in rows[-len(FIRST) :]] == whole, again


@pytest.mark.parametrize("early", [12.36, 12.45])  # the second answer would begin at 12.5 s
def test_an_answer_that_the_player_came_before_is_not_the_last_one(early: float) -> None:
    second = [(10.0 + moment, event) for moment, event in PHRASE]
    rows = jam(*second, *keys((72,), early, 0.0, 0.1), (12.7, Again()))
    pitches = [row.split()[2] for row in FIRST]
    assert [row.split()[2] for row in rows[: 2 * len(FIRST)]] == 2 * pitches


def test_without_an_answer_nothing_is_played_again() -> None:
    assert jam((2.05, Again())) == FIRST
    assert jam((10.0, SetMode(Mode.OFF)), (10.25, Again())) == FIRST


def test_the_player_can_take_the_turn_back() -> None:
    loud = [Heard(Message("note_on", note=pitch, velocity=120)) for pitch in (50, 52)]
    again = jam((10.25, Again()), (11.1, loud[0]), (11.3, loud[1]))
    assert again[: len(FIRST)] == FIRST
    assert moved(FIRST, 4)[0] in again
    assert moved(FIRST, 4)[-1] not in again


def test_a_pedal_can_mean_it() -> None:
    pedal = Control(ControlKind.CC, 67)
    settings = Settings(controls={pedal: Action.AGAIN})
    down = Heard(Message("control_change", control=67, value=127))
    assert jam((10.25, down), settings=settings) == [*FIRST, *moved(FIRST, 4)]


def test_endless_plays_its_last_bars_again_and_goes_on() -> None:
    settings = Settings(mode=Mode.ENDLESS)
    plain = jam(settings=settings, bars=16)
    again = jam((12.1, Again()), settings=settings, bars=16)
    assert again != plain
    assert again[-1].startswith("16."), "it goes on"


def test_a_key_that_is_struck_before_it_begins_does_not_stop_it() -> None:
    for settings in (SETTINGS, replace(SETTINGS, yields=Yield.NEVER)):
        again = jam((10.25, Again()), *keys([72], 10.3, 0.0, 0.1), settings=settings)
        assert again == [*FIRST, *moved(FIRST, 4)]

    endless = Settings(mode=Mode.ENDLESS)
    alone = jam((12.1, Again()), settings=endless, bars=16)
    again = jam((12.1, Again()), *keys([72], 12.2, 0.0, 0.1), settings=endless, bars=16)
    begin = next(i for i, row in enumerate(alone) if row.startswith("7.3."))
    assert again[begin : begin + 8] == alone[begin : begin + 8]
    assert again[-1].startswith("16."), "it goes on"


def test_a_phrase_that_begins_while_a_repeat_waits_is_answered_after_it() -> None:
    again = jam((10.25, Again()), *keys((72, 74, 76), 10.3, 0.05, 0.04))
    assert again[: 2 * len(FIRST)] == [*FIRST, *moved(FIRST, 4)]
    assert len(again) > 2 * len(FIRST)


def test_endless_music_that_is_being_repeated_is_repeated_whole_once_more() -> None:
    story = [(seconds("12.3.6"), Again()), (seconds("14.3.6"), Again())]
    played = play(ENDLESS, ONE_BAR, *story, improviser=NeverTheSame(), bars=24).notes
    once, twice = (moment / turn_taking.BEAT_S * TICKS_PER_BEAT for moment, _ in story)
    begin = min(note.onset for note in played if note.onset > twice + SIXTEENTH)
    repeated = [note.pitch for note in played if begin <= note.onset < begin + 6 * BAR]
    assert set(repeated) <= {note.pitch for note in played if note.onset < once}


class NeverTheSame:
    """Answers each request with sixteenths at a pitch of its own."""

    def __init__(self) -> None:
        self._pitch = 60

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        self._pitch += 1
        for planned in ToTheEnd().plan(request):
            notes = tuple(note._replace(pitch=self._pitch) for note in planned.notes)
            yield replace(planned, notes=notes)


TWO_BARS = "\n".join(f"{bar}.{beat}.0 player 60 80 9" for bar in (1, 2) for beat in (1, 2, 3, 4))
TRADE, SPLIT = turn_taking.jam(trade=2), replace(turn_taking.jam(), split=50)
ENDLESS = turn_taking.jam(Mode.ENDLESS)


@pytest.mark.parametrize(
    ("settings", "phrase", "again", "meanwhile"),
    [
        pytest.param(TRADE, TWO_BARS, "5.2.6", "5.{}.0 player 60 80 9", id="to the bar line"),
        pytest.param(SPLIT, ONE_BAR, "3.3.0", "4.{}.0 player 40 80 9", id="the left hand"),
        pytest.param(ENDLESS, ONE_BAR, "3.3.0", "4.{}.0 player 90 80 9", id="endless"),
    ],
)
def test_what_is_played_again_stays_whatever_the_player_plays_meanwhile(
    settings: Settings, phrase: str, again: str, meanwhile: str
) -> None:
    text = "\n".join([phrase, *(meanwhile.format(beat) for beat in (1, 2, 3, 4))])
    played = play(settings, text, (seconds(again), Again()), improviser=NeverTheSame()).notes
    asked = seconds(again) / turn_taking.BEAT_S * TICKS_PER_BEAT
    begin = min(note.onset for note in played if note.onset > asked + SIXTEENTH)
    end = begin + BAR - TICKS_PER_BEAT  # in the last beat, endless music finds its way on
    repeated = {note.pitch for note in played if begin <= note.onset < end}
    assert repeated <= {note.pitch for note in played if note.onset < asked}


@given(
    st.sampled_from(METERS),
    st.lists(st.tuples(st.integers(0, 10000), st.integers(1, 4000)), min_size=1),
    st.integers(0, 10000),
    st.booleans(),
)
def test_it_begins_in_time_and_each_note_is_as_strong_as_it_was(
    meter: Meter, places: list[tuple[int, int]], later: int, bars: bool
) -> None:
    notes = [Note(Tick(at), 60, 80, Tick(length)) for at, length in sorted(places)]
    answer = LastAnswer(meter)
    answer.add(Span(notes[0].onset, Tick(99999)), notes)
    earliest = Tick(notes[-1].onset + later)
    encore = answer.once_more(earliest, Transport(120, meter), bars=bars)
    assert encore is not None
    assert earliest <= encore.span.start < earliest + meter.ticks_per_bar
    kept = notes[-len(encore.notes) :]
    (shift,) = {new.onset - old.onset for new, old in zip(encore.notes, kept, strict=True)}
    assert shift % (meter.ticks_per_bar // (1 if bars else 2)) == 0
    if bars:
        assert encore.span.through % meter.ticks_per_bar == 0
    for note in encore.notes:
        assert encore.span.start <= note.onset < encore.span.through
        assert note.end <= encore.span.through
    assert encore.notes[-1].onset - encore.notes[0].onset < 8 * meter.ticks_per_bar


def test_there_is_nothing_to_play_again_at_first() -> None:
    answer = LastAnswer(Meter(4, 4))
    answer.add(Span(Tick(0), Tick(1920)), [])
    assert answer.once_more(Tick(0), Transport(120, Meter(4, 4))) is None
