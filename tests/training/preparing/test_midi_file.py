"""MIDI files -> readings: times, bars and pickups."""

from __future__ import annotations

import io
from collections.abc import Sequence

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.errors import SourceError
from jamd.notes import Meter
from jamd.training.preparing.midi_file import read_midi
from jamd.training.preparing.reading import DURATION, ONSET, PITCH, Reading

pytestmark = pytest.mark.train

Notes = Sequence[tuple[int, int, int]]
"""(onset, duration, pitch) in ticks of the file."""

FOUR, THREE = Meter(4, 4), Meter(3, 4)


def midi(
    notes: Notes,
    meters: Sequence[tuple[int, int, int]] = (),
    division: int = 480,
    others: Sequence[tuple[int, mido.Message | mido.MetaMessage]] = (),
) -> bytes:
    """A file of one track, with meters as (tick, numerator, denominator), and `others` by tick."""
    events: list[tuple[int, int, mido.Message | mido.MetaMessage]] = [
        (tick, 0, mido.MetaMessage("time_signature", numerator=top, denominator=bottom))
        for tick, top, bottom in meters
    ]
    events += [(tick, 1, other) for tick, other in others]
    for onset, duration, pitch in notes:
        events.append((onset, 2, mido.Message("note_on", note=pitch, velocity=80)))
        events.append((onset + duration, 1, mido.Message("note_off", note=pitch)))
    track = mido.MidiTrack()
    now = 0
    for tick, _, event in sorted(events, key=lambda item: item[:2]):
        track.append(event.copy(time=tick - now))
        now = tick
    file = mido.MidiFile(type=0, ticks_per_beat=division, tracks=[track])
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def by_channels(notes: Notes, *, bent: bool) -> bytes:
    """A file of one track with each note on the next of channels 2 to 16, and a bend before it."""
    track = mido.MidiTrack()
    now = 0
    for number, (onset, duration, pitch) in enumerate(notes):
        channel = 1 + number % 15
        if bent:
            bend = mido.Message("pitchwheel", channel=channel, pitch=number)
            track.append(bend.copy(time=onset - now))
            now = onset
        on = mido.Message("note_on", channel=channel, note=pitch, velocity=80)
        track.append(on.copy(time=onset - now))
        track.append(mido.Message("note_off", channel=channel, note=pitch, time=duration))
        now = onset + duration
    file = mido.MidiFile(type=0, tracks=[track])
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def rows(reading: Reading) -> list[tuple[int, int, int]]:
    columns = reading.notes[:, [ONSET, DURATION, PITCH]].tolist()
    return [(onset, duration, pitch) for onset, duration, pitch in columns]


def beats(*onsets: float, pitch: int = 60) -> list[tuple[int, int, int]]:
    return [(round(onset * 480), 480, pitch) for onset in onsets]


# One note a pitch, so that no two overlap; all begin within the first bar of 4/4.
melodies = st.dictionaries(
    st.integers(0, 127), st.tuples(st.integers(0, 1919), st.integers(1, 4000)), min_size=1
).map(lambda found: [(onset, length, pitch) for pitch, (onset, length) in found.items()])


@given(melodies)
def test_at_480_ticks_every_note_is_read_as_written(notes: Notes) -> None:
    assert sorted(rows(read_midi(midi(notes)))) == sorted(
        (onset, max(length, 15), pitch) for onset, length, pitch in notes
    )


sounds = st.builds(mido.Message, st.just("program_change"), program=st.integers(0, 127))
asides = st.sampled_from(
    [
        mido.MetaMessage("text", text="\xc0\x05\x90" * 50),
        mido.Message("sysex", data=(1, 2, 3)),
        mido.Message("control_change", control=7, value=90),
        mido.Message("pitchwheel", pitch=100),
        mido.Message("aftertouch", value=3),
    ]
)


@given(melodies, st.lists(st.tuples(st.integers(0, 30_000), sounds | asides)))
def test_a_part_stays_one_voice_when_its_sound_changes(
    notes: Notes, others: Sequence[tuple[int, mido.Message]]
) -> None:
    reading = read_midi(midi(notes, others=others))
    assert len(reading.voices) == 1
    assert sorted(rows(reading)) == sorted(rows(read_midi(midi(notes))))


def test_the_channels_of_an_mpe_keyboard_are_one_voice_and_none_of_them_drums() -> None:
    notes = [(480 * number, 240, 60 + number % 7) for number in range(30)]
    reading = read_midi(by_channels(notes, bent=True))
    assert [(voice.name, voice.drums) for voice in reading.voices] == [("", False)]
    assert rows(reading) == notes
    assert any("MPE" in warning for warning in reading.warnings)


def test_instruments_on_channels_of_their_own_stay_voices_of_their_own() -> None:
    notes = [(480 * number, 240, 60 + number % 7) for number in range(30)]
    voices = read_midi(by_channels(notes, bent=False)).voices
    assert [voice.drums for voice in voices].count(True) == 1
    assert len(voices) == 15


