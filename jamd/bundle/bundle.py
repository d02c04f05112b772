"""A model on disk: a folder whose files match its manifest, or which is refused.

    manifest.json      what it is (see `jamd.bundle.manifest`)
    model.onnx         the float32 graph
    model.int8.onnx    the int8 graph: four times smaller, and faster on a CPU
    rehearsal.tokens   excerpts of what it learned from: 16-bit ids, little-endian
    README.md          the model card

A bundle may lack one of the graphs, and the rehearsal. This module imports only the standard
library, so that the front process can read a bundle without loading numpy. Only `Bundle.language`
needs more, and it is the worker that asks for that.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.bundle import network_graph
from jamd.bundle.manifest import Manifest
from jamd.errors import BundleError
from jamd.vocabulary import Vocabulary

if TYPE_CHECKING:
    from jamd.language import Language

MANIFEST = "manifest.json"
CARD = "README.md"
REHEARSAL = "rehearsal.tokens"
GRAPHS = {"float32": "model.onnx", "int8": "model.int8.onnx"}
"""Precision -> file."""

DEFAULT = Path(__file__).parents[1] / "bundles" / "default"
"""The bundle that is shipped with jamd."""

_MOST_MANIFEST_BYTES = 8 << 20  # 65,536 tokens of 100 letters; a real one has 20 kB


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files are present and match its manifest.

    Attributes:
        path: Its folder.
        manifest: Its description of itself.
    """

    path: Path
    manifest: Manifest

    @classmethod
    def read(cls, path: Path) -> Bundle:
        """Read and check the bundle in the folder `path`.

        Sizes are compared before anything large is read, then checksums.

        Raises:
            BundleError: It is missing, truncated, altered, or inconsistent.
        """
        if not path.is_dir():
            raise BundleError(f"expected a bundle's folder at {path}, found none: check the path")
        try:
            manifest = Manifest.parse(_read_manifest(path / MANIFEST))
            for precision, graph in manifest.graphs.items():
                _check_file(path / GRAPHS[precision], graph.bytes, graph.sha256)
                network_graph.check(path / GRAPHS[precision], manifest)
            if (rehearsal := manifest.rehearsal) is not None:
                _check_file(path / REHEARSAL, rehearsal.bytes, rehearsal.sha256)
        except OSError as error:
            raise BundleError(f"cannot read the bundle {path}: {error.strerror}") from error
        except BundleError as error:
            raise BundleError(f"the bundle {path} is refused: {error}") from None
        return cls(path, manifest)

    @property
    def language(self) -> Language:
        """The language that the model speaks, ready to encode and continue music.

        Raises:
            BundleError: It was made for another version of the grid language, or a name of the
                article's language makes no sense.
        """
        if self.manifest.language == "article":
            from jamd.article import Article

            try:
                return Article(Vocabulary(self.manifest.vocabulary))
            except ValueError as error:
                raise BundleError(
                    f"the bundle {self.path} is refused: its vocabulary is broken: {error}"
                ) from None
        from jamd.grid.grid import Grid

        grid = Grid()
        if grid.vocabulary.fingerprint != self.manifest.fingerprint:
            raise BundleError(
                f"the bundle {self.path} is refused: it speaks another version of the grid "
                "language than this jamd; train and export it anew"
            )
        return grid

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions it holds, `float32` before `int8`."""
        return tuple(precision for precision in GRAPHS if precision in self.manifest.graphs)

    def graph_path(self, precision: str) -> Path:
        """The ONNX file of `precision`, `float32` or `int8`.

        Raises:
            BundleError: The bundle has no graph of that precision.
        """
        if precision not in self.manifest.graphs:
            raise BundleError(
                f"expected a {precision} graph in the bundle {self.path}, "
                f"found only {' and '.join(self.precisions)}: export it anew to have both"
            )
        return self.path / GRAPHS[precision]


def resolve(name: str) -> Path:
    """The folder of the bundle called `name`: `default` is the shipped one, anything else a path.

    Raises:
        BundleError: The path is in the home folder of a user who does not exist.
    """
    if name == "default":
        return DEFAULT
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise BundleError(
            f"expected a bundle's folder at {name}, found no such user: check the path"
        ) from error


def expect_replaceable(path: Path) -> None:
    """Refuse a path that `write` would refuse, before any slow work is done.

    Raises:
        BundleError: `path` holds something that is not a bundle, or cannot be written.
    """
    if path.exists() and not (path / MANIFEST).is_file():
        raise BundleError(
            f"expected a new folder or a bundle at {path}, found something else: name another"
        )
    try:
        nearest = next(folder for folder in path.absolute().parents if folder.exists())
        for folder in (nearest, path) if path.exists() else (nearest,):
            with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=folder):
                pass
    except OSError as error:
        raise _cannot_write(path, error) from error


def write(
    path: Path, manifest: Manifest, graphs: Mapping[str, bytes], card: str, rehearsal: bytes = b""
) -> Bundle:
    """Write a bundle whole or not at all, replacing an older bundle if there is one.

    Args:
        path: The folder to write; its parent is made if need be.
        manifest: One that `Manifest.parse` would accept and that describes `graphs`.
        graphs: Precision -> the ONNX file's bytes.
        card: Text of the model card.
        rehearsal: The excerpts that `manifest.rehearsal` describes, if there are any.

    Raises:
        BundleError: `path` holds something that is not a bundle, or it cannot be written, or the
            arguments contradict each other.
    """
    expect_replaceable(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as temporary:
            new = Path(temporary) / "new"
            new.mkdir()
            (new / MANIFEST).write_text(manifest.to_json(), encoding="utf-8", newline="\n")
            (new / CARD).write_text(card, encoding="utf-8", newline="\n")
            for precision, data in graphs.items():
                (new / GRAPHS[precision]).write_bytes(data)
            if rehearsal:
                (new / REHEARSAL).write_bytes(rehearsal)
            Bundle.read(new)
            old = Path(temporary) / "old"
            try:
                if path.exists():
                    path.rename(old)
                new.rename(path)
            except BaseException:  # even Ctrl-C: the old bundle would go with the folder
                if old.exists() and not path.exists():
                    old.rename(path)
                raise
    except OSError as error:
        raise _cannot_write(path, error) from error
    return Bundle(path, manifest)


def _cannot_write(path: Path, error: OSError) -> BundleError:
    return BundleError(f"cannot write the bundle {path}: {error.strerror}; name another folder")


def checksum(data: bytes) -> str:
    """SHA-256 in hexadecimal, as a manifest states it."""
    return hashlib.sha256(data).hexdigest()


def _read_manifest(path: Path) -> bytes:
    if not path.is_file():
        raise BundleError(f"expected a {MANIFEST} in it, found none")
    size = path.stat().st_size
    if size > _MOST_MANIFEST_BYTES:
        raise BundleError(
            f"expected a {MANIFEST} of at most {_MOST_MANIFEST_BYTES} bytes, found {size}"
        )
    return path.read_bytes()


def _check_file(path: Path, size: int, sha256: str) -> None:
    if not path.is_file():
        raise BundleError(f"expected a file {path.name} in it, found none; fetch it again")
    found = path.stat().st_size
    if found != size:
        raise BundleError(
            f"expected {size} bytes in {path.name}, found {found}: it was truncated or replaced"
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        raise BundleError(f"{path.name} was altered: its checksum is not the manifest's")
