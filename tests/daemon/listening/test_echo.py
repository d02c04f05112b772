"""What jamd sent is recognised when it comes back, and no note of the player's is taken for it."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from looped_jam import play_looped
from mido import Message

from jamd.daemon.events import Event, Heard, Mode, Send, Sounded, Turn, TurnTaken, WorkerReady
from jamd.daemon.listening.echo import Echo, Origin
from jamd.daemon.midi.echo_signature import ENOUGH, LONGEST_S, SPREAD_S
from jamd.daemon.settings import Settings
from jamd.daemon.virtual import VirtualJam

PLAYER, DOUBTFUL, JAMD = Origin.PLAYER, Origin.DOUBTFUL, Origin.JAMD


def on(pitch: int, velocity: int = 80, channel: int = 0) -> Message:
    return Message("note_on", note=pitch, velocity=velocity, channel=channel)


def off(pitch: int, channel: int = 0) -> Message:
    return Message("note_off", note=pitch, channel=channel)


def passed(echo: Echo, message: Message, now: float) -> Message:
    """What the session does with a message of the player's if thru is on."""
    passes = echo.pass_on(message)
    echo.sent(Send(passes, now), now)
    return passes


def looped(notes: int = ENOUGH, delay: float = 0.03, channel: int = 0) -> tuple[Echo, list[Origin]]:
    """The echo after this many notes of jamd's, one per 0.25 s, all came back; their origins."""
    echo, origins = Echo(), []
    for i in range(notes):
        now = i * 0.25
        echo.sent(Send(on(60 + i, 70 + i), 0.0), now)
        origins.append(echo.hear(on(60 + i, 70 + i, channel), now + delay))
        echo.sent(Send(off(60 + i), 0.0), now + 0.1)
        echo.hear(off(60 + i, channel), now + 0.1 + delay)
    return echo, origins


@pytest.mark.parametrize("channel", [0, 5])
def test_a_loop_is_known_when_six_moments_have_come_back(channel: int) -> None:
    echo, origins = looped(8, channel=channel)
    assert echo.loop
    assert origins == [DOUBTFUL] * 5 + [JAMD] * 3


def test_a_chord_is_one_moment() -> None:
    echo = Echo()
    chord = [on(pitch, 80) for pitch in (60, 64, 67, 71, 74)]
    for message in chord:
        echo.sent(Send(message, 0.0), 1.0)
    assert [echo.hear(message, 1.01) for message in chord] == [DOUBTFUL] * 5
    assert not echo.loop


def test_a_repeat_beside_the_echo_is_heard() -> None:
    echo, _ = looped()
    echo.sent(Send(on(72, 90), 0.0), 2.0)
    assert [echo.hear(on(72, 90), 2.02), echo.hear(on(72, 90), 2.03)] == [JAMD, PLAYER]
    echo.sent(Send(off(72), 0.0), 2.2)
    assert [echo.hear(off(72), 2.22), echo.hear(off(72), 2.23)] == [JAMD, PLAYER]


def test_a_key_that_the_player_holds_is_not_let_go_by_an_echo() -> None:
    echo, _ = looped()
    assert echo.hear(on(72, 40), 1.9) is PLAYER
    echo.sent(Send(on(72, 90), 0.0), 2.0)
    assert echo.hear(on(72, 90), 2.03) is JAMD
    echo.sent(Send(off(72), 0.0), 2.1)
    assert [echo.hear(off(72), at) for at in (2.13, 2.5)] == [JAMD, PLAYER]


def test_without_its_route_the_first_note_ends_the_loop() -> None:
    echo, _ = looped()
    echo.sent(Send(on(72, 90), 0.0), 2.0)
    echo.sent(Send(on(74, 90), 0.0), 2.5)
    assert not echo.loop
    assert echo.hear(on(74, 90), 2.53) is DOUBTFUL


def test_a_note_that_does_not_come_back_begins_the_row_again() -> None:
    echo, _ = looped(ENOUGH - 1)
    echo.sent(Send(on(72, 90), 0.0), 1.3)
    echo.sent(Send(on(60, 70), 0.0), 1.8)
    assert echo.hear(on(60, 70), 1.83) is DOUBTFUL
    assert not echo.loop


