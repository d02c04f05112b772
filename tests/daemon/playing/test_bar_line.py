"""If nobody gave a beat, the model is asked whether the first note was a pickup.

The judge here gives the verdict that a test wants, when it wants it; the last tests ask the shipped
model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mido import Message

from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle
from jamd.daemon.events import (
    Ask,
    AskLikelihood,
    BarLineFound,
    Effect,
    Event,
    Failed,
    Heard,
    Judged,
    Mode,
    Sounded,
    WorkerLost,
    WorkerReady,
    YourTurn,
)
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.model.requests import LikelihoodRequest, Likelihoods
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes.journal import FORMAT, Journaled, Opened, Record, to_line
from jamd.daemon.takes.replay import replay
from jamd.daemon.timing.pickup import MARGIN, candidates, pickup, signs
from jamd.daemon.virtual import Judge, ScriptedImproviser, VirtualJam
from jamd.notes import Meter, Note, Tick

FOUR = Meter(4, 4)
BEAT_S = 0.5

EVEN = "60/4 62/4 64/4 65/4 67/4 65/4 64/4 62/4"
"""Quarters, of which no sign tells anything; the phrase pauses at 4.17 s and is over at 4.39 s."""

UPBEAT = "60/4 65/6 65/2 65/4 69/4 67/6 65/2 67/4"
"""Begins on beat four by every sign."""

LAST_S = 3.5  # the last note of EVEN begins


def story(tune: str, start: float = 0.0) -> Iterator[tuple[float, Event]]:
    """A tune, pitch/length in sixteenths, in 120 bpm."""
    for word in tune.split():
        pitch, length = map(int, word.split("/"))
        seconds = length * BEAT_S / 4
        yield start, Heard(Message("note_on", note=pitch, velocity=80))
        yield start + 0.9 * seconds, Heard(Message("note_off", note=pitch))
        start += seconds


class Jam:
    """A session to which a tune is played, and its results."""

    def __init__(
        self,
        tune: str,
        *events: tuple[float, Event],
        judge: Judge | None = None,
        settings: Settings | None = None,
        seconds: float = 8.0,
    ) -> None:
        settings = settings or Settings()
        self.asked: list[tuple[float, LikelihoodRequest]] = []
        self.planned_from: list[float] = []  # when notes were asked for
        records: list[Record] = [Opened(FORMAT, "0.1.0", "today", "default", "", settings)]
        jam = self

        class Watched(VirtualJam):
            def _do(self, effects: Iterable[Effect]) -> None:
                kept = list(effects)
                for effect in kept:
                    if isinstance(effect, AskLikelihood):
                        jam.asked.append((self._clock.now(), effect.request))
                    elif isinstance(effect, Ask):
                        jam.planned_from.append(self._clock.now())
                super()._do(kept)

        session = Journaled(Session(settings), records.append)
        happenings = sorted([(0.0, WorkerReady()), *story(tune), *events], key=lambda s: s[0])
        performance = Watched(session, ScriptedImproviser(), happenings, judge)
        performance.run(seconds)
        self.entries = performance.entries
        self.journal = [to_line(record) for record in records]

    @property
    def moved(self) -> list[tuple[float, int]]:
        """When the bar line was found, and how long before it the first note lies, in ticks."""
        return [
            (entry.seconds, -entry.by % FOUR.ticks_per_bar)
            for entry in self.entries
            if isinstance(entry, BarLineFound)
        ]

    @property
    def answer_s(self) -> float:
        """The onset of jamd's first note."""
        return min(
            entry.seconds
            for entry in self.entries
            if isinstance(entry, Sounded) and entry.part is not None
        )


def nats(before: int, by: float = 50.0) -> tuple[float, ...]:
    """A model that is sure of a pickup of this many ticks."""
    return tuple(by * (each == before) for each in candidates(FOUR))


def sure_of(before: int) -> Judge:
    return lambda request: [Likelihoods(request.id, nats(before))]


def silent(_: LikelihoodRequest) -> Sequence[Likelihoods]:
    return ()


