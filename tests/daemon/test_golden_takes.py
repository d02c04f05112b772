"""Whole takes, as a musician would read them: `bar.beat.step part pitch velocity length`.

A step is 1/12 of a quarter note. The scripted improviser answers a tune with its mirror image, so
what is tested here is when jamd plays, not what.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import cleandoc

from mido import Message

from jamd.daemon import take
from jamd.daemon.events import (
    Entry,
    Event,
    Heard,
    Journal,
    Mode,
    Panic,
    SetMode,
    SetTempo,
    TurnTaken,
    WorkerLost,
    WorkerReady,
)
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.transport import position
from jamd.daemon.virtual import Performance, ScriptedImproviser
from jamd.daemon.yielding import Yield
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Meter

FOUR = Meter(4, 4)
ONE_BAR = """
    1.1.0 player 60 80 9
    1.2.0 player 64 80 9
    1.3.0 player 67 80 9
    1.4.0 player 65 80 6
"""


def seconds(place: str, bpm: float = 120, meter: Meter = FOUR) -> float:
    """When `bar.beat.step` is, at a steady tempo."""
    bar, beat, step = (float(number) for number in place.split("."))
    ticks = (bar - 1) * meter.ticks_per_bar + step * TICKS_PER_STEP
    ticks += (beat - 1) * TICKS_PER_BEAT * 4 / meter.denominator
    return ticks / TICKS_PER_BEAT * 60 / bpm


def heard(rows: str, bpm: float = 120, meter: Meter = FOUR) -> Iterator[tuple[float, Event]]:
    for row in cleandoc(rows).splitlines():
        place, _, pitch, velocity, length = row.split()
        begin = seconds(place, bpm, meter)
        end = begin + float(length) * TICKS_PER_STEP / TICKS_PER_BEAT * 60 / bpm
        yield begin, Heard(Message("note_on", note=int(pitch), velocity=int(velocity)))
        yield end, Heard(Message("note_off", note=int(pitch)))


def play(settings: Settings, rows: str, *events: tuple[float, Event], bars: int = 8) -> list[Entry]:
    """The take of a session that starts at once, with a worker there from the beginning."""
    meter, bpm = settings.meter, settings.bpm
    performance = Performance(
        Session(settings),
        ScriptedImproviser(),
        [(0.0, WorkerReady()), *heard(rows, bpm, meter), *events],
    )
    performance.run(seconds(f"{bars + 1}.1.0", bpm, meter))
    return performance.entries


def jamds(entries: Iterable[Entry]) -> list[str]:
    return [row for row in take.rows(list(entries)) if " player " not in row]


def rows(text: str) -> list[str]:
    return cleandoc(text).splitlines()


def turns(entries: Iterable[Entry]) -> list[str]:
    return [
        f"{position(entry.tick, FOUR)} {entry.turn.value}"
        for entry in entries
        if isinstance(entry, TurnTaken)
    ]


def settings(
    mode: Mode = Mode.ANSWER, meter: Meter = FOUR, yields: Yield = Yield.NOTE, trade: int = 0
) -> Settings:
    return Settings(
        mode=mode, bpm=120, meter=meter, start_at_once=True, yields=yields, trade_bars=trade
    )


def test_an_answer_starts_on_the_next_beat_and_is_as_long_as_the_phrase() -> None:
    # Quarter notes: 1.5 beats without an onset end the phrase, at 2.1.6. The next strong beat, 2.3,
    # is more than two beats away from the last key's release, so the answer starts on 2.2.
    entries = play(settings(), ONE_BAR)
    assert turns(entries) == ["2.1 jamd", "3.2 player"]
    assert jamds(entries) == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 9
        3.1.0 Lead 55 86 6
    """)


def test_a_chord_is_answered_by_a_chord() -> None:
    # Rolled over 42 ms: one chord. A first onset says nothing of the pace: two beats end it.
    entries = play(
        settings(),
        """
        1.1.0 player 48 70 9
        1.1.1 player 64 80 8
        1.1.1 player 67 80 8
        """,
    )
    assert jamds(entries) == rows("""
        1.4.0 Comp 48 70 9
        1.4.0 Comp 64 80 9
        1.4.0 Lead 67 80 9
    """)


def test_a_drone_is_answered_over_and_never_struck_again() -> None:
    # 60 is held from 1.1 to 5.1: it counts as up from 1.3, and the last key above it is up at 2.1.
    # The answer would strike it on 2.3 and 3.3.
    entries = play(
        settings(),
        """
        1.1.0 player 60 80 192
        1.2.0 player 64 80 9
        1.3.0 player 67 80 9
        1.4.0 player 65 80 11
        """,
    )
    assert turns(entries) == ["2.1 jamd", "3.3 player"]
    assert jamds(entries) == rows("""
        2.4.0 Lead 56 80 9
        3.1.0 Lead 53 86 9
        3.2.0 Lead 55 80 11
    """)


