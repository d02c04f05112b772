"""Cut the openings for `jamd measure pickups` out of corpora.

Usage: python cut_openings.py CORPUS… > jamd/measure/openings.txt

The corpora are those of the default model, as `jamd recipe` prepares them: jazz, song and piano. Of
their held-out pieces, which no model has learned, only the tune is taken: the highest Lead note of
each onset. jamd/measure/pickups.py defines what an opening is.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from jamd.grid.grid import Grid
from jamd.measure.performances import Performance, written
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Part, Piece, Tick
from jamd.training.corpus import Corpus

BPM = 100.0
FEWEST, MOST = 8, 24
EACH, OF_A_PIECE = 60, 4
REST, SILENCE = TICKS_PER_BEAT, 2 * TICKS_PER_BEAT


def main(corpora: list[Path]) -> None:
    """Print the file; the same corpora give the same file."""
    for path in corpora:
        corpus = Corpus.read(path)
        pieces = corpus.of_split("held-out")
        found = [
            opening
            for piece in random.Random(0).sample(pieces, len(pieces))
            for opening in openings(Grid().decode(corpus.tokens(piece).tolist()))
        ]
        for kind in ("downbeat", "pickup"):
            kept = [o for o in found if (o[1][0].onset == 0) == (kind == "downbeat")][:EACH]
            for number, (meter, notes) in enumerate(kept):
                name = f"{kind}_{number}"
                print(written(Performance(path.name, name, BPM, meter, notes, frozenset())))


def openings(piece: Piece) -> list[tuple[Meter, tuple[Note, ...]]]:
    """The first openings in a piece, each counted from the bar line of its first note."""
    highest = {n.onset: n for n in sorted(piece.notes) if n.part is Part.LEAD}
    found = [
        (meter, tuple(Note(Tick(n.onset - bar), n.pitch, duration=n.duration) for n in notes))
        for notes in phrases(list(highest.values()))
        for meter, bar in bar_of(notes, piece)
    ]
    return found[:OF_A_PIECE]


def phrases(line: list[Note]) -> Iterator[list[Note]]:
    """Stretches after a rest, up to a silence or `MOST` notes, if they have `FEWEST` or more."""
    for first, note in enumerate(line):
        if first and note.onset - line[first - 1].end < REST:
            continue
        notes = [note]
        for following in line[first + 1 :]:
            if len(notes) == MOST or following.onset - notes[-1].end >= SILENCE:
                break
            notes.append(following)
        if len(notes) >= FEWEST:
            yield notes


def bar_of(notes: list[Note], piece: Piece) -> Iterator[tuple[Meter, Tick]]:
    """The meter and the first bar line, if there is one meter and any pickup is at most a pulse."""
    since, meter = next(m for m in reversed(piece.meters) if m[0] <= notes[0].onset)
    into = (notes[0].onset - since) % meter.ticks_per_bar
    changes = any(notes[0].onset < tick <= notes[-1].onset for tick, _ in piece.meters)
    if not changes and (into == 0 or meter.ticks_per_bar - into <= meter.ticks_per_pulse):
        yield meter, Tick(notes[0].onset - into)


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]])
