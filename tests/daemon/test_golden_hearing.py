"""Whole takes to read: what is heard of a player (`readable_takes` has the rows).

The scripted improviser answers a tune with its mirror image, so what is tested is when jamd plays,
not what.
"""

from __future__ import annotations

from mido import Message

from jamd.daemon.events import (
    Heard,
    YourTurn,
)
from jamd.daemon.settings import Settings
from jamd.daemon.takes import take
from jamd.notes import TICKS_PER_BEAT, Meter
from readable_takes import AMAZING_GRACE, ONE_BAR, heard, play, rows, seconds

JAM = Settings(bpm=120, start_at_once=True)


def test_a_chord_is_answered_by_a_chord() -> None:
    # Rolled over 42 ms: one chord. A first onset says nothing of the pace: two beats end it.
    played = play(
        JAM,
        """
        1.1.0 player 48 70 9
        1.1.1 player 64 80 8
        1.1.1 player 67 80 8
        """,
    )
    assert played.jamds == rows("""
        1.3.6 Comp 48 65 9
        1.3.6 Comp 64 75 9
        1.3.6 Lead 67 75 9
    """)


def test_each_part_has_its_channel_and_thru_keeps_the_players() -> None:
    chosen = Settings(
        bpm=120, start_at_once=True, lead_channel=2, comp_channel=3, thru=True, listen_channel=0
    )
    chord = "\n".join(f"1.1.0 player {pitch} 80 9" for pitch in (48, 64, 67))
    played = play(chosen, chord, bars=3)
    assert played.struck == [(0, 48), (0, 64), (0, 67), (3, 48), (3, 64), (2, 67)]


def test_the_take_keeps_what_was_played_and_the_answer_is_to_what_was_meant() -> None:
    # Quarters, up to 30 ms early or late.
    late = {"1.1.0": 0.012, "1.2.0": -0.021, "1.3.0": 0.030, "1.4.0": -0.009}
    events = [
        (seconds(place) + off + length, Heard(Message(kind, note=pitch)))
        for (place, off), pitch in zip(late.items(), (60, 64, 67, 65), strict=True)
        for kind, length in (("note_on", 0.0), ("note_off", 0.375))
    ]
    played = play(JAM, "", *events)
    places = [row.split()[0] for row in played.players]
    assert places == [
        "1.1.0.3",
        "1.1.11.5",
        "1.3.0.725",
        "1.3.11.775",
    ]
    assert [row.split()[0] for row in played.jamds] == ["2.2.0", "2.3.0", "2.4.0", "3.1.0"]


def test_the_pedal_does_not_put_off_the_end_of_a_phrase() -> None:
    down = (seconds("1.1.1"), Heard(Message("control_change", control=64, value=64)))
    played = play(JAM, ONE_BAR, down)
    assert played.turns == play(JAM, ONE_BAR).turns
    # What the pedal holds is heard as long notes, and answered so.
    assert [row.split()[-1] for row in played.jamds[:2]] != ["9", "9"]
    half_up = (seconds("1.1.1"), Heard(Message("control_change", control=64, value=63)))
    assert play(JAM, ONE_BAR, half_up).jamds == play(JAM, ONE_BAR).jamds


def test_a_pickup_belongs_to_the_next_bar() -> None:
    # Three four, from a quarter before the bar line. Nobody gave the beat: the first note is bar 1
    # beat 1 until the player pauses, and then it is beat 3.
    three = Meter(3, 4)
    played = play(Settings(meter=three), AMAZING_GRACE, bars=12)
    assert played.rows[:4] == rows("""
        1.3.0 player 62 70 11
        2.1.0 player 67 80 23
        2.3.0 player 71 75 5
        2.3.6 player 67 75 5
    """)
    assert len(played.jamds) > 4
    conductor, player = take.to_midi(list(played.entries)).tracks[:2]
    assert next(m.time for m in player if m.type == "note_on") == 2 * TICKS_PER_BEAT
    assert [m.time for m in conductor if m.type in ("set_tempo", "time_signature")] == [0, 0]


def test_who_was_given_the_beat_begins_where_he_begins() -> None:
    played = play(Settings(meter=Meter(3, 4), start_at_once=True), AMAZING_GRACE, bars=12)
    assert played.rows[:2] == rows("""
        1.1.0 player 62 70 11
        1.2.0 player 67 80 23
    """)