def says(seconds: float, number: int, before: int) -> tuple[float, Event]:
    return seconds, Judged(Likelihoods(number, nats(before)))


@pytest.mark.parametrize("before", [0, 120, 160, 240, 480])
def test_the_bar_line_is_where_the_model_expects_it_and_known_before_the_answer(
    before: int,
) -> None:
    jam = Jam(EVEN, judge=sure_of(before))
    ((asked_s, request),) = jam.asked
    assert [note.onset for note in request.context.heard] == [480 * beat for beat in range(8)]
    assert request.context.until == 480 * 7 + 1
    assert [shift % 1920 for shift in request.shifts] == [-each % 1920 for each in candidates(FOUR)]
    assert [place for _, place in jam.moved] == ([before] if before else [])
    assert min(jam.planned_from) == pytest.approx(asked_s + 0.020)  # one request at a time
    assert all(seconds < jam.answer_s for seconds, _ in jam.moved)


def test_what_the_signs_say_the_model_can_outweigh_and_without_it_they_decide() -> None:
    assert [place for _, place in Jam(UPBEAT).moved] == [480]
    assert Jam(UPBEAT, judge=sure_of(0)).moved == []


def test_an_answer_that_comes_late_changes_nothing() -> None:
    for tune, by_signs in ((EVEN, []), (UPBEAT, [480])):
        prompt = Jam(tune)
        late = Jam(tune, says(5.0, 1, before=240), judge=silent)
        assert [place for _, place in late.moved] == by_signs
        assert late.answer_s == prompt.answer_s


def test_an_answer_just_before_the_phrase_is_over_counts() -> None:
    jam = Jam(EVEN, says(LAST_S + 0.86, 1, before=480), judge=silent)
    assert [place for _, place in jam.moved] == [480]
    assert jam.answer_s > jam.moved[0][0]


@pytest.mark.parametrize("lost", [WorkerLost(), WorkerReady(), Failed(1)])
def test_a_worker_that_dies_or_fails_leaves_it_to_the_signs_at_once(lost: Event) -> None:
    jam = Jam(UPBEAT, (4.3, lost), judge=silent)
    assert [place for _, place in jam.moved] == [480]
    assert 4.3 in [seconds for seconds, _ in jam.moved]


def test_without_a_worker_nobody_is_asked() -> None:
    jam = Jam(UPBEAT, (0.0, WorkerLost()), judge=sure_of(0))
    assert jam.asked == []
    assert [place for _, place in jam.moved] == [480]


def test_who_goes_on_is_heard_out_first() -> None:
    # A half note, over which the phrase seems to pause, and the rest after it.
    tune = "60/4 62/4 64/4 65/4 67/4 65/3"
    rest = list(story("64/4 62/4 60/4", start=3.2))
    jam = Jam(tune, *rest, says(3.3, 1, before=480), says(5.0, 2, before=240), judge=silent)
    assert [request.id for _, request in jam.asked] == [1, 2]
    assert [len(request.context.heard) for _, request in jam.asked] == [6, 9]
    assert [place for _, place in jam.moved] == [240]


def test_who_hands_the_turn_over_is_not_kept_waiting() -> None:
    jam = Jam(UPBEAT, (4.0, YourTurn()), judge=sure_of(0))
    assert jam.asked == []
    assert [place for _, place in jam.moved] == [480]


def test_once_jamd_has_played_by_the_bar_it_stays() -> None:
    second = list(story(UPBEAT, start=12.0))
    jam = Jam(EVEN, *second, judge=sure_of(0), seconds=18.0)
    assert len(jam.asked) == 1
    assert jam.moved == []


@pytest.mark.parametrize(
    "settings", [Settings(start_at_once=True), Settings(count_in=1), Settings(send_clock=True)]
)
def test_where_the_beat_was_given_nobody_is_asked(settings: Settings) -> None:
    assert Jam(EVEN, judge=sure_of(480), settings=settings).asked == []


