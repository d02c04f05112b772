"""Whole takes to read: what the model in the package answers (`readable_takes` has the rows).

Its float32 graph plays with the settings of a fresh install and a seed. Another CPU adds up the
same float32 numbers in another order, which changes a logit by about 2/100 000. The seeds are
chosen so that this does not matter: no number drawn lies nearer than 0.003 to where another token
begins, and no share of the probability nearer than 0.0003 to where the nucleus is cut off. To
verify this, the same is played with every logit off by up to 1/10 000.

With another model the rows differ; the other assertions about them hold regardless.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle
from jamd.config.config import Config
from jamd.daemon.events import YourTurn
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.playing.click import When
from jamd.daemon.settings import settings_from
from jamd.daemon.takes.take import notes
from jamd.grid.likeness import FIFTH
from jamd.harmony.key import MINOR, Key
from jamd.measure.answers import (
    MOST_NOTES,
    breathes,
    copied,
    density_ratio,
    ends_at_home,
    ends_in_time,
    register_distance,
)
from jamd.measure.exchanges import Exchange, Phrase
from jamd.notes import TICKS_PER_BEAT, Tick
from readable_takes import FOUR, Take, play, rows, seconds

JAM = replace(settings_from(Config()), bpm=120.0, start_at_once=True, click=When.OFF)

IN_C = """
    1.1.0 player 60 80 5
    1.1.6 player 62 80 5
    1.2.0 player 64 80 5
    1.2.6 player 65 80 5
    1.3.0 player 67 80 11
    1.4.0 player 64 80 11
    2.1.0 player 65 80 5
    2.1.6 player 64 80 5
    2.2.0 player 62 80 5
    2.2.6 player 65 80 5
    2.3.0 player 64 80 20
"""

IN_A_MINOR = """
    1.1.0 player 69 80 11
    1.2.0 player 72 80 11
    1.3.0 player 76 80 11
    1.4.0 player 81 80 5
    1.4.6 player 80 80 5
    2.1.0 player 81 80 11
    2.2.0 player 77 80 11
    2.3.0 player 76 80 20
"""


@pytest.fixture(scope="module")
def improviser() -> Improviser:
    return Improviser(Bundle.read(bundles.resolve("default")), precision="float32")


def answered(improviser: Improviser, phrase: str, key: Key, seed: int) -> Take:
    """A take in which `phrase`, two bars long, is answered from 3.2 to 5.2 as it should be."""
    jam = replace(JAM, seed=seed)
    played = play(jam, phrase, bars=7, improviser=improviser)
    assert played.turns == ["3.1 jamd", "5.2 player"]

    logits, draw = improviser.logits, np.random.default_rng(1)
    improviser.logits = lambda tokens: (
        logits(tokens)
        + draw.uniform(-1e-4, 1e-4, len(improviser.language.vocabulary)).astype(np.float32)
    )
    assert play(jam, phrase, bars=7, improviser=improviser).rows == played.rows
    improviser.logits = logits

    begin, end = (Tick(round(seconds(at) * 2) * TICKS_PER_BEAT) for at in ("3.2.0", "5.2.0"))
    theirs = Phrase(tuple(notes(played.entries)[None]), FOUR, key)
    exchange = Exchange(theirs, tuple(played.notes), begin, end)
    assert ends_in_time(exchange)
    assert breathes(exchange)
    assert ends_at_home(exchange)
    assert register_distance(exchange) <= FIFTH
    assert density_ratio(exchange) <= MOST_NOTES
    assert copied(exchange.answer, theirs.notes) <= 0.5
    return played


def test_a_tune_in_c_ends_in_c(improviser: Improviser) -> None:
    # The tonic for a beat, and a rest of one before the player's downbeat.
    assert answered(improviser, IN_C, Key(0), seed=68).jamds == rows("""
        3.2.0 Lead 62 80 5.975
        3.2.6 Lead 64 75 5.975
        3.3.0 Lead 62 69 5.975
        3.3.6 Lead 62 88 11.975
        3.4.6 Lead 60 87 5.975
        4.1.0 Lead 65 73 5.975
        4.1.6 Lead 64 63 5.975
        4.2.0 Lead 62 83 5.975
        4.2.6 Lead 62 64 11.975
        4.3.6 Lead 60 81 5.975
        4.4.0 Lead 60 85 11.975
    """)


def test_an_answer_over_held_keys_begins_in_time_and_ends_at_home(improviser: Improviser) -> None:
    # The tune's last note rings on under the answer, which is asked for at 2.3.6.
    ringing = IN_C.replace("2.3.0 player 64 80 20", "2.3.0 player 64 80 200")
    for seed in range(6):
        story = (seconds("2.3.6"), YourTurn())
        played = play(replace(JAM, seed=seed), ringing, story, bars=5, improviser=improviser)
        assert seconds(played.jamds[0].split()[0]) <= seconds("2.3.9")
        assert played.notes[-1].pitch % 12 in (0, 4, 7)
        assert 64 not in {note.pitch for note in played.notes}


def test_a_tune_in_a_minor_ends_on_its_third(improviser: Improviser) -> None:
    assert answered(improviser, IN_A_MINOR, Key(9, MINOR), seed=36).jamds == rows("""
        3.2.0 Lead 77 80 5.975
        3.2.6 Lead 76 75 5.975
        3.3.0 Lead 74 68 5.975
        3.3.6 Lead 72 64 5.975
        3.4.0 Lead 71 70 5.975
        3.4.6 Lead 72 66 5.975
        4.1.0 Lead 76 101 11.975
        4.2.0 Lead 74 80 11.975
        4.3.0 Lead 72 80 23.975
    """)
