from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from jamd.daemon.listening.hearing import MOST_NOTES
from jamd.daemon.listening.memory import LONGEST_BARS, Memory
from jamd.daemon.midi.terms import NoteKey
from jamd.grid.likeness import rate_of
from jamd.language import Context
from jamd.notes import Meter, Note, Tick

FOUR = Meter(4, 4)
BAR = FOUR.ticks_per_bar
BEAT = 480


RATE = 960  # ticks a second, at 120 bpm


def hear(memory: Memory, tick: int, pitch: int, duration: int = 100) -> None:
    key = NoteKey(0, pitch)
    memory.heard.press(key, 80, Tick(tick), tick / RATE, RATE)
    memory.heard.release(key, Tick(tick + duration))


def context(memory: Memory, until: int) -> Context:
    return memory.context(Tick(until), "combo")


def test_jamds_notes_are_heard_as_they_will_sound() -> None:
    memory = Memory(FOUR)
    memory.commit([Note(Tick(0), 50, duration=Tick(960)), Note(Tick(480), 52)])
    memory.cut(Tick(480), Tick(480))
    assert context(memory, 960).played == (Note(Tick(0), 50, duration=Tick(480)),)


@given(st.lists(st.integers(0, 8 * BAR), min_size=1, max_size=40))
@example([8 * BAR] * 8)
def test_the_window_is_bounded_and_starts_on_a_bar_line_that_seldom_moves(hops: list[int]) -> None:
    memory = Memory(FOUR)
    tick, starts = 0, set()
    for hop in hops:
        tick += hop + 1
        hear(memory, tick - 1, 60)
        memory.commit([Note(Tick(tick - 1), 50)])
        found = context(memory, tick)
        assert found.start % BAR == 0
        assert tick - found.start <= LONGEST_BARS * BAR
        assert found.start == 0 or tick - found.start > LONGEST_BARS * BAR // 2
        assert all(found.start <= note.onset < tick for note in found.notes)
        starts.add(found.start)
    assert len(starts) <= 1 + tick // (16 * BAR)


@given(st.lists(st.integers(1, 2 * BAR), max_size=80), st.integers(0, 8 * BAR))
def test_what_is_shown_when_the_window_moves_can_be_told_before(
    gaps: list[int], later: int
) -> None:
    memory, tick = Memory(FOUR), 0
    for gap in gaps:
        tick += gap
        hear(memory, tick, 60)
        memory.commit([Note(Tick(tick), 48)])
    until = Tick(tick + 1 + later)
    start = memory.next_start(until)
    assert (start is None) == (until <= LONGEST_BARS * BAR)
    if start is not None:
        ahead = memory.ahead(start, until, "combo")
        assert ahead == memory.context(until, "combo")
        assert memory.next_start(until) is None


def test_a_flood_of_notes_stays_within_bounds() -> None:
    memory = Memory(FOUR)
    for i in range(3 * MOST_NOTES):
        hear(memory, i // 100, i % 128, 1)
    found = context(memory, BAR).heard
    assert len(found) <= MOST_NOTES + 1
    newest = (3 * MOST_NOTES - 1) // 100
    assert max(note.onset for note in found) > newest - 50


def test_what_is_answered_is_kept_at_the_pace_at_which_the_player_played_it() -> None:
    memory = Memory(FOUR)
    for beat in range(8):
        hear(memory, beat * BEAT, 60 + beat, BEAT)
    stays_down = NoteKey(0, 36)
    memory.heard.press(stays_down, 80, Tick(8 * BEAT), 8 * BEAT / RATE, RATE)
    for bar in range(3, 100):
        if bar in (14, 40, 41, 77):
            hear(memory, bar * BAR, 67, BEAT)
        found = memory.context(Tick(bar * BAR + BEAT), "combo", Tick(0))
        assert [note.pitch for note in found.answered[:9]] == [*range(60, 68), 36]
        assert 0.7 < rate_of(found.answered, Tick(3 * BAR)) * BEAT < 1.2
        memory.commit([Note(Tick(bar * BAR + BEAT), 72), Note(Tick(bar * BAR + 3 * BEAT), 72)])
    assert found.start == 64 * BAR
    assert [note.pitch for note in found.answered[9:]] == [67, 67, 67, 67]
