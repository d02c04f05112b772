"""Repetition is noticed wherever it falls, and stopped where it has gone on for long enough."""

from __future__ import annotations

import numpy as np

from jamd.grid.copying import Copying
from jamd.grid.tokens import BAR, LEAD, LOWEST, POSITION, VOCABULARY
from jamd.grid.writer import GridWriter
from jamd.notes import METERS, Meter, Note, Tick

FOUR = Meter(4, 4)
TUNE = [Note(Tick(240 * i), pitch) for i, pitch in enumerate((60, 64, 67, 65, 62, 64, 60, 59))]


def writer_at(tick: int) -> GridWriter:
    writer = GridWriter()
    bars, step = divmod(tick // 40, FOUR.steps_per_bar)
    for _ in range(bars + 1):
        writer.follow(BAR + METERS.index(FOUR))
    writer.follow(POSITION + step)
    return writer


def barred(copying: Copying, tick: int) -> set[int]:
    """The pitches that may not be written at `tick`."""
    mask = np.ones(len(VOCABULARY), np.bool_)
    copying.narrow(mask, writer_at(tick))
    return set((np.flatnonzero(~mask) - LEAD + LOWEST).tolist())


def moved(ticks: int) -> list[Note]:
    return [Note(Tick(note.onset + ticks), note.pitch) for note in TUNE]


def heard(longest: int | None, *, half: bool) -> Copying:
    copying = Copying(longest, half=half)
    places = [(note.onset, LEAD + note.pitch - LOWEST) for note in TUNE]
    copying.heard(places, recent=TUNE[-1].end)
    return copying


def test_half_of_what_is_written_so_far_may_be_a_copy_wherever_it_begins() -> None:
    copying = heard(None, half=True)
    for i in range(4):
        copying.wrote(Note(Tick(2160 + 240 * i), 70 + i))
    copy = moved(3120)  # half a beat off the bar
    for note in copy[:4]:
        assert not barred(copying, note.onset)
        copying.wrote(note)
    assert barred(copying, copy[4].onset) == {copy[4].pitch}
    assert not barred(copying, copy[4].onset + 120), "the same pitch at another time is no copy"


def test_an_answer_does_not_begin_with_a_copy_for_what_follows_may_be_little() -> None:
    copying = heard(None, half=True)
    copy = moved(1920)
    for note in copy[:3]:
        assert not barred(copying, note.onset)
        copying.wrote(note)
    assert barred(copying, copy[3].onset) == {copy[3].pitch}


def test_three_notes_are_a_motif_and_may_come_back() -> None:
    copying = heard(None, half=True)
    for start in (2160, 3600):
        for note in moved(start)[:3]:
            assert note.pitch not in barred(copying, note.onset)
            copying.wrote(note)


def test_what_is_repeated_changes_in_time() -> None:
    copying = heard(FOUR.ticks_per_bar, half=False)
    for line in (1, 2):
        for note in moved(line * FOUR.ticks_per_bar):
            assert barred(copying, note.onset) == ({note.pitch} if line == 2 else set())
            copying.wrote(note)
