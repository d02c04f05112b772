"""When an answer begins, as readable takes: `bar.beat.step part pitch velocity length`."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TypeGuard

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mido import Message
from turn_taking import UNBROKEN, ToTheEnd, jam, six_eighths

from jamd.daemon.events import (
    Event,
    Heard,
    Mode,
    Sounded,
    Turn,
    TurnTaken,
    WorkerReady,
    YourTurn,
)
from jamd.daemon.playing.scene import STRUCK_EARLY_SECONDS
from jamd.daemon.playing.yielding import Yield
from jamd.daemon.session import Session
from jamd.daemon.timing.transport import SIXTEENTH
from jamd.daemon.virtual import ANSWER_SECONDS, ScriptedImproviser, VirtualJam
from jamd.notes import METERS, STEPS_PER_BEAT, TICKS_PER_BEAT, TICKS_PER_STEP, Meter
from readable_takes import ONE_BAR, Take, play, seconds


def test_a_phrase_handed_over_is_answered_on_the_next_sixteenth() -> None:
    # Its last note begins at 1.4.0 and ends at 1.4.6.
    begun = [("1.4.7", "1.4.9"), ("1.4.8.9", "1.4.9"), ("1.4.9.1", "2.1.0")]
    # Struck with the pedal, within 25 ms of a sixteenth, it may have been meant to be on that.
    struck = [("1.3.11.9", "1.4.3"), ("1.4.0", "1.4.3"), ("1.4.1", "1.4.3")]
    for pressed, begins in [*begun, *struck]:
        played = play(jam(), ONE_BAR, (seconds(pressed), YourTurn()), bars=4)
        assert played.turns[-2].startswith("1.4 jamd"), pressed
        assert played.jamds[0].split()[0] == begins


def test_a_phrase_handed_over_too_early_is_none() -> None:
    for settings in (jam(), jam(trade=2)):
        assert play(settings, "1.1.0 player 60 80 9", (seconds("1.2.0"), YourTurn())).jamds == []


@given(
    bpm=st.floats(50, 220),
    place=st.floats(3, 3.5),
    lags=st.lists(st.floats(-0.024, 0.024), min_size=1, max_size=4),
    mode=st.sampled_from([Mode.ANSWER, Mode.ENDLESS]),
    trade=st.sampled_from([0, 2]),
)
@examples(deadline=None, max_examples=60)
def test_a_phrase_handed_over_with_its_last_chord_is_answered_whichever_came_first(
    bpm: float, place: float, lags: list[float], mode: Mode, trade: int
) -> None:
    beat = 60 / bpm
    pressed = place * beat
    story: list[tuple[float, Event]] = [(0.0, WorkerReady()), (pressed, YourTurn())]
    story += six_eighths(bpm)
    for pitch, lag in zip((48, 52, 55, 60), lags, strict=False):
        story.append((pressed + lag, Heard(Message("note_on", note=pitch, velocity=80))))
    performance = VirtualJam(Session(jam(mode, trade=trade, bpm=bpm)), ToTheEnd(), story)
    performance.run(pressed + 2 * beat)
    over = max([pressed, *(pressed + lag for lag in lags)])
    after = over + STRUCK_EARLY_SECONDS if max(lags) <= 0 else pressed
    first, *_ = Take(performance.entries, performance).notes
    assert after <= first.onset / TICKS_PER_BEAT * beat
    assert first.onset <= (over + STRUCK_EARLY_SECONDS) / beat * TICKS_PER_BEAT + SIXTEENTH
    turns = [entry.turn for entry in performance.entries if isinstance(entry, TurnTaken)]
    assert turns[-1] is Turn.JAMD


@given(
    bpm=st.floats(50, 220),
    place=st.floats(3, 3.5),
    mode=st.sampled_from([Mode.ANSWER, Mode.ENDLESS]),
    trade=st.sampled_from([0, 2]),
)
@examples(deadline=None, max_examples=60)
def test_whenever_the_turn_is_handed_over_there_is_at_most_a_sixteenth_of_silence(
    bpm: float, place: float, mode: Mode, trade: int
) -> None:
    beat = 60 / bpm
    pressed = place * beat
    story: list[tuple[float, Event]] = [(0.0, WorkerReady()), (pressed, YourTurn())]
    story += six_eighths(bpm)
    performance = VirtualJam(Session(jam(mode, trade=trade, bpm=bpm)), ToTheEnd(), story)
    performance.run(pressed + 2 * beat)
    left = performance.sent[0][0] - pressed
    first, *_ = Take(performance.entries, performance).notes
    late = left - (first.onset / TICKS_PER_BEAT * beat - pressed)
    assert 0 < left <= max(beat / 4, ANSWER_SECONDS) + 1e-6
    assert -1e-6 < late <= ANSWER_SECONDS + 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_an_answer_whose_first_note_wandered_early_has_begun(seed: int) -> None:
    wandering = replace(jam(yields=Yield.NEVER), humanise_s=0.04, seed=seed)
    alone = play(wandering, ONE_BAR)
    left = min(entry.seconds for entry in alone.entries if is_own_onset(entry))
    stray = (left + 0.003, Heard(Message("note_on", note=90, velocity=80)))
    assert play(wandering, ONE_BAR, stray).turns[1] == "3.2 player"


def is_own_onset(entry: object) -> TypeGuard[Sounded]:
    if not isinstance(entry, Sounded) or entry.part is None:
        return False
    return bool(entry.message.type == "note_on")


def test_your_turn_in_the_midst_of_an_answer_leaves_the_player_his_way_back() -> None:
    # Two notes within a beat take the turn back, also right after the pedal.
    for yields, kept in ((Yield.NOTE, 3), (Yield.NOW, 2)):
        notes = "    2.3.6 player 72 80 3\n    2.4.3 player 74 80 36"
        story = (seconds("2.3.6") - 0.01, YourTurn())
        played = play(jam(yields=yields), ONE_BAR + notes, story, bars=2)
        assert played.jamds == UNBROKEN[:kept], yields


@pytest.mark.parametrize("trade", [0, 2])
def test_who_hands_over_while_jamd_waits_for_its_beat_is_answered_on_the_next_sixteenth(
    trade: int,
) -> None:
    # Known to be over at 2.2.2, it would be answered on 2.3; where twos are traded, on 3.1.
    places = [f"1.{beat}.{step}" for beat in range(1, 5) for step in (0, 6)] + ["2.1.0"]
    phrase = "\n".join(f"{place} player 60 80 3" for place in places)
    slow = jam(trade=trade, bpm=60)
    last = "3.1.0" if trade else "2.3.0"
    for pressed, begins in (("2.2.4", "2.2.6"), ("2.2.6.3", "2.2.9"), (last, last)):
        story = (seconds(pressed, 60) - 0.01, YourTurn())
        played = play(slow, phrase, story, bars=6, improviser=ToTheEnd())
        assert played.jamds[0].split()[0] == begins, pressed


@pytest.mark.parametrize("offset_s", [-0.2, 0.0])
def test_after_slow_short_notes_an_answer_that_is_sent_early_is_in_time_too(
    offset_s: float,
) -> None:
    early = replace(jam(), output_offset_s=offset_s)
    slow = "\n".join(f"{place} player 60 80 3" for place in ("1.1.0", "1.2.4", "1.3.8", "2.1.0"))
    assert play(early, slow).jamds[0].split()[0] == "2.3.0"


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize(("bpm", "swing"), [(50, None), (120, None), (120, 0.67), (220, None)])
@pytest.mark.parametrize("gap", [6, 12, 18, 23])  # steps from one note to the next
def test_the_silence_before_an_answer_is_at_most_two_beats_and_a_32nd(
    meter: Meter, bpm: float, swing: float | None, gap: int
) -> None:
    # Two of the meter's beats: in 6/8, of dotted quarters, which begin an answer there. The 32nd is
    # for a key that comes up just before a beat, and is answered on a beat.
    step = 60 / bpm / STEPS_PER_BEAT
    # Between short notes nearly two beats apart, jamd takes every gap for an end.
    far_apart = gap >= STEPS_PER_BEAT * 2 - 5
    short = gap // (2 if far_apart and swing else 3)
    shortest = short if far_apart else 1
    for held, wait in itertools.product((shortest, short, gap - 1, gap, 21), range(0, 36, 6)):
        story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
        for i, length in enumerate([min(held, gap - 1)] * 7 + [held]):
            begin = wait + i * gap
            story.append((begin * step, Heard(Message("note_on", note=60 + i, velocity=80))))
            story.append(((begin + length) * step, Heard(Message("note_off", note=60 + i))))
        performance = VirtualJam(
            Session(replace(jam(bpm=bpm), meter=meter, swing=swing)),
            ScriptedImproviser(),
            sorted(story, key=lambda s: s[0]),
        )
        performance.run((wait + 7 * gap + 120) * step)
        up = (wait + 7 * gap + held) * TICKS_PER_STEP
        begun = next(e for e in performance.entries if isinstance(e, TurnTaken))
        first = Take(performance.entries, performance).notes[0].onset
        assert first - up <= 2 * meter.ticks_per_pulse + 60, (held, wait)
        assert SIXTEENTH <= first - begun.tick <= 2 * meter.ticks_per_pulse, (held, wait)
