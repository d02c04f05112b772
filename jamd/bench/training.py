"""Training beside the network and the `fit` of the article that jamd grew out of."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jamd.bench.report import Row, left_out, times_faster
from jamd.errors import SourceError

if TYPE_CHECKING:
    import keras

    from jamd.training.corpus import Corpus
    from jamd.training.learning.lessons import GridLessons

_BACH = "music21:bach"  # comes with music21


def rows(
    midi: Path | None = None, songs: int = 12, units: int = 512, blocks: int = 3, steps: int = 2
) -> Iterator[Row]:
    """Measure the microseconds that a predicted token takes.

    Both learn from the same songs, in batches of 64 rows, in turns, after a first step that is not
    counted. jamd's network has two LSTM layers and an embedding of `units`, which makes about as
    many weights as the article's three of `units` and its Dense layers of half of that. A row of
    jamd's is 128 tokens, each of them predicted; a row of the article's is 32 and predicts one.

    Args:
        midi: A folder of MIDI files; None for chorales by Bach.
        songs: How many are read.
        units: Width of the LSTM layers; 512 is the article's.
        blocks: How often each side is measured.
        steps: Batches in a block of the article's; one of jamd's has one.
    """
    try:
        import music21  # noqa: F401 - both sides need the train extra
    except ModuleNotFoundError:
        yield left_out("training", "it needs pip install 'jamd[train]'")
        return
    from jamd.training.backend import load_backend

    with tempfile.TemporaryDirectory(prefix="jamd-bench-") as scratch:
        source = _BACH if midi is None else str(midi)
        tokens = _prepared(source, songs, "grid", Path(scratch))
        names = _prepared(source, songs, "article", Path(scratch))
        load_backend()
        lessons, computed = _lessons(tokens, units)
        network = _article_network(len(names.vocabulary), units)
        examples = _article_examples(names, 64 * steps)
    _jamd_us(lessons)
    _article_us(network, examples)
    ours, theirs = [], []
    for _ in range(blocks):
        ours.append(_jamd_us(lessons))
        theirs.append(_article_us(network, examples))
    yield times_faster(
        f"training in {computed}, a token, {_thousands(lessons.network)} weights",
        "us",
        ours,
        f"article's network and model.fit, {_thousands(network)} weights",
        theirs,
        10,
    )


def _thousands(network: keras.Model) -> str:
    return f"{network.count_params() / 1000:,.0f}k"


def _prepared(source: str, songs: int, language: str, scratch: Path) -> Corpus:
    from jamd.training.preparing.prepare import Options, prepare

    options = Options(language=language, sample=songs, held_out=0.0)
    return prepare([source], scratch / language, options).corpus


def _lessons(corpus: Corpus, units: int) -> tuple[GridLessons, str]:
    """How jamd is trained on a corpus, and the precision that it computes in."""
    from jamd.training.learning.lessons import GridLessons
    from jamd.training.learning.network import GridSize
    from jamd.training.learning.passages import Text
    from jamd.training.learning.precision import policy
    from jamd.training.learning.runs import preset

    texts = [
        Text(corpus.tokens(piece).astype(np.int32), corpus.style, piece.has_velocity)
        for piece in corpus.pieces
    ]
    settings = preset("grid", "default")
    size = GridSize(len(corpus.vocabulary), embedding=units, units=units)
    lessons = GridLessons(size, settings, texts, [], {}, seed=1)
    return lessons, policy(settings.precision)


def _jamd_us(lessons: GridLessons) -> float:
    """Microseconds per token, in one step."""
    began = time.perf_counter()
    lessons.learn()
    tokens = lessons.score().tokens
    return 1e6 * (time.perf_counter() - began) / tokens


def _article_network(vocabulary: int, units: int) -> keras.Model:
    """What the article compiles: its network with softmax, for names as one-hot vectors."""
    import keras

    from jamd.training.learning.network import ArticleSize, article_network

    size = ArticleSize(vocabulary, units, units // 2)
    network = article_network(size)
    network.add(keras.layers.Softmax())
    network.compile(loss="categorical_crossentropy", optimizer="rmsprop")
    return network


def _article_examples(corpus: Corpus, count: int) -> tuple[Any, Any]:
    """`count` windows of 32 names and what follows each as a one-hot vector, as in the article."""
    import keras

    from jamd.training.learning.windows import article_windows

    pieces = [corpus.tokens(piece) for piece in corpus.pieces]
    windows = article_windows(pieces, len(corpus.vocabulary), across=True)
    if not len(windows):
        raise SourceError("expected more than 32 notes and chords to train on, found fewer")
    read, following = windows.batch(np.resize(np.arange(len(windows)), count))
    return read, keras.utils.to_categorical(following, len(corpus.vocabulary))


def _article_us(network: keras.Model, examples: Sequence[Any]) -> float:
    """Microseconds per predicted name, in an epoch; getting ready for it is not counted."""
    import keras

    edges: list[float] = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: edges.append(time.perf_counter()),
        on_epoch_end=lambda *_: edges.append(time.perf_counter()),
    )
    network.fit(*examples, epochs=1, batch_size=64, callbacks=[watch], verbose=0)
    return 1e6 * (edges[1] - edges[0]) / len(examples[0])
