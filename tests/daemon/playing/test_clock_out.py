"""The clock that jamd sends: pulses on the beat, and the song position."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.events import Event, Heard, Output, SetTempo, WorkerReady
from jamd.daemon.playing.clock_out import ClockOut
from jamd.daemon.playing.schedule import Outgoing
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.timing.follower import BeatSource, ClockLost, Follower
from jamd.daemon.timing.midi_clock import MidiClock
from jamd.daemon.timing.moves import Roll
from jamd.daemon.timing.transport import Transport
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.notes import Meter, Tick

Story = list[tuple[float, Event]]
LEADING = Settings(bpm=120, send_clock=True)


def rows(outgoing: list[Outgoing]) -> list[str]:
    """Rows like `960 clock`: what is due at which tick."""
    return [f"{o.tick} {o.message.type}{getattr(o.message, 'pos', '')}" for o in outgoing]


def sent(settings: Settings, story: Story, until: float) -> list[tuple[float, str]]:
    """What goes to the clock's output, and when it is due, in seconds."""
    performance = VirtualJam(
        Session(settings), ScriptedImproviser(), [(0.0, WorkerReady()), *story]
    )
    performance.run(until)
    return [
        (send.due, send.message.type) for _, send in performance.sent if send.output is Output.CLOCK
    ]


def struck(at: float) -> Story:
    return [
        (at, Heard(Message("note_on", note=60))),
        (at + 0.3, Heard(Message("note_off", note=60))),
    ]


def test_a_song_begins_with_start_and_a_pulse_on_bar_one() -> None:
    clock = ClockOut()
    out = [*clock.roll(Tick(0), 0), *clock.release(Tick(60), Tick(0))]
    assert rows(out) == ["0 start", "0 clock", "20 clock", "40 clock", "60 clock"]
    assert rows(list(clock.halt(Tick(61)))) == ["61 stop"]
    assert clock.next_tick is None


def test_in_a_count_in_pulses_tell_the_tempo_and_start_comes_with_bar_one() -> None:
    clock = ClockOut()
    out = [*clock.roll(Tick(0), -40), *clock.release(Tick(60), Tick(0))]
    assert rows(out) == ["0 clock", "20 clock", "40 start", "40 clock", "60 clock"]


def test_a_song_that_goes_on_says_where_and_goes_on_with_a_sixteenth() -> None:
    clock = ClockOut()
    out = [*clock.roll(Tick(1930), 490), *clock.release(Tick(2060), Tick(0))]
    assert rows(out) == [
        "1930 songpos5",
        *[f"{tick} clock" for tick in range(1940, 2040, 20)],
        "2040 continue",
        "2040 clock",
        "2060 clock",
    ]


def test_after_a_stall_the_song_is_found_again_without_a_burst() -> None:
    clock = ClockOut()
    list(clock.roll(Tick(0), 0))
    list(clock.release(Tick(100), Tick(90)))
    out = list(clock.release(Tick(5000), Tick(4990)))
    assert rows(out) == ["120 stop", "120 songpos42", "5000 clock"]
    assert rows(list(clock.release(Tick(5040), Tick(5030)))) == [
        "5020 clock",
        "5040 continue",
        "5040 clock",
    ]


@settings(max_examples=30, deadline=None)
@given(st.integers(-8000, 400_000), st.integers(0, 100_000))
def test_whoever_follows_is_where_jamd_is(song: int, tick: int) -> None:
    clock, transport = ClockOut(), Transport(100, Meter(4, 4))
    follower = Follower(BeatSource.MIDI, ClockLost.KEEP, transport)
    seconds = 1 / 800  # of a tick, at 100 bpm
    for out in [*clock.roll(Tick(tick), song), *clock.release(Tick(tick + 9000), Tick(tick))]:
        now = (out.tick - tick) * seconds
        move = follower.hear(out.message, now, now)
        if isinstance(move, Roll):
            assert move.song == song + out.tick - tick
            follower.rolled(transport.start(now, Tick(0), move.song))
    assert transport.rolling