@given(melodies, st.integers(1, 0x7FFF))
def test_other_divisions_are_off_by_at_most_rounding(notes: Notes, division: int) -> None:
    notes = [(onset % (4 * division), length, pitch) for onset, length, pitch in notes]
    found = {pitch: onset for onset, _, pitch in rows(read_midi(midi(notes, (), division)))}
    for onset, _, pitch in notes:
        assert abs(found[pitch] - onset * 480 / division) <= 0.5


@given(st.binary(max_size=200), st.integers(0, 400))
def test_any_damage_is_a_reason_and_not_a_crash(damage: bytes, at: int) -> None:
    whole = midi(beats(0, 1, 2, 3))
    data = whole[:at] + damage + whole[at + len(damage) :]
    try:
        reading = read_midi(data)
    except SourceError as error:
        assert str(error)  # noqa: PT017 - both ends are right
    else:
        assert reading.notes[:, ONSET].min() >= 0
        assert reading.notes[:, DURATION].min() >= 1


def test_a_file_without_a_meter_is_in_four() -> None:
    assert read_midi(midi(beats(0, 1))).meters == ((0, FOUR),)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [((2, 2), "4/4"), ((12, 8), "6/8"), ((6, 4), "3/4"), ((4, 8), "2/4"), ((6, 8), "6/8")],
)
def test_meters_of_the_same_bars_are_read_as_those_jamd_speaks(
    written: tuple[int, int], spoken: str
) -> None:
    reading = read_midi(midi(beats(0, 1), [(0, *written)]))
    assert [str(meter) for _, meter in reading.meters] == [spoken]


def test_other_meters_are_left_out() -> None:
    with pytest.raises(SourceError, match="meter 5/4: expected one of 2/4, 3/4, 4/4, 6/8"):
        read_midi(midi(beats(0, 1), [(0, 5, 4)]))


def test_a_change_of_meter_off_the_bar_line_moves_to_the_next() -> None:
    reading = read_midi(midi(beats(0, 5, 6), [(0, 4, 4), (5 * 480, 3, 4)]))
    assert reading.meters == ((0, FOUR), (8 * 480, THREE))
    assert [onset for onset, _, _ in rows(reading)] == [0, 8 * 480, 9 * 480]


def test_a_pickup_in_a_meter_of_its_own_ends_a_full_bar() -> None:
    reading = read_midi(midi(beats(0, 1, 2), [(0, 1, 4), (480, 4, 4)]))
    assert reading.meters == ((0, FOUR),)
    assert [onset for onset, _, _ in rows(reading)] == [3 * 480, 4 * 480, 5 * 480]


def chords_from(first: int, bars: int) -> list[tuple[int, int, int]]:
    return [(first + bar * 1920, 1920, pitch) for bar in range(bars) for pitch in (48, 52, 55)]


def test_a_pickup_that_is_not_written_is_heard() -> None:
    reading = read_midi(midi([*beats(0, pitch=67), *chords_from(480, 12)]))
    onsets = reading.notes[:, ONSET]
    assert onsets[0] == 3 * 480
    assert set((onsets[1:] % 1920).tolist()) == {0}


def test_a_short_loop_keeps_its_own_beginning() -> None:
    reading = read_midi(midi([*beats(0, pitch=67), *chords_from(480, 2)]))
    assert reading.notes[0, ONSET] == 0


def test_empty_bars_at_the_start_go_and_later_ones_are_cut_to_eight() -> None:
    reading = read_midi(midi(beats(8, 9, 4 * 100 + 2)))
    assert [onset / 480 for onset, _, _ in rows(reading)] == [0, 1, 34]
    assert reading.warnings == ("silences cut to 8 bars",)


def test_a_meter_that_begins_in_the_middle_of_an_empty_first_bar_is_the_first() -> None:
    reading = read_midi(midi(beats(5, 6, 7), [(0, 4, 4), (5 * 480, 3, 4)]))
    assert [onset for onset, _, _ in rows(reading)] == [0, 480, 960]
    assert reading.meters == ((0, THREE),)


def test_a_silence_is_cut_by_the_bars_of_its_own_meter() -> None:
    far = 4 * 100
    reading = read_midi(midi(beats(0, far, far + 3), [(0, 4, 4), (far * 480, 3, 4)]))
    (_, _), (tick, meter) = reading.meters
    assert meter == THREE
    assert tick <= 10 * FOUR.ticks_per_bar
    assert [onset - tick for onset, _, _ in rows(reading)][1:] == [0, 3 * 480]


def test_a_reading_survives_its_bytes() -> None:
    reading = read_midi(midi(beats(0, 1, 2), [(0, 3, 4)]))
    again = Reading.from_bytes(reading.to_bytes())
    np.testing.assert_array_equal(again.notes, reading.notes)
    assert (again.voices, again.meters, again.warnings) == (
        reading.voices,
        reading.meters,
        reading.warnings,
    )
