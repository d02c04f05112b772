"""How long work reports its progress."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with how far a step has come."""

    def __call__(self, step: str, done: int, of: int) -> None: ...


def no_progress(step: str, done: int, of: int) -> None:
    """Do nothing."""
