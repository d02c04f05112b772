"""The next batches are drawn and placed on the device while one is learned from."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_END = object()


def prefetched(items: Iterator[T], count: int = 2) -> Iterator[T]:
    """Yield the same items in the same order, drawing `count` of them ahead of time in a thread.

    An error that `items` raises is raised when its turn comes.
    """
    with ThreadPoolExecutor(1, "prefetch") as thread:
        coming = deque(thread.submit(next, items, _END) for _ in range(count))
        while (item := coming.popleft().result()) is not _END:
            coming.append(thread.submit(next, items, _END))
            yield item  # type: ignore[misc]
