"""Whole takes to read: where jamd's notes lie beside the beat (`readable_takes` has the rows).

The scripted improviser answers a tune with its mirror image, so what is tested is when jamd plays,
not what.
"""

from __future__ import annotations

from dataclasses import replace

from jamd.daemon.settings import Settings
from jamd.notes import TICKS_PER_STEP
from readable_takes import ONE_BAR, Take, play, rows

JAM = Settings(bpm=120, start_at_once=True)


SWUNG = "".join(
    f"{1 + beat // 4}.{1 + beat % 4}.{step} player {60 + beat} 80 4\n"
    for beat in range(4)
    for step in (0, 7.92)  # 66 %
)


def test_who_swings_is_answered_with_swing() -> None:
    assert play(JAM, SWUNG).jamds == rows("""
        2.3.0 Lead 60 80 3.95
        2.3.7.925 Lead 60 75 4.075
        2.4.0 Lead 59 80 3.95
        2.4.7.925 Lead 59 75 4.075
        3.1.0 Lead 58 86 3.95
        3.1.7.925 Lead 58 75 4.075
        3.2.0 Lead 57 80 3.95
        3.2.7.925 Lead 57 75 4.05
    """)


def test_a_fixed_swing_is_jamds_however_the_player_plays() -> None:
    # Two thirds: the off-beat lies on step 8. What lasts to the off-beat or to the beat still does.
    straight = "".join(
        f"{1 + beat // 4}.{1 + beat % 4}.{step} player {60 + beat} 80 6\n"
        for beat in range(4)
        for step in (0, 6)
    )
    assert play(replace(JAM, swing=2 / 3), straight).jamds == rows("""
        2.3.0 Lead 60 80 8
        2.3.8 Lead 60 75 4
        2.4.0 Lead 59 80 8
        2.4.8 Lead 59 75 4
        3.1.0 Lead 58 86 8
        3.1.8 Lead 58 75 4
        3.2.0 Lead 57 80 8
        3.2.8 Lead 57 75 3.975
    """)


def test_who_swings_is_answered_straight_where_swing_is_off() -> None:
    # Notes keep their share of the eighth: half of the long one, all of the short one.
    assert play(replace(JAM, swing=0.5), SWUNG).jamds == rows("""
        2.3.0 Lead 60 80 3
        2.3.6 Lead 60 75 6
        2.4.0 Lead 59 80 3
        2.4.6 Lead 59 75 6
        3.1.0 Lead 58 86 3
        3.1.6 Lead 58 75 6
        3.2.0 Lead 57 80 3
        3.2.6 Lead 57 75 5.975
    """)


def test_humanised_notes_lie_a_little_beside_the_beat_the_same_with_the_same_seed() -> None:
    # 8 ms is the standard deviation, and nothing lies further off than twice that, 0.384 of a step.
    def human(seed: int) -> Take:
        return play(replace(JAM, humanise_s=0.008, seed=seed), ONE_BAR)

    assert human(1).rows == human(1).rows
    assert human(1).rows != human(2).rows
    exact = play(JAM, ONE_BAR)
    for seed in range(8):
        played = human(seed)
        pairs = zip(played.notes, exact.notes, strict=True)
        off = [(note.onset - meant.onset) / TICKS_PER_STEP for note, meant in pairs]
        assert 0 < max(map(abs, off)) <= 0.384
        assert [row.split()[1:] for row in played.jamds] == [row.split()[1:] for row in exact.jamds]