def test_it_is_found_in_trading_and_without_end_as_well() -> None:
    for settings in (Settings(trade_bars=4), Settings(mode=Mode.ENDLESS)):
        jam = Jam(EVEN, judge=sure_of(480), settings=settings, seconds=12.0)
        assert [place for _, place in jam.moved] == [480]
        assert jam.answer_s > jam.moved[0][0]


def test_a_session_that_asked_is_replayed_to_the_bit() -> None:
    for jam in (
        Jam(EVEN, judge=sure_of(480)),
        Jam(UPBEAT, says(5.0, 1, before=240), judge=silent),
        Jam(UPBEAT, (4.3, WorkerLost()), judge=silent),
    ):
        again = replay(jam.journal)
        assert again.whole
        assert again.difference is None
        assert again.entries == jam.entries


@examples(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.sampled_from([1, 2, 3, 4, 6, 8]), min_size=6, max_size=14),
    answers=st.lists(
        st.tuples(st.floats(0, 12), st.integers(1, 4), st.sampled_from(candidates(FOUR))),
        max_size=4,
    ),
    trade=st.sampled_from([0, 2]),
)
def test_whenever_it_is_found_time_does_not_go_back(
    lengths: list[int], answers: list[tuple[float, int, Tick]], trade: int
) -> None:
    tune = " ".join(f"{60 + i % 5}/{length}" for i, length in enumerate(lengths))
    jam = Jam(
        tune,
        *(says(seconds, number, before) for seconds, number, before in answers),
        judge=silent,
        settings=Settings(trade_bars=trade),
        seconds=14.0,
    )
    assert len(jam.moved) <= 1
    ticks = [0]
    for entry in jam.entries:
        if isinstance(entry, BarLineFound):
            ticks = [tick + entry.by for tick in ticks]
        if not isinstance(entry, Sounded) or entry.part is None:
            continue
        assert entry.tick >= ticks[-1]
        ticks.append(entry.tick)
    seconds = [e.seconds for e in jam.entries if isinstance(e, Sounded) and e.part is not None]
    assert seconds == sorted(seconds)
    assert all(found < seconds[0] for found, _ in jam.moved if seconds)


# The shipped model

O_TANNENBAUM = "60/4 65/3 65/1 65/6 67/2 69/3 69/1 69/6 69/2 67/2 69/2 70/4 64/4 67/4 65/4"
JOY_TO_THE_WORLD = "74/4 73/3 71/1 69/6 67/2 66/4 64/4 62/6 69/2 71/6 71/2 73/6 73/2 74/12"
ODE_TO_JOY = "64/4 64/4 65/4 67/4 67/4 65/4 64/4 62/4 60/4 60/4 62/4 64/4 64/6 62/2 62/8"


@pytest.fixture(scope="module")
def improviser() -> Improviser:
    return Improviser(Bundle.read(bundles.resolve("default")))


def test_the_shipped_model_finds_an_upbeat_that_the_signs_do_not(improviser: Improviser) -> None:
    three = Settings(meter=Meter(3, 4))
    assert Jam(O_TANNENBAUM, settings=three, seconds=24.0).moved == []
    jam = Jam(O_TANNENBAUM, settings=three, seconds=24.0, judge=improviser.likelihoods)
    found = [entry.by for entry in jam.entries if isinstance(entry, BarLineFound)]
    assert found == [960]  # a bar less a quarter


def test_the_shipped_model_leaves_what_begins_on_one(improviser: Improviser) -> None:
    for tune in (JOY_TO_THE_WORLD, ODE_TO_JOY):
        jam = Jam(tune, seconds=20.0, judge=improviser.likelihoods)
        assert jam.asked
        assert jam.moved == []


def test_what_speaks_for_a_pickup_must_exceed_the_margin() -> None:
    notes = [Note(Tick(480 * beat), 60) for beat in range(8)]
    told = dict(zip(candidates(FOUR), signs(notes, FOUR), strict=True))
    needed = told[Tick(0)] + MARGIN - told[Tick(480)]
    assert pickup(notes, FOUR, nats(480, needed - 0.01)) == 0
    assert pickup(notes, FOUR, nats(480, needed + 0.01)) == 480
