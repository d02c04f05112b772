"""The improviser: logits depend on tokens alone, and plans keep their promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mido import Message

from jamd.article import Article
from jamd.bundle.bundle import Bundle
from jamd.bundle.inference import BLOCK, CPU, open_session
from jamd.daemon.events import Event, Heard, Mode, WorkerReady
from jamd.daemon.model.graph import DeviceGraph, State
from jamd.daemon.model.improviser import Improviser, StateCache, StateCaches
from jamd.daemon.model.requests import (
    LikelihoodRequest,
    Likelihoods,
    Planned,
    PlanRequest,
    Sampling,
)
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.virtual import VirtualJam
from jamd.language import Constraints, Context
from jamd.notes import HELD, Meter, Note, Part, Tick
from jamd.vocabulary import Vocabulary

BUNDLE = Bundle.read(Path(__file__).parents[2] / "fixtures" / "tiny-bundle")
BAR = Meter(4, 4).ticks_per_bar
PHRASE = tuple(Note(Tick(240 * i), 60 + i, 80, Tick(240)) for i in range(8))
REQUEST = PlanRequest(1, Context(PHRASE, Tick(0), BAR, "combo"), Tick(4 * BAR), seed=5)


class Counting:
    """A graph that adds up its tokens and counts calls by their number of tokens."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def start(self) -> State:
        return State([0.0], np.zeros(1, np.float32))

    def run(self, tokens: Sequence[int], state: State) -> State:
        self.calls.append(len(tokens))
        total = state.memory[0]
        for token in tokens:
            total = (total * 31 + token) % 100_003
        # How the tokens were cut shows in the logits, as it does in a quantised graph.
        return State([total], np.array([total + len(tokens) / 1000], np.float32))


SEQUENCES = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=100), min_size=1, max_size=6)


@given(SEQUENCES, st.data())
def test_logits_are_a_function_of_the_tokens_alone(
    sequences: list[list[int]], data: st.DataObject
) -> None:
    cache = StateCache(Counting())
    before: list[int] = []
    for tail in sequences:
        # Some of the sequence before, as a replan or a corrected duration leaves it.
        tokens = before[: data.draw(st.integers(0, len(before)))] + tail
        assert cache.logits(tokens) == StateCache(Counting()).logits(tokens)
        before = tokens


def test_only_what_changed_is_computed() -> None:
    graph = Counting()
    cache = StateCache(graph)
    tokens = [1] * (3 * BLOCK + 5)
    cache.logits(tokens)
    assert graph.calls == [BLOCK] * 3 + [1] * 5

    graph.calls.clear()
    cache.logits(tokens)
    assert graph.calls == [], "asked again, nothing is computed"
    cache.logits([*tokens, 2])
    assert graph.calls == [1]
    cache.logits([*tokens[:-2], 3])
    assert graph.calls == [1, 1], "two tokens back and one on is one step"
    cache.logits([*tokens[:BLOCK], 2])
    assert graph.calls == [1, 1, 1], "the first block's state was kept"


def test_what_was_read_ahead_is_not_computed_again() -> None:
    graph = Counting()
    states = StateCaches(graph)
    old, new = [1] * (3 * BLOCK + 5), [2] * (2 * BLOCK + 3)
    states.logits(old)
    graph.calls.clear()
    asked = iter([False, True])
    assert not states.read_ahead(new, lambda: next(asked)), "superseded before the second block"
    assert states.read_ahead(new, lambda: False)
    assert graph.calls == [BLOCK] * 2
    states.choose(old)
    states.logits(old)
    assert graph.calls == [BLOCK] * 2, "what is written now is still known"
    states.choose(new)
    assert states.logits(new) == StateCache(Counting()).logits(new)
    assert graph.calls == [BLOCK] * 2 + [1] * 3


def test_the_answer_is_the_same_whatever_was_read_ahead() -> None:
    request = replace(REQUEST, sampling=Sampling(memory=0.5))
    fresh = notes_of(list(Improviser(BUNDLE).plan(request)))
    improviser = Improviser(BUNDLE)
    for context in (request.context, replace(request.context, heard=PHRASE[1:])):
        ahead = replace(request, id=0, context=context, through=BAR, max_tokens=0)
        assert list(improviser.plan(ahead)) == [Planned(0, (), BAR, done=True)]
        assert list(improviser.plan(ahead, lambda: True)) == [], "nobody waits for it"
        assert notes_of(list(improviser.plan(request))) == fresh