def test_in_compound_time_an_answer_starts_on_a_dotted_quarter() -> None:
    entries = play(
        settings(meter=Meter(6, 8)),
        """
        1.1.0 player 60 80 5
        1.2.0 player 62 80 5
        1.3.0 player 64 80 5
        1.4.0 player 65 80 12
        """,
        bars=4,
    )
    assert jamds(entries) == rows("""
        2.4.0 Lead 60 80 5
        2.5.0 Lead 58 75 5
        2.6.0 Lead 56 75 5
        3.1.0 Lead 55 86 12
    """)


def test_two_notes_are_not_answered() -> None:
    entries = play(settings(), "1.1.0 player 60 80 9\n1.2.0 player 64 80 9")
    assert jamds(entries) == []


def test_a_note_before_the_answer_goes_on_with_the_phrase() -> None:
    entries = play(settings(), ONE_BAR + "    2.1.8 player 72 80 6")
    assert turns(entries) == ["2.1 jamd", "2.1 player", "2.3 jamd", "4.4 player"]
    assert jamds(entries)[0] == "2.4.0 Lead 60 80 9"


def test_playing_takes_the_turn_back_and_what_sounds_ends_within_a_beat() -> None:
    phrase = """
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        1.3.0 player 67 80 22
    """
    assert jamds(play(settings(), phrase, bars=4)) == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 22
    """)
    entries = play(settings(yields=Yield.NOW), phrase + "    2.4.3 player 72 80 6", bars=2)
    assert turns(entries) == ["2.1 jamd", "2.4 player"]
    assert jamds(entries) == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 12
    """)


def test_a_note_within_the_commit_window_is_still_played() -> None:
    # The window is a sixteenth, 125 ms here: at 2.3.6 the onset at 2.4.0 is not certain, at 2.3.10
    # it is.
    now = settings(yields=Yield.NOW)
    early = play(now, ONE_BAR + "    2.3.6 player 72 80 6", bars=2)
    late = play(now, ONE_BAR + "    2.3.10 player 72 80 6", bars=2)
    assert jamds(early) == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
    """)
    assert jamds(late)[:3] == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 9
    """)


def test_endless_goes_on_until_the_end() -> None:
    entries = play(settings(Mode.ENDLESS), ONE_BAR, bars=40)
    assert turns(entries) == ["2.1 jamd"]
    assert {row.partition(".")[0] for row in jamds(entries)} == {str(bar) for bar in range(2, 41)}


def test_in_endless_what_the_player_does_changes_what_comes_next() -> None:
    untouched = play(settings(Mode.ENDLESS), ONE_BAR, bars=3)
    touched = play(settings(Mode.ENDLESS), ONE_BAR + "    2.3.6 player 72 80 6", bars=3)
    assert turns(touched) == ["2.1 jamd"]
    assert jamds(untouched)[:3] == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 9
    """)
    assert jamds(touched)[:3] == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 60 80 9
    """)


def test_a_mode_ends_with_its_notes() -> None:
    entries = play(settings(Mode.ENDLESS), ONE_BAR, (seconds("3.2.1"), SetMode(Mode.OFF)))
    assert turns(entries) == ["2.1 jamd", "3.2 player"]
    assert jamds(entries)[-1] == "3.2.0 Lead 60 80 9"


def test_panic_ends_everything_at_once() -> None:
    entries = play(settings(Mode.ENDLESS), ONE_BAR, (seconds("3.2.1"), Panic()))
    assert jamds(entries)[-1] == "3.2.0 Lead 60 80 1"


def test_what_was_planned_is_played_though_the_worker_is_lost() -> None:
    entries = play(settings(), ONE_BAR, (seconds("2.1.3"), WorkerLost()))
    assert jamds(entries) == jamds(play(settings(), ONE_BAR))


def test_a_new_worker_plays_what_is_left_of_the_answer() -> None:
    entries = play(
        settings(),
        ONE_BAR,
        (seconds("1.2.0"), WorkerLost()),
        (seconds("2.3.1"), WorkerReady()),
    )
    assert turns(entries) == ["2.1 jamd", "3.2 player"]
    assert jamds(entries) == rows("""
        2.4.0 Lead 60 80 9
        3.1.0 Lead 56 86 9
    """)


def test_without_a_worker_the_answer_is_silence_and_the_turn_comes_back() -> None:
    entries = play(settings(), ONE_BAR, (seconds("1.2.0"), WorkerLost()))
    assert turns(entries) == ["2.1 jamd", "3.2 player"]
    assert jamds(entries) == []


