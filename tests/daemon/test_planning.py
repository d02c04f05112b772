"""Plan, commit, replan: what is requested, and which parts of the answers are kept and played.

The improviser here writes a note on every sixteenth whose pitch is the number of the request that
it answers, so a take shows which request each of its notes came from.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.events import (
    Answered,
    Ask,
    Effect,
    Event,
    Heard,
    Mode,
    WorkerLost,
    WorkerReady,
    YourTurn,
)
from jamd.daemon.listening.layers import LAYER_S
from jamd.daemon.listening.memory import HOP_BARS, LONGEST_BARS, Memory
from jamd.daemon.model.requests import Planned, PlanRequest, Request
from jamd.daemon.playing.plan import Span
from jamd.daemon.playing.planner import PATIENCE, READING, Planner
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes import take
from jamd.daemon.virtual import ANSWER_SECONDS, VirtualJam
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Tick

FOUR = Meter(4, 4)
BAR = FOUR.ticks_per_bar
SIXTEENTH = TICKS_PER_BEAT // 4
WINDOW_S = 0.125  # at 120 bpm, a sixteenth
TICKS_A_SECOND = 960

PHRASE: Sequence[tuple[float, Event]] = [
    (i * 0.5 + wait, Heard(Message(kind, note=100, velocity=80)))
    for i in range(4)
    for kind, wait in (("note_on", 0.0), ("note_off", 0.4))
]
"""A bar of quarter notes. It is over at 2.25 s, and answered from 2.5 s on, which is 2.2."""


def numbered(request: PlanRequest, through: Tick | None = None) -> Planned:
    """A note on every sixteenth, its pitch the request's number."""
    through = request.through if through is None else through
    first = -(-request.context.until // SIXTEENTH) * SIXTEENTH
    notes = tuple(
        Note(Tick(onset), 1 + request.id % 90, duration=Tick(60))
        for onset in range(first, through, SIXTEENTH)
    )
    return Planned(request.id, notes, through, done=True)


class Numbering:
    """Answers in one part, or bar by bar."""

    def __init__(self, by_the_bar: bool = False) -> None:
        self._by_the_bar = by_the_bar

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        whole = numbered(request)
        begin = request.context.until
        while self._by_the_bar and begin + BAR < request.through:
            notes = tuple(note for note in whole.notes if begin <= note.onset < begin + BAR)
            begin = Tick(begin + BAR)
            yield Planned(request.id, notes, begin, done=False)
        yield Planned(
            request.id,
            tuple(note for note in whole.notes if note.onset >= begin),
            request.through,
            done=True,
        )


@dataclass
class Jam:
    """A session with a worker that takes its time, and all that tests inspect afterwards."""

    settings: Settings
    story: Sequence[tuple[float, Event]]
    seconds: float
    answer_s: float = ANSWER_SECONDS
    by_the_bar: bool = False
    asked: dict[int, tuple[float, PlanRequest]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        jam = self

        class Watched(VirtualJam):
            def _push(self, seconds: float, event: Event | Request) -> None:
                late = jam.answer_s - ANSWER_SECONDS if isinstance(event, PlanRequest) else 0.0
                super()._push(seconds + late, event)

            def _do(self, effects: Iterable[Effect]) -> None:
                kept = list(effects)
                now = self._clock.now()
                for effect in kept:
                    if isinstance(effect, Ask):
                        jam.asked[effect.request.id] = now, effect.request
                super()._do(kept)

        story: list[tuple[float, Event]] = [(0.0, WorkerReady()), *PHRASE, *self.story]
        performance = Watched(Session(self.settings), Numbering(self.by_the_bar), story)
        performance.run(self.seconds)
        self.sent = performance.sent
        found = take.notes(performance.entries)
        self.notes = sorted(note for part, notes in found.items() if part for note in notes)

    def by_request(self) -> dict[int, list[int]]:
        """The onsets of the notes that came from each request."""
        onsets: dict[int, list[int]] = {}
        for note in self.notes:
            onsets.setdefault(note.pitch - 1, []).append(note.onset)
        return onsets


def jam(mode: Mode = Mode.ENDLESS) -> Settings:
    return Settings(mode=mode, bpm=120, start_at_once=True)


def touch(seconds: float) -> list[tuple[float, Event]]:
    return [
        (seconds, Heard(Message("note_on", note=100, velocity=80))),
        (seconds + 0.1, Heard(Message("note_off", note=100))),
    ]


def touched(moments: Iterable[float]) -> list[tuple[float, Event]]:
    """A key struck at each of `moments`, but for those that only double the one before."""
    story: list[tuple[float, Event]] = []
    last = -math.inf
    for moment in sorted(moments):
        if moment - last > LAYER_S:
            story += touch(moment)
            last = moment
    return story


touches = st.lists(st.floats(2.6, 14), max_size=4).map(touched)
few_touches = st.lists(st.floats(2.6, 14), max_size=PATIENCE).map(touched)


@given(story=touches, answer_s=st.sampled_from([0.005, 0.02, 0.1, 0.3, 1.5]), bars=st.booleans())
@examples(deadline=None, max_examples=40)
def test_the_context_is_what_was_heard_and_what_is_played_and_nothing_else(
    story: list[tuple[float, Event]], answer_s: float, bars: bool
) -> None:
    played = Jam(jam(), story, 16.0, answer_s, bars)
    onsets = {(note.onset, note.pitch) for note in played.notes}
    for seconds, request in played.asked.values():
        assert request.context.until >= (seconds - 1e-6) * TICKS_A_SECOND
        mine = [n for n in request.context.played if n.onset < 16 * TICKS_A_SECOND]
        assert all((note.onset, note.pitch) in onsets for note in mine)


@given(story=few_touches, answer_s=st.sampled_from([0.005, 0.02, 0.1, 0.3]), bars=st.booleans())
@examples(deadline=None, max_examples=40)
def test_a_players_action_changes_everything_beyond_the_window(
    story: list[tuple[float, Event]], answer_s: float, bars: bool
) -> None:
    played = Jam(jam(), story, 16.0, answer_s, bars)
    strikes = [s for s, event in story if isinstance(event, Heard) and event.message.velocity == 80]
    for note in played.notes:
        asked, _ = played.asked[note.pitch - 1]
        onset = note.onset / TICKS_A_SECOND
        for strike in strikes:
            assert asked >= strike or onset <= strike + WINDOW_S + 1e-3


def test_until_the_answer_comes_the_old_plan_stands() -> None:
    # The horizon moves at 4 s; the next answer is there at 4.06 s, before the next note is certain.
    played = Jam(jam(), [], 12.0, answer_s=0.060)
    gaps = [b.onset - a.onset for a, b in itertools.pairwise(played.notes)]
    assert set(gaps) <= {SIXTEENTH, 5 * SIXTEENTH}, "a sixteenth; a breath has a beat more"


@pytest.mark.parametrize("answer_s", [0.3, 0.8])
def test_a_slow_worker_gets_through(answer_s: float) -> None:
    # Every answer is overtaken by notes of the old plan; the third in a row is taken as it is.
    played = Jam(jam(), [], 20.0, answer_s)
    sources = [number for number in played.by_request() if number in played.asked]
    assert len(sources) >= 4
    assert len(played.asked) >= 2 * len(sources)
    gaps = [b.onset - a.onset for a, b in itertools.pairwise(played.notes)]
    assert max(gaps) <= 5 * SIXTEENTH


@pytest.mark.parametrize("answer_s", [0.15, 0.4])
@pytest.mark.parametrize("gap_s", [0.0625, 0.125])
def test_a_player_who_is_always_ahead_of_a_slow_worker_does_not_silence_it(
    answer_s: float, gap_s: float
) -> None:
    busy = touched(4 + i * gap_s for i in range(int(8 / gap_s)))
    played = Jam(jam(), busy, 16.0, answer_s)
    onsets = [note.onset / TICKS_A_SECOND for note in played.notes]
    gaps = {a: b - a for a, b in itertools.pairwise(onsets)}
    # At first jamd waits for it; from then on it rests only to breathe, for a beat and a sixteenth.
    assert max(gaps.values()) < 0.125 * (PATIENCE + 1) + 2 * answer_s
    assert max(gap for at, gap in gaps.items() if at > 6) <= 0.626
    answered = [n for n in played.by_request() if n in played.asked and played.asked[n][0] > 5]
    assert len(answered) > 4, "what the player does is still heeded"
    # Then what is asked is answered, and the third answer to what is new is taken.
    last = 12 - gap_s
    for note in played.notes:
        if note.onset / TICKS_A_SECOND > last + 4 * answer_s + WINDOW_S:
            assert played.asked[note.pitch - 1][0] >= last


@given(
    lost=st.lists(st.floats(1, 12), min_size=1, max_size=3),
    found=st.lists(st.floats(1, 12), max_size=2),
    story=touches,
    answer_s=st.sampled_from([0.02, 0.3, 3.0]),
    mode=st.sampled_from([Mode.ANSWER, Mode.ENDLESS]),
)
@examples(deadline=None, max_examples=60)
def test_a_late_or_dead_worker_is_followed_by_silence_never_by_a_burst(
    lost: list[float],
    found: list[float],
    story: list[tuple[float, Event]],
    answer_s: float,
    mode: Mode,
) -> None:
    events = [(s, WorkerLost()) for s in lost] + [(s, WorkerReady()) for s in found]
    played = Jam(jam(mode), sorted([*events, *story], key=lambda s: s[0]), 16.0, answer_s)
    strikes = [(now, send) for now, send in played.sent if send.message.type == "note_on"]
    for now, send in strikes:
        assert now - send.due <= 1e-6, "sent when it was due, not after"
    moments = [send.due for _, send in strikes]
    assert all(b - a > 0.12 for a, b in itertools.pairwise(moments))


def test_what_is_planned_is_played_though_the_worker_dies() -> None:
    played = Jam(jam(), [(5.0, WorkerLost())], 20.0)
    last = played.notes[-1].onset
    assert last == 5 * BAR - SIXTEENTH, "up to the horizon: two bars beyond the one at 5 s"


def test_a_note_of_the_players_does_not_throw_away_the_last_that_a_dead_worker_left() -> None:
    played = Jam(jam(), [(5.0, WorkerLost()), *touch(5.5)], 20.0)
    assert played.notes[-1].onset == 5 * BAR - SIXTEENTH


def test_an_answer_that_comes_late_is_played_from_then_on() -> None:
    # The answer's place is 2.5 to 4.5 s; it is asked for at 2.12 s and comes at 3.62 s.
    played = Jam(jam(Mode.ANSWER), [], 8.0, answer_s=1.5)
    assert played.notes[0].onset == 3.625 * TICKS_A_SECOND
    assert played.notes[-1].onset < 4.5 * TICKS_A_SECOND


def test_a_phrase_handed_over_is_answered_within_a_sixteenth_however_soon_the_next_begins() -> None:
    for pressed in range(1720, 1850, 5):  # milliseconds; the last note ends at 1.9 s, or not
        played = Jam(jam(Mode.ANSWER), [(pressed / 1000, YourTurn())], 4.0)
        assert 0 < played.notes[0].onset / TICKS_A_SECOND - pressed / 1000 <= 0.125
        assert 0 < played.sent[0][0] - pressed / 1000 <= 0.125


def test_a_request_says_which_keys_are_down() -> None:
    # A drone from the beginning to 6 s; at 5 and 7 s the player makes jamd think anew.
    drone = [
        (0.0, Heard(Message("note_on", note=48, velocity=80, channel=1))),
        (6.0, Heard(Message("note_off", note=48, channel=1))),
    ]
    played = Jam(jam(), [*drone, *touch(5.0), *touch(7.0)], 8.0)
    held = {
        round(seconds, 1): request.constraints.held for seconds, request in played.asked.values()
    }
    assert held[5.0] == {48, 100}
    assert held[7.0] == {100}
    assert {48} in held.values()


# The planner alone


def planner() -> Planner:
    made = Planner(Settings(), Memory(FOUR))
    made.hear(WorkerReady(), Tick(0))
    return made


def ask(planner: Planner, now: float, edge: int) -> PlanRequest:
    request = planner.ask(now, Tick(edge))
    assert request is not None
    return request


def answer(planner: Planner, planned: Planned, edge: Tick) -> None:
    planner.hear(Answered(planned), edge)


def test_only_the_newest_request_is_answered() -> None:
    asking = planner()
    asking.aim(Span(Tick(0), Tick(BAR)))
    old = ask(asking, 0.0, 0)
    asking.replan(Tick(0))
    new = ask(asking, 1.0, 0)
    answer(asking, numbered(old), Tick(0))
    assert asking.commit(Tick(BAR)) == ()
    answer(asking, numbered(new), Tick(0))
    assert len(asking.commit(Tick(BAR))) == 16


def test_an_answer_is_clipped_to_the_edge() -> None:
    asking = planner()
    asking.aim(Span(Tick(0), Tick(BAR)))
    answer(asking, numbered(ask(asking, 0.0, 0)), Tick(BAR // 2))
    assert asking.commit(Tick(BAR))[0].onset == BAR // 2


def test_an_answer_that_was_overtaken_is_asked_for_anew_but_not_for_ever() -> None:
    asking = planner()
    asking.aim(Span(Tick(0), Tick(BAR), closes=False))
    answer(asking, numbered(ask(asking, 0.0, 0)), Tick(0))
    asking.aim(Span(Tick(0), Tick(2 * BAR), closes=False))
    edge = 1
    asking.commit(Tick(edge))
    for turn in range(PATIENCE + 1):
        request = ask(asking, 1.0 + turn, edge)
        assert request.context.until >= edge
        edge += SIXTEENTH
        assert len(asking.commit(Tick(edge))) == 1, "the old plan goes on"
        answer(asking, numbered(request), Tick(edge))
    assert asking.ask(9.0, Tick(edge)) is None
    assert {note.pitch for note in asking.commit(Tick(2 * BAR))} == {1 + request.id}


def test_where_the_worker_wrote_all_that_it_may_the_rest_is_asked_for_later() -> None:
    asking = planner()
    asking.aim(Span(Tick(0), Tick(4 * BAR)))
    answer(asking, numbered(ask(asking, 0.0, 0), Tick(BAR)), Tick(0))
    assert asking.ask(1.0, Tick(0)) is None
    assert asking.next_tick == 0
    asking.commit(Tick(BAR - TICKS_PER_BEAT - 1))
    assert asking.ask(1.0, Tick(BAR - TICKS_PER_BEAT - 1)) is None
    assert asking.next_tick == BAR - TICKS_PER_BEAT - 1  # the edge then lies after it
    asking.commit(Tick(BAR - TICKS_PER_BEAT))
    assert ask(asking, 1.0, BAR - TICKS_PER_BEAT).context.until == BAR - TICKS_PER_BEAT


def test_what_the_model_will_be_shown_is_read_once_unless_something_is_asked_meanwhile() -> None:
    asking, edge = planner(), Tick((LONGEST_BARS - 1) * BAR + 1)
    assert asking.ask(0.0, Tick((LONGEST_BARS - 1) * BAR)) is None
    for bar in (2, 3):  # the window is to move by 16 bars, and first there is no time to read it
        reading = ask(asking, 0.0, edge)
        assert (reading.id, reading.max_tokens) == (READING, 0)
        assert reading.context.start == HOP_BARS * BAR
        assert asking.ask(0.0, edge) is None
        if bar == 3:
            answer(asking, numbered(reading), edge)
        asking.aim(Span(edge, Tick(edge + bar * BAR)))
        answer(asking, numbered(ask(asking, float(bar), edge)), edge)
    assert asking.ask(9.0, edge) is None
    edge = Tick((LONGEST_BARS + HOP_BARS - 1) * BAR)
    assert asking.ask(9.0, edge) is None
    asking.aim(None)
    assert ask(asking, 9.0, edge + 1).context.start == 2 * HOP_BARS * BAR
