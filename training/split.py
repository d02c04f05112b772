"""Which pieces are held out from training.

All files of one group fall on the same side of the split, and the side depends on what the file
holds, not on its name nor, in all but the smallest folders, on which other files there are. So a
corpus can grow without a piece changing sides, and a piece that is in two corpora is on the same
side in both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection


def held_out_of(groups: Collection[str], share: float) -> set[str]:
    """The groups that are kept from training.

    A group's own name decides, so that it is on the same side in every corpus. Only where that
    would hold out none of several is the likeliest of them held out all the same: without, nothing
    could be measured.

    Args:
        groups: As `group_of` names them.
        share: The share of groups to hold out, 0 (none at all) to 1. What a smaller share holds
            out, a larger one does too.
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
