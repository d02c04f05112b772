"""Jams -> a corpus in which the player's notes are learned, and the rest is only context."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from jamd.grid.grid import Grid
from jamd.grid.tokens import END, VOCABULARY
from jamd.language import Constraints, Context
from jamd.training.corpus import Corpus, CorpusWriter
from jamd.training.preparing.split import held_out_of


def write_corpus(takes: Mapping[str, Sequence[Context]], path: Path, held_out: float) -> Corpus:
    """Write takes as a corpus of the grid language; a take is held out as a whole or not at all.

    Args:
        takes: By name, the contexts of each, with what is given as `played`.
        path: The corpus's folder.
        held_out: The share of takes to hold out, 0..1.
    """
    groups = {name: _group(take) for name, take in takes.items()}
    chosen = held_out_of(set(groups.values()), held_out)
    with CorpusWriter(path) as writer:
        styles: Counter[str] = Counter()
        for name, take in takes.items():
            for context in take:
                styles[context.style] += len(context.heard)
                writing = Grid().begin(context, Constraints())
                tokens = np.array([*writing.tokens, END], np.uint16)
                writer.add(
                    tokens,
                    source=name,
                    group=groups[name],
                    split="held-out" if groups[name] in chosen else "train",
                    notes=len(context.heard),
                    has_velocity=True,
                    taught=np.array([*writing.from_player, False], np.bool_),
                )
        ((style, _),) = styles.most_common(1)  # the style to play in, though each take has its own
        return writer.finish(language="grid", vocabulary=VOCABULARY, style=style, left_out=())


def _group(take: Sequence[Context]) -> str:
    """The group, by what was played: a take is on the same side whatever its file is called."""
    notes = [(n.onset, n.pitch, n.duration) for context in take for n in context.heard]
    return hashlib.sha256(repr(notes).encode()).hexdigest()[:16]
