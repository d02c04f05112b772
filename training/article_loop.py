"""The reading loop of the article that jamd grew out of, to be measured beside `jamd prepare`.

After Sigurður Skúli, "How to Generate Music using a LSTM Neural Network in Keras" (2017): music21
parses each file, the first instrument's notes and chords become names. Nothing else uses this.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def article_names(paths: Iterable[Path]) -> list[str]:
    """The names of all notes and chords of some MIDI files, as the article reads them.

    music21 is told not to use its cache of files parsed before.
    """
    from music21 import chord, converter, instrument, note

    names: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in paths:
            midi: Any = converter.parse(path, forceSource=True, storePickle=False)
            parts: Any = instrument.partitionByInstrument(midi)
            elements = parts.parts[0].recurse() if parts else midi.flatten().notes
            for element in elements:
                if isinstance(element, note.Note):
                    names.append(str(element.pitch))
                elif isinstance(element, chord.Chord):
                    names.append(".".join(str(n) for n in element.normalOrder))
    return names
