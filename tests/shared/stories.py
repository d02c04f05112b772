"""Random stories for a session, and the promises that it keeps in all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.control.controls import Action
from jamd.daemon.events import (
    Adjust,
    Answered,
    Ask,
    AskLikelihood,
    Effect,
    Event,
    Failed,
    Heard,
    InputLost,
    Judged,
    Mode,
    Output,
    Panic,
    Press,
    Send,
    SetMode,
    SetTempo,
    WorkerLost,
    WorkerReady,
    YourTurn,
)
from jamd.daemon.model.requests import LikelihoodRequest, Likelihoods, Planned, PlanRequest
from jamd.daemon.playing.click import When
from jamd.daemon.playing.yielding import Yield
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes.journal import Decides
from jamd.daemon.timing.follower import BeatSource, ClockLost
from jamd.harmony.chart import Chart
from jamd.notes import METERS, Note, Part, Tick

# A few pitches and channels, so that keys meet each other often.
pitches = st.integers(58, 62)
channels = st.integers(0, 1)
velocities = st.integers(0, 127)
messages = st.one_of(
    st.builds(
        Message,
        st.sampled_from(["note_on", "note_off"]),
        note=pitches,
        velocity=velocities,
        channel=channels,
    ),
    st.builds(
        Message,
        st.just("control_change"),
        control=st.sampled_from([1, 64, 66, 120, 123]),
        value=velocities,
        channel=channels,
    ),
    st.just(Message("sysex", data=[1, 2])),
)
transport_messages = st.one_of(
    st.sampled_from([Message(kind) for kind in ("clock", "start", "stop", "continue")]),
    st.builds(Message, st.just("songpos"), pos=st.integers(0, 16383)),
)
anything = st.integers(-10_000, 100_000)
plausible_notes = st.builds(
    Note,
    onset=st.integers(0, 2000),
    pitch=pitches,
    velocity=st.integers(1, 127),
    duration=st.integers(1, 2000),
    part=st.sampled_from(Part),
)
garbage_notes = st.builds(
    Note,
    onset=anything,
    pitch=st.integers(-300, 300),
    velocity=st.integers(-1, 200),
    duration=anything,
    part=st.sampled_from(Part),
)


@dataclass(frozen=True)
class Reply:
    """What a worker says to the newest request: onsets count from where it was to begin."""

    notes: tuple[Note, ...]
    through: int
    done: bool
    stale: bool

    def to(self, request: PlanRequest) -> Answered:
        notes = tuple(
            Note(Tick(n.onset + request.context.until), n.pitch, n.velocity, n.duration, n.part)
            for n in self.notes
        )
        through = Tick(request.context.until + self.through)
        return Answered(Planned(request.id - self.stale, notes, through, self.done))


@dataclass(frozen=True)
class Verdict:
    """What a worker says to the newest question about the bar line."""

    likeliest: int
    nats: float
    stale: bool

    def to(self, question: LikelihoodRequest) -> Judged:
        count = len(question.shifts)
        nats = tuple(self.nats * (i == self.likeliest % count) for i in range(count))
        return Judged(Likelihoods(question.id - self.stale, nats))


verdicts = st.builds(Verdict, st.integers(0, 6), st.floats(0, 99), st.sampled_from([False, True]))
replies = st.builds(
    Reply,
    st.lists(st.one_of(plausible_notes, plausible_notes, garbage_notes), max_size=12).map(tuple),
    st.one_of(st.integers(0, 8000), anything),
    done=st.booleans(),
    stale=st.sampled_from([False, False, False, True]),
)
happenings = st.one_of(
    st.builds(Heard, messages),
    st.builds(Heard, messages),
    st.builds(Heard, transport_messages),
    replies,
    replies,
    replies,
    verdicts,
    st.just(None),  # time passes
    st.just(None),
    st.sampled_from([WorkerReady(), WorkerLost(), Panic(), Failed(1), Failed(2), YourTurn()]),
    st.just(InputLost()),
    st.builds(SetMode, st.sampled_from(Mode)),
    st.builds(SetTempo, st.floats(1, 1000)),
    st.builds(Adjust, st.just("density"), st.floats(0, 10)),
    st.builds(Adjust, st.just("parts"), st.sampled_from(["both", "lead", "comp"])),
    st.builds(Press, st.sampled_from([action.value for action in Action])),
    st.builds(Adjust, st.just("trade"), st.sampled_from([0, 2, 4, 8])),
    st.builds(Adjust, st.just("yield"), st.sampled_from(["now", "note", "never"])),
    st.builds(Adjust, st.just("swing"), st.sampled_from(["player", "off", 62.0, 75.0])),
    st.builds(Adjust, st.just("humanise_ms"), st.sampled_from([0.0, 20.0, 30.0])),
)
waits = st.one_of(st.floats(0, 0.2), st.floats(0, 5))  # in beats of the first tempo
clock_runs = st.builds(
    lambda wait, count: [(wait, Heard(Message("clock")))] * count,
    st.sampled_from([1 / 24, 1 / 24, 1 / 12, 1 / 48, 0.0]),
    st.integers(1, 60),
)
stories = st.lists(
    st.one_of(
        *[st.tuples(waits, happenings).map(lambda one: [one])] * 4,
        clock_runs,
    ),
    max_size=60,
).map(lambda parts: [one for part in parts for one in part])
all_settings = st.builds(
    Settings,
    mode=st.sampled_from([Mode.ANSWER, Mode.ENDLESS]),
    bpm=st.floats(20, 400),
    meter=st.sampled_from(METERS),
    start_at_once=st.booleans(),
    source=st.sampled_from(BeatSource),
    own_tempo=st.booleans(),
    swing=st.sampled_from([None, 0.5, 0.62]),
    humanise_s=st.sampled_from([0.0, 0.02]),
    on_clock_lost=st.sampled_from(ClockLost),
    listen_channel=st.sampled_from([None, 0]),
    lead_channel=channels,
    comp_channel=channels,
    thru=st.booleans(),
    count_in=st.integers(0, 2),
    output_offset_s=st.sampled_from([0.0, 0.0, -0.2, 0.03]),
    click=st.sampled_from(When),
    click_port=st.booleans(),
    send_clock=st.sampled_from([False, False, False, True]),
    trade_bars=st.sampled_from([0, 0, 2]),
    yields=st.sampled_from(Yield),
    chart=st.sampled_from([None, Chart.parse("Dm7 G7 | C | / F")]),
)

Story = Sequence[tuple[float, Event | Reply | Verdict | None]]

PHRASE: Story = [
    (wait, Heard(Message(kind, note=pitch)))
    for pitch in (58, 60, 62)
    for kind, wait in (("note_on", 0.1), ("note_off", 0.3))
]
OPENING: Story = [*PHRASE, *PHRASE]
ANSWER = Reply(
    tuple(Note(Tick(240 * i), 58 + i % 2, duration=Tick(700)) for i in range(8)),
    through=1920,
    done=True,
    stale=False,
)
BEGINNINGS: Sequence[Story] = [
    [],
    [*PHRASE[:4], (0.5, None), (0.1, ANSWER), (2.5, None)],  # two notes are no phrase
    PHRASE,
    [*PHRASE, (0.5, None), (0.1, ANSWER)],
    [*PHRASE, (0.5, None), (0.1, ANSWER), (2.5, None)],
    [*OPENING, (0.5, None)],
    [*OPENING, (0.5, None), (0.1, Verdict(4, 50.0, stale=False)), (0.1, ANSWER), (2.5, None)],
]
"""Most stories begin with a phrase, so that the rest of them is about jamd's turn."""


