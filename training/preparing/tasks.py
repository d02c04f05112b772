"""What `jamd prepare` does in other processes: reading files and writing pieces.

Modules that the parent does not need, above all symusic and numpy, are imported where a file is
read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.errors import SourceError
from jamd.training.preparing.store import Read, key_of
from jamd.training.preparing.worker_pool import LimitError

if TYPE_CHECKING:
    from jamd.training.preparing.parts import Table
    from jamd.training.preparing.reading import Reading

FEWEST_NOTES = 2
"""In a file with fewer notes, no note follows from another."""


@dataclass(frozen=True, slots=True)
class FileTask:
    """A file to read.

    Attributes:
        path: The file.
        is_score: Whether music21 has to read it.
        style: Style of its pieces, if they are to be written in the grid language as well; None to
            only read them.
        bars: A piece with fewer bars is only read: it will be joined to others.
        content: The bytes of a MIDI file, if they have been read already.
        key: What its result is kept under, as from `key_of`; None if it is not kept.
    """

    path: Path
    is_score: bool
    style: str | None = None
    bars: int = 0
    content: bytes | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PieceTask:
    """Readings (`Reading.to_bytes`) to join into one piece and write in a language."""

    readings: tuple[bytes, ...]
    language: str
    style: str


@dataclass(frozen=True, slots=True)
class Written:
    """A piece in a language.

    Attributes:
        tokens: Token ids for the grid language, two bytes each, the lower first; names for the
            article's.
        notes: How many notes it has.
        has_velocity: As in `Piece`.
    """

    tokens: bytes | tuple[str, ...]
    notes: int
    has_velocity: bool


def read_and_write(task: FileTask) -> tuple[tuple[Read, Written | None], ...]:
    """The usable pieces of a file, each also written in the grid language if asked for.

    The second item is None if a piece is only to be read, or cannot be written because it keeps no
    beat; `write_piece` gives the reason.

    Raises:
        SourceError: The file has no usable pieces.
        LimitError: The file is not the one that has the task's key.
    """
    from jamd.training.preparing.parts import to_table

    pieces = []
    for reading, read in _pieces(task):
        written = None
        if task.style is not None and read.bars >= task.bars and reading.beat:
            written = _in_grid(to_table(reading), task.style)
        pieces.append((read, written))
    return tuple(pieces)


def _pieces(task: FileTask) -> Iterator[tuple[Reading, Read]]:
    """The usable pieces of a file; the first has a warning about those left out."""
    readings: Sequence[Reading | SourceError]
    content = task.path.read_bytes() if task.content is None else task.content
    if task.key not in (None, key_of(content, task.path.suffix, task.is_score)):
        raise LimitError("it changed while the corpus was being prepared; prepare it again")
    if not content:
        raise SourceError("an empty file")
    if task.is_score:
        from jamd.training.preparing.score_file import read_score

        readings = read_score(task.path)
    else:
        from jamd.training.preparing.midi_file import read_midi

        readings = [read_midi(content)]
    pieces, refused = [], []
    for reading in readings:
        try:
            if isinstance(reading, SourceError):
                raise reading
            pieces.append((reading, _facts(reading)))
        except SourceError as error:
            refused.append(error)
    if not pieces:
        raise refused[0]
    if refused:
        reading, read = pieces[0]
        warning = f"{len(refused)} of its {len(readings)} pieces left out, the first: {refused[0]}"
        pieces[0] = reading, replace(read, warnings=(*read.warnings, warning))
    yield from pieces


def _facts(reading: Reading) -> Read:
    from jamd.training.preparing.parts import pitched
    from jamd.training.preparing.pieces import bars_of, group_of
    from jamd.training.preparing.reading import PITCH

    notes = pitched(reading)
    if len(notes) < FEWEST_NOTES:
        raise SourceError(f"too short: expected {FEWEST_NOTES} notes or more, found {len(notes)}")
    warnings = reading.warnings
    if len(notes) > 16 and notes[:, PITCH].min() == notes[:, PITCH].max():
        warnings = (*warnings, "every note has the same pitch")
    return Read(reading.to_bytes(), *group_of(notes), bars_of(reading), warnings)


def write_piece(task: PieceTask) -> Written:
    """Write a piece in the language asked for.

    Raises:
        SourceError: The language counts beats, and the piece keeps none.
    """
    from jamd.training.preparing.parts import to_table
    from jamd.training.preparing.pieces import join
    from jamd.training.preparing.reading import Reading

    readings = [Reading.from_bytes(data) for data in task.readings]
    if task.language == "grid" and not all(reading.beat for reading in readings):
        raise SourceError("a performance that keeps no beat, and none could be found in it")
    piece = join([to_table(reading) for reading in readings])
    if task.language == "grid":
        return _in_grid(piece, task.style)
    from jamd.article import names

    in_names = tuple(names(piece.to_piece(task.style).notes))
    return Written(in_names, len(piece.notes), piece.has_velocity)


def _in_grid(piece: Table, style: str) -> Written:
    from jamd.grid.encoding import encode
    from jamd.training.preparing.reading import columns

    tokens = encode(columns(piece.notes, piece.lead), piece.meters, style)
    return Written(tokens.astype("<u2").tobytes(), len(piece.notes), piece.has_velocity)
