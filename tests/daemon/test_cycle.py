"""A DAW that loops eight bars: the jam goes on across the jump."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from looping_daw import (
    ARDOUR_8,
    BEGIN_S,
    CLOCK,
    CONTINUE,
    ENDLESS,
    FOURS,
    JAM,
    NOTHING,
    PULSES,
    SEAMLESS,
    START,
    STOP,
    STOPPING,
    Eighths,
    Jump,
    Story,
    cycle,
    jump,
    phrase,
    position,
)
from mido import Message

from jamd.daemon.events import Event, Heard, Mode, Sounded, TurnTaken, WorkerReady
from jamd.daemon.playing.click import When
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes.take import rows
from jamd.daemon.timing.midi_clock import CLOCKS_PER_BEAT, MidiClock
from jamd.daemon.virtual import VirtualJam
from jamd.notes import TICKS_PER_BEAT


def turns(jam: VirtualJam) -> list[tuple[int, str]]:
    return [(e.tick, e.turn.value) for e in jam.entries if isinstance(e, TurnTaken)]


def struck(jam: VirtualJam) -> list[tuple[float, int]]:
    """When jamd struck what, in seconds."""
    ons = [send for _, send in jam.sent if send.message.type == "note_on"]
    return [(round(send.due, 4), send.message.note) for send in ons]


def check_the_take(jam: VirtualJam) -> None:
    ticks = [entry.tick for entry in jam.entries if isinstance(entry, Sounded)]
    assert all(earlier <= later for earlier, later in pairwise(ticks))
    sounding: set[tuple[int, int]] = set()
    for _, send in jam.sent:
        key = send.message.channel, send.message.note
        if send.message.type == "note_on":
            assert key not in sounding
            sounding.add(key)
        else:
            sounding.remove(key)
    assert not sounding


SITUATIONS: dict[str, tuple[Settings, Story]] = {
    "the player's phrase": (JAM, phrase(7, 3, 120)),
    "jamd's answer": (JAM, phrase(4, 3, 120)),
    "jamd's four bars": (FOURS, phrase(3, 4, 120)),
    "fours and the loop together": (FOURS, phrase(1, 4, 120) + phrase(9, 4, 120)),
    "endless": (ENDLESS, phrase(1, 2, 120)),
}


@cache
def left_alone(situation: str) -> VirtualJam:
    """The jam with a DAW that says nothing at its loop."""
    settings, played = SITUATIONS[situation]
    return cycle(NOTHING, played, settings)


situations = pytest.mark.parametrize("situation", SITUATIONS)


@situations
@pytest.mark.parametrize("said", SEAMLESS)
def test_without_stop_a_loop_changes_nothing(situation: str, said: str) -> None:
    settings, played = SITUATIONS[situation]
    jam, undisturbed = cycle(SEAMLESS[said], played, settings), left_alone(situation)
    assert list(rows(jam.entries)) == list(rows(undisturbed.entries))
    assert struck(jam) == struck(undisturbed)
    assert turns(jam) == turns(undisturbed)
    check_the_take(jam)


@situations
@pytest.mark.parametrize("said", STOPPING)
def test_after_stop_everything_goes_on_in_time(situation: str, said: str) -> None:
    """No more than what sounds at Stop ends sooner; no turn, phrase or answer does."""
    settings, played = SITUATIONS[situation]
    jam, undisturbed = cycle(STOPPING[said], played, settings), left_alone(situation)
    assert struck(jam) == struck(undisturbed)
    assert turns(jam) == turns(undisturbed)
    short = {*rows(jam.entries)} ^ {*rows(undisturbed.entries)}
    assert all(row.split()[1] != "player" for row in short)
    assert len(short) <= 2 * 2 * 2  # of two loops, a note and a chord, twice
    check_the_take(jam)


@pytest.mark.parametrize(
    ("situation", "bpm", "batch_s"),
    [
        *((situation, 120, 0.0) for situation in SITUATIONS),
        *(("endless", bpm, batch_s) for bpm in (57, 190) for batch_s in (0.0107, 0.0213)),
    ],
)
def test_a_clock_that_pauses_for_a_sixteenth_stays_in_time(
    situation: str, bpm: float, batch_s: float
) -> None:
    """As Ardour's does: what would begin in that sixteenth is left out, and nothing else."""
    settings, played = SITUATIONS[situation]
    played = [(BEGIN_S + (at - BEGIN_S) * 120 / bpm, event) for at, event in played]
    jam, undisturbed = (
        cycle(each, played, settings, bpm, 5, batch_s) for each in (ARDOUR_8, NOTHING)
    )
    pulse = 60 / bpm / CLOCKS_PER_BEAT
    off_s = 0.0003 if not batch_s else batch_s + pulse
    moments = struck(jam)
    for at, note in struck(undisturbed):
        in_loop = ((at - BEGIN_S) / pulse + 2) % PULSES
        there = any(abs(at - other) < off_s and note == pitch for other, pitch in moments)
        assert there or in_loop < 9
    assert [turn for _, turn in turns(jam)] == [turn for _, turn in turns(undisturbed)]
    check_the_take(jam)


