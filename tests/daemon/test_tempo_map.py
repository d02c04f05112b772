"""A take's tempo map puts everything in it at the time it happened, and on its bar lines."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

import mido
import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mido import MidiFile

from jamd.daemon.events import (
    BarLineFound,
    Entry,
    Heard,
    LinkState,
    Mode,
    SetTempo,
    Sounded,
    TempoSet,
    WorkerReady,
)
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes.take import TRACKS, to_midi
from jamd.daemon.timing.follower import BeatSource, ClockLost
from jamd.daemon.timing.tempo_writer import APART_S
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.notes import TICKS_PER_BEAT, Meter
from readable_takes import AMAZING_GRACE, Story, heard

BOUND_S = 0.005
BEGIN_S = 10.0
ENDLESS = Settings(mode=Mode.ENDLESS, bpm=100)
CLOCK, START, STOP, CONTINUE = (
    Heard(mido.Message(kind)) for kind in ("clock", "start", "stop", "continue")
)


def pulses(tempos: Iterable[float], begin: float = BEGIN_S, jitter_s: float = 0.0) -> Story:
    """A clock; each of its pulses lasts as the next of `tempos` says."""
    draw = random.Random(3)
    moments = accumulate((60 / bpm / 24 for bpm in tempos), initial=begin)
    return [(moment + draw.uniform(-jitter_s, jitter_s), CLOCK) for moment in moments]


def beats(bpm: float, count: float) -> list[float]:
    return [bpm] * round(24 * count)


def keys(begin: float, end: float, gap_s: float = 0.37) -> Story:
    """The player strikes a key now and then, on no beat."""
    story: Story = []
    for number in range(int((end - begin) / gap_s)):
        struck = begin + number * gap_s
        note = 60 + number * 7 % 12
        story.append((struck, Heard(mido.Message("note_on", note=note, velocity=80))))
        story.append((struck + gap_s / 2, Heard(mido.Message("note_off", note=note))))
    return story


def perform(settings: Settings, story: Story, until: float) -> list[Entry]:
    session = Session(settings)
    performance = VirtualJam(session, ScriptedImproviser(), [(0.0, WorkerReady()), *story])
    performance.run(until)
    return performance.entries


def file_seconds(file: MidiFile, ticks: Sequence[float]) -> list[float]:
    """The time of each of `ticks`, by the file's tempo map."""
    tempos: list[tuple[int, int]] = []
    tick = 0
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "set_tempo":
            tempos.append((tick, message.tempo))
    pieces = [(0, 0.0, 500_000)]
    for at, tempo in tempos:
        last, seconds, before = pieces[-1]
        pieces.append((at, seconds + (at - last) * before / 1e6 / TICKS_PER_BEAT, tempo))
    found = []
    for wanted in ticks:
        at, seconds, tempo = pieces[bisect_right(pieces, (wanted, math.inf)) - 1]
        found.append(seconds + (wanted - at) * tempo / 1e6 / TICKS_PER_BEAT)
    return found


def tempo_events(entries: Sequence[Entry]) -> int:
    return sum(message.type == "set_tempo" for message in to_midi(entries).tracks[0])


def places(entries: Sequence[Entry], file: MidiFile) -> list[tuple[int, float]]:
    """(tick in the file, seconds in the journal) of all that sounded."""
    found = []
    for track, part in zip(file.tracks[1:], TRACKS, strict=True):
        ticks = accumulate(message.time for message in track)
        written = [tick for tick, message in zip(ticks, track, strict=True) if not message.is_meta]
        sounded = [e for e in entries if isinstance(e, Sounded) and e.part is part]
        sounded.sort(key=lambda entry: entry.tick)
        found += list(zip(written, (entry.seconds for entry in sounded), strict=False))
    return found


def apart_s(
    entries: Sequence[Entry], begin: float = 0.0, end: float = 1e9, ticks: float = 0.0
) -> float:
    """How far the file's time is at most from the journal's, both counted from the first tempo.

    Args:
        entries: The take.
        begin: What lies before is left out; the tempo written then is the first.
        end: What lies after it is left out.
        ticks: A message may lie so far from its whole tick.
    """
    file = to_midi(entries)
    moved = sum(entry.by for entry in entries if isinstance(entry, BarLineFound))
    first = next(e for e in entries if isinstance(e, TempoSet) and e.seconds >= begin)
    (origin,) = file_seconds(file, [first.tick + moved])
    sounded = [(tick, s) for tick, s in places(entries, file) if begin <= s <= end]
    assert sounded
    early, late = (file_seconds(file, [tick + by for tick, _ in sounded]) for by in (-ticks, ticks))
    return max(
        max(least - origin - (s - first.seconds), s - first.seconds - (most - origin))
        for least, most, (_, s) in zip(early, late, sounded, strict=True)
    )


