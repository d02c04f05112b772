"""Which files `jamd prepare` was asked to read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jamd.errors import SourceError
from jamd.training.score_file import CORPUS, corpus_paths
from jamd.training.score_file import SUFFIXES as SCORE_SUFFIXES

MIDI_SUFFIXES = frozenset({".mid", ".midi", ".kar", ".rmi"})
"""Suffixes of MIDI files, in lower case."""

SUFFIXES = MIDI_SUFFIXES | SCORE_SUFFIXES


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A file to read.

    Attributes:
        name: Where it was found, relative to the folder that was given, with forward strokes.
        path: The file itself.
    """

    name: str
    path: Path

    @property
    def is_score(self) -> bool:
        """Whether music21 is to read it."""
        return self.path.suffix.lower() not in MIDI_SUFFIXES

    @property
    def folder(self) -> str:
        """The folder part of its name."""
        return self.name.rpartition("/")[0]


def find_sources(given: Iterable[str]) -> list[Source]:
    """All files that `given` names, sorted by name, each once.

    Args:
        given: Folders (searched through and through for files with one of `SUFFIXES`, in upper or
            lower case), files (whatever their suffix) and names of music21's corpus
            (`music21:bach`).

    Raises:
        SourceError: One of them is not there, or none holds a file to read.
    """
    found: dict[Path, Source] = {}
    for item in given:
        for source, file in _expand(item):
            found.setdefault(file, source)
    if not found:
        kinds = " ".join(sorted(SUFFIXES))
        raise SourceError(f"expected files of music ({kinds}), found none in {printable(given)}")
    return sorted(found.values())


def _expand(item: str) -> Iterator[tuple[Source, Path]]:
    """What `item` names, each with the file itself, whatever links lead to it."""
    if item.startswith(CORPUS):
        for path in corpus_paths(item):
            yield Source(f"{CORPUS}{path.parent.name}/{path.name}", path), path.resolve()
        return
    top = Path(item)
    if top.is_file():
        yield Source(top.name, top), top.resolve()
    elif top.is_dir():
        for folder, _, names in os.walk(top):
            inside = Path(folder).relative_to(top).parts
            real = Path(folder).resolve()  # once for all: it looks at every folder on the way
            for name in names:
                path = Path(folder, name)
                if path.suffix.lower() in SUFFIXES and path.is_file():
                    file = path.resolve() if path.is_symlink() else real / name
                    yield Source("/".join((*inside, name)), path), file
    else:
        raise SourceError(f"{printable([item])}: expected a file or a folder, found neither")


def printable(names: Iterable[str]) -> str:
    """Names fit to be shown: control characters, escapes and the undecodable are escaped."""
    return ", ".join(
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
        for name in names
    )
