"""The reading loop of the article that jamd grew out of, to be measured beside `jamd prepare`.

After Sigurður Skúli, "How to Generate Music using a LSTM Neural Network in Keras" (2017): music21
parses each file, the instruments are separated, and notes and chords become names.

`python -m jamd.bench.article_loop` reads, as JSON, a list of a limit in seconds and paths of MIDI
files. It reads one file after the other until the limit is over, and prints the seconds from the
start of the loop to the end of each.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from music21 import chord, converter, environment, instrument, note


def article_names(paths: Iterable[Path]) -> list[str]:
    """The names of all notes and chords of some MIDI files, as the article reads them.

    music21 is called as the article calls it, on files that it has not seen before: it caches what
    it parses in a folder, which here is an empty temporary one.
    """
    names: list[str] = []
    settings: Any = environment.Environment()  # type: ignore[no-untyped-call]
    before = settings["directoryScratch"]
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch:
        warnings.simplefilter("ignore")
        settings["directoryScratch"] = scratch
        try:
            for path in paths:
                midi: Any = converter.parse(path)
                parts: Any = instrument.partitionByInstrument(midi)
                for element in (parts or midi).recurse().notes:
                    if isinstance(element, note.Note):
                        names.append(str(element.pitch))
                    elif isinstance(element, chord.Chord):
                        names.append(".".join(str(n) for n in element.normalOrder))
        finally:
            settings["directoryScratch"] = before
    return names


def main() -> None:
    """Read, measure and print."""
    limit_s, *paths = json.load(sys.stdin)
    began = time.perf_counter()
    read_s: list[float] = []
    for path in paths:
        article_names([Path(path)])
        read_s.append(time.perf_counter() - began)
        if read_s[-1] > limit_s:
            break
    print(json.dumps(read_s))


if __name__ == "__main__":
    main()