def test_a_player_who_follows_at_his_own_distance_is_no_loop() -> None:
    """The same notes at the same velocity: an organ, and somebody who knows the tune."""
    draw, echo = random.Random(4), Echo()
    for i in range(10_000):
        now, pitch = i * 0.4, 60 + i % 7
        echo.sent(Send(on(pitch, 64), 0.0), now)
        assert echo.hear(on(pitch, 64), now + draw.gauss(0.1, 0.02)) is not JAMD
        echo.sent(Send(off(pitch), 0.0), now + 0.15)
        echo.hear(off(pitch), now + draw.gauss(0.24, 0.02))


def test_somebody_who_repeats_one_note_through_thru_is_no_loop() -> None:
    echo = Echo()
    for i in range(100):
        now = i * 0.1  # as even as a machine
        for message, at in ((on(60, 64), now), (off(60), now + 0.05)):
            assert echo.hear(message, at) is PLAYER
            passed(echo, message, at)


def test_who_repeats_a_note_and_holds_it_keeps_it_where_nothing_comes_back() -> None:
    echo = Echo()
    for message, at in ((on(60, 64), 0.0), (off(60), 0.05), (on(60, 64), 0.1)):
        echo.hear(message, at)
        passed(echo, message, at)
    assert echo.given_back(9.0) == []
    assert echo.hear(off(60), 9.0) is PLAYER


def test_one_key_on_two_channels_is_no_loop() -> None:
    echo = Echo()
    for i in range(20):
        now = i * 0.5
        for channel, at in ((0, now), (1, now + 0.001)):
            message = on(60, 64, channel)
            assert echo.hear(message, at) is PLAYER
            passed(echo, message, at)


def test_what_is_sent_on_does_not_go_round() -> None:
    echo = Echo()
    for i in range(3):
        now = float(i)
        for message, at in ((on(60, 64), now), (off(60), now + 0.1)):
            assert echo.hear(message, at) is PLAYER
            assert echo.hear(passed(echo, message, at), at + 0.03) is JAMD
    assert echo.loop


def test_a_note_shorter_than_the_route_goes_round_once() -> None:
    echo, note, end = Echo(), on(60, 64), off(60)
    coming = [(0.0, note), (0.01, end)]
    heard = []
    while coming:
        now, message = coming.pop(0)
        heard.append(echo.hear(message, now))
        if heard[-1] is PLAYER:
            coming.append((now + 0.1, passed(echo, message, now)))
    assert heard == [PLAYER, PLAYER] * 2 + [JAMD, JAMD]
    assert echo.loop


def test_two_who_strike_one_key_lose_one_note_at_most() -> None:
    """A sequencer whose notes overlap, or two keyboards that are merged: no end between."""
    echo, heard = Echo(), []
    for i in range(20):
        now = i * 0.125
        for message, at in ((on(60, 64), now), (off(60), now + 0.15)):
            heard.append(echo.hear(message, at))
            if heard[-1] is PLAYER:
                passed(echo, message, at)
    assert heard.count(JAMD) <= 2  # a beginning, and its end
    assert not echo.loop