RAMP = [*beats(100, 8), *(100 + 40 * i / (16 * 24) for i in range(16 * 24)), *beats(140, 16)]
SUDDEN = [*beats(120, 12), *beats(90, 16)]
STORIES = {
    "ramp": (RAMP, 0.0),
    "ramp with jitter": (RAMP, 0.003),
    "sudden": (SUDDEN, 0.0),
    "sudden with jitter": (SUDDEN, 0.003),
    "jitter": (beats(120, 120), 0.003),
    "slow jitter": (beats(50, 60), 0.003),
    "fast jitter": (beats(220, 96), 0.003),
    "wild": ([*beats(60, 8), *beats(200, 16), *beats(75, 16), *beats(76, 16)], 0.001),
    "another clock than jamd's tempo": (beats(140, 32), 0.0),
}


@pytest.mark.parametrize("name", STORIES)
def test_the_seconds_of_a_take_are_those_of_the_clock_it_followed(name: str) -> None:
    tempos, jitter_s = STORIES[name]
    clock = pulses(tempos, jitter_s=jitter_s)
    end = clock[-1][0]
    story = [(BEGIN_S - 0.01, START), *clock, *keys(BEGIN_S + 0.1, end)]
    entries = perform(ENDLESS, story, end)
    apart, count = apart_s(entries), tempo_events(entries)
    print(f"{name}: {1000 * apart:.2f} ms, {count} tempo events in {len(tempos) / 24:g} beats")
    assert apart < BOUND_S
    assert count <= len(tempos) / 24


def onsets(played: Sequence[Entry], begin: float) -> list[int]:
    """The ticks of the player's onsets from `begin` on."""
    return [
        entry.tick
        for entry in played
        if isinstance(entry, Sounded)
        and entry.part is None
        and entry.message.type == "note_on"
        and entry.seconds >= begin
    ]


@pytest.mark.parametrize("go", ["continue", "song position", "start"])
def test_a_stop_is_no_time_of_the_song_and_bar_lines_stay(go: str) -> None:
    """Within each of the two stretches the seconds are right; the tick of each note always is."""
    before = pulses([*beats(120, 8), *beats(96, 8.5)])
    stop = before[-1][0] + 0.005
    again = stop + 7.3
    said: Story = [(again - 0.01, START if go == "start" else CONTINUE)]
    if go == "song position":
        said.insert(0, (again - 1.0, Heard(mido.Message("songpos", pos=16 * 8))))
    after = pulses([*beats(96, 8), *beats(132, 16)], again)
    end = after[-1][0]
    struck = again + 2 * 60 / 96
    note = Heard(mido.Message("note_on", note=60, velocity=80))
    entries = perform(
        ENDLESS,
        [
            (BEGIN_S - 0.01, START),
            *before,
            *keys(BEGIN_S + 0.1, stop - 0.5),
            (stop, STOP),
            *said,
            *after,
            (struck, note),
            *keys(struck + 0.2, end),
        ],
        end,
    )
    first = apart_s(entries, end=stop)
    second = apart_s(entries, begin=again - 0.001)
    print(f"{go}: {1000 * first:.2f} and {1000 * second:.2f} ms")
    assert max(first, second) < BOUND_S
    place = onsets(entries, again)[0] % (4 * TICKS_PER_BEAT) / TICKS_PER_BEAT
    assert place == pytest.approx(2.5 if go == "continue" else 2, abs=0.05)  # 16.5 beats and 2


def test_a_lost_clock_s_last_tempo_is_written() -> None:
    clock = pulses([*beats(120, 12), *beats(131, 7)], jitter_s=0.003)
    end = clock[-1][0] + 20
    for on_lost in ClockLost:
        entries = perform(
            replace(ENDLESS, on_clock_lost=on_lost),
            [(BEGIN_S - 0.01, START), *clock, *keys(BEGIN_S + 0.1, end)],
            end,
        )
        last = clock[-1][0] + 0.25 if on_lost is ClockLost.STOP else end
        assert apart_s(entries, end=last) < BOUND_S


def link(bpm: float, bar_line: float) -> LinkState:
    return LinkState(peers=1, bpm=bpm, bar_line=bar_line, playing=False, since=-1.0)


def test_the_seconds_of_a_take_are_those_of_a_link_session() -> None:
    """Its tempo changes, its bar line moves a little, and then by half a bar: a leap."""
    story: Story = [
        (0.1, link(120, 0.0)),
        (12.3, link(87.5, 12.3)),
        (14.0, link(95, 14.0)),
        (18.0, link(95, 14.03)),
        (24.0, link(95, 15.3)),
        (30.0, link(160, 30.0)),
        *keys(4.0, 40.0),
    ]
    entries = perform(replace(ENDLESS, source=BeatSource.LINK), story, 40.0)
    apart = apart_s(entries)
    print(f"link: {1000 * apart:.2f} ms, {tempo_events(entries)} tempo events")
    assert apart < BOUND_S
    assert tempo_events(entries) < 40


def test_two_clocks_that_drift_are_one_tempo_in_the_take() -> None:
    """300 ppm for three minutes, told each second."""
    told: Story = [(0.1, link(120, 0.0))]
    told += [(4.0 + i, link(120, 4.0 + i * 3e-4)) for i in range(1, 180)]
    settings = Settings(mode=Mode.OFF, source=BeatSource.LINK)
    entries = perform(settings, [*told, *keys(4.0, 180.0, 2.1)], 180.0)
    assert apart_s(entries) < BOUND_S
    assert tempo_events(entries) < 30


