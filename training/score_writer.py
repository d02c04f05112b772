"""Notes -> a score, through music21: MIDI as the article writes it, or MusicXML for reading."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

from jamd.errors import UserError
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Part
from jamd.writing import written_whole

MIDI = "midi"
FORMATS = {".mid": MIDI, ".midi": MIDI, ".musicxml": "musicxml", ".xml": "musicxml"}
"""Suffix of a file, in lower case -> music21's name for its format."""


def write_score(notes: Sequence[Note], bpm: float, path: Path, meter: Meter = Meter(4, 4)) -> None:
    """Write music, a staff for each part, in the format that the suffix of `path` names.

    Args:
        notes: Sorted by onset; not empty.
        bpm: Quarter notes per minute.
        path: The file; replaced if it exists.
        meter: The meter.

    Raises:
        UserError: The suffix is not in `FORMATS`.
    """
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{path}: expected a name ending in one of {', '.join(FORMATS)}")
    import music21

    m21: Any = music21  # it carries no types
    score = m21.stream.Score()
    score.metadata = m21.metadata.Metadata(title=path.stem, composer="jamd")
    for part, name in ((Part.LEAD, "Lead"), (Part.COMP, "Comp")):
        own = [note for note in notes if note.part is part]
        if not own:
            continue
        staff = m21.stream.Part()
        staff.partName = name
        piano = m21.instrument.Piano()
        piano.partName = name  # which names the track of a MIDI file
        staff.insert(0, piano)
        staff.insert(0, m21.meter.TimeSignature(str(meter)))
        staff.insert(0, m21.tempo.MetronomeMark(number=bpm))
        for (onset, _), struck in groupby(own, key=lambda note: (note.onset, note.duration)):
            staff.insert(_quarters(onset), _element(list(struck)))
        score.insert(0, staff)
    with written_whole(path) as new:
        score.write(FORMATS[path.suffix.lower()], fp=new)


def _element(struck: Sequence[Note]) -> Any:
    """A note, or a chord of notes of equal length."""
    from music21 import chord, note, pitch

    pitches = [pitch.Pitch(midi=one.pitch) for one in struck]
    element: Any = note.Note(pitches[0]) if len(pitches) == 1 else chord.Chord(pitches)
    element.quarterLength = _quarters(struck[0].duration)
    element.volume.velocity = max(one.velocity for one in struck)
    return element


def _quarters(ticks: int) -> Fraction:
    return Fraction(ticks, TICKS_PER_BEAT)