@pytest.mark.parametrize("said", STOPPING)
def test_a_key_that_is_held_and_sent_on_sounds_across_the_jump(said: str) -> None:
    held: Story = [
        (BEGIN_S + 15.0, Heard(Message("note_on", note=50, velocity=80))),
        (BEGIN_S + 17.0, Heard(Message("note_off", note=50))),
    ]
    jam = cycle(STOPPING[said], held, replace(JAM, mode=Mode.OFF), loops=2)
    assert [round(send.due - BEGIN_S, 3) for _, send in jam.sent] == [15.0, 17.0]


@pytest.mark.parametrize("offset_s", [0.0, -0.2])
@pytest.mark.parametrize(
    "goes_on", [[], [(3.0, CONTINUE)], [(0.01, position(8)), (0.12, CONTINUE)]]
)
def test_what_is_struck_just_after_a_stop_and_sent_on_is_the_players(
    goes_on: Story, offset_s: float
) -> None:
    """A last chord with a pedal may fall just after the DAW stops; Stop ends what sounds then."""
    stop = BEGIN_S + 4.21
    struck_before, pedal_before, struck_after, pedal_after = (
        Message("note_on", note=50, velocity=80),
        Message("control_change", control=69, value=127),
        Message("note_on", note=60, velocity=80),
        Message("control_change", control=64, value=127),
    )
    played = [
        (-0.5, struck_before),
        (-0.4, pedal_before),
        (0.1, struck_after),
        (0.11, pedal_after),
        (2.0, Message("note_off", note=60)),
        (2.1, Message("control_change", control=64, value=0)),
    ]
    story: Story = [(BEGIN_S + i * 0.5 / 24, CLOCK) for i in range(400)]
    story += [(0.0, WorkerReady()), (BEGIN_S - 0.005, START), (stop, STOP)]
    story += [(stop + at, Heard(message)) for at, message in played]
    story += [(stop + at, event) for at, event in goes_on]
    some = replace(JAM, mode=Mode.OFF, output_offset_s=offset_s)
    jam = VirtualJam(Session(some), Eighths(), story)
    jam.run(BEGIN_S + 8)
    ended = [
        (round(send.due - stop, 2), send.message.bytes()[1])
        for _, send in jam.sent
        if send.message.bytes()[2] == 0 or send.message.type == "note_off"
    ]
    assert [what for at, what in ended if at < 0.2] == [50, 69]
    assert [one for one in ended if one[0] >= 0.2] == [(2.0, 60), (2.1, 64)]


@pytest.mark.parametrize("said", [SEAMLESS["Start"], STOPPING["Stop, position and Continue"]])
def test_a_clock_that_is_just_back_when_the_loop_ends_goes_on(said: Jump) -> None:
    # Lost for a third of a second, up to three pulses before the first jump.
    lost = range(PULSES - 20, PULSES - 3)
    steady, jam = (cycle(each, phrase(1, 1, 120), ENDLESS, lost=lost) for each in (NOTHING, said))
    ends = BEGIN_S + PULSES * 60 / 120 / CLOCKS_PER_BEAT
    after, expected = ([at for at, _ in struck(each) if at > ends + 0.1] for each in (jam, steady))
    assert len(expected) > 60
    assert after == pytest.approx(expected, abs=0.004)
    check_the_take(jam)


@pytest.mark.parametrize("offset_s", [0.0, -0.1])
def test_a_click_that_sounds_at_stop_ends_there(offset_s: float) -> None:
    stop = BEGIN_S + 2.03 + offset_s  # half way through the click on the fifth beat
    story: Story = [(BEGIN_S + i * 0.5 / 24, CLOCK) for i in range(400)]
    story += [(0.0, WorkerReady()), (BEGIN_S - 0.005, START), (stop, STOP)]
    some = replace(JAM, mode=Mode.OFF, click=When.ON, click_offset_s=offset_s)
    jam = VirtualJam(Session(some), Eighths(), story)
    jam.run(BEGIN_S + 8)
    _, last = jam.sent[-1]
    assert last.message.type == "note_off"
    assert last.due == pytest.approx(stop, abs=0.001)


def test_a_jump_to_another_place_in_the_bar_ends_the_answer_and_moves_the_bar_line() -> None:
    to_beat_three = jump((-0.2, STOP), (-0.15, position(8)), (-0.1, STOP), (-0.05, CONTINUE))
    again = [(at + 24.0, event) for at, event in phrase(1, 1, 120)]
    jam = cycle(to_beat_three, phrase(4, 3, 120) + again, loops=2)
    jumps = BEGIN_S + 16.0
    assert not any(jumps <= at < jumps + 8 for at, _ in struck(jam))
    after = [(at - jumps) % 2 for at, note in struck(jam) if at > jumps and note == 48]
    assert after == pytest.approx([1.0] * len(after))  # chords lie on bar lines
    assert after
    check_the_take(jam)


