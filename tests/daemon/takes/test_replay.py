"""A session is replayed from its journal, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mido import Message

from jamd.cli import main
from jamd.config.control import Control, ControlKind, Knob
from jamd.daemon.control.controls import Action
from jamd.daemon.events import (
    Adjust,
    Event,
    Heard,
    InputLost,
    Mode,
    Panic,
    Press,
    SetMode,
    SetTempo,
    WorkerLost,
    WorkerReady,
)
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes.journal import FORMAT, Journaled, Opened, Record, to_line
from jamd.daemon.takes.replay import ask_again, replay
from jamd.daemon.takes.take_contexts import _given, shown
from jamd.daemon.timing.follower import BeatSource
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.errors import SourceError
from jamd.grid.grid import Grid
from jamd.harmony.chart import Changes, Chart
from jamd.language import Constraints, Context
from jamd.notes import METERS, Meter, Note, Tick

Story = Sequence[tuple[float, Event]]


def key(kind: str, pitch: int) -> Heard:
    return Heard(Message(kind, note=pitch))


def phrase(begin: float) -> list[tuple[float, Event]]:
    return [
        (begin + i * 0.3 + wait, key(kind, pitch))
        for i, pitch in enumerate((60, 64, 67, 64))
        for kind, wait in (("note_on", 0.0), ("note_off", 0.25))
    ]


def perform(
    settings: Settings, story: Story, seconds: float, looks: Sequence[float] = ()
) -> list[str]:
    """The journal of a performance that is also polled when nothing is due."""
    records: list[Record] = [Opened(FORMAT, "0.1.0", "today", "default", "", settings)]
    session = Journaled(Session(settings), records.append)
    looked = iter(sorted(looks))
    upcoming = next(looked, seconds)

    class Eyed(VirtualJam):
        """Polls the session between its deadlines, as the loop does each millisecond."""

        def _next_moment(self) -> float:
            nonlocal upcoming
            moment = super()._next_moment()
            while upcoming < min(moment, seconds):
                self._do(session.advance(upcoming))
                upcoming = next(looked, seconds)
            return moment

    Eyed(session, ScriptedImproviser(), [(0.0, WorkerReady()), *story]).run(seconds)
    return list(map(to_line, records))


JAM = perform(Settings(seed=7, chart=Chart.parse("Dm7 G7 | C | / F")), phrase(0.1), 12.0)

happenings = st.one_of(
    st.builds(key, st.sampled_from(["note_on", "note_off"]), st.integers(58, 62)),
    st.builds(Heard, st.sampled_from([Message("clock"), Message("start"), Message("stop")])),
    st.builds(Heard, st.builds(Message, st.just("control_change"), control=st.just(64))),
    st.sampled_from([Panic(), InputLost(), WorkerLost(), WorkerReady()]),
    st.builds(SetMode, st.sampled_from(Mode)),
    st.builds(SetTempo, st.floats(20, 400)),
    st.builds(
        Heard,
        st.builds(
            Message,
            st.just("control_change"),
            control=st.sampled_from([7, 74]),
            value=st.integers(0, 127),
        ),
    ),
    st.builds(Adjust, st.just("temperature"), st.floats(0.05, 2)),
    st.builds(Adjust, st.just("parts"), st.sampled_from(["both", "lead", "comp"])),
    st.builds(Press, st.sampled_from([action.value for action in Action])),
    st.builds(Adjust, st.just("trade"), st.sampled_from([0, 2, 4, 8])),
    st.builds(Adjust, st.just("yield"), st.sampled_from(["now", "note", "never"])),
    st.builds(Adjust, st.just("swing"), st.sampled_from(["player", "off", 62.0])),
    st.builds(Adjust, st.just("humanise_ms"), st.sampled_from([0.0, 20.0])),
)
moments = st.floats(0, 8)


@settings(deadline=None, max_examples=60)
@given(
    st.builds(
        Settings,
        mode=st.sampled_from(Mode),
        bpm=st.floats(50, 220),
        meter=st.sampled_from(METERS),
        source=st.sampled_from(BeatSource),
        start_at_once=st.booleans(),
        thru=st.booleans(),
        knobs=st.just(
            {
                "temperature": Knob(Control(ControlKind.CC, 74), (0.5, 1.5)),
                "style": Knob(Control(ControlKind.CC, 7, channel=1)),
            }
        ),
    ),
    st.lists(st.tuples(moments, happenings), max_size=20),
    st.lists(moments, max_size=40),
    st.integers(0, 2**31),
)
def test_the_same_calls_do_the_same_and_looks_between_them_are_not_written_down(
    settings: Settings, story: list[tuple[float, Event]], looks: list[float], late: int
) -> None:
    story = [*phrase(0.1), *story]
    lines = perform(settings, story, 8.0)
    assert perform(settings, story, 8.0, looks) == lines
    again = replay(lines)
    assert again.difference is None
    assert again.whole
    # A loop that was late is late in the journal, too.
    rush = random.Random(late)
    tardy = [(at + rush.random() / 5, event) for at, event in story]
    assert replay(perform(settings, tardy, 9.0, looks)).difference is None


def test_a_journal_cut_off_anywhere_is_replayed_that_far() -> None:
    for cut in range(1, len(JAM)):
        again = replay([*JAM[:cut], JAM[cut][:-5]])
        assert again.difference is None
        assert not again.whole


def test_another_note_is_the_first_difference() -> None:
    place = next(i for i, line in enumerate(JAM) if line.startswith('{"class":"Send"'))
    other = JAM[place].replace('"message":"90', '"message":"80')
    difference = replay([*JAM[:place], other, *JAM[place + 1 :]]).difference
    assert difference is not None
    assert difference.then == other.strip()
    assert difference.now == JAM[place].strip()
    assert 2 < difference.seconds < 3, "the answer's first note"
    missing = replay([*JAM[:place], *JAM[place + 1 :]]).difference
    assert missing is not None
    assert missing.now == JAM[place].strip()


def test_the_model_is_asked_anew() -> None:
    again = replay(JAM)
    assert again.requests
    compared = list(ask_again(again, ScriptedImproviser()))
    assert sum(one.notes for one in compared) > 3
    assert all(one.same for one in compared)

    request, planned = again.requests[-1], again.answers[again.requests[-1].id]
    note = planned[0].notes[0]
    planned[0] = replace(planned[0], notes=(note._replace(pitch=note.pitch + 1),))
    last = list(ask_again(again, ScriptedImproviser()))[-1]
    assert (last.request, last.same) == (request, False)
    assert last.now == note
    planned[0] = replace(planned[0], notes=())
    last = list(ask_again(again, ScriptedImproviser()))[-1]
    assert (last.then, last.now) == (None, note)


def test_what_is_no_journal_is_refused() -> None:
    other = JAM[0].replace('"format":1', '"format":9')
    for text in ("", "dear diary\n", "[" * 100_000 + "\n", JAM[1], other):
        with pytest.raises(SourceError, match="expected a journal"):
            replay([text])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal, out = tmp_path / "jam.jamd-journal", tmp_path / "out.mid"
    journal.write_text("".join(JAM))
    assert main(["replay", str(tmp_path / "jam.mid"), "-o", str(out)]) == 0
    told = capsys.readouterr().out
    assert "1.1.0 player 60 64 6" in told
    assert "The same, bit for bit" in told
    assert out.exists()
    journal.write_text("".join(JAM).replace("903C40", "903D40", 1))
    assert main(["replay", str(journal)]) == 1
    assert "It differs, first" in capsys.readouterr().out
    assert main(["replay", str(out)]) == 2
    assert capsys.readouterr().err.startswith(f"jamd: {out}: expected a take with its journal")
    for folder in (".", str(tmp_path)):
        assert main(["replay", folder]) == 2
        assert capsys.readouterr().err == f"jamd: {folder}: expected a take, found a folder\n"
    assert main(["replay", str(journal), "--bundle", "default"]) == 2
    assert capsys.readouterr() == ("", "jamd: --bundle: expected --again beside it, found none\n")


def test_what_is_learned_of_a_take_holds_each_note_of_the_players_once() -> None:
    story = [(0.0, WorkerReady()), *(pair for i in range(30) for pair in phrase(1 + 4.0 * i))]
    lines = perform(Settings(bpm=120), story, 124)
    found = shown(lines)
    assert found is not None
    assert len(found) > 1, "more bars than a context has"
    told = [note.onset for context in found for note in context.heard]
    assert len(told) == len(set(told))
    assert len(told) >= 110, "all but what came after jamd was last asked"
    assert any(context.played for context in found)


def test_what_is_given_of_a_take_is_read_as_it_was_live() -> None:
    notes = tuple(Note(Tick(480 * i), 60 + i, duration=Tick(420)) for i in range(8))
    context = Context(notes, Tick(0), Tick(8 * 480), "jazz")
    live, learned = (
        Grid().begin(each, Constraints()) for each in (context, _given(context, Tick(4 * 480)))
    )
    assert learned.tokens == live.tokens
    assert sum(live.from_player) > sum(learned.from_player) > 0


def test_what_is_learned_of_a_take_over_changes_has_them() -> None:
    story = [(0.0, WorkerReady()), *(pair for i in range(30) for pair in phrase(1 + 4.0 * i))]
    chart = Chart.parse("Dm7 G7 | C | / F")
    found = shown(perform(Settings(bpm=120, chart=chart), story, 124))
    assert found
    assert {context.changes for context in found} == {Changes.of(chart, Meter(4, 4))}


def test_what_was_only_read_ahead_is_no_answer_to_compare() -> None:
    story = [(0.0, WorkerReady()), *(pair for i in range(20) for pair in phrase(1 + 4.0 * i))]
    lines = perform(Settings(bpm=120), story, 84)
    assert any('"class":"Asked","id":0,' in line for line in lines), "the window has moved"
    again = replay(lines)
    assert again.difference is None
    assert all(request.id for request in again.requests)
    assert all(one.same for one in ask_again(again, ScriptedImproviser()))


def test_a_journal_that_does_not_say_whether_it_was_a_rehearsal_was_none() -> None:
    opened, *rest = perform(Settings(), phrase(1.0), 20)
    older = opened.replace(',"rehearsal":false', "")
    assert older != opened
    assert not replay([older, *rest]).opened.rehearsal
    assert shown([older, *rest])
    assert shown([opened.replace('"rehearsal":false', '"rehearsal":true'), *rest]) is None


def test_a_journal_from_before_there_were_sounds_is_replayed() -> None:
    opened, *rest = perform(Settings(thru=True), phrase(1.0), 20)
    older = opened.replace(',"sounds":[]', "").replace('"thru_apart":false,', "")
    assert len(older) < len(opened) - 30
    again = replay([older, *rest])
    assert again.difference is None
    assert again.opened.sounds == {}


@pytest.mark.parametrize("then", ["F#7 | B7", ""])
def test_what_was_played_over_other_changes_is_learned_with_those(then: str) -> None:
    def bars(start: float) -> Story:
        return [
            event
            for beat in range(8)
            for event in (
                (start + beat / 2, Heard(Message("note_on", note=60 + beat, velocity=80))),
                (start + beat / 2 + 0.4, Heard(Message("note_off", note=60 + beat))),
            )
        ]

    settings = Settings(bpm=120, chart=Chart.parse("Dm7 | G7"))
    story = [*bars(1.0), *bars(9.1), *bars(17.1), (27.0, Adjust("changes", then))]
    told = shown(perform(settings, story, 29)) or []
    over = [context.changes and context.changes.symbol_at(Tick(0)) for context in told]
    assert sum(len(context.heard) for context in told) == 24
    assert set(over) == {"Dm7"}