def test_when_the_window_moves_hardly_more_is_computed_than_otherwise() -> None:
    improviser, computed = Improviser(BUNDLE), dict[Tick, list[int]]()
    assert improviser._states is not None
    graph = improviser._states._used._graph
    run, calls = graph.run, list[int]()

    def counted(tokens: Sequence[int], state: State) -> State:
        calls.append(len(tokens))
        return run(tokens, state)

    class Watched:
        def plan(self, request: PlanRequest) -> Iterator[Planned]:
            calls.clear()
            yield from improviser.plan(request)
            if request.max_tokens:  # blocks are what is read, single steps what is written
                read = sum(length for length in calls if length == BLOCK)
                computed.setdefault(request.context.start, []).append(read)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "run", counted)
        jam = Settings(bpm=240, mode=Mode.ENDLESS, start_at_once=True, horizon_bars=1)
        story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
        for i in range(40 * 4):  # quarters for 40 bars, but for a rest that lets jamd begin
            if i // 4 != 1:
                for kind, late in (("note_on", 0.0), ("note_off", 0.2)):
                    message = Message(kind, note=60 + i * 5 % 12, velocity=80)
                    story.append((i * 0.25 + late, Heard(message)))
        VirtualJam(Session(jam), Watched(), story).run(40.0)
    first, second = computed.values()
    assert sum(first) > 1000, "there is much to read"
    assert max(second) < 1.5 * max(first[20:])


def test_the_real_graph_keeps_the_same_promise() -> None:
    tokens = BUNDLE.language.begin(REQUEST.context, REQUEST.constraints).tokens
    assert len(tokens) > BLOCK
    grown = Improviser(BUNDLE)
    for i in range(1, len(tokens) + 1):
        logits = grown.logits(tokens[:i])
    assert np.array_equal(logits, Improviser(BUNDLE).logits(tokens))
    assert logits.shape == (len(BUNDLE.language.vocabulary),)
    assert logits.dtype == np.float32


def test_the_runtime_is_not_to_change_its_provider_by_itself() -> None:
    session = open_session(BUNDLE.graph_path("float32"), CPU, 1)
    assert not session._enable_fallback


def test_states_on_the_device_give_the_same_logits() -> None:
    improviser = Improviser(BUNDLE)
    on_device = StateCache(DeviceGraph(improviser.session, "cpu"))
    tokens = BUNDLE.language.begin(REQUEST.context, REQUEST.constraints).tokens
    for i in range(1, len(tokens) + 1):
        assert np.array_equal(on_device.logits(tokens[:i]), improviser.logits(tokens[:i]))


def notes_of(planned: Sequence[Planned]) -> list[Note]:
    return [note for one in planned for note in one.notes]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 10), st.integers(0, 2**63 - 1), st.sampled_from([*Part, None]))
def test_a_plan_keeps_within_its_request(request_id: int, seed: int, part: Part | None) -> None:
    parts = frozenset({part}) if part else frozenset(Part)
    request = replace(
        REQUEST, id=request_id, seed=seed, constraints=Constraints(parts, 48, 72, polyphony=3)
    )
    planned = list(Improviser(BUNDLE).plan(request))

    assert [one.done for one in planned] == [False] * (len(planned) - 1) + [True]
    assert planned[-1].through >= request.through
    assert all(one.id == request_id for one in planned)
    through = request.context.until
    for one in planned:
        assert one.through >= through
        assert all(through <= note.onset < one.through for note in one.notes)
        through = one.through
    for note in notes_of(planned):
        assert 48 <= note.pitch <= 72
        assert note.part in parts


@pytest.mark.parametrize("memory", [0.0, 1.0])
def test_the_same_request_gets_the_same_answer_whatever_came_before(memory: float) -> None:
    request = replace(REQUEST, sampling=Sampling(memory=memory))
    improviser = Improviser(BUNDLE)
    first = notes_of(list(improviser.plan(request)))
    list(improviser.plan(replace(request, id=2)))
    assert notes_of(list(improviser.plan(request))) == first
    assert notes_of(list(improviser.plan(replace(request, id=2)))) != first


