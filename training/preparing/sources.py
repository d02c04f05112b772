"""Which files `jamd prepare` was asked to read."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jamd.errors import SourceError, printable
from jamd.training.corpus import LeftOut

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
class SourceFile:
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


def find_sources(given: Iterable[str]) -> tuple[list[SourceFile], list[LeftOut]]:
    """All files that `given` names, sorted by name, each once; and what is left out of them.

    Args:
        given: Folders (searched recursively, links to folders included, for files with one of
            `SUFFIXES`, in upper or lower case), files (whatever their suffix) and names in
            music21's corpus (`music21:bach`).

    Returns:
        The sources; and the files and folders that could not be opened.

    Raises:
        SourceError: One of them is missing, or none holds a file to read.
    """
    found: dict[Path, SourceFile] = {}
    left_out: list[LeftOut] = []
    for item in given:
        for source, file in _expand(item, left_out):
            found.setdefault(file, source)
    if not found:
        kinds = " ".join(sorted(SUFFIXES))
        names = ", ".join(map(printable, given))
        because = [f"; {item.source} was left out: {item.reason}" for item in left_out[:1]]
        raise SourceError(
            f"expected files of music ({kinds}), found none in {names}{''.join(because)}"
        )
    return sorted(found.values()), left_out


def _expand(item: str, left_out: list[LeftOut]) -> Iterator[tuple[SourceFile, Path]]:
    """The sources that `item` names, each with its file, all links resolved."""
    if item.startswith(CORPUS):
        for path in corpus_paths(item):
            yield SourceFile(f"{CORPUS}{path.parent.name}/{path.name}", path), path.resolve()
        return
    top = Path(item)
    if top.is_file():
        yield SourceFile(printable(top.name), top), top.resolve()
    elif top.is_dir():
        yield from _search(top, left_out)
    else:
        raise SourceError(f"{printable(item)}: expected a file or a folder, found neither")


def _search(top: Path, left_out: list[LeftOut]) -> Iterator[tuple[SourceFile, Path]]:
    """As `_expand`, of a folder."""

    def leave_out(path: Path, reason: str) -> None:
        left_out.append(LeftOut(_name(path, top), reason))

    def cannot_open(error: OSError) -> None:
        leave_out(Path(error.filename), f"cannot be opened: {error.strerror}")

    for folder, real, names in _folders(top, cannot_open):
        for name in names:
            path = folder / name
            is_music = path.suffix.lower() in SUFFIXES
            try:
                if not is_music and not path.is_symlink():
                    continue
                mode = path.stat().st_mode
            except OSError as error:  # a link that leads nowhere may have led to a folder
                cannot_open(error)
                continue
            if is_music and not stat.S_ISREG(mode):
                leave_out(path, "expected a file, found a pipe or a device")
            elif is_music:
                file = path.resolve() if _is_link(path) else real / name
                yield SourceFile(_name(path, top), path), file


def _folders(
    top: Path, cannot_open: Callable[[OSError], None]
) -> Iterator[tuple[Path, Path, list[str]]]:
    """Each folder in `top` once, its path with all links resolved, and the names of its files.

    Folders behind links come last, so that a file that can also be reached without a link is named
    without it.
    """
    waiting, known = deque([top]), set[Path]()
    while waiting:
        for folder, folders, names in os.walk(waiting.popleft(), onerror=cannot_open):
            real = Path(folder).resolve()  # once per folder: it looks at every folder on the path
            if real in known:  # a link may lead back to a folder that contains it
                folders.clear()
                continue
            known.add(real)
            folders.sort()
            waiting += [path for name in folders if _is_link(path := Path(folder, name))]
            yield Path(folder), real, sorted(names)


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:  # its folder allows only that names are listed
        return False


def _name(path: Path, top: Path) -> str:
    """What `path`, found in the folder `top`, or `top` itself is called."""
    return printable("/".join(path.relative_to(top).parts) or str(top))


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
