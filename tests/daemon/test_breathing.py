"""Endless music breathes, shown as readable takes and as promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.events import Again, Event, Heard, Mode, WorkerReady
from jamd.daemon.model.requests import Planned, PlanRequest
from jamd.daemon.playing.breath import Breath
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.virtual import VirtualJam
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Tick
from readable_takes import FOUR, ONE_BAR, play

BEAT_S = 0.5
ENDLESS = Settings(mode=Mode.ENDLESS, bpm=120, start_at_once=True)


def test_endless_music_breathes() -> None:
    rests = _rests(play(ENDLESS, ONE_BAR, bars=40).notes)
    assert len(rests) >= 4


@given(
    st.lists(
        st.builds(
            Note,
            onset=st.integers(0, 400).map(lambda step: Tick(step * 160)),
            pitch=st.integers(60, 62),
            duration=st.integers(1, 6000),
        ),
        max_size=400,
    ),
    st.sampled_from([Meter(2, 4), Meter(3, 4), FOUR, Meter(6, 8)]),
)
@examples(deadline=None, max_examples=60)
def test_no_eight_bars_of_endless_music_are_without_a_rest(notes: list[Note], meter: Meter) -> None:
    breath = Breath(meter, Tick(0))
    kept = list(breath.of(sorted(notes)))
    unrested, up = Tick(0), Tick(0)
    for note in kept:
        if note.onset - up >= TICKS_PER_BEAT:
            unrested = note.onset
        up = max(up, note.end)
        assert up - unrested < 8 * meter.ticks_per_bar


class Relentless:
    """Plays quarter after quarter and never rests."""

    def plan(self, request: PlanRequest) -> Iterator[Planned]:
        first = -(-request.context.until // TICKS_PER_BEAT)
        beats = range(first, -(-request.through // TICKS_PER_BEAT))
        notes = (Note(Tick(beat * TICKS_PER_BEAT), 60 + beat % 7) for beat in beats)
        yield Planned(request.id, tuple(notes), request.through, done=True)


@given(
    st.lists(st.floats(3, 38), max_size=12),
    st.sampled_from([0.0, 0.03]),
    st.sampled_from([Meter(2, 4), Meter(3, 4), FOUR, Meter(6, 8)]),
)
@examples(deadline=None, max_examples=40)
def test_endless_breathes_however_often_it_plays_again(
    presses: list[float], humanise_s: float, meter: Meter
) -> None:
    settings = replace(ENDLESS, humanise_s=humanise_s, meter=meter)
    events: list[tuple[float, Event]] = [(0.0, WorkerReady())]
    for i, pitch in enumerate((60, 62, 64)):
        events += [(i * 0.5, Heard(Message("note_on", note=pitch)))]
        events += [(i * 0.5 + 0.4, Heard(Message("note_off", note=pitch)))]
    performance = VirtualJam(
        Session(settings), Relentless(), [*events, *((press, Again()) for press in presses)]
    )
    performance.run(until=40)
    longest_s = 8 * meter.ticks_per_bar / TICKS_PER_BEAT * BEAT_S
    sounding, rested, up = 0, None, 0.0
    for _, send in performance.sent:
        if send.message.type == "note_on":
            if rested is None or (not sounding and send.due - up >= BEAT_S - 0.001):
                rested = send.due
            sounding += 1
        elif send.message.type == "note_off":
            sounding -= 1
            up = send.due
            assert rested is not None
            assert up - rested < longest_s
    assert rested is not None


def test_music_that_breathes_is_left_as_it_is() -> None:
    notes = [Note(Tick(bar * FOUR.ticks_per_bar), 60, duration=Tick(1440)) for bar in range(40)]
    assert list(Breath(FOUR, Tick(0)).of(notes)) == notes


def _rests(notes: Iterable[Note]) -> list[Tick]:
    """Where rests of a beat end."""
    rests, up = [], None
    for note in notes:
        if up is not None and note.onset - up >= TICKS_PER_BEAT:
            rests.append(note.onset)
        up = note.end if up is None else max(up, note.end)
    return rests