@pytest.mark.parametrize("pulses", [-4, -2, 0, 2, 3, 4])
@pytest.mark.parametrize("said", [[(-0.05, START)], [(-0.4, STOP), (-0.05, START)]])
def test_a_song_that_is_started_again_beside_the_bar_line_has_it_there(
    pulses: int, said: list[tuple[float, Event]]
) -> None:
    """By hand, while the clock runs on: jamd is at its place within a bar."""
    again = jump(*((pulses + at, event) for at, event in said))
    jam = cycle(again, phrase(1, 2, 120) + phrase(9, 2, 120), FOURS, loops=2)
    begin = BEGIN_S + 16.0 + pulses / 48
    chords = [(at - begin + 1) % 2 - 1 for at, note in struck(jam) if at > begin + 2 and note == 48]
    assert chords == pytest.approx([0.0] * len(chords), abs=0.001)
    assert chords
    check_the_take(jam)


def test_a_stop_is_one_at_once_and_for_good() -> None:
    stop = BEGIN_S + 6.1
    returns: Story = [(stop + 0.01, position(0))]  # to where it began, as Reaper does
    for more in ([], returns):
        story: Story = [(BEGIN_S + i * 0.5 / 24, CLOCK) for i in range(800)]
        story += [(stop, STOP), *more]
        story += [(0.0, WorkerReady()), (BEGIN_S - 0.005, START), *phrase(1, 2, 120)]
        jam = VirtualJam(Session(ENDLESS), Eighths(), story)
        jam.run(BEGIN_S + 10)
        last = max(send.due for _, send in jam.sent)
        assert last == pytest.approx(stop)
        assert turns(jam)[-1][1] == "player"
        check_the_take(jam)


@pytest.mark.parametrize(("bpm", "batch_s"), [(120, 1024 / 48_000), (190, 512 / 48_000)])
def test_pulses_that_were_left_out_of_batches_are_counted(bpm: float, batch_s: float) -> None:
    """The next are expected where they fall, even if the batches are only found out just then."""
    period = 60 / bpm / CLOCKS_PER_BEAT
    for first in range(30, 330):
        clock = MidiClock()
        for number in [*range(first), *range(first + 6, first + 48)]:
            clock.pulse(math.ceil(number * period / batch_s) * batch_s)
            if number == first + 6 and number - clock.number > 2:
                clock.miss(number - clock.number)
            if number >= first + 6:
                off_s = clock.due.seconds - (number + 1) * period - batch_s / 2
                assert abs(off_s) < batch_s + period


def test_a_clock_that_pauses_at_each_loop_is_not_taken_for_one_in_batches() -> None:
    """A pulse that is lost later is still counted."""
    lost = 4 * PULSES + 100
    settings, played = SITUATIONS["endless"]
    after = BEGIN_S + lost / 48
    jam, undisturbed = (
        [
            at
            for at, _ in struck(cycle(ARDOUR_8, played, settings, loops=5, lost=each))
            if at > after
        ]
        for each in ((lost,), ())
    )
    assert jam == pytest.approx(undisturbed, abs=0.0003)


kinds = st.sampled_from([START, STOP, CONTINUE, *map(position, (0, 1, 16, 37, 128))])
sayings = st.lists(
    st.tuples(st.integers(0, 900), st.lists(st.tuples(st.floats(0, 8), kinds), max_size=4)),
    max_size=6,
)


@settings(deadline=None, max_examples=40)
@given(sayings, st.sampled_from([JAM, FOURS, ENDLESS]), st.floats(0.0, 0.004))
def test_whatever_is_said_every_note_ends_and_no_tick_comes_again(
    sayings: Sequence[tuple[int, Sequence[tuple[float, Event]]]], some: Settings, late_s: float
) -> None:
    pulse = 60 / 120 / CLOCKS_PER_BEAT
    said = [(BEGIN_S + (at + wait) * pulse, kind) for at, each in sayings for wait, kind in each]
    clock = [(BEGIN_S + i * pulse + late_s * (i % 2), CLOCK) for i in range(960)]
    session = Session(some)
    played = [(at, event) for bar in (1, 5, 9) for at, event in phrase(bar, 2, 120)]
    story: Story = [(0.0, WorkerReady()), (BEGIN_S - 0.005, START), *said, *clock, *played]
    jam = VirtualJam(session, Eighths(), story)
    jam.run(BEGIN_S + 20)
    check_the_take(jam)
    ticks = [entry.tick for entry in jam.entries]
    assert ticks[-1] <= (20 * 2 + 4 * sum(len(each) for _, each in sayings)) * TICKS_PER_BEAT