def test_a_change_of_tempo_keeps_the_beat() -> None:
    entries = play(settings(), ONE_BAR, (seconds("2.4.1"), SetTempo(60)))
    assert jamds(entries) == jamds(play(settings(), ONE_BAR))


def test_each_part_has_its_channel_and_thru_keeps_the_players() -> None:
    chosen = Settings(
        bpm=120, start_at_once=True, lead_channel=2, comp_channel=3, thru=True, listen_channel=0
    )
    chord = "\n".join(f"1.1.0 player {pitch} 80 9" for pitch in (48, 64, 67))
    performance = Performance(
        Session(chosen), ScriptedImproviser(), [(0.0, WorkerReady()), *heard(chord)]
    )
    performance.run(seconds("4.1.0"))
    struck = [
        (send.message.channel, send.message.note)
        for send in performance.port.sent
        if send.message.type == "note_on"
    ]
    assert struck == [(0, 48), (0, 64), (0, 67), (3, 48), (3, 64), (2, 67)]


def test_the_first_note_starts_the_transport() -> None:
    session = Session(Settings(bpm=120))
    session.handle(WorkerReady(), 50.0)
    assert session.next_deadline() is None
    assert session.status(50.0).bar == 0
    effects = session.handle(Heard(Message("note_on", note=60)), 60.0)
    assert [effect.entry.tick for effect in effects if isinstance(effect, Journal)] == [0, 0, 0]
    status = session.status(62.6)
    assert (status.bar, status.beat, status.last_note) == (2, 2, 60)


def test_the_take_keeps_what_was_played_and_the_answer_is_to_what_was_meant() -> None:
    # Quarters, up to 30 ms early or late.
    late = {"1.1.0": 0.012, "1.2.0": -0.021, "1.3.0": 0.030, "1.4.0": -0.009}
    events = [
        (seconds(place) + off + length, Heard(Message(kind, note=pitch)))
        for (place, off), pitch in zip(late.items(), (60, 64, 67, 65), strict=True)
        for kind, length in (("note_on", 0.0), ("note_off", 0.375))
    ]
    entries = play(settings(), "", *events)
    played = [row for row in take.rows(entries) if " player " in row]
    assert [row.split()[0] for row in played] == ["1.1.0.3", "1.1.11.5", "1.3.0.725", "1.3.11.775"]
    assert [row.split()[0] for row in jamds(entries)] == ["2.2.0", "2.3.0", "2.4.0", "3.1.0"]


def test_the_pedal_does_not_put_off_the_end_of_a_phrase() -> None:
    down = (seconds("1.1.1"), Heard(Message("control_change", control=64, value=64)))
    entries = play(settings(), ONE_BAR, down)
    assert turns(entries) == turns(play(settings(), ONE_BAR))
    # What the pedal holds is heard as long notes, and answered so.
    assert [row.split()[-1] for row in jamds(entries)[:2]] != ["9", "9"]
    half_up = (seconds("1.1.1"), Heard(Message("control_change", control=64, value=63)))
    assert jamds(play(settings(), ONE_BAR, half_up)) == jamds(play(settings(), ONE_BAR))


AMAZING_GRACE = """
    1.1.0 player 62 70 11
    1.2.0 player 67 80 23
    2.1.0 player 71 75 5
    2.1.6 player 67 75 5
    2.2.0 player 71 80 23
    3.1.0 player 69 75 11
    3.2.0 player 67 80 23
    4.1.0 player 64 75 11
    4.2.0 player 62 80 18
"""


def test_a_pickup_belongs_to_the_next_bar() -> None:
    # Three four, from a quarter before the bar line. Nobody gave the beat: the first note is bar 1
    # beat 1 until the player pauses, and then it is beat 3.
    three = Meter(3, 4)
    entries = play(Settings(meter=three), AMAZING_GRACE, bars=12)
    assert list(take.rows(entries))[:4] == rows("""
        1.3.0 player 62 70 11
        2.1.0 player 67 80 23
        2.3.0 player 71 75 5
        2.3.6 player 67 75 5
    """)
    assert len(jamds(entries)) > 4
    conductor, player = take.to_midi(entries).tracks[:2]
    assert next(m.time for m in player if m.type == "note_on") == 2 * TICKS_PER_BEAT
    assert [m.time for m in conductor if m.type in ("set_tempo", "time_signature")] == [0, 0]


def test_who_was_given_the_beat_begins_where_he_begins() -> None:
    entries = play(Settings(meter=Meter(3, 4), start_at_once=True), AMAZING_GRACE, bars=12)
    assert list(take.rows(entries))[:2] == rows("""
        1.1.0 player 62 70 11
        1.2.0 player 67 80 23
    """)