def tell(session: Decides, story: Story, punctual: bool) -> tuple[list[Effect], list[int]]:
    """Tell a session a story; return its effects and how many notes it had heard at each."""
    beat_seconds = 60 / session.status(0).bpm
    now, heard, request, question = 100.0, 0, None, None
    effects: list[Effect] = []
    heard_by: list[int] = []

    def take(new: Sequence[Effect]) -> None:
        nonlocal request, question
        effects.extend(new)
        heard_by.extend([heard] * len(new))
        request = next((e.request for e in new if isinstance(e, Ask)), request)
        question = next((e.request for e in new if isinstance(e, AskLikelihood)), question)

    take(session.handle(WorkerReady(), now))
    for wait, happening in story:
        until = now + wait * beat_seconds
        while punctual and (deadline := session.next_deadline()) is not None and deadline < until:
            now = max(now, deadline)
            take(session.advance(now))
        now = until
        event: Event | None
        if isinstance(happening, Reply):
            event = happening.to(request) if request is not None else None
        elif isinstance(happening, Verdict):
            event = happening.to(question) if question is not None else None
        else:
            event = happening
        if isinstance(event, Heard) and event.message.type == "note_on":
            heard += event.message.velocity > 0
        take(session.advance(now) if event is None else session.handle(event, now))
    take(session.shutdown(now))
    return effects, heard_by


def left_sounding(effects: Iterable[Effect]) -> set[tuple[Output, int, int]]:
    """Output, channel and pitch of each note sent that has not ended.

    Raises:
        AssertionError: A note is struck while it sounds.
        KeyError: One is ended that does not sound.
    """
    sounding: set[tuple[Output, int, int]] = set()
    for send in effects:
        if not isinstance(send, Send) or send.message.type not in ("note_on", "note_off"):
            continue
        note = send.output, send.message.channel, send.message.note
        if send.message.type == "note_off":
            sounding.remove(note)
        else:
            assert note not in sounding, "struck twice"
            sounding.add(note)
    return sounding


Check = Callable[[Settings, list[Effect], list[int]], None]


def promise_with(
    settings_of: st.SearchStrategy[Settings], stories: st.SearchStrategy[Story] = stories
) -> Callable[[Check], Callable[[], None]]:
    def promise(check: Check) -> Callable[[], None]:
        @settings(deadline=None, max_examples=200)
        @given(
            settings=settings_of,
            begin=st.sampled_from(BEGINNINGS),
            story=stories,
            punctual=st.booleans(),
        )
        def test(
            settings: Settings,
            begin: Story,
            story: Story,
            punctual: bool,
        ) -> None:
            effects, heard_by = tell(Session(settings), [*begin, *story], punctual)
            check(settings, effects, heard_by)

        test.__doc__ = check.__doc__
        return test

    return promise
