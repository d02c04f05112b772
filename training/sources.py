"""Which files `jamd prepare` was asked to read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jamd.errors import SourceError, printable

MIDI_SUFFIXES = frozenset({".mid", ".midi", ".kar", ".rmi"})
"""Suffixes of MIDI files, in lower case."""

SCORE_SUFFIXES = frozenset({".musicxml", ".xml", ".mxl", ".abc"})
"""Suffixes of score files, in lower case."""

CORPUS = "music21:"
"""Prefix of a source in music21's own corpus."""

ANALYSIS = ".rntxt"
"""Suffix of the analyses in music21's corpus: Roman numerals about scores, which are not music."""

SUFFIXES = MIDI_SUFFIXES | SCORE_SUFFIXES


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A file to read.

    Attributes:
        name: Where it was found, relative to the folder that was given, with forward slashes and in
            printable form, because a file's name need not be valid text.
        path: The file itself.
    """

    name: str
    path: Path

    @property
    def is_score(self) -> bool:
        """Whether music21 has to read it."""
        return self.path.suffix.lower() not in MIDI_SUFFIXES

    @property
    def folder(self) -> str:
        """The folder part of its name."""
        return self.name.rpartition("/")[0]


def find_sources(given: Iterable[str]) -> list[Source]:
    """All files that `given` names, sorted by name, each once.

    Args:
        given: Folders (searched recursively for files with one of `SUFFIXES`, in upper or lower
            case), files (whatever their suffix) and names in music21's corpus (`music21:bach`).

    Raises:
        SourceError: One of them is missing, or none holds a file to read.
    """
    found: dict[Path, Source] = {}
    for item in given:
        for source, file in _expand(item):
            found.setdefault(file, source)
    if not found:
        kinds = " ".join(sorted(SUFFIXES))
        names = ", ".join(map(printable, given))
        raise SourceError(f"expected files of music ({kinds}), found none in {names}")
    return sorted(found.values())


def _expand(item: str) -> Iterator[tuple[Source, Path]]:
    """The sources that `item` names, each with its file, all links resolved."""
    if item.startswith(CORPUS):
        for path in corpus_paths(item):
            yield Source(f"{CORPUS}{path.parent.name}/{path.name}", path), path.resolve()
        return
    top = Path(item)
    if top.is_file():
        yield Source(printable(top.name), top), top.resolve()
    elif top.is_dir():
        for folder, _, names in os.walk(top):
            inside = Path(folder).relative_to(top).parts
            real = Path(folder).resolve()  # once per folder: it looks at every folder on the path
            for name in names:
                path = Path(folder, name)
                if path.suffix.lower() in SUFFIXES and path.is_file():
                    file = path.resolve() if path.is_symlink() else real / name
                    yield Source(printable("/".join((*inside, name))), path), file
    else:
        raise SourceError(f"{printable(item)}: expected a file or a folder, found neither")


def corpus_paths(name: str) -> list[Path]:
    """The files of music21's own corpus that `name` stands for.

    Args:
        name: `music21:` and a composer (`bach`) or the path of a work (`bach/bwv66.6`).

    Raises:
        SourceError: The corpus has no such composer or work.
    """
    from music21 import corpus
    from music21.exceptions21 import CorpusException

    wanted = name.removeprefix(CORPUS)
    paths = [Path(path) for path in corpus.getComposer(wanted)] if wanted else []
    if not paths:
        try:
            found: Any = corpus.getWork(wanted)
        except CorpusException:
            raise SourceError(
                f"{name}: expected a composer or a work in music21's corpus, "
                "like music21:bach or music21:bach/bwv66.6"
            ) from None
        paths = [Path(path) for path in (found if isinstance(found, list) else [found])]
    return sorted(path for path in paths if path.suffix != ANALYSIS)
