"""Which pieces are held out from training.

All files of one group fall on the same side of the split. The side depends on what the file holds,
not on its name, and, in all but the smallest folders, not on which other files there are. So a
corpus can grow without a piece changing sides, and a piece that is in two corpora is on the same
side in both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection


def held_out_of(groups: Collection[str], share: float) -> set[str]:
    """The groups that are held out from training.

    A hash of its name decides about each group, so that it is on the same side in every corpus. If
    this would hold out none of several groups, the one nearest to being held out is held out after
    all: otherwise nothing could be measured.

    Args:
        groups: Names of groups, as from `group_of`.
        share: The share of groups to hold out, 0 (none at all) to 1. Groups that a smaller share
            holds out are held out by a larger one too.
    """
    if not share:
        return set()
    held_out = {group for group in groups if _lot(group) < share}
    if not held_out and len(set(groups)) > 1:
        return {min(groups, key=_lot)}
    return held_out


def _lot(group: str) -> float:
    digest = hashlib.sha256(group.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
