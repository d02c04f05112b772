"""The reading loop of the article that jamd grew out of, to be measured beside `jamd prepare`.

After Sigurður Skúli, "How to Generate Music using a LSTM Neural Network in Keras" (2017): music21
parses each file, the instruments are separated, and notes and chords become names. Nothing else
uses this module.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def article_names(paths: Iterable[Path]) -> list[str]:
    """The names of all notes and chords of some MIDI files, as the article reads them.

    music21 is called as the article calls it, on files that it has not seen before: it caches what
    it parses in a folder, which here is an empty temporary one.
    """
    from music21 import chord, converter, environment, instrument, note

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
