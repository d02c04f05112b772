"""The excerpts that a bundle contains of the music that it learned from.

A network that is trained on something new forgets what it is no longer shown (McCloskey and Cohen,
"Catastrophic interference in connectionist networks", 1989). Rehearsing a little of the old music
prevents most of this (Robins, "Catastrophic forgetting, rehearsal and pseudorehearsal", 1995). The
corpora are not shipped with jamd, but some dozens of excerpts of each are, 180 kB in all: excerpts
of training pieces to rehearse, and of held-out pieces to measure how much is forgotten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jamd.bundle.bundle import REHEARSAL, Bundle
from jamd.bundle.manifest import Excerpt, Rehearsal
from jamd.errors import BundleError
from jamd.grid.grid import Grid
from jamd.grid.tokens import VOCABULARY
from jamd.grid.writer import of_kind
from jamd.training.corpus import Corpus, CorpusPiece, CorpusWriter, Split
from jamd.training.learning.passages import cut

EXCERPT = 384
"""Tokens in an excerpt: about eight bars."""

OF_TRAINING, OF_HELD_OUT = 24, 10
"""How many excerpts are taken of each corpus, from each side of its split."""

NAME = "before"
"""Name of the rehearsed music, whatever its styles."""


def rehearsal_of(corpora: Sequence[Corpus]) -> tuple[Rehearsal, bytes]:
    """Excerpts of corpora of the grid language, as a manifest describes them and as a file.

    The same corpora give the same excerpts. If a corpus has too few pieces, some give several.
    """
    excerpts: list[tuple[CorpusPiece, NDArray[np.integer]]] = []
    for corpus in corpora:
        rng = np.random.default_rng(0)
        sides: tuple[tuple[Split, int], ...] = (("train", OF_TRAINING), ("held-out", OF_HELD_OUT))
        for split, count in sides:
            pieces = corpus.of_split(split)
            order = rng.permutation(len(pieces))
            for i in range(count if pieces else 0):
                piece = pieces[order[i % len(pieces)]]
                excerpts.append((piece, cut(corpus.tokens(piece).astype(np.int32), rng, EXCERPT)))
    return _packed(excerpts)


def copied(corpus: Corpus) -> tuple[Rehearsal, bytes]:
    """The rehearsal from which `write_corpus` made `corpus`, for a bundle tuned from its."""
    return _packed([(piece, corpus.tokens(piece)) for piece in corpus.pieces])


def _packed(excerpts: Sequence[tuple[CorpusPiece, NDArray[np.integer]]]) -> tuple[Rehearsal, bytes]:
    """Pack excerpts, each given with the piece that it is from."""
    data = b"".join(tokens.astype("<u2").tobytes() for _, tokens in excerpts)
    told = tuple(
        Excerpt(len(tokens), piece.split == "held-out", piece.has_velocity)
        for piece, tokens in excerpts
    )
    return Rehearsal(len(data), hashlib.sha256(data).hexdigest(), told), data


def write_corpus(bundle: Bundle, path: Path) -> Corpus | None:
    """Write a bundle's excerpts as a corpus to train on; returns None if it has none.

    Raises:
        BundleError: An excerpt is not in the grid language.
    """
    rehearsal = bundle.manifest.rehearsal
    if rehearsal is None:
        return None
    tokens = np.frombuffer((bundle.path / REHEARSAL).read_bytes(), "<u2").astype(np.uint16)
    is_pitch = of_kind("Lead", "Comp")
    with CorpusWriter(path) as writer:
        start = 0
        for number, excerpt in enumerate(rehearsal.excerpts):
            own = tokens[start : start + excerpt.tokens]
            start += excerpt.tokens
            source = f"{REHEARSAL}#{number + 1}"
            try:
                Grid().decode(own.tolist())
            except ValueError as error:
                raise BundleError(
                    f"{bundle.path / source}: expected an excerpt in the grid language: {error}"
                ) from None
            writer.add(
                own,
                source=source,
                group=hashlib.sha256(own.tobytes()).hexdigest()[:16],
                split="held-out" if excerpt.held_out else "train",
                notes=int(is_pitch[own].sum()),
                has_velocity=excerpt.has_velocity,
            )
        return writer.finish(language="grid", vocabulary=VOCABULARY, style="other", left_out=())
