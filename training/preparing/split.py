"""Which pieces are held out from training.

All files of one group, and all versions of a piece, fall on the same side of the split. The side
depends on what the file holds, not on its name, and, versions and the smallest folders aside, not
on which other files there are. So a corpus can grow without a piece changing sides, and a piece
that is in two corpora is on the same side in both.
"""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from collections.abc import Collection, Iterable

FEWEST_COMMON, COMMON = 3, 0.4
"""Two pieces are versions of one if they share this many phrases, and this share of the phrases of
the one that has fewer. No two of 272 eight-bar loops from as many songs do."""


def with_versions(pieces: Iterable[tuple[str, bytes]]) -> dict[tuple[str, bytes], str]:
    """The group of each piece, the same for all versions of a piece: the first of their names.

    A phrase counts for the first piece that has it, and for the versions found of that one. So the
    work grows with the pieces, however many versions there are.

    Args:
        pieces: The group and the phrases of each: see `jamd.training.preparing.pieces.group_of`.
    """
    different = sorted(set(pieces))
    leader = list(range(len(different)))  # of each piece, a version that comes first, or itself

    def lead(piece: int) -> int:
        while leader[piece] != piece:
            leader[piece] = piece = leader[leader[piece]]
        return piece

    def unite(one: int, other: int) -> None:
        first, second = sorted((lead(one), lead(other)))
        leader[second] = first

    sizes: list[int] = []
    owners: dict[int, int] = {}  # of each phrase, the first piece that has it
    for number, (group, packed) in enumerate(different):
        if number and different[number - 1][0] == group:
            unite(number - 1, number)
        phrases = struct.unpack(f"<{len(packed) // 8}Q", packed)
        sizes.append(len(phrases))
        common = Counter(lead(owners[phrase]) for phrase in phrases if phrase in owners)
        for other, count in common.items():
            if count >= max(FEWEST_COMMON, COMMON * min(sizes[other], sizes[number])):
                unite(other, number)
        for phrase in phrases:
            owners.setdefault(phrase, number)
    return {piece: different[lead(number)][0] for number, piece in enumerate(different)}


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
