"""Everything in a journal is read back as it was written."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message

from jamd.daemon.events import Ask, AskLikelihood, Effect, Event, Heard, Journal, Mode
from jamd.daemon.settings import Settings
from jamd.daemon.takes.journal import Closed, Handled, Line, Record, read_line, to_line
from jamd.daemon.takes.plain_json import from_plain, to_plain
from jamd.notes import METERS, Meter, Part

st.register_type_strategy(Meter, st.sampled_from(METERS))
st.register_type_strategy(
    Message,
    st.one_of(
        st.builds(
            Message, st.just("note_on"), channel=st.integers(0, 15), note=st.integers(0, 127)
        ),
        st.builds(Message, st.just("pitchwheel"), pitch=st.integers(-8192, 8191)),
        st.sampled_from([Message("clock"), Message("songpos", pos=16383)]),
    ),
)
st.register_type_strategy(float, st.floats(allow_nan=False))


@given(st.from_type(Line))  # type: ignore[arg-type]
def test_a_line_is_read_as_it_was_written(record: Line) -> None:
    """All events, entries and settings: the strategy is derived from their classes."""
    line = json.dumps(to_plain(record)) + "\n"
    assert read_line(line) == record


@given(st.from_type(Effect))  # type: ignore[arg-type]
def test_every_effect_is_one_line(effect: Effect) -> None:
    line = to_line(effect)
    assert line.index("\n") == len(line) - 1
    if not isinstance(effect, Ask | AskLikelihood):
        assert read_line(line) == (effect.entry if isinstance(effect, Journal) else effect)


def test_what_a_journal_looks_like() -> None:
    note_on: Event = Heard(Message("note_on", note=60, velocity=90))
    record: Record = Handled(1.25, note_on)
    assert to_line(record) == (
        '{"class":"Handled","seconds":1.25,"event":{"class":"Heard","message":"903C5A"}}\n'
    )
    assert to_plain(frozenset(Part)) == ["Comp", "Lead"]


def test_a_setting_that_is_missing_has_its_default() -> None:
    assert from_plain(Settings, {"class": "Settings", "mode": "endless"}) == Settings(Mode.ENDLESS)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"class":"Closed"}',
        '{"class":"Closed","seconds":"1"}',
        '{"class":"Closed","seconds":1,"more":2}',
        '{"class":"Popen","seconds":1}',
        '{"class":"Handled","seconds":1,"event":{"class":"Heard","message":"FG"}}',
        '{"class":"Handled","seconds":1,"event":{"class":"Closed","seconds":1}}',
    ],
)
def test_what_is_no_record_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="expected a record"):
        read_line(line)


def test_moments_keep_every_bit() -> None:
    for seconds in (0.1 + 0.2, 1e9 / 3, math.nextafter(1.0, 2.0)):
        read = read_line(to_line(Closed(seconds)))
        assert isinstance(read, Closed)
        assert read.seconds.hex() == seconds.hex()
