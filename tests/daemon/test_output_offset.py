"""Notes are sent earlier or later than their beat, while the take has them on the beat."""

from __future__ import annotations

import pytest
from mido import Message

from jamd.daemon.events import (
    Event,
    Heard,
    Mode,
    Send,
    SetMode,
    Sounded,
    Turn,
    TurnTaken,
    WorkerReady,
)
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes import take
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam

BEAT_S = 0.5


def jam(offset_s: float, mode: Mode) -> tuple[list[str], list[tuple[float, Send]]]:
    """The take of a jam, and what the port got, and when."""
    story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
    for i, pitch in enumerate((60, 64, 67, 65)):
        story.append((i * BEAT_S, Heard(Message("note_on", note=pitch))))
        story.append((i * BEAT_S + 0.35, Heard(Message("note_off", note=pitch))))
    settings = Settings(mode=mode, bpm=120, start_at_once=True, output_offset_s=offset_s)
    performance = VirtualJam(Session(settings), ScriptedImproviser(), story)
    performance.run(16.0)
    had = performance.sent
    return list(take.rows(performance.entries)), had


@pytest.mark.parametrize("mode", [Mode.ANSWER, Mode.ENDLESS])
@pytest.mark.parametrize("offset_s", [-0.2, -0.05, 0.05, 0.2])
def test_notes_leave_by_so_much_and_the_take_has_them_on_the_beat(
    offset_s: float, mode: Mode
) -> None:
    rows, had = jam(offset_s, mode)
    on_the_beat, _ = jam(0.0, mode)
    answer = [row for row in rows if "player" not in row]
    assert len(answer) >= 4
    assert [row.split()[1:3] for row in answer[:3]] == [
        row.split()[1:3] for row in on_the_beat if "player" not in row
    ][:3], "the answer is the same, if a beat later"
    onsets = [(at, send) for at, send in had if send.message.type == "note_on"]
    for row, (at, send) in zip(answer, onsets, strict=False):
        assert at == pytest.approx(send.due), "none is late"
        bar, beat, step = (float(number) for number in row.split()[0].split("."))
        true_s = ((bar - 1) * 4 + beat - 1 + step / 12) * BEAT_S
        assert at - true_s == pytest.approx(offset_s)


def test_later_is_no_later_an_answer() -> None:
    assert jam(0.2, Mode.ANSWER)[0] == jam(0.0, Mode.ANSWER)[0]


@pytest.mark.parametrize("take_back", [Heard(Message("note_on", velocity=127)), SetMode(Mode.OFF)])
@pytest.mark.parametrize("offset_s", [-0.2, 0.0, 0.2])
def test_a_turn_taken_back_is_so_at_the_port(offset_s: float, take_back: Event) -> None:
    beat_s = 60 / 160
    story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
    for i in range(16):  # sixteenths, and so the answer
        story.append((i * beat_s / 4, Heard(Message("note_on", note=60 + i % 5))))
        story.append(((i + 0.8) * beat_s / 4, Heard(Message("note_off", note=60 + i % 5))))
    story.append((8 * beat_s, take_back))
    settings = Settings(bpm=160, start_at_once=True, output_offset_s=offset_s)
    performance = VirtualJam(Session(settings), ScriptedImproviser(), story)
    performance.run(9.5 * beat_s)
    turns = [entry for entry in performance.entries if isinstance(entry, TurnTaken)]
    (taken_s,) = (entry.seconds for entry in turns if entry.turn is Turn.PLAYER)
    left = [e for e in performance.entries if isinstance(e, Sounded) and e.part is not None]
    begun = [entry for entry in left if entry.message.type == "note_on"]
    assert any(entry.seconds > taken_s - 2 * beat_s / 4 for entry in begun), "it was playing"
    for entry in left:
        allowed_s = beat_s / 4 if entry.message.type == "note_on" else beat_s
        assert entry.seconds <= taken_s + allowed_s + 0.001
    assert len(left) == 2 * len(begun)
