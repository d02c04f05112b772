"""How much a sequence repeats itself: pure functions over tokens, names or anything hashable."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def longest_repeat(sequence: Sequence[Hashable]) -> int:
    """The length of the longest stretch that occurs twice without overlapping; 0 if none does.

    For a sequence that loops for ever this is half its length.

    Uses a suffix automaton (Blumer et al., "The smallest automaton recognizing the subwords of a
    text", 1985), built in time proportional to the length. Each of its states stands for stretches
    that end at the same places, the longest of which has `length` items: it occurs twice without
    overlap if the first and the last of those places are at least its length apart.
    """
    follows: list[dict[Hashable, int]] = [{}]
    length, shorter, first = [0], [-1], [-1]

    def add(size: int, transitions: dict[Hashable, int], link: int, end: int) -> int:
        follows.append(transitions)
        length.append(size)
        shorter.append(link)
        first.append(end)
        return len(length) - 1

    whole = 0
    ends: list[int] = []  # the state of each prefix
    for end, item in enumerate(sequence):
        before, whole = whole, add(length[whole] + 1, {}, 0, end)
        ends.append(whole)
        while before >= 0 and item not in follows[before]:
            follows[before][item] = whole
            before = shorter[before]
        if before < 0:
            continue
        target = follows[before][item]
        if (
            length[target] > length[before] + 1
        ):  # its shorter stretches end here too: split the state
            longer, link = target, shorter[target]
            target = add(length[before] + 1, dict(follows[longer]), link, first[longer])
            shorter[longer] = target
            while before >= 0 and follows[before].get(item) == longer:
                follows[before][item] = target
                before = shorter[before]
        shorter[whole] = target

    last = list(first)
    for end, state in enumerate(ends):
        last[state] = end
    by_length = sorted(range(1, len(length)), key=length.__getitem__, reverse=True)
    for state in by_length:
        last[shorter[state]] = max(last[shorter[state]], last[state])
    return max((min(length[s], last[s] - first[s]) for s in by_length), default=0)


def distinct_share(sequence: Sequence[Hashable], n: int) -> float:
    """The share of stretches of `n` items that are distinct, 0..1; 1 if there are none.

    Distinct-n of Li et al., "A diversity-promoting objective function for neural conversation
    models" (2016).

    Raises:
        ValueError: `n` is below 1.
    """
    if n < 1:
        raise ValueError(f"expected stretches of 1 item or more, found {n}")
    stretches = [tuple(sequence[at : at + n]) for at in range(len(sequence) - n + 1)]
    return len(set(stretches)) / len(stretches) if stretches else 1.0