def test_a_soft_phrase_is_answered_softly_with_its_downbeat_above() -> None:
    soft = ONE_BAR.replace("    1.", "    5.").replace(" 80 ", " 40 ")
    played = play(JAM, ONE_BAR + soft)
    assert played.jamds == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 9
        3.1.0 Lead 55 86 6
        6.2.0 Lead 60 40 9
        6.3.0 Lead 56 40 9
        6.4.0 Lead 53 40 9
        7.1.0 Lead 55 44 6
    """)


def test_triplets_are_heard_beside_sixteenths() -> None:
    # A bar of the ones and a bar of the others, up to 0.4 of a step or 17 ms early or late: a
    # sixteenth is three steps, a triplet four.
    played = play(
        JAM,
        """
        1.1.0.2 player 60 80 2
        1.1.3.4 player 62 80 2
        1.1.5.8 player 64 80 2
        1.1.9.3 player 65 80 2
        1.2.0.1 player 67 80 2
        1.2.2.7 player 65 80 2
        1.2.6.3 player 64 80 2
        1.2.8.7 player 62 80 2
        1.3.0.2 player 60 80 9
        1.4.0.1 player 67 80 9
        2.1.0.2 player 60 80 3
        2.1.4.3 player 62 80 3
        2.1.7.6 player 64 80 3
        2.2.0.3 player 65 80 3
        2.2.3.7 player 64 80 3
        2.2.8.2 player 62 80 3
        2.3.0.1 player 60 80 9
        """,
    )
    assert played.turns == ["2.4 jamd", "5.1 player"]
    assert [row.split()[0] for row in played.jamds] == [
        *("3.1.0", "3.1.3", "3.1.6", "3.1.9"),
        *("3.2.0", "3.2.3", "3.2.6", "3.2.9"),
        *("3.3.0", "3.4.0"),
        *("4.1.0", "4.1.4", "4.1.8"),
        *("4.2.0", "4.2.4", "4.2.8"),
        "4.3.0",
    ]


def test_the_pedal_lengthens_up_to_two_bars_and_goes_no_further() -> None:
    down = (seconds("1.1.1"), Heard(Message("control_change", control=64, value=127)))
    long_after = "1.1.0 player 60 80 6\n1.2.0 player 64 80 6\n1.3.0 player 67 80 6"
    played = play(JAM, long_after, down, (seconds("6.1.0"), YourTurn()), bars=12)
    assert all(float(row.split()[-1]) <= 96 for row in played.jamds)
    sent = [send.message for _, send in played.performance.sent]
    assert not any(message.is_cc(64) and message.value for message in sent)


def test_the_left_hand_below_the_split_neither_keeps_the_turn_nor_takes_it() -> None:
    walks = "".join(f"    {1 + i // 4}.{1 + i % 4}.0 left 36 70 12\n" for i in range(12))
    split = play(Settings(bpm=120, start_at_once=True, split=55), ONE_BAR + walks)
    assert split.turns[:2] == ["2.1 jamd", "3.2 player"]
    assert play(JAM, ONE_BAR + walks).turns[0] == "4.1 jamd"


def test_only_the_chosen_channel_is_heard() -> None:
    third = Settings(bpm=120, start_at_once=True, listen_channel=2)
    assert play(third, ONE_BAR).rows == []
    played = play(third, "", *heard(ONE_BAR, channel=2), *heard("2.2.6 player 90 127 3"))
    assert played.jamds == play(JAM, ONE_BAR).jamds


def test_a_program_change_is_no_news() -> None:
    program = (seconds("1.2.1"), Heard(Message("program_change", program=5)))
    played = play(Settings(bpm=120, start_at_once=True, thru=True), ONE_BAR, program)
    assert all(s.message.type != "program_change" for _, s in played.performance.sent)
    assert played.jamds == play(JAM, ONE_BAR).jamds


def test_what_comes_back_takes_no_turn_and_is_not_answered() -> None:
    once = play(JAM, ONE_BAR)
    back = [(send.due + 0.02, Heard(send.message)) for _, send in once.performance.sent]
    looped = play(JAM, ONE_BAR, *back)
    assert looped.turns == ["2.1 jamd", "3.2 player"]
    assert looped.jamds == rows("""
        2.2.0 Lead 60 80 9
        2.3.0 Lead 56 80 9
        2.4.0 Lead 53 80 9
        3.1.0 Lead 55 86 6
    """)


def test_what_a_player_repeats_beside_what_comes_back_is_heard() -> None:
    # Eight notes of jamd's come back after 20 ms; with six a loop is known. 40 ms after the last
    # of them the player strikes it too, just as loud.
    two_bars = """
        1.1.0 player 60 80 9
        1.2.0 player 64 80 9
        1.3.0 player 67 80 9
        1.4.0 player 65 80 9
        2.1.0 player 69 80 9
        2.2.0 player 67 80 9
        2.3.0 player 64 80 9
        2.4.0 player 62 80 6
    """
    once = play(JAM, two_bars)
    sent = once.performance.sent
    back = [(send.due + 0.02, Heard(send.message)) for _, send in sent]
    repeated = heard("5.1.0.96 player 58 86 6")
    looped = play(JAM, two_bars, *back)
    assert [row.split()[2] for row in looped.players[8:]] == ["60", "56", "53", "55", "51"]
    both = play(JAM, two_bars, *back, *repeated)
    assert both.players == [*looped.players, "5.1.0.95 player 58 86 6"]
    assert looped.jamds == once.jamds
    assert both.jamds == [*once.jamds, "5.3.6 Lead 58 77 6"]
