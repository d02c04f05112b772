"""A corpus on disk: pieces as token ids, their sources, and which are held out.

The format is described in docs/corpus.md. `corpus.json` lists the pieces; `tokens.npy` holds their
tokens end to end, so that a corpus larger than memory can be mapped and read. If not all tokens are
to be learned, as in a jam of which only the player's notes are, `taught.npy` marks those that are.
Three files cannot be replaced atomically, so `corpus.json` has the checksums of the others.

Writing a corpus needs no numpy, which takes as long to import as reading a hundred files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self

from jamd import __version__
from jamd.errors import CorpusError, printable
from jamd.grid.tokens import STYLES
from jamd.lock import only_writer
from jamd.vocabulary import Vocabulary
from jamd.writing import named, written_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT = 1
"""The version of the format that is written; no other is read."""

Split = Literal["train", "held-out"]

TOKENS, TAUGHT = "tokens.npy", "taught.npy"
"""The files beside `corpus.json`."""

_HEADER_BYTES = 128  # as numpy writes for one dimension, with room for the number to grow


@dataclass(frozen=True, slots=True)
class CorpusPiece:
    """One piece of a corpus.

    Attributes:
        id: Its number, from 0.
        source: The file it came from, or files joined by " + ", relative to the folder prepared.
        group: Name that it shares with versions of the same piece
            (`jamd.training.preparing.split.with_versions`).
        split: `train` or `held-out`; the same for all of a group.
        start: Where its tokens begin in `tokens.npy`.
        length: How many tokens it has.
        notes: How many notes it has.
        has_velocity: False if its velocities teach nothing.
    """

    id: int
    source: str
    group: str
    split: Split
    start: int
    length: int
    notes: int
    has_velocity: bool


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source that did not become a piece, and why, in one line."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a corpus holds, without its tokens."""

    path: Path
    language: str
    vocabulary: Vocabulary
    style: str
    pieces: tuple[CorpusPiece, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def name(self) -> str:
        """Its folder's name, in printable form."""
        return printable(self.path.resolve().name)

    def of_split(self, split: Split) -> tuple[CorpusPiece, ...]:
        """The pieces of one side of the split."""
        return tuple(piece for piece in self.pieces if piece.split == split)


@dataclass(frozen=True, slots=True)
class Corpus(Contents):
    """A corpus whose tokens are mapped, not loaded; `sums` are the SHA-256 of its arrays' files."""

    all_tokens: NDArray[np.uint16]
    all_taught: NDArray[np.bool_] | None
    sums: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Corpus:
        """Open the corpus in folder `path`.

        Raises:
            CorpusError: There is no corpus, it has another format, or its files do not match.
        """
        try:
            text = (path / "corpus.json").read_bytes()
        except OSError as error:
            raise CorpusError(
                f"{path}: expected a corpus, found no corpus.json ({error.strerror}); "
                "make one with jamd prepare"
            ) from None
        try:
            head = json.loads(text)
            if head["format"] != FORMAT:
                raise CorpusError(
                    f"{path}: expected a corpus of format {FORMAT}, found {head['format']!r}; "
                    "prepare it again"
                )
            sums = head.get("sha256")  # missing in early corpora of this format
            names = sums or [TOKENS, *([TAUGHT] if (path / TAUGHT).is_file() else [])]
            found = {name: _sha256(path / name) for name in (TOKENS, TAUGHT) if name in names}
            if sums is not None and found != sums:
                raise _mismatch(path)
            corpus = cls(
                path=path,
                language=_one_of(("grid", "article"), head["language"]),
                vocabulary=Vocabulary(head["vocabulary"]),
                style=_one_of(STYLES, head["style"]),
                pieces=tuple(map(_piece, head["pieces"])),
                left_out=tuple(LeftOut(**item) for item in head["left_out"]),
                all_tokens=_mapped(path / TOKENS),
                all_taught=_mapped(path / TAUGHT) if TAUGHT in found else None,
                sums=found,
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            why = printable(str(error))
            raise CorpusError(f"{path}: damaged corpus ({why}); prepare it again") from error
        if not _belong_together(corpus, whole=sums is None):
            raise _mismatch(path)
        return corpus

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of all that is learned from this corpus."""
        pieces = [(one.split, one.start, one.length, one.has_velocity) for one in self.pieces]
        sums = [self.sums[name] for name in (TOKENS, TAUGHT) if name in self.sums]
        told = json.dumps([self.vocabulary.fingerprint, self.style, pieces, sums])
        return hashlib.sha256(told.encode()).hexdigest()

    def tokens(self, piece: CorpusPiece) -> NDArray[np.uint16]:
        """The token ids of a piece, shape (piece.length,), read-only."""
        return self.all_tokens[piece.start : piece.start + piece.length]

    def taught(self, piece: CorpusPiece) -> NDArray[np.bool_] | None:
        """Which tokens of a piece are to be learned, shape (piece.length,); None for all."""
        if self.all_taught is None:
            return None
        return self.all_taught[piece.start : piece.start + piece.length]


def expect_each_once(paths: Iterable[Path]) -> None:
    """Refuse a corpus that is named twice: it would count twice.

    Raises:
        CorpusError: Two of the paths lead to one folder.
    """
    known: set[Path] = set()
    for path in paths:
        if path.resolve() in known:
            raise CorpusError(f"{path}: expected each corpus once, found it twice; name it once")
        known.add(path.resolve())


def names_of(paths: Iterable[Path]) -> list[str]:
    """Names for corpora: of each its folder, with as many parents as tell it from the others."""
    folders = [path.resolve().parts for path in paths]

    def name(folder: tuple[str, ...]) -> str:
        for depth in range(1, len(folder) + 1):
            if sum(other[-depth:] == folder[-depth:] for other in folders) == 1:
                break
        return printable(Path(*folder[-depth:]).as_posix())

    return list(map(name, folders))


def _piece(item: Mapping[str, Any]) -> CorpusPiece:
    # Early corpora of this format also state how far each piece could be transposed.
    told = {name: value for name, value in dict(item).items() if name != "transpose"}
    match CorpusPiece(**told):
        case CorpusPiece(
            int(), str(), str(), "train" | "held-out", int(), int(), int(), bool()
        ) as piece if min(piece.id, piece.start, piece.length, piece.notes) >= 0:
            return piece
    raise ValueError(f"a piece with the fields {told}")


def _one_of(known: Iterable[str], name: str) -> Any:
    """Returns `name` if it is known, or raises ValueError."""
    if name not in known:
        raise ValueError(f"expected one of {', '.join(known)}, found {name!r}")
    return name


def _mapped(path: Path) -> NDArray[Any]:
    """The array in a file, not loaded. Raises ValueError if there is none, or only part of one."""
    from tokenize import TokenError

    import numpy as np

    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (EOFError, MemoryError, SyntaxError, TokenError) as error:  # as it reads the header
        raise ValueError(f"{path.name} does not begin as it should") from error
    return array


def _belong_together(corpus: Corpus, *, whole: bool) -> bool:
    """Whether the arrays hold what `corpus.json` lists; `whole`: and no more than that."""
    import numpy as np

    tokens, taught = corpus.all_tokens, corpus.all_taught
    end = max((piece.start + piece.length for piece in corpus.pieces), default=0)
    if tokens.dtype != np.uint16 or tokens.ndim != 1 or end > len(tokens):
        return False
    if taught is not None and (taught.dtype != np.bool_ or taught.shape != tokens.shape):
        return False
    if whole and end < len(tokens):
        return False
    # corpus.json has no checksum, and may have been edited.
    return not len(tokens) or bool(tokens.max() < len(corpus.vocabulary))


def _mismatch(path: Path) -> CorpusError:
    return CorpusError(f"{path}: corpus.json and {TOKENS} do not belong together; prepare it again")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class CorpusWriter:
    """Writes a corpus piece by piece; except for jams, memory does not grow with the tokens.

    A context manager. An earlier corpus stays until `close`, which replaces it as a whole: it
    survives if the disk fills up while the new one is being written, and a process that is killed
    in the middle of the replacement leaves files that `Corpus.read` refuses.

    Raises:
        BusyError: Another process writes to the folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pieces: list[CorpusPiece] = []
        self._taught: dict[int, NDArray[np.bool_]] = {}  # by the piece's number
        self._length = 0
        self._part = path / f"{TOKENS}.part"
        self._taught_part = path / f"{TAUGHT}.part"
        self._file: BinaryIO
        self._opened: ExitStack

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(only_writer(self._path))
            opened.callback(self._taught_part.unlink, missing_ok=True)
            opened.callback(self._part.unlink, missing_ok=True)
            self._file = opened.enter_context(self._part.open("w+b"))
            self._file.write(bytes(_HEADER_BYTES))
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @property
    def pieces(self) -> tuple[CorpusPiece, ...]:
        return tuple(self._pieces)

    def add(
        self,
        tokens: NDArray[np.uint16] | bytes,
        *,
        source: str,
        group: str,
        split: Split,
        notes: int,
        has_velocity: bool,
        taught: NDArray[np.bool_] | None = None,
    ) -> None:
        """Append a piece; the fields are those of `CorpusPiece`, and `taught` is as in `Corpus`.

        Tokens are ids, or two bytes for each id, the lower first.
        """
        written = tokens if isinstance(tokens, bytes) else tokens.astype("<u2").tobytes()
        self._file.write(written)
        if taught is not None:
            self._taught[len(self._pieces)] = taught
        start, length = self._length, len(written) // 2
        self._pieces.append(
            CorpusPiece(len(self._pieces), source, group, split, start, length, notes, has_velocity)
        )
        self._length += length

    def renumber(self, table: NDArray[np.uint16], block: int = 1 << 20) -> None:
        """Replace every token written so far by its entry in `table`."""
        import numpy as np

        self._file.flush()
        if not self._length:
            return
        shape = (self._length,)
        tokens = np.memmap(self._part, "<u2", "r+", offset=_HEADER_BYTES, shape=shape)
        for start in range(0, self._length, block):
            tokens[start : start + block] = table[tokens[start : start + block]]
        tokens.flush()

    def finish(
        self, *, language: str, vocabulary: Iterable[str], style: str, left_out: Iterable[LeftOut]
    ) -> Corpus:
        """Call `close`, and open the corpus that was written."""
        self.close(language=language, vocabulary=vocabulary, style=style, left_out=left_out)
        return Corpus.read(self._path)

    def close(
        self, *, language: str, vocabulary: Iterable[str], style: str, left_out: Iterable[LeftOut]
    ) -> Contents:
        """Write the header and move the corpus to its place."""
        left_out = tuple(left_out)
        self._file.seek(0)
        self._file.write(npy_header(self._length))
        self._file.close()
        parts = {TOKENS: self._part} | self._write_taught()
        names = Vocabulary(vocabulary)
        head = {
            "format": FORMAT,
            "language": language,
            "style": style,
            "made_by": f"jamd {__version__}",
            "sha256": {name: _sha256(part) for name, part in parts.items()},
            "vocabulary": list(names.tokens),
        }
        text = (
            f"{json.dumps(head, ensure_ascii=False, indent=1)[:-2]},\n"
            f' "pieces": {_listed(self._pieces)},\n "left_out": {_listed(left_out)}\n}}'
        )
        with written_whole(self._path / "corpus.json") as new:
            new.write_text(text, encoding="utf-8")
            for name, part in parts.items():  # only now that everything is written
                part.replace(self._path / name)
        if TAUGHT not in parts:  # one left there would belong to the earlier corpus
            (self._path / TAUGHT).unlink(missing_ok=True)
        return Contents(self._path, language, names, style, self.pieces, left_out)

    def _write_taught(self) -> dict[str, Path]:
        """Write which tokens are to be learned, unless all are; the file by its final name."""
        if not self._taught:
            return {}
        import numpy as np

        taught = np.ones(self._length, np.bool_)
        for number, own in self._taught.items():
            start = self._pieces[number].start
            taught[start : start + len(own)] = own
        with named(self._taught_part), self._taught_part.open("wb") as file:
            np.save(file, taught)
        return {TAUGHT: self._taught_part}


def npy_header(tokens: int) -> bytes:
    """The header of a .npy file of this many tokens: format 1.0, as numpy describes it."""
    described = f"{{'descr': '<u2', 'fortran_order': False, 'shape': ({tokens},), }}"
    size = _HEADER_BYTES - 10
    return b"\x93NUMPY\x01\x00" + size.to_bytes(2, "little") + f"{described:<{size - 1}}\n".encode()


def _listed(items: Iterable[CorpusPiece | LeftOut]) -> str:
    """Dataclasses of plain values as JSON, indented as by json.dumps, one level deep.

    With its own `indent` json falls back to Python, and took longer than writing everything else.
    """
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",\n   ", ": ")).encode
    texts = [
        encode({field.name: getattr(item, field.name) for field in fields(item)})[1:-1]
        for item in items
    ]
    return "[\n  {\n   " + "\n  },\n  {\n   ".join(texts) + "\n  }\n ]" if texts else "[]"
