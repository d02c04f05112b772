from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jamd.daemon.memory import LONGEST_BARS, MOST_NOTES, Memory
from jamd.daemon.schedule import Key
from jamd.language import Context
from jamd.notes import HELD, Meter, Note, Part, Tick

FOUR = Meter(4, 4)
BAR = FOUR.ticks_per_bar


def hear(memory: Memory, tick: int, pitch: int, duration: int = 100) -> None:
    key = Key(0, pitch)
    memory.press(key, 80, Tick(tick), tick / 960)
    memory.release(key, Tick(tick + duration))


def context(memory: Memory, until: int) -> Context:
    return memory.context(Tick(until), "jazz")


def test_a_key_still_down_is_a_held_note() -> None:
    memory = Memory(FOUR)
    memory.press(Key(0, 60), 80, Tick(0), 0.0)
    assert context(memory, 480).heard == (Note(Tick(0), 60, 80, HELD),)
    memory.release(Key(0, 60), Tick(500))
    memory.release(Key(0, 60), Tick(600))
    assert context(memory, 960).heard == (Note(Tick(0), 60, 80, Tick(500)),)


def test_notes_within_50_ms_of_the_first_are_one_chord_and_find_their_parts() -> None:
    memory = Memory(FOUR)
    for tick, seconds, pitch in ((0, 0.0, 48), (20, 0.02, 64), (48, 0.05, 67), (60, 0.06, 72)):
        memory.press(Key(0, pitch), 80, Tick(tick), seconds)
    notes = [(n.onset, n.pitch, n.part) for n in context(memory, 480).heard]
    assert notes == [
        (0, 48, Part.COMP),
        (0, 64, Part.COMP),
        (0, 67, Part.LEAD),
        (60, 72, Part.LEAD),
    ]


def test_a_key_pressed_twice_was_let_go_between() -> None:
    memory = Memory(FOUR)
    memory.press(Key(0, 60), 80, Tick(0), 0.0)
    memory.press(Key(0, 60), 80, Tick(240), 0.25)
    assert [note.duration for note in context(memory, 480).heard] == [240, HELD]


def test_jamds_notes_are_heard_as_they_will_sound() -> None:
    memory = Memory(FOUR)
    memory.commit([Note(Tick(0), 50, duration=Tick(960)), Note(Tick(480), 52)])
    memory.cut(Tick(480))
    planned = Note(Tick(600), 55)
    assert memory.context(Tick(960), "jazz", [planned]).heard == (
        Note(Tick(0), 50, duration=Tick(480)),
        planned,
    )


@given(st.lists(st.integers(0, 8 * BAR), min_size=1, max_size=40))
def test_the_window_is_bounded_and_starts_on_a_bar_line_that_seldom_moves(hops: list[int]) -> None:
    memory = Memory(FOUR)
    tick, starts = 0, set()
    for hop in hops:
        tick += hop + 1
        hear(memory, tick - 1, 60)
        found = context(memory, tick)
        assert found.start % BAR == 0
        assert tick - found.start <= LONGEST_BARS * BAR
        assert found.start == 0 or tick - found.start > LONGEST_BARS * BAR // 2
        assert all(found.start <= note.onset < tick for note in found.heard)
        starts.add(found.start)
    assert len(starts) <= 1 + tick // (16 * BAR)


def test_a_flood_of_notes_stays_within_bounds() -> None:
    memory = Memory(FOUR)
    for i in range(3 * MOST_NOTES):
        hear(memory, i // 100, i % 128, 1)
    found = context(memory, BAR).heard
    assert len(found) <= MOST_NOTES + 1
    newest = (3 * MOST_NOTES - 1) // 100
    assert max(note.onset for note in found) > newest - 50