def test_the_tempo_is_told_before_the_first_note_and_start_comes_with_it() -> None:
    told = sent(LEADING, struck(2.0), 4.0)
    kinds = [kind for _, kind in told]
    start = kinds.index("start")
    assert set(kinds[:start]) == {"clock"}
    clock = MidiClock()
    for due, _ in told[:start]:
        clock.pulse(due)
    assert clock.bpm == pytest.approx(120)
    assert told[start] == (2.0, "start")
    pulses = [due for due, kind in told[start + 1 :] if kind == "clock"]
    assert pulses == pytest.approx([2.0 + i * 0.5 / 24 for i in range(len(pulses))])
    assert len(pulses) == len(told) - start - 2
    assert told[-1] == (4.0, "stop")


def test_no_two_pulses_come_close_together_where_a_count_in_begins() -> None:
    told = sent(Settings(bpm=120, send_clock=True, count_in=1), [], 4.0)
    pulses = [due for due, kind in told if kind == "clock"]
    assert [kind for _, kind in told].index("start") == 96
    assert [b - a for a, b in itertools.pairwise(pulses)] == pytest.approx([0.5 / 24] * 191)


def test_nor_where_a_song_has_stopped() -> None:
    clock = ClockOut()
    list(clock.roll(Tick(0), 0))
    list(clock.release(Tick(960), Tick(0)))
    list(clock.halt(Tick(965)))
    standing = [due for i in range(100) for due, _ in clock.wait(1.005 + i / 1000, 0.5)]
    assert standing == pytest.approx([1.005 + (i + 1) * 0.5 / 24 for i in range(4)])


def test_a_change_of_tempo_is_told_at_once() -> None:
    told = sent(LEADING, [*struck(0.0), (1.0, SetTempo(60))], 2.0)
    pulses = [due for due, kind in told if kind == "clock" and 0.95 < due < 1.1]
    apart = [round(b - a, 4) for a, b in itertools.pairwise(pulses)]
    assert apart == [0.0208, 0.0208, 0.0417, 0.0417]


def test_while_a_clock_is_followed_none_is_sent_and_afterwards_the_song_goes_on() -> None:
    pulses: Story = [(i / 48, Heard(Message("clock"))) for i in range(1, 97)]
    told = sent(LEADING, [(0.005, Heard(Message("start"))), *pulses], 4.0)
    assert [kind for due, kind in told if due < 2.2] == ["clock"]  # while it still stood
    after = [(due, kind) for due, kind in told if due > 2.2]
    kinds = [kind for _, kind in after]
    assert kinds[0] == "songpos"
    due = after[kinds.index("continue")][0]
    # The sequencer's bar 1 began with its first pulse: Continue falls on a sixteenth of its song.
    assert (due - 1 / 48) / 0.125 == pytest.approx(round((due - 1 / 48) / 0.125), abs=0.01)


def test_a_clock_too_fast_to_be_followed_leaves_jamd_its_own() -> None:
    pulses: Story = [(i / 48, Heard(Message("clock"))) for i in range(4 * 48)]
    pulses += [(4 + i / 200, Heard(Message("clock"))) for i in range(800)]  # at 500 bpm
    out = sent(Settings(bpm=120, send_clock=True), [*pulses, *struck(2.0)], 8.0)
    assert any(seconds > 5 for seconds, _ in out)


def test_with_a_clock_as_the_source_and_none_there_is_no_tempo_to_tell() -> None:
    waiting = Settings(bpm=120, send_clock=True, source=BeatSource.MIDI)
    assert sent(waiting, struck(1.0), 3.0) == []


def test_its_offset_is_its_own() -> None:
    settings = Settings(bpm=120, send_clock=True, clock_offset_s=-0.02, start_at_once=True)
    told = sent(settings, [], 1.0)
    started = [kind for _, kind in told].index("start")
    assert told[started + 25][0] == pytest.approx(0.5 - 0.02)