def test_a_roll_that_swells_is_no_loop() -> None:
    echo = Echo()
    for i in range(120):
        now = i * 0.06
        for message, at in ((on(38, 5 + i * 4 // 5), now), (off(38), now + 0.03)):
            assert echo.hear(message, at) is PLAYER
            passed(echo, message, at)


def test_a_wheel_goes_round_once() -> None:
    echo, heard = Echo(), []
    coming = [(i * 0.01, Message("pitchwheel", pitch=100 * min(i, 39 - i))) for i in range(40)]
    while coming:
        now, message = coming.pop(0)
        heard.append(echo.hear(message, now))
        if heard[-1] is PLAYER:
            coming.append((now + 0.055, passed(echo, message, now)))
            coming.sort(key=lambda one: one[0])
    assert 40 <= heard.count(PLAYER) <= 50


@pytest.mark.parametrize("kind", ["aftertouch", "pitchwheel", "modulation"])
def test_a_wheel_swung_to_and_fro_is_no_loop_and_rests_when_it_is_let_go(kind: str) -> None:
    """200 messages a second, as keyboards with pressure send, on several channels at once (MPE)."""
    draw, echo, value = random.Random(5), Echo(), {}
    for i in range(6_000):
        now, channel = i / 200, i % 3
        swing = 30 + 25 * math.sin(5 * now + channel) + draw.gauss(0, 1)
        at = 0 if i % 200 > 190 else round(swing)  # let go once a second
        message = {
            "aftertouch": Message("aftertouch", channel=channel, value=at),
            "pitchwheel": Message("pitchwheel", channel=channel, pitch=at - (30 if at else 0)),
            "modulation": Message("control_change", channel=channel, control=1, value=at),
        }[kind]
        if echo.hear(message, now) is PLAYER:
            value[channel] = passed(echo, message, now).bytes()[1:]
        assert at or value[channel] == message.bytes()[1:]
        assert not echo.known


@pytest.mark.parametrize(
    "story",
    [
        [(99, 1), (98, 8), (6, 64), (98, 9), (6, 64)],  # two parameters, with the same value
        [(0, 1), 5, (0, 2), 5],  # the same program of two banks
    ],
)
def test_what_is_set_in_several_messages_is_whole(story: list[tuple[int, int] | int]) -> None:
    echo = Echo()
    for i, said in enumerate(story):
        match said:
            case int():
                message = Message("program_change", program=said)
            case control, value:
                message = Message("control_change", control=control, value=value)
        assert echo.hear(message, i * 0.005) is PLAYER
        passed(echo, message, i * 0.005)


def test_a_panic_does_not_come_round() -> None:
    echo = Echo()
    panic = Message("control_change", control=123, value=0)
    assert echo.hear(panic, 0.9) is PLAYER
    echo.sent(Send(panic, 0.0), 1.0)
    assert echo.hear(panic, 1.01) is JAMD
    assert echo.hear(panic, 1.02) is PLAYER


NOTES = st.tuples(st.integers(60, 63), st.sampled_from([64, 80]))


@given(st.lists(st.tuples(st.floats(0.02, 1.0), NOTES, st.booleans()), max_size=60))
def test_no_more_is_dropped_than_went_out(
    story: list[tuple[float, tuple[int, int], bool]],
) -> None:
    """Few pitches and few velocities, so that coincidences are as likely as possible."""
    echo, now, out, dropped = Echo(), 0.0, 0, 0
    for wait, (pitch, velocity), jamd in story:
        now += wait
        if jamd:
            echo.sent(Send(on(pitch, velocity), 0.0), now)
            out += 1
        elif echo.hear(on(pitch, velocity), now) is JAMD:
            dropped += 1
            assert dropped <= out - (ENOUGH - 1)


@given(st.lists(st.tuples(st.floats(0.0, 1.0), NOTES, st.booleans()), max_size=60))
def test_a_player_whose_notes_are_not_jamds_loses_none(
    story: list[tuple[float, tuple[int, int], bool]],
) -> None:
    echo, now = Echo(), 0.0
    for wait, (pitch, velocity), jamd in story:
        now += wait
        if jamd:
            echo.sent(Send(on(pitch, velocity), 0.0), now)
        else:
            assert echo.hear(on(pitch, velocity + 1), now) is PLAYER
            assert echo.hear(off(pitch), now) is PLAYER


@given(
    st.lists(st.tuples(st.floats(0.03, 1.0), NOTES, st.integers(0, 4)), min_size=12, max_size=60),
    st.floats(0.001, LONGEST_S - 0.02),
    st.randoms(use_true_random=False),
)
def test_in_a_loop_the_players_notes_are_all_heard(
    story: list[tuple[float, tuple[int, int], int]], delay: float, draw: random.Random
) -> None:
    coming: list[tuple[float, Message]] = []
    sent: list[tuple[float, Message]] = []
    now, played = 0.0, 0
    for wait, (pitch, velocity), whose in story:
        now += wait
        if whose:
            sent.append((now, on(pitch, velocity)))
            arrives = now + delay + draw.uniform(0, SPREAD_S)
            coming.append((max(arrives, coming[-1][0] if coming else 0), on(pitch, velocity)))
        else:
            played += 1
            coming.append((now, on(pitch, velocity)))
    echo, heard = Echo(), 0
    happened = [(at, 0, m) for at, m in sent] + [(at, 1, m) for at, m in coming]
    for at, comes, message in sorted(happened, key=lambda one: one[:2]):
        if comes:
            heard += echo.hear(message, at) is not JAMD
        else:
            echo.sent(Send(message, 0.0), at)
    assert heard >= played


def jam(settings: Settings, looped: bool, bars: int = 24) -> VirtualJam:
    """Every fourth bar of two seconds the player plays seven notes, no two at one velocity."""
    draw = random.Random(2)
    story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
    for bar in range(0, bars, 4):
        for i in range(7):
            pitch, at = 60 + draw.randrange(12), 1 + 2 * bar + i / 4 + draw.gauss(0, 0.01)
            story.append((at, Heard(on(pitch, draw.randint(40, 110)))))
            story.append((at + 0.2, Heard(off(pitch))))
    delay_s = 0.02 if looped else None
    return play_looped(settings, story, 1 + 2 * bars, lambda now: delay_s)


def strikes(performance: VirtualJam, of_player: bool) -> list[tuple[int, int]]:
    return [
        (entry.tick, entry.message.note)
        for entry in performance.entries
        if isinstance(entry, Sounded)
        and (entry.part is None) is of_player
        and entry.message.type == "note_on"
    ]


def turns(performance: VirtualJam) -> list[Turn]:
    return [entry.turn for entry in performance.entries if isinstance(entry, TurnTaken)]


@pytest.mark.parametrize("mode", [Mode.ANSWER, Mode.ENDLESS])
def test_a_loop_takes_no_turn_and_is_heard_only_until_it_is_known(mode: Mode) -> None:
    settings = Settings(mode=mode, bpm=120)
    alone, looped = jam(settings, looped=False), jam(settings, looped=True)
    assert looped.session.status(50.0).loop
    assert turns(looped) == turns(alone)
    echoes = set(strikes(looped, of_player=True)) - set(strikes(alone, of_player=True))
    assert len(echoes) == ENOUGH - 1


def test_an_answer_in_a_loop_is_the_answer_without_it() -> None:
    settings = Settings(mode=Mode.ANSWER, bpm=120)
    alone, looped = jam(settings, looped=False), jam(settings, looped=True)
    bar_4 = 4 * 1920
    late, late_alone = (
        [strike for strike in strikes(one, of_player=False) if strike[0] > bar_4]
        for one in (looped, alone)
    )
    assert late == late_alone


def test_in_a_loop_each_note_is_sent_on_once() -> None:
    performance = jam(Settings(mode=Mode.OFF, bpm=120), looped=True)
    assert performance.session.status(50.0).loop
    begun = [send for _, send in performance.sent if send.message.type == "note_on"]
    assert len(begun) == 42  # six times seven


def test_a_panic_in_a_loop_ends() -> None:
    panic = Message("control_change", control=123, value=0)
    story: list[tuple[float, Event]] = [(1.0, Heard(on(60))), (2.0, Heard(panic))]
    performance = play_looped(Settings(mode=Mode.OFF), story, 9.0, lambda now: 0.02)
    assert len(performance.sent) < 12


def test_a_panic_is_heard_again_when_something_has_begun_since() -> None:
    echo, panic = Echo(), Message("control_change", control=123)
    echo.sent(Send(panic, 1.0), 1.0)
    assert echo.hear(panic, 1.05) is Origin.JAMD
    echo.sent(Send(panic, 2.0), 2.0)
    echo.sent(Send(Message("note_on", note=60, velocity=80), 2.1), 2.1)
    assert echo.hear(panic, 2.15) is Origin.PLAYER


def test_a_pedal_on_a_channel_that_has_said_nothing_is_the_player_s() -> None:
    echo = Echo()
    echo.sent(Send(Message("control_change", control=64, value=127), 1.0), 1.0)
    other = Message("control_change", channel=1, control=64, value=127)
    assert echo.hear(other, 1.0) is Origin.PLAYER
