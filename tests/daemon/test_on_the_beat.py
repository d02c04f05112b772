"""How close to a sequencer's true beat notes are sent to the port, and how soon.

A synthetic clock, with pulses that are each up to some ms early or late, and a click on every
eighth note: the time at which the port gets each click is compared with the true time of its beat.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest
from mido import Message

from jamd.daemon.events import Event, Heard, WorkerReady
from jamd.daemon.playing.click import When
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.notes import Meter

BEGIN_S = 10.0
START, CLOCK = Heard(Message("start")), Heard(Message("clock"))
CLICKING = Settings(bpm=100, meter=Meter(6, 8), source=BeatSource.MIDI, click=When.ON)

SEEDS = range(5)
TEMPOS = (50, 85, 120, 170, 220)


def clicks(pulses: Sequence[float]) -> list[float]:
    """When the port had each click of a session that hears these pulses, the first one's on one."""
    story: list[tuple[float, Event]] = [(0.0, WorkerReady()), (pulses[0] - 1e-4, START)]
    story += [(moment, CLOCK) for moment in pulses]
    performance = VirtualJam(Session(CLICKING), ScriptedImproviser(), story)
    performance.run(pulses[-1])
    return [at for at, send in performance.sent if send.message.type == "note_on"]


def pulses(bpm: float, beats: float, begin: float = BEGIN_S) -> list[float]:
    """The true time of each pulse."""
    return [begin + i * 60 / bpm / 24 for i in range(round(24 * beats))]


def jittered(true: Sequence[float], jitter_s: float, seed: int) -> list[float]:
    draw = random.Random(seed)
    return [moment + draw.uniform(-jitter_s, jitter_s) for moment in true]


def late(had_s: Sequence[float], true: Sequence[float]) -> list[tuple[float, float]]:
    """Each click's beat, and how late it was in seconds: the nearest eighth note is meant."""
    eighths = true[::12]
    nearest = [min(range(len(eighths)), key=lambda i: abs(eighths[i] - at)) for at in had_s]
    assert nearest == list(range(nearest[0], nearest[0] + len(had_s))), "a click on every one"
    return [(i / 2, at - eighths[i]) for i, at in zip(nearest, had_s, strict=True)]


def rms_ms(seconds: Sequence[float]) -> float:
    return 1000 * math.sqrt(sum(one**2 for one in seconds) / len(seconds))


@pytest.mark.parametrize("bpm", TEMPOS)
def test_within_two_beats_it_is_there_and_from_then_on_it_is_steady(bpm: float) -> None:
    true = pulses(bpm, 64)
    found, steady = [], []
    for seed in SEEDS:
        measured = late(clicks(jittered(true, 0.003, seed)), true)
        found += [error for beat, error in measured if 2 <= beat <= 3]
        steady += [error for beat, error in measured if beat >= 8]
    worst_ms = 1000 * max(map(abs, found))
    print(f"{bpm} bpm: {worst_ms:.2f} ms after two beats, then {rms_ms(steady):.2f} ms rms")
    assert len(found) == 3 * len(SEEDS)
    assert worst_ms < 3
    assert rms_ms(steady) <= 1


@pytest.mark.parametrize(
    ("bpm", "changed"), [(50, 60), (60, 220), (120, 126), (120, 60), (220, 50)]
)
@pytest.mark.parametrize("jitter_s", [0.0, 0.001])
def test_a_real_change_of_tempo_is_followed_within_two_beats(
    bpm: float, changed: float, jitter_s: float
) -> None:
    before = pulses(bpm, 16)
    true = before + pulses(changed, 8, before[-1] + 60 / bpm / 24)
    after = []
    for seed in SEEDS:
        measured = late(clicks(jittered(true, jitter_s, seed))[-12:], true)
        after += [error for beat, error in measured if beat >= 18]
    print(f"{bpm} -> {changed} bpm: {1000 * max(map(abs, after)):.2f} ms two beats later")
    assert max(map(abs, after)) < 0.003


def test_an_hour_does_not_drift() -> None:
    true = pulses(50, 50 * 60)
    had_s = clicks(jittered(true, 0.003, seed=1))
    first = [at - (BEGIN_S + i * 0.6) for i, at in enumerate(had_s[:200])][20:]
    last = [at - (BEGIN_S + (len(had_s) - 200 + i) * 0.6) for i, at in enumerate(had_s[-200:])]
    print(f"{rms_ms(first):.2f} ms rms at first, {rms_ms(last):.2f} ms rms after an hour")
    assert len(had_s) == 6000
    assert rms_ms(last) <= 1
    assert abs(sum(last) / len(last)) < 0.0002


GLITCHES: dict[str, Callable[[list[float], int], list[float]]] = {
    "one too many": lambda true, i: [*true[:i], (true[i - 1] + true[i]) / 2, *true[i:]],
    "one too few": lambda true, i: [*true[:i], *true[i + 1 :]],
    "one late": lambda true, i: [*true[:i], true[i] + 0.6 * (true[1] - true[0]), *true[i + 1 :]],
    "two at once": lambda true, i: [*true[:i], true[i], *true[i:]],
}


@pytest.mark.parametrize("kind", GLITCHES)
@pytest.mark.parametrize("bpm", [50, 120, 220])
def test_one_glitch_moves_nothing(kind: str, bpm: float) -> None:
    true = pulses(bpm, 16)
    worst = 0.0
    for number in (200, 204, 211):
        measured = late(clicks(GLITCHES[kind](true, number)), true)
        worst = max(worst, *(abs(error) for beat, error in measured if beat >= 2))
    print(f"{bpm} bpm, {kind}: {1000 * worst:.2f} ms")
    assert worst < 0.0005
