"""The turn is handed over a moment before the answer is to begin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mido import Message
from turn_taking import jam, six_eighths

from jamd.daemon.events import Answered, Event, Heard, Mode, TurnTaken, WorkerReady, YourTurn
from jamd.daemon.model.requests import Planned, PlanRequest, Request
from jamd.daemon.playing.yielding import Yield
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.transport import SIXTEENTH
from jamd.daemon.virtual import ANSWER_SECONDS, VirtualJam
from jamd.notes import TICKS_PER_BEAT, Note, Tick
from readable_takes import Take

PART_SECONDS = 0.0015
"""From one note of an answer to the next, as the default model writes them."""


class Flowing:
    """Answers with a note on every `gap` ticks, a part for each; with the longest rest allowed."""

    def __init__(self, gap: int = SIXTEENTH, *, rests: bool = False) -> None:
        self._gap = gap
        self._rests = rests

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        begins = request.constraints.begins
        rests = self._rests and begins is not None
        first = begins if rests and begins is not None else request.context.until
        for onset in range(-(-first // self._gap) * self._gap, request.through, self._gap):
            after = min(onset + self._gap, request.through)
            note = Note(Tick(onset), 72, 80, Tick(self._gap))
            yield Planned(request.id, (note,), Tick(after), done=after == request.through)


class Streamed(VirtualJam):
    """A jam in which each part of an answer comes `PART_SECONDS` after the one before."""

    def _arrive(self, event: Event | Request) -> None:
        if not isinstance(event, PlanRequest):
            super()._arrive(event)
            return
        for i, planned in enumerate(self._improviser.plan(event)):
            self._push(self._clock.now() + i * PART_SECONDS, Answered(planned))


def handed_over(
    settings: Settings, pressed_s: float, improviser: Flowing, *more: tuple[float, Event]
) -> Streamed:
    """A jam of six eighths from 0 s on; two beats after the turn is handed over it ends."""
    beat = 60 / settings.bpm
    story: list[tuple[float, Event]] = [(0.0, WorkerReady()), (pressed_s, YourTurn()), *more]
    story += six_eighths(settings.bpm)
    performance = Streamed(Session(settings), improviser, story)
    performance.run(pressed_s + 2.1 * beat)
    return performance


@given(
    bpm=st.floats(50, 220),
    place=st.floats(2.9, 3.4),
    gap=st.sampled_from([80, 120, 160, 240]),
    mode=st.sampled_from([Mode.ANSWER, Mode.ENDLESS]),
)
@examples(deadline=None, max_examples=60)
def test_no_note_of_an_answer_that_comes_in_parts_is_lost(
    bpm: float, place: float, gap: int, mode: Mode
) -> None:
    performance = handed_over(jam(mode, bpm=bpm), place * 60 / bpm, Flowing(gap))
    onsets = [note.onset for note in Take(performance.entries, performance).notes]
    first = onsets[0]
    assert onsets == [*range(first, onsets[-1] + 1, gap)]
    assert onsets[-1] > first + TICKS_PER_BEAT


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("yields", [Yield.NOW, Yield.NOTE])
def test_the_last_key_of_the_chord_takes_no_turn_back_however_the_answer_wanders(
    seed: int, yields: Yield
) -> None:
    wandering = replace(jam(bpm=80, yields=yields), humanise_s=0.02, seed=seed)
    pressed = (3 + 1 / 4) * 60 / 80 - 0.02  # 20 ms before a sixteenth
    key = Heard(Message("note_on", note=20, velocity=120))
    performance = handed_over(wandering, pressed, Flowing(), (pressed + 0.045, key))
    turns = [entry.turn for entry in performance.entries if isinstance(entry, TurnTaken)]
    assert turns[-1].value == "jamd"


@pytest.mark.parametrize("seed", range(20))
def test_the_first_note_wanders_to_no_moment_before_it_is_known(seed: int) -> None:
    wandering = replace(jam(bpm=60), humanise_s=0.03, seed=seed)
    pressed = 3.25 - 0.001
    performance = handed_over(wandering, pressed, Flowing())
    first = Take(performance.entries, performance).notes[0]
    assert abs(first.onset - 3.25 * TICKS_PER_BEAT) < SIXTEENTH / 2, "it is not left out"
    at, sent = performance.sent[0]
    assert sent.due >= pressed
    assert at - sent.due <= ANSWER_SECONDS


@pytest.mark.parametrize(("pressed", "begins"), [(3.76, 4.0), (4.05, 4.25), (4.2, 4.25)])
def test_an_answer_that_begins_with_a_rest_begins_at_once_if_the_turn_is_handed_over(
    pressed: float, begins: float
) -> None:
    # Known to be over soon after 3.3, it would be answered from 4.0 on, after a rest.
    performance = handed_over(jam(bpm=60), pressed, Flowing(rests=True))
    first = Take(performance.entries, performance).notes[0]
    assert first.onset == begins * TICKS_PER_BEAT
