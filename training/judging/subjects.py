"""What is evaluated, and on what: runs, bundles, corpora and files of music."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jamd.bundle.bundle import Bundle, resolve
from jamd.bundle.inference import CPU, open_session, prove
from jamd.errors import CorpusError
from jamd.training.corpus import Corpus, LeftOut
from jamd.training.judging import predictors
from jamd.training.judging.evaluate import Sample, sample_of
from jamd.training.judging.predictors import Network
from jamd.training.learning.run_folder import is_meant_as_run
from jamd.training.preparing.prepare import Options, prepare
from jamd.training.progress import Progress
from jamd.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jamd.training.learning.runs import Run


@dataclass(frozen=True, slots=True)
class Subject:
    """A model that can be evaluated.

    Attributes:
        name: A description of the model.
        language: `grid` or `article`.
        vocabulary: Its tokens.
        network: The model as a predictor.
    """

    name: str
    language: str
    vocabulary: Vocabulary
    network: Network


def open_subject(name: str, precision: str | None) -> Subject:
    """Open the run in folder `name`, or the bundle of that name.

    Args:
        name: A folder, or `default` for the bundle that jamd is shipped with.
        precision: Which graph of a bundle to use; None for the most exact one.

    Raises:
        UserError: There is neither, or it is damaged.
    """
    path = resolve(name)
    if is_meant_as_run(path):
        return _open_run(path)
    bundle = Bundle.read(path)
    chosen = precision or bundle.precisions[0]
    session = open_session(bundle.graph_path(chosen), CPU, os.cpu_count() or 1)
    vocabulary = Vocabulary(bundle.manifest.vocabulary)
    network = predictors.of_session(session, vocabulary=len(vocabulary))

    def logits(tokens: Sequence[int]) -> NDArray[np.float32]:
        return np.concatenate(list(network.logits(np.array(tokens))))

    prove(path, len(vocabulary), logits)
    name = f"bundle {path}, {chosen} in onnxruntime"
    return Subject(name, bundle.manifest.language, vocabulary, network)


def _open_run(path: Path) -> Subject:
    from jamd.training.backend import load_backend

    backend = load_backend()
    from jamd.training.learning.runs import Run

    run = Run.read(path)
    network = predictors.of_keras(run.network(), vocabulary=len(run.vocabulary))
    return Subject(f"run {path}, Keras on {backend}", run.language, run.vocabulary, network)


def read_corpus(path: Path, vocabulary: Vocabulary) -> Corpus:
    """Open a corpus for a model with this vocabulary.

    An article corpus has its own numbering of names; it is converted to the model's.

    Raises:
        CorpusError: It is missing, damaged, or has a token that the model does not have.
    """
    corpus = Corpus.read(path)
    if corpus.vocabulary.fingerprint == vocabulary.fingerprint:
        return corpus
    unknown = [token for token in corpus.vocabulary if token not in vocabulary]
    if unknown or corpus.language == "grid":
        raise CorpusError(
            f"{path}: expected a corpus that the model was trained on, found one of the "
            f"{corpus.language} language with {len(unknown)} tokens that the model does not have"
        )
    ids = np.array([vocabulary.id(token) for token in corpus.vocabulary], np.uint16)
    return replace(corpus, vocabulary=vocabulary, all_tokens=ids[corpus.all_tokens])


def corpora_of(run: Run) -> list[Corpus]:
    """The corpora that a run reads, in the run's tokens.

    Raises:
        CorpusError: One of them is missing, damaged, or has tokens that the run does not have.
    """
    return [read_corpus(Path(source.path), run.vocabulary) for source in run.sources]


def opening(run: Run, seed: int) -> list[int]:
    """32 tokens of its training pieces, for a run of the article's language to go on from.

    Raises:
        CorpusError: As `corpora_of`.
    """
    from jamd.training.learning.windows import random_row

    pieces = [
        corpus.tokens(piece) for corpus in corpora_of(run) for piece in corpus.of_split("train")
    ]
    row: list[int] = random_row(pieces, seed, across=run.settings.faithful).tolist()
    return row


@dataclass(frozen=True, slots=True)
class FilesRead:
    """Music out of files, in the tokens of a model.

    Attributes:
        samples: Its pieces.
        left_out: Files of which nothing could be made.
        tokens: How many tokens they have, the unknown ones included.
        unknown: How many of these are left out because an article model has no name for them.
    """

    samples: list[Sample]
    left_out: tuple[LeftOut, ...]
    tokens: int
    unknown: int


def read_files(files: Sequence[str], subject: Subject, style: str, progress: Progress) -> FilesRead:
    """Read music as `jamd prepare` does, into a model's tokens.

    Raises:
        UserError: A file is missing, or none can be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = Options(language=subject.language, style=style, held_out=1.0, jobs=1)
        corpus = prepare(files, Path(folder), options, progress).corpus
        ids = np.array(
            [subject.vocabulary.id(t) if t in subject.vocabulary else -1 for t in corpus.vocabulary]
        )
        samples, total, unknown = [], 0, 0
        for entry in corpus.pieces:
            sample = sample_of(corpus, entry)
            tokens = ids[sample.tokens]
            known = tokens >= 0
            samples.append(Sample(tokens[known], sample.counted[known]))
            total += len(tokens)
            unknown += int((~known).sum())
        return FilesRead(samples, corpus.left_out, total, unknown)
