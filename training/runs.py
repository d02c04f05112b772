"""A training run on disk.

    run.json          what is trained, on what, how: written once, when the run begins
    start.weights.h5  what it begins with, where it goes on from another network
    best.weights.h5   the weights of the network that did best on held-out pieces
    improvements/     those weights at every improvement, named by epoch and loss
    last.npz          weights, optimiser and counters of the last epoch: where a resumed run goes on
    history.json      each epoch's losses and accuracies
    history.png       the same, drawn

Each file is replaced whole, so that a kill at any moment leaves a run that can be resumed.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import keras

from jamd.errors import CorpusError
from jamd.training.corpus import Corpus
from jamd.training.network import (
    ArticleSize,
    GridSize,
    article_network,
    grid_network,
)
from jamd.training.precision import Precision
from jamd.training.run_folder import RUN
from jamd.vocabulary import Vocabulary
from jamd.writing import written_whole

FORMAT = 1
"""The version of the format that is written, and the only one that is read."""

Preset = Literal["default", "tiny"]

ARTICLE_EPOCHS = 200
"""For how long the article trains."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train. What a language has no use for is ignored.

    Attributes:
        units: Width of each LSTM layer.
        layers: LSTM layers of a grid network; the article's has three.
        inner: Width of the embedding of a grid network, of the Dense layers of an article network.
        dropout: Share of values left out, 0..1.
        rows: Rows, or windows, in a batch.
        window: Tokens in a window of the grid; an article's has 32.
        rate: The highest learning rate, after the warm-up.
        epoch_steps: Batches in an epoch; an article's epoch ends earlier when it has read all.
        epochs: When to stop, if `minutes` is None.
        minutes: Wall time after which to stop.
        seed: Of the first weights, the order of pieces, their keys and the dropout.
        oversample: Repeat an article's windows until each next name has so many; 0: as they are.
        faithful: Train an article's network with the article's faults: windows cross pieces, and
            held-out pieces are not looked at, so that the best epoch is that of the lowest
            training loss. What the run writes has the article's faults, too.
        precision: What is computed in (`jamd.training.precision`); the weights are float32.
    """

    units: int = 384
    layers: int = 2
    inner: int = 256
    dropout: float = 0.1
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
    # The article's numbers, but for `ARTICLE_EPOCHS`: more than 30 overfit one small corpus.
    ("article", "default"): Settings(
        units=512, inner=256, dropout=0.3, rate=1e-3, epoch_steps=1_000_000, epochs=30
    ),
    ("article", "tiny"): Settings(
        units=24, inner=16, dropout=0.1, rate=3e-3, epoch_steps=60, epochs=3
    ),
}


def preset(language: str, name: Preset) -> Settings:
    """The settings to begin with for a language, `grid` or `article`."""
    return _SETTINGS[language, name]


@dataclass(frozen=True, slots=True)
class Source:
    """A corpus that a run reads.

    Attributes:
        path: Where it was.
        style: One of `jamd.grid_tokens.STYLES`.
        share: Its style's part of what is read, 0..1.
        pieces: Pieces for training.
        tokens: Their tokens.
        fingerprint: What `Corpus.fingerprint` was; "" in early runs.
    """

    path: str
    style: str
    share: float
    pieces: int
    tokens: int
    fingerprint: str = ""

    @classmethod
    def of(cls, corpus: Corpus, style: str, share: float, pieces: int) -> Source:
        """`corpus` as it is now; its path, its tokens and its fingerprint are its own."""
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
    """What a run goes on from, so that a bundle made of it can say so.

    Attributes:
        name: What the bundle or run was called.
        sources: What that learned from: name of a set -> who made it, and its licence.
        given: What was given to learn, as on the command line.
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
        versions: Of jamd, Keras and its backend: what else the result depends on.
        origin: What it goes on from; None where it begins with nothing.
    """

    path: Path
    language: str
    vocabulary: Vocabulary
    settings: Settings
    sources: tuple[Source, ...]
    versions: Mapping[str, str]
    origin: Origin | None = None

    @classmethod
    def read(cls, path: Path) -> Run:
        """Open the run in folder `path`.

        Raises:
            CorpusError: There is none, it is of another format, or it is damaged.
        """
        try:
            head = json.loads((path / RUN).read_text(encoding="utf-8"))
            if head["format"] != FORMAT:
                raise CorpusError(
                    f"{path}: expected a run of format {FORMAT}, found {head['format']}; train anew"
                )
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
        except (ValueError, KeyError, TypeError) as error:
            raise CorpusError(f"{path}/run.json: damaged ({error}); train anew") from error

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
        """The same run, to be trained for longer or shorter; None leaves the budget as it is."""
        settings = self.settings
        if epochs is not None:
            settings = replace(settings, epochs=epochs, minutes=None)
        if minutes is not None:
            settings = replace(settings, minutes=minutes)
        return replace(self, settings=settings)

    @property
    def start(self) -> Path:
        """The weights that it begins with, where it has an `origin`."""
        return self.path / "start.weights.h5"

    @property
    def size(self) -> GridSize | ArticleSize:
        """How large the network is."""
        s, vocabulary = self.settings, len(self.vocabulary)
        if self.language == "grid":
            return GridSize(vocabulary, s.inner, s.units, s.layers, s.dropout)
        return ArticleSize(vocabulary, s.units, s.inner, s.dropout)

    def network(self, weights: Path | None = None) -> keras.Model:
        """The network in the form that is exported and played.

        Args:
            weights: One of its files of weights; None for the best.

        Raises:
            CorpusError: No weights have been saved, or they are of another network.
        """
        size = self.size
        network = grid_network(size) if isinstance(size, GridSize) else article_network(size)
        weights = weights or self.path / "best.weights.h5"
        if not weights.is_file():
            raise self.nothing_saved()
        load_weights(network, weights)
        return network

    def nothing_saved(self) -> CorpusError:
        """What to raise where weights are expected and none have been saved."""
        return CorpusError(
            f"{self.path}: expected a finished epoch, found none; train it further or, where its "
            f"loss was not finite, anew in another folder with a smaller --rate than "
            f"{self.settings.rate:g}"
        )

    def history(self) -> list[dict[str, Any]]:
        """Each finished epoch, as docs/runs.md describes it."""
        path = self.path / "history.json"
        if not path.is_file():
            return []
        try:
            epochs: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CorpusError(f"{path}: damaged ({error}); delete it") from error
        return epochs


def _settings(item: Mapping[str, Any]) -> Settings:
    """Settings as `run.json` tells them. Raises ValueError and TypeError where none are so."""
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
            fits = fits and (value > 0 or field.name in ("seed", "oversample", "dropout"))
        if not fits:
            raise ValueError(f"{field.name} {value!r}")
    return settings


def _source(item: Mapping[str, Any]) -> Source:
    source = Source(**item)
    texts: tuple[Any, ...] = (source.path, source.style)
    numbers: tuple[Any, ...] = (source.share, source.pieces, source.tokens)
    if not all(isinstance(text, str) for text in texts) or min(numbers) < 0:
        raise ValueError(f"the source {source.path!r}")
    return source


def load_weights(network: keras.Model, path: Path) -> None:
    """Give `network` the weights of a file that Keras wrote.

    Raises:
        CorpusError: The file is damaged, or of another network.
    """
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers that it leaves as they began.
            warnings.simplefilter("error", UserWarning)
            network.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, UserWarning) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorpusError(f"{path}: damaged ({reason}); train anew") from error


def write_json(path: Path, content: Any) -> None:
    """Replace the file at `path` by `content` as JSON."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    with written_whole(path) as new:
        new.write_text(text, encoding="utf-8")