def test_what_the_player_repeats_is_picked_up_and_what_jamd_plays_is_not() -> None:
    riff = (60, 67, 65, 70, 60, 62, 67, 61)
    heard = tuple(
        Note(Tick(BAR * bar + 240 * i), pitch, 80, Tick(240))
        for bar in range(4)
        for i, pitch in enumerate(riff)
    )
    context = Context(heard, Tick(0), Tick(4 * BAR), "combo")
    request = PlanRequest(1, context, Tick(5 * BAR), sampling=Sampling(memory=1.0), seed=1)
    learned = [note.pitch for note in notes_of(list(Improviser(BUNDLE).plan(request)))]
    assert tuple(learned[:8]) == riff
    own = replace(request, context=replace(context, heard=(), played=heard))
    assert [note.pitch for note in notes_of(list(Improviser(BUNDLE).plan(own)))][:8] != learned[:8]


def test_a_superseded_plan_stops_between_tokens() -> None:
    asked = iter([False] * 5 + [True])
    planned = list(Improviser(BUNDLE).plan(REQUEST, lambda: next(asked)))
    assert not any(one.done for one in planned)
    assert next(asked, None) is None


def test_a_plan_ends_at_its_most_tokens() -> None:
    *_, last = Improviser(BUNDLE).plan(replace(REQUEST, max_tokens=1))
    assert last.done
    assert last.through < REQUEST.through


def test_a_held_note_can_be_heard() -> None:
    held = (*PHRASE[:-1], PHRASE[-1]._replace(duration=HELD))
    request = replace(REQUEST, context=replace(REQUEST.context, heard=held))
    assert list(Improviser(BUNDLE).plan(request))[-1].done


def test_argmax_needs_no_seed() -> None:
    request = replace(REQUEST, sampling=Sampling(argmax=True))
    improviser = Improviser(BUNDLE)
    assert notes_of(list(improviser.plan(request))) == notes_of(
        list(improviser.plan(replace(request, seed=6)))
    )


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(Exception, match="int8 graph"):
        Improviser(BUNDLE, precision="int8")


QUESTION = LikelihoodRequest(
    3, Context(PHRASE, Tick(0), Tick(BAR), "combo"), (Tick(0), Tick(480), Tick(BAR)), ("combo",)
)


def test_how_likely_a_phrase_is_depends_on_nothing_else() -> None:
    improviser = Improviser(BUNDLE)
    (first,) = improviser.likelihoods(QUESTION)
    assert first.id == 3
    assert len(set(first.nats)) == 3
    assert all(nats < 0 for nats in first.nats)
    list(improviser.plan(REQUEST))
    assert list(improviser.likelihoods(QUESTION)) == [first]


def test_pitches_are_no_part_of_the_likelihood_and_durations_are() -> None:
    improviser = Improviser(BUNDLE)
    told = improviser.language.rhythm
    kinds = {improviser.language.vocabulary.kind(token) for token in told}
    assert kinds == {"Bar", "Position", "Duration"}
    tokens = improviser.language.begin(QUESTION.context, Constraints()).tokens
    nats = 0.0
    for i in range(1, len(tokens)):  # token by token, as a plan is read
        logits = improviser.logits(tokens[:i]).astype(float)
        if tokens[i] in told:
            nats += logits[tokens[i]] - np.log(np.exp(logits).sum())
    (answer,) = improviser.likelihoods(QUESTION)
    assert answer.nats[0] == pytest.approx(nats, abs=0.01)


def test_read_as_two_styles_it_is_the_mean_of_both() -> None:
    improviser = Improviser(BUNDLE)
    by_style = [
        next(improviser.likelihoods(replace(QUESTION, styles=styles))).nats[0]
        for styles in (("combo",), ("piano",), ("combo", "piano"))
    ]
    assert np.exp(by_style[2]) == pytest.approx(np.exp(by_style[:2]).mean())


def test_a_superseded_question_has_no_answer() -> None:
    asked = iter([False, True])
    assert list(Improviser(BUNDLE).likelihoods(QUESTION, lambda: next(asked))) == []


def test_a_language_without_bars_has_no_likelihoods() -> None:
    improviser = Improviser(BUNDLE)
    improviser.language = Article(Vocabulary(["C4"]))
    assert list(improviser.likelihoods(QUESTION)) == [Likelihoods(3, ())]
