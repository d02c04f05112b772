"""A pickup belongs to the next bar, and a first note that is on beat one stays there."""

from __future__ import annotations

import random

import pytest

from jamd.daemon.timing.pickup import pickup
from jamd.notes import Meter, Note, Tick
from jamd.placing import Placer

SIXTEENTH = 120

# Name, meter, sixteenths before the bar line, and the tune: pitch/length in sixteenths.
TUNES = {
    "Amazing Grace": "3/4 62/4 67/8 71/2 67/2 71/8 69/4 67/8 64/4 62/8 62/4 67/8 71/2 67/2 71/8",
    "Auld Lang Syne": "4/4 60/4 65/6 65/2 65/4 69/4 67/6 65/2 67/4 69/4 65/6 65/2 69/4 72/4 74/12",
    "We Wish You": "3/4 62/4 67/4 67/2 69/2 67/2 66/2 64/4 64/4 64/4 69/4 69/2 71/2 69/2 67/2 66/4",
    "Clementine": "3/4 65/3 65/1 65/4 60/4 69/3 69/1 69/4 65/4 65/3 69/1 72/6 72/2 70/2 69/2 67/8",
    "Greensleeves": "6/8 69/2 72/4 74/2 76/3 77/1 76/2 74/4 71/2 67/3 69/1 71/2 72/4 69/2 69/3",
    "My Bonnie": "3/4 67/4 76/6 74/2 72/4 74/4 72/4 69/4 67/4 64/16 67/4 76/6 74/2 72/4 72/4",
}
"""By name: the meter, and pitch/length in sixteenths. All have a pickup, one of an eighth in
Greensleeves, else of a quarter."""

TUNES_ON_ONE = {
    "Ode to Joy": "4/4 64/4 64/4 65/4 67/4 67/4 65/4 64/4 62/4 60/4 60/4 62/4 64/4 64/6 62/2 62/8",
    "Twinkle": "4/4 60/4 60/4 67/4 67/4 69/4 69/4 67/8 65/4 65/4 64/4 64/4 62/4 62/4 60/8",
    "Jingle Bells": "4/4 64/4 64/4 64/8 64/4 64/4 64/8 64/4 67/4 60/6 62/2 64/16",
    "London Bridge": "4/4 67/6 69/2 67/4 65/4 64/4 65/4 67/8 62/4 64/4 65/8 64/4 65/4 67/8",
    "Row Your Boat": "6/8 60/6 60/6 60/4 62/2 64/6 64/4 62/2 64/4 65/2 67/12",
    "Frère Jacques": "4/4 60/4 62/4 64/4 60/4 60/4 62/4 64/4 60/4 64/4 65/4 67/8 64/4 65/4 67/8",
}


def notes(tune: str, scatter: random.Random | None = None, bpm: int = 120) -> list[Note]:
    """The tune's notes as heard, from tick 0 on; 20 ms off at random, if that is asked for."""
    placer = Placer(Meter(4, 4))
    rate = bpm * 8
    tick, heard = 0, []
    for word in tune.split():
        pitch, length = (int(number) for number in word.split("/"))
        off = round(scatter.gauss(0, 0.020) * rate) if scatter and tick else 0
        onset = placer.hear(Tick(tick + off), (tick + off) / rate, pitch, rate)
        heard.append((onset, pitch))
        tick += length * SIXTEENTH
    return [Note(onset.place, pitch) for onset, pitch in heard]


def begins(tune: str, scatter: random.Random | None = None) -> int:
    """How many sixteenths before the bar line `tune` is heard to begin."""
    meter, _, words = tune.partition(" ")
    return pickup(notes(words, scatter), Meter.parse(meter)) // SIXTEENTH


@pytest.mark.parametrize("tune", TUNES_ON_ONE.values(), ids=TUNES_ON_ONE)
def test_tunes_that_begin_on_one_do(tune: str) -> None:
    assert begins(tune) == begins(tune, random.Random(0)) == 0


def test_of_known_pickups_most_are_found_and_none_is_mistaken() -> None:
    found = {name: begins(tune, random.Random(0)) for name, tune in TUNES.items()}
    meant = {name: 2 if name == "Greensleeves" else 4 for name in TUNES}
    assert all(found[name] in (0, meant[name]) for name in TUNES)
    assert sum(found[name] > 0 for name in TUNES) >= 4


RHYTHMS = {
    "4/4": ("4 4 4 4", "4 4 8", "8 4 4", "6 2 4 4", "4 2 2 4 4", "4 4 2 2 4", "8 8", "6 2 8"),
    "3/4": ("4 4 4", "8 4", "4 2 2 4", "6 2 4", "8 2 2", "4 4 2 2"),
    "2/4": ("4 4", "2 2 4", "4 2 2", "2 2 2 2", "3 1 4"),
    "6/8": ("4 2 4 2", "6 6", "6 4 2", "2 2 2 6", "4 2 6", "2 2 2 4 2"),
}
PICKUPS = {"4/4": ("4", "2 2", "2"), "3/4": ("4", "2 2"), "2/4": ("2", "1 1"), "6/8": ("2",)}


def test_of_a_fixed_set_of_phrases_few_are_misunderstood() -> None:
    rng = random.Random(0)
    found = wrong = 0
    phrases = 400
    for number in range(phrases):
        meter = rng.choice(list(RHYTHMS))
        before = rng.choice(PICKUPS[meter]) if number % 2 else ""
        bars = [rng.choice(RHYTHMS[meter]) for _ in range(4)]
        lengths = f"{before} {' '.join(bars)} 8".split()
        tune = " ".join(f"{rng.choice((60, 62, 64, 65, 67, 69))}/{length}" for length in lengths)
        meant = sum(int(length) for length in before.split()) * SIXTEENTH
        heard = pickup(notes(tune, rng), Meter.parse(meter))
        found += heard == meant > 0
        wrong += heard not in (0, meant)
    assert found / (phrases / 2) >= 0.8
    assert wrong / phrases <= 0.01


def test_a_chord_and_a_bass_mark_the_bar() -> None:
    tune = [Note(Tick(480 * beat), 72 + beat % 3) for beat in range(13)]
    bars = [Note(Tick(480 + 1920 * bar), pitch) for bar in range(3) for pitch in (36, 52, 55, 60)]
    assert pickup(sorted([*tune, *bars]), Meter(4, 4)) == 480
    assert pickup(tune, Meter(4, 4)) == 0


def test_a_few_notes_tell_nothing() -> None:
    assert pickup([Note(Tick(480 * beat), 60) for beat in (0, 1, 5)], Meter(4, 4)) == 0
