"""Scores (MusicXML, ABC and music21's own corpus) -> `Reading`s, through music21.

A score knows its bars, so the notes are laid out measure by measure: each measure begins on a bar
line, a pickup stands at the end of an otherwise empty first bar, and the halves of a measure that a
repeat sign splits are joined again. Tied notes are one note. Grace notes and chord symbols are
dropped; repeats are not played out; silences are cut as those of MIDI files are. A score's dynamics
are marks, not velocities: it has none.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jamd.errors import SourceError, printable
from jamd.notes import TICKS_PER_BEAT, Meter, Tick
from jamd.training.preparing.bars import MOST_EMPTY_BARS, cut_silences
from jamd.training.preparing.reading import DURATION, ONSET, Reading, Voice, as_spoken, in_order

UNMARKED = 80
"""The MIDI velocity of every note: a reading must have some."""


def read_score(path: Path) -> list[Reading | SourceError]:
    """The notes of each piece of a score file, or why it cannot be used; an ABC file may hold many.

    Raises:
        SourceError: music21 cannot read the file, or there is no piece in it.
    """
    from music21 import converter, stream

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # music21 warns of each mark it ignores
        try:
            parsed: Any = converter.parse(path, forceSource=True, storePickle=False)
            scores = list(parsed.scores) if isinstance(parsed, stream.Opus) else [parsed]
            readings = [_read_or_refuse(score) for score in scores]
        except Exception as error:  # a bad file can make music21 raise anything
            raise SourceError(f"music21 cannot read it: {_first_line(error)}") from error
    if not readings:
        raise SourceError("no notes")
    return readings


def _read_or_refuse(score: Any) -> Reading | SourceError:
    try:
        return _read_one(score)
    except SourceError as error:
        return error


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    # The message may contain the file's name, which need not be valid text.
    return f"{type(error).__name__}: {printable(lines[0][:200])}" if lines else type(error).__name__


def _read_one(score: Any) -> Reading:
    from music21 import stream

    parts = list(score.parts) or [score]
    if not any(part.hasMeasures() for part in parts):
        parts = [part.makeMeasures() for part in parts]
    columns = [list(part.getElementsByClass(stream.Measure)) for part in parts]
    if not any(columns):
        raise SourceError("no measures")
    starts, meters = _lay_out(columns)
    rows: list[tuple[int, int, int, int, int]] = []
    voices = []
    for voice, (part, measures) in enumerate(zip(parts, columns, strict=True)):
        voices.append(_voice(part))
        rows += _notes(measures, starts, voice)
    if not rows:
        raise SourceError("no notes")
    table = np.array(sorted(rows), np.int64)
    if table[0, ONSET] < 0:  # as after a <backup> that is too long
        raise SourceError("a note before the beginning of the first bar")
    table[:, DURATION] = np.maximum(table[:, DURATION], 1)
    table, changes, cut = cut_silences(table, list(meters))
    return Reading(
        in_order(table.astype(np.int32)),
        tuple(voices),
        tuple((Tick(tick), meter) for tick, meter in changes),
        has_velocity=False,
        warnings=(f"silences cut to {MOST_EMPTY_BARS} bars",) if cut else (),
    )


def _voice(part: Any) -> Voice:
    from music21 import stream

    instrument = part.getInstrument(returnDefault=False)
    name = part.partName or ""
    drums = getattr(instrument, "midiChannel", None) == 9
    staves = 2 if isinstance(part, stream.PartStaff) else 1
    return Voice(name, drums, staves)


def _lay_out(columns: list[list[Any]]) -> tuple[list[int], tuple[tuple[Tick, Meter], ...]]:
    """Where each measure begins, in ticks, and the meters.

    Args:
        columns: The measures of each part.
    """
    starts: list[int] = []
    meters: list[tuple[Tick, Meter]] = []
    line, place = 0, 0  # the last bar line, and where the next measure would continue
    spoken = Meter(4, 4)
    for index in range(max(map(len, columns))):
        row = [measures[index] for measures in columns if index < len(measures)]
        written = next((m.timeSignature for m in row if m.timeSignature is not None), None)
        if written is not None:
            spoken = as_spoken(Meter(written.numerator, written.denominator))
        bar = spoken.ticks_per_bar
        length = max(_ticks(measure.highestTime) for measure in row)
        changed = not meters or meters[-1][1] != spoken
        if index == 0 and length < bar:
            place = bar - length
        elif place > line and (changed or place - line + length > bar):
            place = line = line + bar * -(-(place - line) // bar)
        if changed:
            meters.append((Tick(line), spoken))
        starts.append(place)
        place += length
        while place - line >= bar:
            line += bar
    return starts, tuple(meters)


def _notes(
    measures: list[Any], starts: list[int], voice: int
) -> Iterator[tuple[int, int, int, int, int]]:
    """(onset, duration, pitch, velocity, voice) of one part, tied notes as one."""
    tied: dict[int, tuple[int, int]] = {}  # pitch -> onset and end so far
    for measure, start in zip(measures, starts, strict=False):
        for offset, element in _elements(measure):
            onset = start + _ticks(offset)
            length = _ticks(element.quarterLength)
            for note in getattr(element, "notes", (element,)):
                pitch = note.pitch.midi
                if not 0 <= pitch <= 127:
                    continue
                tie = (note.tie or element.tie) and (note.tie or element.tie).type
                began, end = tied.pop(pitch, (onset, onset))
                if tie not in ("continue", "stop") or end != onset:
                    if end > began:  # a tie that no note continues
                        yield began, end - began, pitch, UNMARKED, voice
                    began = onset
                if tie in ("start", "continue"):
                    tied[pitch] = began, onset + length
                else:
                    yield began, onset + length - began, pitch, UNMARKED, voice
    for pitch, (began, end) in tied.items():
        yield began, end - began, pitch, UNMARKED, voice


def _elements(measure: Any) -> Iterator[tuple[float, Any]]:
    """(offset in the measure, note or chord), by time, without what has no pitch or length."""
    from music21 import harmony, note, percussion

    found = [(element.offset, element) for element in measure.notes]
    for voice in measure.voices:
        found += [(voice.offset + element.offset, element) for element in voice.notes]
    for offset, element in sorted(found, key=lambda pair: pair[0]):
        dropped = (harmony.Harmony, note.Unpitched, percussion.PercussionChord)
        if not element.duration.isGrace and not isinstance(element, dropped):
            yield offset, element


def _ticks(quarters: Any) -> int:
    """Ticks for one of music21's offsets, which are floats or fractions of a quarter note."""
    ticks: int = round(quarters * TICKS_PER_BEAT)
    return ticks
