"""What a session guarantees whatever happens to it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice

from stories import Reply, Verdict, all_settings, left_sounding, promise_with, stories

from jamd.daemon.events import (
    Adjust,
    Ask,
    AskLikelihood,
    ChangesLaid,
    Effect,
    Event,
    Journal,
    Output,
    Send,
    Sounded,
)
from jamd.daemon.playing.planner import READING
from jamd.daemon.settings import Settings
from jamd.daemon.takes.take import to_midi
from jamd.notes import TICKS_PER_STEP, Part

promise = promise_with(all_settings)


def _sends(effects: Sequence[Effect]) -> list[Send]:
    return [effect for effect in effects if isinstance(effect, Send)]


@promise
def test_every_note_that_begins_ends(
    settings: Settings, effects: list[Effect], heard_by: list[int]
) -> None:
    assert not left_sounding(effects)


@promise
def test_every_note_of_the_take_ends_and_not_before_it_begins(
    settings: Settings, effects: list[Effect], heard_by: list[int]
) -> None:
    begun: dict[tuple[Part | None, int, int], int] = {}
    for entry in [effect.entry for effect in effects if isinstance(effect, Journal)]:
        if not isinstance(entry, Sounded) or entry.message.type not in ("note_on", "note_off"):
            continue
        key = entry.part, entry.message.channel, entry.message.note
        if entry.message.type == "note_on" and entry.message.velocity > 0:
            begun[key] = entry.tick
        else:
            assert begun.pop(key, entry.tick) <= entry.tick
    assert not begun


@promise
def test_pedals_sent_on_are_lifted(
    settings: Settings, effects: list[Effect], heard_by: list[int]
) -> None:
    down = {}
    for send in _sends(effects):
        if send.message.is_cc(64):
            down[send.message.channel] = send.message.value >= 64
    assert not any(down.values())


def _moves_notes(happening: Event | Reply | Verdict | None) -> bool:
    """Whether notes lie beside the grid from then on."""
    return isinstance(happening, Adjust) and happening.setting in ("swing", "humanise_ms")


@promise
def test_sends_never_run_backwards(
    settings: Settings, effects: list[Effect], heard_by: list[int]
) -> None:
    # A panic goes before a pulse that is due, and a pulse is never left out.
    dues = [send.due for send in _sends(effects) if send.output is not Output.CLOCK]
    assert all(later - earlier > -1e-6 for earlier, later in itertools.pairwise(dues))


@promise_with(
    all_settings.map(lambda some: replace(some, swing=0.5, humanise_s=0.0)),
    stories.map(lambda told: [one for one in told if not _moves_notes(one[1])]),
)
def test_what_jamd_begins_is_on_the_grid(
    settings: Settings, effects: list[Effect], heard_by: list[int]
) -> None:
    for effect in effects:
        if isinstance(effect, Journal) and isinstance(effect.entry, Sounded):
            entry = effect.entry
            if entry.part is not None and entry.message.type == "note_on":
                assert entry.tick % TICKS_PER_STEP == 0


@promise
def test_nothing_is_played_before_three_notes_are_heard(
    settings: Settings, effects: list[Effect], heard_by: list[int]
) -> None:
    for effect, heard in zip(effects, heard_by, strict=True):
        if isinstance(effect, Journal) and isinstance(effect.entry, Sounded):
            assert effect.entry.part is None or heard >= 3


@promise
def test_requests_are_numbered_and_make_sense(
    settings: Settings, effects: list[Effect], heard_by: list[int]
) -> None:
    asked = [e.request.id for e in effects if isinstance(e, Ask | AskLikelihood)]
    numbered = [number for number in asked if number != READING]
    assert numbered == list(range(1, len(numbered) + 1))
    for request in [effect.request for effect in effects if isinstance(effect, Ask)]:
        context = request.context
        assert context.start % context.meter.ticks_per_bar == 0
        assert context.start <= context.until <= request.through
        assert (context.until == request.through) == (request.id == READING)
        assert (request.max_tokens == 0) == (request.id == READING)
        assert context.until - context.start <= 40 * context.meter.ticks_per_bar
        for notes in (context.heard, context.played):
            assert list(notes) == sorted(notes)
            assert all(context.start <= note.onset < context.until for note in notes)


@promise
def test_every_request_has_the_changes_with_a_chord_on_each_bar_line(
    settings: Settings, effects: list[Effect], heard_by: list[int]
) -> None:
    for request in [effect.request for effect in effects if isinstance(effect, Ask)]:
        changes, bar = request.context.changes, settings.meter.ticks_per_bar
        assert (changes is None) == (settings.chart is None)
        assert changes is None or changes.start % bar == 0


@promise
def test_the_take_has_the_chords_of_the_changes_in_their_order(
    settings: Settings, effects: list[Effect], heard_by: list[int]
) -> None:
    entries = [effect.entry for effect in effects if isinstance(effect, Journal)]
    laid = [entry for entry in entries if isinstance(entry, ChangesLaid)]
    found = [m.text for m in to_midi(entries).tracks[0] if m.type == "marker"]
    chords = [text.removeprefix("chord: ") for text in found if text.startswith("chord")]
    assert set(chords) <= {"Dm7", "G7", "C", "F"}
    if len(laid) == 1:
        assert chords == [*islice(cycle(["Dm7", "G7", "C", "F"]), len(chords))]