def test_the_seconds_of_a_take_are_those_of_the_player() -> None:
    """Phrases at another tempo each: some are bent to, some begin the beat anew."""
    draw = random.Random(5)
    story: Story = []
    begin = 1.0
    for bpm in (96, 100, 140, 84, 86, 118):
        for place in (0, 1, 1.5, 2, 3, 4, 5, 5.5, 6, 7):
            struck = begin + place * 60 / bpm + draw.gauss(0, 0.015)
            story.append((struck, Heard(mido.Message("note_on", note=60, velocity=80))))
            story.append((struck + 0.1, Heard(mido.Message("note_off", note=60))))
        begin += 24 * 60 / bpm
    entries = perform(Settings(source=BeatSource.PLAYER), story, begin)
    apart = apart_s(entries)
    print(f"player: {1000 * apart:.2f} ms, {tempo_events(entries)} tempo events")
    assert apart < BOUND_S


def test_a_pickup_moves_the_tempos_with_the_notes() -> None:
    """The bar line is found after the phrase; before and after it the tempo changes."""
    three = Meter(3, 4)
    story: Story = [
        *((BEGIN_S + at, event) for at, event in heard(AMAZING_GRACE, 120, three)),
        (BEGIN_S + 1.3, SetTempo(121)),
        (BEGIN_S + 2.7, SetTempo(119)),
        (BEGIN_S + 12.0, SetTempo(90)),
        *keys(BEGIN_S + 12.5, BEGIN_S + 20),
    ]
    entries = perform(Settings(meter=three, mode=Mode.ENDLESS), story, BEGIN_S + 20)
    assert [entry.by for entry in entries if isinstance(entry, BarLineFound)] == [960]
    assert apart_s(entries) < 0.0015


def test_an_internal_tempo_of_hours_is_one_tempo_and_right() -> None:
    """A file's tempo is in whole microseconds a quarter note, which alone would be 10 ms here."""
    note = Heard(mido.Message("note_on", note=60, velocity=80))
    story: Story = [(float(second), note) for second in range(10, 20_000, 50)]
    entries = perform(Settings(mode=Mode.OFF, bpm=97.003), story, 20_000.0)
    assert apart_s(entries) < BOUND_S
    assert tempo_events(entries) < 10


CHANGES = st.lists(
    st.tuples(st.floats(50, 220), st.integers(1, 120)), min_size=1, max_size=8
)  # (tempo, pulses)


@given(
    CHANGES,
    st.sampled_from([0.0, 0.001, 0.003]),
    st.booleans(),
    st.floats(0.1, 0.9),
    st.floats(0.5, 1.0),
)
@example([(60.0, 9)], 0.0, False, 0.1, 0.96)
@example([(157.0, 9), (50.0, 5)], 0.003, False, 0.109375, 1.0)
@example([(74.0, 1), (58.0, 6), (168.0, 8), (51.0, 10), (184.0, 8)], 0.0, False, 0.1035, 1.0)
@example([(210.0, 13), (50.0, 15), (164.0, 20)], 0.003, False, 0.1, 1.0)
@example([(220.0, 40), (58.086767392939755, 8)], 0.0, False, 0.1, 1.0)
@example([(60.0, 26), (219.1, 9), (50.0, 1), (220.0, 1), (50.0, 6)], 0.0, False, 0.17, 1.0)
@examples(deadline=None, max_examples=25)
def test_whatever_a_clock_does_the_take_s_time_is_when_it_happened(
    changes: list[tuple[float, int]], jitter_s: float, ramps: bool, gap_s: float, kept: float
) -> None:
    tempos: list[float] = []
    for bpm, count in changes:
        last = tempos[-1] if tempos and ramps else bpm
        tempos += [last + (bpm - last) * (i + 1) / count for i in range(count)]
    clock = pulses(tempos, jitter_s=jitter_s)
    end = clock[-1][0] + 0.3
    story = [(BEGIN_S - 0.01, START), *clock, *keys(BEGIN_S + 0.05, end + 1, gap_s)]
    entries = perform(Settings(), story, end)
    # Cut off anywhere, as by a crash, it is as right. Where the transport waits for a clock that
    # has leapt to another tempo, half a tick takes up to 5 ms, and notes lie on whole ones.
    for taken in (entries, entries[: round(kept * len(entries))]):
        if any(isinstance(entry, Sounded) for entry in taken):
            assert apart_s(taken, ticks=0.5) < APART_S + 1e-4
    # No note lies elsewhere than on the transport.
    struck = sorted(e.tick for e in entries if isinstance(e, Sounded) and not e.part)
    file = mido.merge_tracks([to_midi(entries).tracks[1]])
    ticks = accumulate(message.time for message in file)
    assert [t for t, m in zip(ticks, file, strict=True) if not m.is_meta][: len(struck)] == struck
