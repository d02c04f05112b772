"""Whatever is routed back, however slowly: no note hangs or loops, and each one played sounds.

The player plays on a few keys, so that repeated notes meet what comes back.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from looped_jam import LoopedJam, play_looped
from mido import Message

from jamd.daemon.events import Event, Heard, Mode, Sounded, WorkerReady
from jamd.daemon.midi.echo_signature import LONGEST_S, SPREAD_S
from jamd.daemon.playing.click import When
from jamd.daemon.settings import Settings

SETTINGS = Settings(bpm=120, start_at_once=True, click=When.OFF)


@dataclass(frozen=True)
class Strike:
    """A key that is struck at `at` and held for `held` seconds."""

    at: float
    held: float
    pitch: int
    velocity: int

    @property
    def up(self) -> float:
        return self.at + self.held


def on_one_keyboard(plan: list[tuple[float, float, int, int]]) -> list[Strike]:
    """Strikes at (wait, held, pitch, velocity): no key is struck again before it has come up."""
    strikes: list[Strike] = []
    free: dict[int, float] = {}
    at = 0.5
    for wait, held, pitch, velocity in plan:
        at = max(at + wait, free.get(pitch, 0.0) + 0.01)
        strikes.append(Strike(at, held, pitch, velocity))
        free[pitch] = at + held
    return strikes


def story(strikes: list[Strike]) -> list[tuple[float, Event]]:
    events: list[tuple[float, Event]] = [(0.0, WorkerReady())]
    for strike in strikes:
        on = Message("note_on", note=strike.pitch, velocity=strike.velocity)
        events.append((strike.at, Heard(on)))
        events.append((strike.up, Heard(Message("note_off", note=strike.pitch))))
    return events


def sounding(jam: LoopedJam, but: Iterable[Message] = ()) -> list[tuple[float, float, int]]:
    """What sounded on the output, but for what these messages began: from, until, pitch."""
    own = {id(message) for message in but}
    begun: dict[tuple[int, int], tuple[float, bool]] = {}
    heard = []
    for now, send in jam.sent:
        message = send.message
        if message.type not in ("note_on", "note_off"):
            continue
        key = message.channel, message.note
        if message.type == "note_on":
            assert key not in begun, "struck twice"
            begun[key] = now, id(message) in own
        else:
            since, is_own = begun.pop(key)
            if not is_own:
                heard.append((since, now, message.note))
    assert not begun
    return heard


def ends_with_its_key(heard: list[tuple[float, float, int]], strikes: list[Strike]) -> None:
    """What is sent on ends soon after the key is up."""
    for begun, ended, pitch in heard:
        up = [s.up for s in strikes if s.pitch == pitch and s.at <= ended]
        assert ended <= max([*up, begun]) + 2 * LONGEST_S, (begun, ended, pitch)


def may_hold(pitch: int, incoming: Iterable[tuple[float, Event]]) -> bool:
    """Whether all that comes in can be a player's who strikes a key at last and keeps it down.

    What comes round last of a key and loses its end with the route is the same, message for
    message, unless just before it a key was struck, or let go, twice.
    """
    down: set[int] = set()
    twice, holds = -math.inf, False
    for now, event in sorted(incoming, key=lambda each: each[0]):
        if not isinstance(event, Heard) or event.message.type not in ("note_on", "note_off"):
            continue
        begins, key = event.message.type == "note_on", event.message.note
        if begins == (key in down):
            twice = now
        (down.add if begins else down.discard)(key)
        if key == pitch:
            holds = begins and now - twice > LONGEST_S
    return holds


def route(delay: float, uneven: bool, draw: random.Random) -> Callable[[float], float]:
    return lambda now: delay + (draw.uniform(0, SPREAD_S / 2) if uneven else 0.0)


waits = st.one_of(st.floats(0.0, 0.3), st.sampled_from([0.0, 0.05, 0.1, 0.125, 0.2, 0.5]))
plans = st.lists(
    st.tuples(
        waits,
        st.one_of(st.floats(0.005, 0.4), st.sampled_from([0.02, 0.05, 0.1])),
        st.integers(60, 62),
        st.sampled_from([60, 70, 90]),  # no two of them a mark apart
    ),
    min_size=1,
    max_size=40,
)
delays = st.one_of(st.floats(0.0, 0.24), st.sampled_from([0.005, 0.02, 0.05, 0.1, 0.2, 0.24]))
draws = st.randoms(use_true_random=False)


@given(plan=plans, delay=delays, uneven=st.booleans(), draw=draws)
@example(
    plan=[(0.0, 0.03125, 60, 60), (0.0, 0.015625, 60, 60)],
    delay=0.0625,
    uneven=False,
    draw=random.Random(0),
)
@examples(deadline=None, max_examples=60)
def test_what_is_sent_on_ends_with_its_key_and_does_not_multiply(
    plan: list[tuple[float, float, int, int]], delay: float, uneven: bool, draw: random.Random
) -> None:
    strikes = on_one_keyboard(plan)
    end = max(strike.up for strike in strikes)
    off = replace(SETTINGS, mode=Mode.OFF)
    jam = play_looped(off, story(strikes), end + 5, route(delay, uneven, draw))
    heard = sounding(jam)
    assert all(begun <= end + 4 * LONGEST_S for begun, _, _ in heard)
    ends_with_its_key(heard, strikes)
    played = Counter(strike.pitch for strike in strikes)
    sounded = Counter(pitch for _, _, pitch in heard)
    assert all(sounded[pitch] >= count for pitch, count in played.items())
    assert sounded.total() <= 4 * played.total()


@given(plan=plans, velocity=st.sampled_from([None, 64]))
@examples(deadline=None, max_examples=40)
def test_where_nothing_comes_back_each_strike_is_sent_on_at_once(
    plan: list[tuple[float, float, int, int]], velocity: int | None
) -> None:
    strikes = [replace(s, velocity=velocity or s.velocity) for s in on_one_keyboard(plan)]
    end = max(strike.up for strike in strikes)
    off = replace(SETTINGS, mode=Mode.OFF)
    jam = play_looped(off, story(strikes), end + 5, lambda now: None)
    ends = sorted((s.at, s.up, s.pitch) for s in strikes)
    assert sorted(sounding(jam)) == ends


def gone_on_the_way(
    plan: list[tuple[float, float, int, int]], delay: float, taken: float
) -> example:
    """A plan in which the route is taken away while a note is on its way round."""
    return example(
        plan=plan, delay=delay, made=0.0, taken=taken, mode=Mode.OFF, thru=True, marks=False
    )


@given(
    plan=plans,
    delay=delays,
    made=st.floats(0.0, 6.0),
    taken=st.floats(0.0, 6.0),
    mode=st.sampled_from(Mode),
    thru=st.booleans(),
    marks=st.booleans(),
)
@gone_on_the_way(
    [(0.0, 0.0625, 60, 60)] * 2 + [(0.0, 0.125, 60, 60), (0.0, 0.25, 60, 60)], 0.125, 1.0
)
@gone_on_the_way([(0.0, 0.0625, 60, 60)] * 2 + [(0.0, 0.25, 60, 60)], 0.1875, 1.0)
@gone_on_the_way([(0.1, 0.1, 61, 60), (0.0, 0.0625, 62, 60), (0.1, 0.0625, 61, 70)], 0.1, 0.64)
@gone_on_the_way([(0.05, 0.05, 62, 60), (0.0, 0.05, 62, 70)], 0.1, 0.558)
@examples(deadline=None, max_examples=60)
def test_nothing_hangs_when_a_route_is_made_or_taken_away(
    plan: list[tuple[float, float, int, int]],
    delay: float,
    made: float,
    taken: float,
    mode: Mode,
    thru: bool,
    marks: bool,
) -> None:
    """`marks`: the velocities are those that marked notes have, too."""
    strikes = [
        replace(s, velocity=60 + s.velocity % 3 * 2) if marks else s for s in on_one_keyboard(plan)
    ]
    end = max(strike.up for strike in strikes)
    played = story(strikes)
    jam = play_looped(
        replace(SETTINGS, mode=mode, thru=thru),
        played,
        end + 20,
        lambda now: delay if made <= now < taken or taken < made <= now else None,
    )
    own = [
        entry.message
        for entry in jam.entries
        if isinstance(entry, Sounded) and entry.part is not None
    ]
    begun = sum(message.type == "note_on" for message in own)
    heard = sounding(jam, but=own)
    assert len(heard) <= 4 * (len(strikes) + begun)
    for since, ended, pitch in heard:
        up = [s.up for s in strikes if s.pitch == pitch and s.at <= ended]
        soon = ended - max([*up, since]) <= 2 * LONGEST_S + (begun > 0) * 2
        assert soon or may_hold(pitch, [*played, *jam.returned]), (since, ended, pitch)
    if not thru and mode is not Mode.OFF:
        assert not heard


@given(
    plan=plans,
    layers=st.integers(2, 3),
    gap=st.sampled_from([0.0, 0.0005, 0.002]),
    delay=st.one_of(st.floats(0.001, SPREAD_S), st.sampled_from([0.003, 0.006, 0.012])),
)
@example(plan=[(0.0, 0.2, 60, 60)], layers=2, gap=0.0, delay=0.006)
@example(plan=[(0.25, 0.05, 60 + i, 70) for i in range(7)], layers=3, gap=0.0, delay=0.012)
@examples(deadline=None, max_examples=100)
def test_nothing_hangs_where_a_keyboard_sends_each_key_on_several_channels(
    plan: list[tuple[float, float, int, int]], layers: int, gap: float, delay: float
) -> None:
    """A fast route, by which a note-off may be back when that of the next layer comes in."""
    strikes = on_one_keyboard(plan)
    layered = [
        (at + layer * gap, Heard(event.message.copy(channel=5 * layer)))
        for at, event in story(strikes)
        for layer in range(layers)
        if isinstance(event, Heard)
    ]
    end = max(strike.up for strike in strikes)
    off = replace(SETTINGS, mode=Mode.OFF)
    jam = play_looped(off, [(0.0, WorkerReady()), *layered], end + 5, lambda now: delay)
    ends_with_its_key(sounding(jam), strikes)
