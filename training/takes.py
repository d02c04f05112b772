"""Jams -> a corpus in which what the player played is to be learned, and the rest is given."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jamd.grid import Grid
from jamd.grid_tokens import END, VOCABULARY
from jamd.language import Constraints, Context
from jamd.training.corpus import Corpus, CorpusWriter
from jamd.training.pieces import held_out_of


def write_corpus(takes: Sequence[Sequence[Context]], path: Path, held_out: float) -> Corpus:
    """Write the takes as a corpus of the grid language; a take is held out whole or not at all.

    Args:
        takes: The contexts of each, with `played` marking what is given.
        path: The corpus's folder.
        held_out: The share of takes to hold out, 0..1.
    """
    names = [_name(take) for take in takes]
    chosen = held_out_of(set(names), held_out)
    with CorpusWriter(path) as writer:
        masks = []
        styles = set()
        for name, take in zip(names, takes, strict=True):
            for context in take:
                styles.add(context.style)
                writing = Grid().begin(context, Constraints())
                tokens = np.array([*writing.tokens, END], np.uint16)
                masks.append(np.array([*writing.from_player, False], np.bool_))
                writer.add(
                    tokens,
                    source=f"take {name}",
                    group=name,
                    split="held-out" if name in chosen else "train",
                    notes=len(context.by_player),
                    has_velocity=True,
                )
        np.save(path / "taught.npy", np.concatenate(masks))
        style = styles.pop() if len(styles) == 1 else "other"
        return writer.finish(language="grid", vocabulary=VOCABULARY, style=style, left_out=())


def _name(take: Sequence[Context]) -> str:
    """By what was played: the same take is on the same side, whatever its file is called."""
    notes = [(n.onset, n.pitch, n.duration) for context in take for n in context.by_player]
    return hashlib.sha256(repr(notes).encode()).hexdigest()[:16]
