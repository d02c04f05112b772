"""A training run on disk; docs/runs.md describes its files.

Each file is replaced as a whole, so that a kill at any moment leaves a run that can be resumed.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import keras

from jamd.errors import CorpusError, printable
from jamd.training.corpus import Corpus
from jamd.training.learning.network import (
    ArticleSize,
    GridSize,
    article_network,
    grid_network,
)
from jamd.training.learning.precision import Precision
from jamd.training.learning.run_folder import RUN
from jamd.vocabulary import Vocabulary
from jamd.writing import written_whole

FORMAT = 1
"""The version of the format that is written; no other is read."""

Preset = Literal["default", "tiny"]

ARTICLE_EPOCHS = 200
"""For how many epochs the article trains."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train. Settings that a language does not use are ignored.

    Attributes:
        units: Width of each LSTM layer.
        layers: LSTM layers of a grid network; the article's has three.
        inner: Width of a grid network's embedding, or of an article network's Dense layers.
        dropout: Share of values dropped, 0..1.
        weight_drop: Share of a grid network's weights from one step to the next that are dropped,
            0..1.
        rows: Rows, or windows, in a batch.
        window: Tokens in a window of the grid network; an article network's has 32.
        rate: The highest learning rate, after the warm-up.
        epoch_steps: Batches in an epoch; an article network's ends earlier once all is read.
        epochs: When to stop, if `minutes` is None.
        minutes: Wall time after which to stop.
        seed: Seed of the initial weights, the order of pieces, their keys and the dropout.
        oversample: Repeat an article's windows until each next name has this many; 0 to leave them.
        faithful: Train an article network with the article's faults: windows cross pieces, and
            held-out pieces are ignored, so that the best epoch is the one with the lowest training
            loss. Music that the run writes has the article's faults, too.
        precision: The precision to compute in (`jamd.training.learning.precision`); weights are
            float32.
    """

    units: int = 384
    layers: int = 2
    inner: int = 256
    dropout: float = 0.1
    weight_drop: float = 0.0
    rows: int = 64
    window: int = 128
    rate: float = 3e-3
    epoch_steps: int = 100
    epochs: int = 40
    minutes: float | None = None
    seed: int = 1
    oversample: int = 0
    faithful: bool = False
    precision: Precision = "auto"


_SETTINGS: Mapping[tuple[str, Preset], Settings] = {
    ("grid", "default"): Settings(),
    ("grid", "tiny"): Settings(
        units=32, layers=1, inner=16, rows=16, window=64, rate=1e-2, epoch_steps=25, epochs=20
    ),
    # The article's numbers, except `ARTICLE_EPOCHS`: more than 30 epochs overfit a small corpus.
    ("article", "default"): Settings(
        units=512, inner=256, dropout=0.3, rate=1e-3, epoch_steps=1_000_000, epochs=30
    ),
    ("article", "tiny"): Settings(
        units=24, inner=16, dropout=0.1, rate=3e-3, epoch_steps=60, epochs=3
    ),
}


_BESIDE_WEIGHTS = 8192
"""More bytes than HDF5 writes for each array beside what it holds."""

_MAY_BE_ZERO = ("seed", "oversample", "dropout", "weight_drop")


def preset(language: str, name: Preset) -> Settings:
    """The settings to start from for a language, `grid` or `article`."""
    return _SETTINGS[language, name]


@dataclass(frozen=True, slots=True)
class RunCorpus:
    """A corpus that a run reads.

    Attributes:
        path: Where it was when the run began.
        style: One of `jamd.grid.tokens.STYLES`.
        share: Its style's share of what is read, 0..1.
        pieces: How many pieces are for training.
        tokens: How many tokens these have.
        fingerprint: What `Corpus.fingerprint` was; "" in early runs.
    """

    path: str
    style: str
    share: float
    pieces: int
    tokens: int
    fingerprint: str = ""

    @classmethod
    def of(cls, corpus: Corpus, style: str, share: float, pieces: int) -> RunCorpus:
        """For `corpus` as it is now; takes its path, tokens and fingerprint from it."""
        return cls(
            path=str(corpus.path.resolve()),
            style=style,
            share=share,
            pieces=pieces,
            tokens=sum(piece.length for piece in corpus.of_split("train")),
            fingerprint=corpus.fingerprint,
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run goes on from, so that a bundle made from it can state it.

    Attributes:
        name: Name of the bundle or run.
        sources: What that one learned from: name of a set -> who made it, and its licence.
        given: What was given to learn from, as on the command line.
    """

    name: str
    sources: Mapping[str, str]
    given: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What is trained, on what and how.

    Attributes:
        path: The run's folder.
        language: `grid` or `article`.
        vocabulary: The language's tokens.
        settings: How it is trained.
        sources: What it reads.
        versions: Versions of jamd, Keras and its backend, on which the result depends too.
        origin: What it goes on from; None if it begins from scratch.
    """

    path: Path
    language: str
    vocabulary: Vocabulary
    settings: Settings
    sources: tuple[RunCorpus, ...]
    versions: Mapping[str, str]
    origin: Origin | None = None

    @classmethod
    def read(cls, path: Path) -> Run:
        """Open the run in folder `path`.

        Raises:
            CorpusError: There is no run, it has another format, or it is damaged.
        """
        try:
            head = json.loads((path / RUN).read_text(encoding="utf-8"))
            if head["format"] != FORMAT:
                found = f"{head['format']!r}; train anew"
                raise CorpusError(f"{path}: expected a run of format {FORMAT}, found {found}")
            return cls(
                path=path,
                language=head["language"],
                vocabulary=Vocabulary(head["vocabulary"]),
                settings=_settings(head["settings"]),
                sources=tuple(map(_source, head["sources"])),
                versions=head["versions"],
                origin=Origin(**head["from"]) if "from" in head else None,
            )
        except OSError as error:
            raise CorpusError(
                f"{path}: expected a run, found no run.json ({error.strerror}); "
                "make one with jamd train"
            ) from None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            why = printable(str(error))
            raise CorpusError(f"{path}/run.json: damaged ({why}); train anew") from error

    def write(self) -> None:
        """Write `run.json`."""
        self.path.mkdir(parents=True, exist_ok=True)
        head = {
            "format": FORMAT,
            "language": self.language,
            "settings": asdict(self.settings),
            "sources": [asdict(source) for source in self.sources],
            "versions": dict(self.versions),
            "vocabulary": list(self.vocabulary),
        }
        if self.origin is not None:
            head["from"] = asdict(self.origin)
        write_json(self.path / RUN, head)

    def with_budget(self, epochs: int | None, minutes: float | None) -> Run:
        """The same run with another training budget; None leaves it as it is."""
        settings = self.settings
        if epochs is not None:
            settings = replace(settings, epochs=epochs, minutes=None)
        if minutes is not None:
            settings = replace(settings, minutes=minutes)
        return replace(self, settings=settings)

    @property
    def start(self) -> Path:
        """The weights that it begins with, if it has an `origin`."""
        return self.path / "start.weights.h5"

    @property
    def best(self) -> Path:
        """The weights that did best on held-out pieces, or those that tuning has kept."""
        return self.path / "best.weights.h5"

    @property
    def tuned(self) -> Path:
        """Of a run with an `origin`, what was measured at its end: missing until then."""
        return self.path / "tuned.json"

    @property
    def size(self) -> GridSize | ArticleSize:
        """How large the network is."""
        s, vocabulary = self.settings, len(self.vocabulary)
        if self.language == "grid":
            shape = (s.inner, s.units, s.layers)
            return GridSize(vocabulary, *shape, s.dropout, s.weight_drop)
        return ArticleSize(vocabulary, s.units, s.inner, s.dropout)

    def network(self, weights: Path | None = None) -> keras.Model:
        """The network in the form that is exported and played.

        Args:
            weights: One of the run's weight files; None for the best.

        Raises:
            CorpusError: No weights have been saved, or they belong to another network.
        """
        size = self.size
        network = grid_network(size) if isinstance(size, GridSize) else article_network(size)
        weights = weights or self.best
        if not weights.is_file():
            raise CorpusError(
                f"{self.path}: expected a finished epoch, found none; train it further or, where "
                f"its loss was not finite, anew in another folder with a smaller --rate than "
                f"{self.settings.rate:g}"
            )
        load_weights(network, weights)
        return network

    def history(self) -> list[dict[str, Any]]:
        """The finished epochs, as docs/runs.md describes them."""
        path = self.path / "history.json"
        if not path.is_file():
            return []
        try:
            epochs: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{path}: damaged ({error}); delete it") from error
        return epochs


def _settings(item: Mapping[str, Any]) -> Settings:
    """Settings as in `run.json`. Raises ValueError or TypeError if they are invalid."""
    settings = Settings(**item)
    for field in fields(Settings):
        value: Any = getattr(settings, field.name)
        if field.name == "faithful":
            fits = isinstance(value, bool)
        elif field.name == "precision":
            fits = value in get_args(Precision)
        elif field.name == "minutes" and value is None:
            fits = True
        else:
            whole = isinstance(field.default, int)
            fits = 0 <= value < math.inf and isinstance(value, int if whole else (int, float))
            fits = fits and (value > 0 or field.name in _MAY_BE_ZERO)
        if not fits:
            raise ValueError(f"{field.name} {value!r}")
    return settings


def _source(item: Mapping[str, Any]) -> RunCorpus:
    source = RunCorpus(**item)
    texts: tuple[Any, ...] = (source.path, source.style)
    numbers: tuple[Any, ...] = (source.share, source.pieces, source.tokens)
    if not all(isinstance(text, str) for text in texts) or min(numbers) < 0:
        raise ValueError(f"the source {source.path!r}")
    return source


def load_weights(network: keras.Model, path: Path) -> None:
    """Give `network` the weights of a file that Keras wrote.

    Raises:
        CorpusError: The file is damaged, or belongs to another network.
    """
    try:
        with warnings.catch_warnings():
            # Keras only warns about layers whose weights it does not set.
            warnings.simplefilter("error", UserWarning)
            network.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, UserWarning) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorpusError(f"{path}: damaged ({reason}); train anew") from error


def save_weights(network: keras.Model, path: Path) -> None:
    """Replace the file at `path` by the weights of `network`.

    Raises:
        OSError: It cannot be written; if the disk has no room for it, before it is tried, because
            HDF5 may notice that only as the process ends, and crash it.
    """
    needed = 4 * network.count_params() + _BESIDE_WEIGHTS * len(network.weights)
    if shutil.disk_usage(path.parent).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    with written_whole(path) as new:
        network.save_weights(new)


def write_json(path: Path, content: Any) -> None:
    """Replace the file at `path` by `content` as JSON.

    The JSON is ASCII, so that a path that is not valid UTF-8 is read back unchanged.
    """
    text = json.dumps(content, indent=1) + "\n"
    with written_whole(path) as new:
        new.write_text(text, encoding="ascii")
