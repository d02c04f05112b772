"""Token <-> id. A vocabulary is a list of names; a token's id is its place in the list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property


class Vocabulary:
    """An ordered set of token names.

    A name is `Kind_value` (`Position_12`, `Lead_60`) or, in a language with only one kind, any
    printable text. Names are unique and not empty.

    Raises:
        ValueError: A name is empty, repeated or not printable.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = tuple(tokens)
        self._ids = {token: i for i, token in enumerate(self.tokens)}
        if len(self._ids) != len(self.tokens):
            raise ValueError("a vocabulary's tokens must differ from each other")
        if "" in self._ids or not all(map(str.isprintable, self.tokens)):
            raise ValueError("a token must be a printable text of one line, not an empty one")

    def __len__(self) -> int:
        return len(self.tokens)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def id(self, token: str) -> int:
        """The id of `token`. Raises KeyError if it is not in the vocabulary."""
        return self._ids[token]

    def token(self, token_id: int) -> str:
        """The name of `token_id`, 0..len-1."""
        return self.tokens[token_id]

    def kind(self, token_id: int) -> str:
        """What comes before the first underscore: `Position`, `Lead`, `Duration` and so on."""
        return self.tokens[token_id].partition("_")[0]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the names in order, in hexadecimal: equal means the same ids."""
        return hashlib.sha256("\n".join(self.tokens).encode()).hexdigest()
